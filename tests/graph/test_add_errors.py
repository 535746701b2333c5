# amaranth: UnusedElaboratable=no
"""Units from outside the package that are not whole, or are added wrongly: what is said then."""

import numpy as np
import pytest
from amaranth.hdl import Module, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out
from helpers.bench import raises
from helpers.functions import Horner, Mix
from sdpaflow.graph import Dataflow, Stream, interpret
from sdpaflow.numerics import SQ, Narrow
from sdpaflow.units import Fifo, Fork, Map, Reduce, Unit, tokens

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


def numbers(values, rank=0):
    return Stream(np.array(values), np.ones((len(values), rank), dtype=bool))


def graph(make, name="y", rank=0, shape=BYTE):
    """A graph of one unit between an input and an output."""

    class Graph(Dataflow):
        def __init__(self):
            super().__init__()
            x = self.input(shape, rank)
            y = self.add(make(), name, i=x)
            self.output(o=y)

    return Graph()


class Given(Offset):
    """A unit whose model gives what it is told."""

    def __init__(self, gives):
        self.gives = gives
        super().__init__(1)

    def model(self, i):
        return self.gives


class Silent(Offset):
    model = Unit.model


ONE = numbers([1])


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (
            lambda: Silent(1),
            NotImplementedError,
            "y (Silent): Silent has no model: write model(**streams)",
        ),
        (
            lambda: Map(Mix()),
            NotImplementedError,
            "y (Map): Mix has no model: write evaluate(*raw), which returns (results, clamped or "
            "None)",
        ),
        (
            lambda: Given(None),
            TypeError,
            "y (Given): its model must give a Stream for o, not None",
        ),
        (
            lambda: Given({"p": ONE}),
            TypeError,
            "y (Given): its model must give a Stream for o, not for p",
        ),
        (
            lambda: Given(numbers([1], 1)),
            TypeError,
            "y (Given): its model must give rank 0 for o, not 1",
        ),
        (
            lambda: Given((ONE, {"saturated": 1})),
            TypeError,
            "y (Given): its model counts saturated, which is no flag of the unit",
        ),
    ],
)
def test_models_that_are_not_whole(make, kind, message):
    with raises(kind, message):
        interpret(graph(make), {"x": ONE})


def test_a_fold_without_a_model():
    with raises(
        NotImplementedError,
        "y (Reduce): Horner has no model: write model(first, state, token), which returns (state, "
        "None)",
    ):
        interpret(graph(lambda: Reduce(Horner()), rank=1), {"x": numbers([1], 1)})


class Enabled(Unit):
    def __init__(self):
        super().__init__({"i": In(tokens(BYTE, 0)), "enable": In(1), "o": Out(tokens(BYTE, 0))})


class Bytes(Unit):
    def __init__(self):
        super().__init__({"i": In(stream.Signature(8)), "o": Out(tokens(BYTE, 0))})


def adds(graph, unit, *names, **wires):
    x = graph.input(BYTE, rank=1)
    given = {port: x if wire == "x" else wire for port, wire in wires.items()}
    graph.add(unit, *names, **given)


@pytest.mark.parametrize(
    ("build", "kind", "message"),
    [
        (lambda g: adds(g, Offset, "y"), TypeError, f"add() takes a Unit, not {Offset!r}"),
        (
            lambda g: adds(g, Offset(1), "y", i="x"),
            TypeError,
            "y (Offset) takes rank 0 at port i, but x is of rank 1",
        ),
        (
            lambda g: adds(g, Fifo(X, 1), "y", i="x"),
            TypeError,
            "y (Fifo) takes SQ(8,0) at port i, but x is unsigned(8)",
        ),
        (
            lambda g: adds(g, Fifo(BYTE, 1), "y"),
            TypeError,
            "y (Fifo) has no wire at port i; its inputs: i",
        ),
        (
            lambda g: adds(g, Fifo(BYTE, 1), "y", i="x", j="x"),
            TypeError,
            "y (Fifo) has no input port j; its inputs: i",
        ),
        (
            lambda g: adds(g, Fifo(BYTE, 1), "y", i=3),
            TypeError,
            "y (Fifo) at port i takes a wire of this graph, not 3",
        ),
        (
            lambda g: adds(g, Fifo(BYTE, 1), i="x"),
            ValueError,
            "Result of add() has no name: assign it to one variable",
        ),
        (
            lambda g: adds(g, Fork(BYTE, 1), "y", i="x"),
            ValueError,
            "y has 2 outputs, o0, o1: assign it to as many variables, or give names=",
        ),
        (
            lambda g: adds(g, Enabled(), "y", i="x"),
            TypeError,
            "y (Enabled) has an input enable that is no stream of tokens",
        ),
        (
            lambda g: adds(g, Bytes(), "y", i="x"),
            TypeError,
            "y (Bytes) has a port i that is no stream of tokens: make it of tokens(shape, rank)",
        ),
    ],
)
def test_errors(build, kind, message):
    """With the unit, the port, and what was given."""

    class Built(Dataflow):
        def __init__(self):
            super().__init__()
            build(self)

    with raises(kind, message):
        Built()


def test_a_unit_is_in_a_graph_once():
    class Twice(Dataflow):
        def __init__(self):
            super().__init__()
            unit = Offset(1)
            x = self.input(BYTE)
            y = self.add(unit, i=x)
            z = self.add(unit, i=y)

    with raises(ValueError, "z (Offset) is in the graph already, as y: make another"):
        Twice()


def test_a_wire_of_another_graph():
    foreign = []

    class One(Dataflow):
        def __init__(self):
            super().__init__()
            x = self.input(BYTE)
            foreign.append(x)
            self.output(o=x)

    class Other(Dataflow):
        def __init__(self):
            super().__init__()
            y = self.map(Narrow(X, X), foreign[0])

    One()
    with raises(ValueError, "y (Map) takes a wire of this graph; x is of another"):
        Other()


def test_a_flag_called_like_a_port():
    class Clash(Unit):
        def __init__(self):
            super().__init__({"i": In(tokens(BYTE, 0))}, flags=["i"])

    with raises(ValueError, "Clash has a port and a flag called i: names must differ"):
        Clash()
