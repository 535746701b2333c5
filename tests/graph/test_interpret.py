"""The untimed model of a graph: its own rules, and that it finds framing errors."""

import numpy as np
import pytest
from attention import NAMES, pipeline
from helpers.bench import raises
from sdpaflow.graph import Dataflow, FramingError, Stream, interpret
from sdpaflow.numerics import SQ, Add, Narrow, RunningMax, Sum
from sdpaflow.units import Map

X = SQ(8, 0)


def stream(values, *lasts):
    """A stream of numbers, with last bits written as strings of 0 and 1."""
    last = np.array([[c == "1" for c in bits] for bits in lasts], dtype=bool).T
    return Stream(np.array(values), last.reshape(len(values), len(lasts)))


def graph(build):
    class Built(Dataflow):
        def __init__(self):
            super().__init__()
            build(self)

    return Built()


def test_reduce_and_scan():
    """Sums per group; scores with their running maxima, also looking ahead."""

    def build(self):
        x = self.input(X, rank=2)
        a, b, c = self.fork(x)
        total = self.reduce(Sum(X, 4), a)
        top = self.scan(RunningMax(X), b)
        ahead = self.scan(RunningMax(X), c, ahead=True)
        self.output(total=total, top=top, ahead=ahead)

    given = stream([1, 2, 3, -4, 5], "01011", "00001")
    streams, clamped = interpret(graph(build), {"x": given})
    assert streams["total"].data.tolist() == [3, -1, 5]
    assert streams["total"].last.tolist() == [[False], [False], [True]]
    assert streams["top"].data["score"].tolist() == [1, 2, 3, -4, 5]
    assert streams["top"].data["max"].tolist() == [2, 3, 4, 4, 6]
    assert streams["ahead"].data["max"].tolist() == [3, 3, 4, 4, 6]
    assert clamped == {"total": 0}


def test_mem_reduce():
    """Two rows of groups of two and of one, folded position by position."""

    def build(self):
        x = self.input(X, rank=2)
        y = self.mem_reduce(Sum(X, 4), x, size=2)
        self.output(y=y)

    given = stream([1, 2, 10, 20, 100, 5, 6], "0101111", "0001001")
    streams, _ = interpret(graph(build), {"x": given})
    assert streams["y"].data.tolist() == [11, 22, 111]
    assert streams["y"].last[:, 0].tolist() == [False, True, True]


def test_repeat_and_replay():
    """A token per token of a group; a group per group."""

    def build(self):
        x = self.input(X, rank=1)
        y = self.input(X, rank=2)
        z = self.replay(x, over=y, size=2)
        self.output(z=z)

    x, y = stream([1, 2, 3], "011"), stream([10, 20, 30, 40, 50, 60], "010111", "000101")
    streams, _ = interpret(graph(build), {"x": x, "y": y})
    assert streams["z"].data["i"].tolist() == [1, 2, 1, 2, 3, 3]
    assert streams["z"].data["over"].tolist() == [10, 20, 30, 40, 50, 60]

    def build_repeat(self):
        x = self.input(X)
        y = self.input(X, rank=1)
        z = self.repeat(x, over=y)
        self.output(z=z)

    streams, _ = interpret(
        graph(build_repeat), {"x": stream([7, 8]), "y": stream([1, 2, 3], "011")}
    )
    assert streams["z"].data["i"].tolist() == [7, 7, 8]


def test_clamped_tokens_are_counted():
    """A Map tells how many of its tokens were clamped."""

    def build(self):
        x = self.input(X)
        y = self.map(Narrow(X, SQ(4, 0)), x)
        self.output(y=y)

    streams, clamped = interpret(graph(build), {"x": stream([3, 9, -100])})
    assert streams["y"].data.tolist() == [3, 7, -8]
    assert clamped == {"y": 2}


def join(self):
    x = self.input(X, rank=1)
    y = self.input(X, rank=1)
    z = self.map(Add(X, X), x, y)
    self.output(z=z)


def repeat(self):
    x = self.input(X)
    y = self.input(X, rank=1)
    z = self.repeat(x, over=y)
    self.output(z=z)


def mem_reduce(self):
    x = self.input(X, rank=2)
    y = self.mem_reduce(Sum(X, 4), x, size=4)
    self.output(y=y)


def replay(self):
    x = self.input(X, rank=1)
    y = self.input(X, rank=2)
    z = self.replay(x, over=y, size=3)
    self.output(z=z)


def repeat_rows(self):
    x = self.input(X, rank=1)
    y = self.input(X, rank=2)
    z = self.repeat(x, over=y)
    self.output(z=z)


