# amaranth: UnusedElaboratable=no
"""What a newcomer gets wrong in a graph, and what is said then."""

import pytest
from amaranth.back import rtlil
from helpers.bench import raises
from sdpaflow.graph import Dataflow, interpret
from sdpaflow.numerics import SQ, Add, Exp2, Fold, Narrow, Operator, Sum
from sdpaflow.units import Map, Reduce, Scan
from sdpaflow_sim.checking import check

X = SQ(8, 0)


class Recording(Dataflow):
    """A graph that records what a function tells it to."""

    def __init__(self, build):
        super().__init__()
        build(self)


class Headless(Dataflow):
    """Without ``super().__init__()``."""

    def __init__(self, build):
        build(self)


class Unfinished(Dataflow):
    """Without ``output()``."""

    def __init__(self):
        super().__init__()
        x = self.input(X)


@pytest.mark.parametrize(
    "build",
    [lambda g: g.input(X), lambda g: g.add(None), lambda g: g.fork(None), lambda g: g.output()],
    ids=["input", "add", "fork", "output"],
)
def test_super_init_is_forgotten(build, request):
    method = request.node.callspec.id
    with raises(RuntimeError, f"Headless must call super().__init__() before {method}()"):
        Headless(build)


@pytest.mark.parametrize(
    "use",
    [
        lambda graph: graph.signature,
        lambda graph: graph.elaborate(None),
        lambda graph: interpret(graph, {}),
        lambda graph: check(graph, {}),
        lambda graph: graph.resize({}),
        rtlil.convert,
    ],
    ids=["signature", "elaborate", "interpret", "check", "resize", "convert"],
)
def test_output_is_forgotten(use):
    with raises(
        RuntimeError,
        "Unfinished has no output: its constructor must end with self.output(name=wire)",
    ):
        use(Unfinished())


def passes(graph, **outputs):
    x = graph.input(X)
    y = graph.map(Narrow(X, X), x)
    graph.output(**dict.fromkeys(outputs, y))
    return y


class Square(Operator):
    """All there."""

    inputs = (X,)
    shape = SQ(16, 0)

    def stages(self):
        return [lambda x: (x * x,)]


class NoShape(Square):
    shape = None


class NoInputs(Square):
    inputs = ()


class NoStages(Square):
    stages = Operator.stages


class NoState(Fold):
    token = X

    def step(self, first, state, token):
        return token, None


class NoToken(NoState):
    token, state = None, X


class NoStep(Fold):
    token = state = X


def mapped(fn):
    return lambda graph: graph.map(fn, graph.input(X, name="x"), name="y")


def folded(fn, method="reduce"):
    return lambda graph: getattr(graph, method)(fn, graph.input(X, 1, name="x"), name="y")


def deep(depth):
    return lambda graph: graph.input(X, name="x").fifo(depth)


def late_fifo(graph):
    x = graph.input(X)
    y = graph.map(Narrow(X, X), x)
    x.fifo(8)


def twice_named(graph):
    x = graph.input(X)
    z = graph.input(X)
    y = graph.map(Narrow(X, X), z)
    y = x.fifo(3)
    w = graph.map(Add(X, X), y, graph._wires[2])


def after(method):
    def build(graph):
        passes(graph, o=1)
        x = graph.input(X) if method == "input" else getattr(graph, method)(None)

    return build


def no_more(method):
    return f"Recording calls {method}() after output(), which closes the graph: it gave o"


