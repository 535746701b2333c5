# amaranth: UnusedElaboratable=no
"""AXI4-Stream ports of any dataflow: every bit as through its own streams."""

import doctest
import random

import numpy as np
import pytest
from amaranth.hdl import Value, unsigned
from amaranth.lib import data, enum
from helpers.axi import drive
from helpers.bench import raises
from helpers.streams import nested, tokens
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import SQ, UQ, Add, Narrow, Operator, Sum
from sdpaflow.numerics.raw import width
from sdpaflow.ports import AxiStreams, Scalar, axi_stream, scalars
from sdpaflow_sim.engines.amaranth import simulate

VECTOR = data.ArrayLayout(SQ(3, 2), 3)
RECORD = data.StructLayout({
    "x": SQ(9, 4),
    "flag": 1,
    "pairs": data.ArrayLayout(data.StructLayout({"n": unsigned(9), "s": SQ(1, 1)}), 2),
    "byte": UQ(0, 8),
})
CYCLES = 400


class Swap(Operator):
    """A record whose bits are those of both arguments, turned by some places."""

    inputs = (VECTOR, RECORD)
    shape = RECORD

    def stages(self):
        def mix(vector, record):
            bits = Value.cast(record)
            return (RECORD(bits.rotate_left(5) ^ Value.cast(vector).replicate(3)[: len(bits)]),)

        return [mix]


class First(Operator):
    """The ``x`` of a record."""

    inputs = (RECORD,)
    shape = SQ(9, 4)

    def stages(self):
        return [lambda record: (record["x"],)]


class Mixed(Dataflow):
    """Two inputs, a vector and a record; two outputs, a record and a number of less rank."""

    def __init__(self, rank):
        super().__init__()
        vector = self.input(VECTOR, rank=rank)
        record = self.input(RECORD, rank=rank)
        both = self.map(Swap(), vector, record)
        kept, other = self.fork(both)
        number = self.map(First(), other)
        if rank:
            number = self.reduce(Sum(number.shape, 2), number, name="total")
        self.output(both=kept, number=number)


def spoiled(rng, stream, token):
    """A beat whose padding is random."""
    tdata, tlast, tuser = stream.pack(token)
    noise = rng.getrandbits(8 * stream.octets)
    for scalar, start in stream.places():
        noise &= ~(((1 << scalar.width) - 1) << start)
    return tdata ^ noise, tlast if stream.rank else rng.getrandbits(1), tuser


def through(kind, given, stalled, seed=0):
    """Tokens through a dataflow's own streams as beats, and beats through its AXI ports."""
    rng = random.Random(seed)
    native = kind()
    counts = {"both": len(given["vector"])}
    rank = width(native.vector.payload.shape()) - width(VECTOR)
    ends = [token >> width(VECTOR) & 1 for token in given["vector"]]
    counts["number"] = sum(ends) if rank else len(ends)
    trace = simulate(native, given, counts)
    dut = AxiStreams(kind())
    beats = {
        name: [spoiled(rng, dut.streams[name], token) for token in values]
        for name, values in given.items()
    }
    pause = {"offer": lambda: rng.random() < 0.6, "accept": lambda: rng.random() < 0.6}
    received, flags = drive(dut, beats, CYCLES, **(pause if stalled else {}))
    wanted = {
        name: [dut.streams[name].pack(token) for token in values]
        for name, values in trace.outputs.items()
    }
    return wanted, received, flags


@pytest.mark.parametrize("stalled", [False, True])
@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_as_through_its_own_streams(rank, stalled):
    """Vectors, records, nested groups: the same tokens, in bytes, whatever the padding brings."""
    rng = random.Random(rank)
    groups = nested(rng, rank, [40, 14, 5, 3][rank], lambda: 0)

    def drawn(shape, stream, levels):
        if levels:
            return [drawn(shape, group, levels - 1) for group in stream]
        return [rng.getrandbits(width(shape)) for _ in stream]

    def bits(shape):
        plain = unsigned(width(shape))
        return tokens(plain, rank, drawn(shape, groups, rank))

    given = {"vector": bits(VECTOR), "record": bits(RECORD)}
    wanted, received, flags = through(lambda: Mixed(rank), given, stalled)
    assert len(wanted["both"]) > 10
    assert received == wanted
    assert not flags["misframed"]


