# amaranth: UnusedElaboratable=no
"""Units from outside the package: they go into graphs, run, and carry their models along."""

import re

import numpy as np
from amaranth.hdl import Module, unsigned
from amaranth.lib.wiring import In, Out
from helpers.bench import observe
from sdpaflow.graph import Dataflow, Stream, interpret, interpret_all
from sdpaflow.numerics import SQ, Narrow, Sum
from sdpaflow.units import Map, Reduce, TokenStream, Unit, tokens
from sdpaflow_sim.checking import check
from sdpaflow_sim.engines.amaranth import simulate

BYTE = unsigned(8)
X = SQ(8, 0)


class Offset(Unit):
    """Adds a constant modulo 256, and raises a flag of its own."""

    def __init__(self, by):
        self.by = by
        ports = {"i": In(tokens(BYTE, 0)), "o": Out(tokens(BYTE, 0))}
        super().__init__(ports, flags=["wrapped"])

    def model(self, i):
        total = i.data + self.by
        return Stream(total % 256, i.last), {"wrapped": int((total > 255).sum())}

    def elaborate(self, platform):
        m = Module()
        total = self.i.payload.data + self.by
        fire = self.i.valid & self.i.ready
        m.d.comb += self.events["wrapped"].eq(fire & (total > 255))
        m.d.comb += [self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready)]
        m.d.comb += self.o.payload.data.eq(total)
        self.remember(m)
        return m


class Swap(Unit):
    """Two streams that change places: outputs by name, the second first."""

    def __init__(self, shape=BYTE):
        kind = tokens(shape, 1)
        super().__init__({"a": In(kind), "b": In(kind), "o_b": Out(kind), "o_a": Out(kind)})

    def model(self, a, b):
        return {"o_a": a, "o_b": b}

    def elaborate(self, platform):
        m = Module()
        for i, o in ((self.a, self.o_a), (self.b, self.o_b)):
            m.d.comb += [o.payload.eq(i.payload), o.valid.eq(i.valid), i.ready.eq(o.ready)]
        return m


class Offsets(Dataflow):
    def __init__(self):
        super().__init__()
        x = self.input(BYTE)
        y = self.add(Offset(100), i=x)
        z = self.add(Offset(1), "plus_one", i=y)
        self.output(z=z)


class Swapped(Dataflow):
    def __init__(self):
        super().__init__()
        x = self.input(BYTE, rank=1)
        y = self.input(BYTE, rank=1)
        first, second = self.add(Swap(), b=y, a=x)
        self.output(second=second, first=first)


def numbers(values, rank=0):
    return Stream(np.array(values), np.ones((len(values), rank), dtype=bool))


def test_a_unit_of_ones_own():
    """In hardware, in the model, by name; its flag is a port, after those that always are there."""
    dut = Offsets()
    assert [(node.name, node.kind) for node in dut.nodes] == [
        ("y", "Offset"), ("plus_one", "Offset")
    ]  # fmt: skip
    assert list(dut.signature.members) == ["x", "z", "saturated", "misframed", "wrapped"]
    result = interpret_all(dut, {"x": numbers([1, 154, 155, 200])})
    assert result.outputs["z"].data.tolist() == [102, 255, 0, 45]
    assert result.outputs["z"] is result.streams["plus_one"]
    assert result.counts == {"y": {"wrapped": 1}, "plus_one": {"wrapped": 1}}
    assert result.saturations == {}


def test_its_flag_reaches_the_port_and_stays():
    """The graph's flag is up as soon as some unit's is."""
    dut = Offsets()
    seen = [flag for (flag,) in observe(dut, {"x": [1, 200, 3, 4]}, [dut.wrapped], 12)]
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 1)


def test_several_outputs():
    """Wires in the order of the ports, named by the variables; whatever the order of the inputs."""
    dut = Swapped()
    (node,) = dut.nodes
    assert node.name == "y_swap"
    assert {port: edge.name for port, edge in node.inputs.items()} == {"a": "x", "b": "y"}
    assert [(p, edge.name) for p, edge in node.outputs.items()] == [
        ("o_b", "first"), ("o_a", "second")
    ]  # fmt: skip
    outputs, trace = check(dut, {"x": numbers([1, 2], 1), "y": numbers([3], 1)}, engine="amaranth")
    assert {port: stream.data.tolist() for port, stream in outputs.items()} == {
        "second": [1, 2],
        "first": [3],
    }


def test_names_given():
    """Where there are no variables, in a loop for example."""

    class Named(Dataflow):
        def __init__(self):
            super().__init__()
            wires = [self.input(BYTE, 1, name=name) for name in ("x", "y")]
            for turn in range(2):
                a, b = wires
                wires = self.add(Swap(), f"swap{turn}", names=[f"a{turn}", f"b{turn}"], a=a, b=b)
            self.output(u=wires[0], v=wires[1])

    dut = Named()
    assert [node.name for node in dut.nodes] == ["swap0", "swap1"]
    assert [edge.name for edge in dut.edges] == ["x", "y", "a0", "b0", "a1", "b1"]


def test_a_subclass_of_a_unit_is_as_good():
    """What a unit computes does not hang on what its class is called."""

    class Doubled(Reduce):
        def model(self, i):
            total, counts = super().model(i)
            return Stream(total.data * 2, total.last), counts

    class Mine(Map):
        pass

    class Graph(Dataflow):
        def __init__(self):
            super().__init__()
            x = self.input(X, rank=1)
            y = self.add(Mine(Narrow(X, SQ(4, 0)), 1), i=x)
            z = self.add(Doubled(Sum(SQ(4, 0), 4)), i=y)
            self.output(z=z)

    streams, clamped = interpret(Graph(), {"x": Stream(np.array([9, 1]), np.array([[0], [1]]) > 0)})
    assert streams["z"].data.tolist() == [16]
    assert clamped == {"y": 1, "z": 0}


def test_the_docstring_of_unit_holds():
    """Its example is a unit that runs and equals its model."""
    text = re.search(r"class Offset\(Unit\):.*?return m\n", Unit.__doc__, re.DOTALL).group()
    scope = {name: globals()[name] for name in ("Unit", "In", "Out", "Module", "Stream", "tokens")}
    scope |= {"unsigned": unsigned, "TokenStream": TokenStream}
    exec(re.sub(r"(?m)^        ", "", "        " + text), scope)
    unit = scope["Offset"](100)
    trace = simulate(unit, {"i": [1, 155]}, {"o": 2}, watch=True)
    assert trace.outputs["o"] == [101, 255]
    stream, counts = unit.model(i=numbers([1, 155, 156]))
    assert (stream.data.tolist(), counts) == ([101, 255, 0], {"wrapped": 1})