MISUSES = [
    (after("input"), RuntimeError, no_more("input")),
    (after("map"), RuntimeError, no_more("map")),
    (after("add"), RuntimeError, no_more("add")),
    (lambda g: (passes(g, o=1), g.output()), RuntimeError, no_more("output")),
    (
        lambda g: passes(g),
        ValueError,
        "output() needs a stream: self.output(name=wire)",
    ),
    (
        lambda g: passes(g, x=1),
        ValueError,
        "There is an input and an output called x: names must differ",
    ),
    (
        lambda g: passes(g, saturated=1),
        ValueError,
        "There is a flag called saturated: call the stream otherwise",
    ),
    (
        lambda g: passes(g, edges=1),
        ValueError,
        "Recording has an attribute called edges: call the port or the attribute otherwise",
    ),
    (
        lambda g: g.output(o=3),
        TypeError,
        "Output o takes a wire of this graph, not 3",
    ),
    (
        lambda g: g.map(Narrow(X, X), 3, name="y"),
        TypeError,
        "y (Map) takes a wire of this graph, not 3",
    ),
    (
        lambda g: g.reduce(Sum(X, 1), None, name="y"),
        TypeError,
        "y (Reduce) takes a wire of this graph, not None",
    ),
    (
        lambda g: g.repeat(g.input(X, name="x"), over=[], name="y"),
        TypeError,
        "y (Repeat) takes a wire of this graph, not []",
    ),
    (
        lambda g: g.fork(7, names=["a", "b"]),
        TypeError,
        "fork() takes a wire of this graph, not 7",
    ),
    (
        lambda g: g.input("wide", name="x"),
        TypeError,
        "Shape of input x must be shape-like, not 'wide'",
    ),
    (
        lambda g: g.input(X, -1, name="x"),
        ValueError,
        "Rank of input x must be an int of at least 0, not -1",
    ),
    (mapped(Exp2), TypeError, f"Function of a Map must be an Operator, not {Exp2!r}"),
    (
        mapped(NoShape()),
        TypeError,
        "Operator NoShape has no shape: set shape to that of its result",
    ),
    (
        mapped(NoInputs()),
        TypeError,
        "Operator NoInputs has no arguments: set inputs to a tuple of their shapes",
    ),
    (mapped(NoStages()), TypeError, "Operator NoStages has no hardware: write stages()"),
    (
        folded(NoState()),
        TypeError,
        "Fold NoState has no state: set state to the shape of what is kept",
    ),
    (
        folded(NoToken(), "scan"),
        TypeError,
        "Fold NoToken has no tokens: set token to the shape of what is folded",
    ),
    (
        folded(NoStep()),
        TypeError,
        "Fold NoStep has no hardware: write step(first, state, token)",
    ),
    (deep("8"), TypeError, "Depth of FIFO x must be an int, of words, not '8'"),
    (deep(2.5), TypeError, "Depth of FIFO x must be an int, of words, not 2.5"),
    (deep(True), TypeError, "Depth of FIFO x must be an int, of words, not True"),
    (deep(0), ValueError, "Depth of FIFO x must be at least 1 word, not 0"),
    (late_fifo, ValueError, "x is connected already: give it its FIFO before"),
    (twice_named, ValueError, "There are two FIFOs called y: names must differ"),
]


@pytest.mark.parametrize(("build", "kind", "message"), MISUSES)
def test_misuse_is_refused(build, kind, message):
    """Where it happens, and in one sentence with what would be right."""
    with raises(kind, message):
        Recording(build)


def test_units_refuse_the_same_functions():
    """Outside a graph too."""
    for make, message in (
        (lambda: Map(NoStages()), "Operator NoStages has no hardware: write stages()"),
        (lambda: Reduce(NoState()), "Fold NoState has no state: set state to the shape of what is"),
        (lambda: Scan(NoStep()), "Fold NoStep has no hardware: write step(first, state, token)"),
    ):
        with pytest.raises(TypeError) as caught:
            make()
        assert str(caught.value).startswith(message)


def test_what_goes_nowhere():
    """A branch need not be forked; anything else can be left out."""

    def build(graph):
        x = graph.input(X)
        unread = graph.input(X)
        graph.output(o=x)

    with raises(ValueError, "unread goes nowhere: use it or leave it out"):
        Recording(build)


def test_a_port_called_like_an_attribute():
    """``self.x = self.input(...)`` leaves no place for the port."""

    class Attribute(Dataflow):
        def __init__(self):
            super().__init__()
            self.x = self.input(X)
            self.output(o=self.x)

    with raises(
        ValueError, "Attribute has an attribute called x: call the port or the attribute otherwise"
    ):
        Attribute()
