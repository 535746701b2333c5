"""A graph is checked against its model; what is wrong with its inputs is never held against it."""

import numpy as np
import pytest
from amaranth.hdl import Module, unsigned
from amaranth.lib.wiring import In, Out
from helpers.bench import raises
from sdpaflow.graph import Dataflow, Stream
from sdpaflow.numerics import UQ, Add, Narrow, Sum
from sdpaflow.units import Unit, tokens
from sdpaflow_sim.checking import check
from sdpaflow_sim.errors import FramingError, InputError, MismatchError
from sdpaflow_sim.streams import stream_of, values_of

BYTE = UQ(8)


class Summed(Dataflow):
    """Two streams of groups, added and narrowed; and each group's sum."""

    def __init__(self):
        super().__init__()
        a = self.input(BYTE, 1)
        b = self.input(BYTE, 1)
        both = self.map(Add(BYTE, BYTE), a, b)
        short = self.map(Narrow(both.shape, UQ(6)), both)
        o = self.reduce(Sum(UQ(6), growth=4), short)
        self.output(o=o)


class Wrapping(Unit):
    """Adds 200 in 8 bits, and says when that wraps.

    ``wrong`` is the fault that its hardware has: a bit of the data, or a flag that is not raised.
    """

    def __init__(self, wrong=None):
        self.wrong = wrong
        ports = {"i": In(tokens(unsigned(8), 0)), "o": Out(tokens(unsigned(8), 0))}
        super().__init__(ports, flags=["wrapped", "odd"])

    def model(self, i):
        total = i.data + 200
        return Stream(total % 256, i.last), {"wrapped": int((total > 255).sum())}

    def elaborate(self, platform):
        m = Module()
        total = self.i.payload.data + 200
        fire = self.i.valid & self.i.ready
        m.d.comb += [
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready),
            self.o.payload.data.eq(total ^ (self.wrong == "data")),
            self.events["odd"].eq(fire & total[0]),
        ]
        if self.wrong != "flag":
            m.d.comb += self.events["wrapped"].eq(fire & (total > 255))
        self.remember(m)
        return m


class Own(Dataflow):
    """A unit of one's own in a graph."""

    def __init__(self, wrong=None):
        super().__init__()
        x = self.input(unsigned(8))
        o = self.add(Wrapping(wrong), i=x)
        self.output(o=o)


def of(a, b):
    return {"a": stream_of(BYTE, a, 1), "b": stream_of(BYTE, b, 1)}


GOOD = of([[1, 2], [60]], [[3, 4], [50]])


def test_outputs_are_the_models():
    """And the trace has what was seen: cycles, counts, and levels that were asked for."""
    outputs, trace = check(Summed(), GOOD, levels=["both"], stalls="10", engine="amaranth")
    assert values_of(outputs["o"], UQ(10)) == [10, 63]
    assert trace.flags["saturated"]["short"] == 1
    assert list(trace.levels) == ["both"]
    assert len(trace.levels["both"]) == trace.cycles


@pytest.mark.parametrize("engine", ["amaranth", "verilator"])
def test_flags_of_ones_own_are_compared(engine):
    """Those that the model counts; others are counted only."""
    inputs = {"x": stream_of(unsigned(8), range(100, 110))}
    outputs, trace = check(Own(), inputs, engine=engine)
    assert outputs["o"].data.tolist() == [x + 200 - 256 for x in range(100, 110)]
    assert trace.flags == {"wrapped": {"o": 10}, "odd": {"o": 5}}
    with raises(MismatchError, "wrapped of o was raised 0 times, but its model has 10"):
        check(Own("flag"), inputs, engine=engine)
    with raises(MismatchError, "token 0 of o is 0x2d, but its model gives 0x2c"):
        check(Own("data"), inputs, engine=engine)


@pytest.fixture
def never(monkeypatch):
    """No engine may be asked: what is wrong is found before."""
    monkeypatch.setattr("sdpaflow_sim.checking.ENGINES", {})


LAST = np.array([[False], [True]])


@pytest.mark.usefixtures("never")
@pytest.mark.parametrize(
    ("inputs", "kind", "message"),
    [
        ({"a": GOOD["a"]}, ValueError, "Input b is missing; inputs are: a, b"),
        ({**GOOD, "c": GOOD["a"]}, ValueError, "There is no input 'c'; inputs are: a, b"),
        ([1, 2], TypeError, "Inputs must be a dict of Streams by name of the input, not [1, 2]"),
        ({**GOOD, "b": [1, 2]}, TypeError, "b must be a Stream, not [1, 2]"),
        ({**GOOD, "b": stream_of(BYTE, [1, 2])}, ValueError, "b must be of rank 1, not 0"),
        (
            {**GOOD, "b": Stream(np.array([0.5, 1.5]), LAST)},
            TypeError,
            "b must hold raw integers, not floats: quantise them, as stream_of does",
        ),
        (
            {**GOOD, "b": Stream(np.array([1, 99999]), LAST)},
            ValueError,
            "Token 1 of b is 99999, but raw values of UQ(8,0) are 0 to 255",
        ),
        (
            {**GOOD, "b": Stream(np.array([1, 2]), ~LAST)},
            ValueError,
            "b ends within a group: its last token, 1, must have last[0]",
        ),
        (
            {**GOOD, "b": Stream(np.array([1, 2, 3]), LAST)},
            ValueError,
            "b must be an array of 2 numbers for as many bits last, not of 3",
        ),
    ],
)
def test_inputs_are_checked_before_anything_is_run(inputs, kind, message):
    """The port is named, what was given, and what would be right."""
    with raises(kind, message):
        check(Summed(), inputs)


@pytest.mark.usefixtures("never")
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([[1], [2]], [[1]], "both (Map): a and b disagree: 2 tokens of a against 1 token of b"),
        (
            [[1, 2]],
            [[1], [2]],
            "both (Map): a and b disagree on where groups end, from token 0 on",
        ),
    ],
)
def test_inputs_that_do_not_fit_together(a, b, message):
    """Groups of unequal number or length are the inputs' fault: no mismatch, no run that hangs."""
    with raises(FramingError, message) as error:
        check(Summed(), of(a, b))
    assert isinstance(error.value, InputError)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (
            {"engine": "verilog"},
            InputError,
            "engine must be one of auto, amaranth, verilator, not 'verilog'",
        ),
        (
            {"engine": ["amaranth"]},
            InputError,
            "engine must be one of auto, amaranth, verilator, not ['amaranth']",
        ),
        ({"limit": 0}, InputError, "limit must be at least 1 cycle, not 0"),
        (
            {"levels": ["nope"]},
            InputError,
            "There is no FIFO 'nope', only a, b, both, short, o",
        ),
        ({"stalls": {"x": "01"}}, InputError, "Stalls are for ports a, b, o, not 'x'"),
        ({"stall": "01"}, TypeError, "check() got an unexpected keyword argument 'stall'"),
    ],
)
def test_options_that_are_none_are_refused(options, kind, message):
    """By name."""
    with raises(kind, message):
        check(Summed(), GOOD, **options)


class Unfinished(Dataflow):
    """Has no output."""

    def __init__(self):
        super().__init__()
        x = self.input(BYTE)


def test_a_graph_without_outputs_is_none():
    with raises(
        RuntimeError,
        "Unfinished has no output: its constructor must end with self.output(name=wire)",
    ):
        check(Unfinished(), {})


def test_only_graphs_are_checked():
    with raises(TypeError, "check takes a Dataflow, not [1]"):
        check([1], {})