def test_flags_are_passed_on():
    """Inputs that disagree on where a group ends raise ``misframed``; a clamped sum the other."""

    class Clamps(Dataflow):
        def __init__(self):
            super().__init__()
            x = self.input(SQ(8, 0), rank=1)
            y = self.input(SQ(8, 0), rank=1)
            total = self.map(Add(x.shape, y.shape), x, y)
            z = self.map(Narrow(total.shape, SQ(4, 0)), total)
            self.output(z=z)

    for values, ends, flags in [
        ((3, 4), (1, 1), {"saturated": 0, "misframed": 0}),
        ((3, 5), (1, 1), {"saturated": 1, "misframed": 0}),
        ((3, 4), (1, 0), {"saturated": 0, "misframed": 1}),
    ]:
        x, y = zip(values, ends, strict=True)
        dut = AxiStreams(Clamps())
        received, raised = drive(dut, {"x": [x], "y": [y]}, 20)
        assert received["z"] == [(min(sum(values), 7), 1, 0)]
        assert raised == flags


def test_ports():
    """Each stream's ports by rank, in the order of the dataflow; then its flags."""
    ports = {name: member.shape for name, member in AxiStreams(Mixed(2)).signature.members.items()}
    octets = 2 + 1 + 2 * (2 + 1) + 1
    assert ports == {
        "aclk": 1,
        "aresetn": 1,
        **_ports("s_axis_vector", 3, 1),
        **_ports("s_axis_record", octets, 1),
        **_ports("m_axis_both", octets, 1),
        **_ports("m_axis_number", 2, 0),
        "saturated": 1,
        "misframed": 1,
    }
    assert not [name for name in AxiStreams(Mixed(0)).signature.members if "tuser" in name]


def _ports(prefix, octets, user):
    ports = {"tdata": 8 * octets, "tlast": 1, "tuser": user, "tvalid": 1, "tready": 1}
    return {f"{prefix}_{part}": bits for part, bits in ports.items() if bits}


class Colour(enum.Enum, shape=unsigned(3)):
    RED = 1


def test_scalars():
    """Vectors and structures fall apart into numbers; what overlaps stays in one piece."""
    union = data.UnionLayout({"whole": 12, "half": 6})
    shape = data.StructLayout({
        "a": SQ(2, 3),
        "nothing": 0,
        "b": data.ArrayLayout(data.StructLayout({"c": 1, "d": union}), 2),
        "e": Colour,
    })
    assert list(scalars(shape)) == [
        Scalar(0, 5, signed=True),
        Scalar(5, 1, signed=False),
        Scalar(6, 12, signed=False),
        Scalar(18, 1, signed=False),
        Scalar(19, 12, signed=False),
        Scalar(31, 3, signed=False),
    ]


NIBBLE = unsigned(4)


class Beats(Dataflow):
    """Counts beats of its input, as it is told."""

    def __init__(self, port_beats, rank=2, shape=NIBBLE):
        super().__init__()
        self.port_beats = port_beats
        x = self.input(shape, rank=rank)
        self.output(y=x)


@pytest.mark.parametrize("beats", [1, 3])
def test_counted_beats(beats):
    """An inner group of a fixed size needs no mark: a rank of 3 has ``tuser`` for one less."""
    rng = np.random.default_rng(0)
    groups = [[[0] * beats] * int(n) for n in rng.integers(1, 4, 4)]
    given = tokens(unsigned(4), 3, [groups[:3], groups[3:]])
    dut = AxiStreams(Beats({"x": beats}, rank=3))
    assert dut.streams["x"].user == (2 if beats == 1 else 1)
    assert dut.streams["y"].user == 2
    received, flags = drive(dut, {"x": [dut.streams["x"].pack(t) for t in given]}, 100)
    assert received["y"] == [dut.streams["y"].pack(token) for token in given]
    assert not flags["misframed"]


def test_errors():
    """What cannot have such ports, and why."""
    with raises(TypeError, "AXI ports are made for a Dataflow, not for 3"):
        AxiStreams(3)
    with raises(TypeError, "x has groups of 2 beats, so its rank must not be 0"):
        AxiStreams(Beats({"x": 2}, rank=0))
    with raises(ValueError, "Beats are counted of inputs, and y is an output"):
        AxiStreams(Beats({"y": 2}))
    with raises(ValueError, "There is no input 'z', only x"):
        AxiStreams(Beats({"z": 2}))
    with raises(ValueError, "x carries no data: AXI needs a byte or more"):
        AxiStreams(Beats({}, shape=unsigned(0)))


def test_example():
    """The example of a token that is written as a beat."""
    failed, tried = doctest.testmod(axi_stream)
    assert tried == 4
    assert not failed