FRAMING = [  # graph, streams that do not fit together, and what is said
    (
        join,
        {"x": stream([1, 2], "01"), "y": stream([1, 2], "11")},
        "z (Map): x and y disagree on where groups end, from token 0 on",
    ),
    (
        join,
        {"x": stream([1, 2], "01"), "y": stream([1, 2, 3], "011")},
        "z (Map): x and y disagree: 2 tokens of x against 3 tokens of y",
    ),
    (
        repeat,
        {"x": stream([1]), "y": stream([1, 2], "11")},
        "z (Repeat): x and y disagree: 1 token of x against 2 groups of y",
    ),
    (
        repeat_rows,
        {"x": stream([1, 2, 3], "001"), "y": stream([1, 2, 3, 4], "0111", "0101")},
        "z (Repeat): x and y disagree on where groups end, from token 0 of x on",
    ),
    (
        replay,
        {"x": stream([1, 2], "11"), "y": stream([1, 2], "11", "01")},
        "z (Replay): x and y disagree: 2 groups of x against 1 outer group of y",
    ),
    (
        replay,
        {"x": stream([1, 2], "01"), "y": stream([1, 2, 3, 4, 5], "01001", "00001")},
        "z (Replay): x and y disagree on where groups end: group 0 of x has 2 tokens, but group 1 "
        "of y, over which it is replayed, 3",
    ),
    (
        replay,
        {"x": stream([1, 2, 3, 4], "0001"), "y": stream([1, 2, 3, 4], "0001", "0001")},
        "z (Replay): group 0 of x has 4 tokens, more than the memory holds, 3 words",
    ),
    (
        mem_reduce,
        {"x": stream([1, 2, 3], "011", "001")},
        "y (MemReduce): group 1 of x has 1 token, but the first of its row, group 0, 2: they are "
        "folded position by position, so they must be equally long",
    ),
    (
        mem_reduce,
        {"x": stream([1] * 5, "00001", "00001")},
        "y (MemReduce): group 0 of x has 5 tokens, more than the memory holds, 4 words",
    ),
]


@pytest.mark.parametrize(("build", "inputs", "message"), FRAMING)
def test_framing_errors(build, inputs, message):
    """Streams that do not fit together are refused: by which unit, whose, and from where on."""
    with raises(FramingError, message):
        interpret(graph(build), inputs)


def test_a_model_asked_by_itself_names_its_ports():
    """Without a graph there are no other names."""
    unit = Map(Add(X, X), 1)
    unit._MustUse__silence = True
    with raises(FramingError, "i0 and i1 disagree on where groups end, from token 0 on"):
        unit.model(i0=stream([1, 2], "01"), i1=stream([1, 2], "11"))


@pytest.mark.parametrize("name", NAMES)
def test_no_tokens_at_all(name):
    """Streams may be empty, if all are: then so is what comes out."""
    dut = pipeline(name, lanes=2)
    empty = {
        port: Stream(np.zeros((0, 2)), np.zeros((0, edge.rank), dtype=bool))
        for port, edge in dut.input_edges.items()
    }
    streams, clamped = interpret(dut, empty)
    assert {len(stream) for stream in streams.values()} == {0}
    assert not any(clamped.values())
    some = {**empty, "q": Stream(np.ones((2, 2), dtype=int), np.array([[False], [True]]))}
    with raises(
        FramingError,
        r"qk_ij (Replay): q and k disagree: 1 group of q against 0 outer groups of k",
    ):
        interpret(dut, some)


@pytest.mark.parametrize("name", NAMES)
def test_every_edge_is_modelled(name):
    """The model gives every stream of the graph, not only the output."""
    dut = pipeline(name)
    vector = np.ones((3, 4), dtype=np.int64)
    ends = np.array([[True]] * 3)
    inputs = {
        "q": Stream(vector, np.zeros((3, 0), dtype=bool)),
        "k": Stream(vector, ends),
        "v": Stream(vector, ends),
    }
    streams, clamped = interpret(dut, inputs)
    assert set(streams) == {edge.name for edge in dut.edges}
    saturating = {node.name for node in dut.nodes if "saturated" in node.unit.events}
    assert set(clamped) == saturating


@pytest.mark.parametrize(
    ("inputs", "kind", "message"),
    [
        ([1], TypeError, "Inputs must be a dict of Streams by name of the input, not [1]"),
        ({"x": stream([1], "1")}, ValueError, "Input y is missing; inputs are: x, y"),
        (
            {"x": stream([1], "1"), "z": stream([1], "1")},
            ValueError,
            "There is no input 'z'; inputs are: x, y",
        ),
        (
            {"x": stream([1], "1"), "y": stream([128], "1")},
            ValueError,
            "Token 0 of y is 128, but raw values of SQ(8,0) are -128 to 127",
        ),
        (
            {"x": stream([1], "1"), "y": stream([1])},
            ValueError,
            "y must be of rank 1, not 0",
        ),
    ],
)
def test_inputs_are_checked_where_they_enter(inputs, kind, message):
    """By name of the port, before any unit is asked."""
    with raises(kind, message):
        interpret(graph(join), inputs)
