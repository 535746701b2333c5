"""Recording a graph: what it holds, what it refuses, and how it is elaborated."""

import random
import re

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Value
from amaranth.sim import Simulator
from attention import NAMES, pipeline
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import SQ, UQ, Add, Divide, Narrow, Sum
from sdpaflow.units import Fifo, Fork
from sdpaflow_sim.checking import check
from sdpaflow_sim.engines.amaranth import simulate
from sdpaflow_sim.streams import stream_of

X = SQ(4, 4)


class Average(Dataflow):
    """Mean of each group: two reductions of one stream."""

    def __init__(self):
        super().__init__()
        x = self.input(UQ(4, 4), rank=1)
        ones = self.input(UQ(1, 0), rank=1)
        total = self.reduce(Sum(x.shape, 4), x)
        number = self.reduce(Sum(ones.shape, 4), ones)
        mean = self.map(Divide(total.shape, number.shape, UQ(4, 4)), total, number)
        self.output(mean=mean)


def test_names_come_from_variables():
    """A node is called like the variable its result is assigned to, an edge like its wire."""
    dut = Average()
    assert [(node.name, node.kind) for node in dut.nodes] == [
        ("total", "Reduce"),
        ("number", "Reduce"),
        ("mean", "Map"),
    ]
    assert [edge.name for edge in dut.edges] == ["x", "ones", "total", "number", "mean"]
    assert {name: edge.target.name for name, edge in dut.input_edges.items()} == {
        "x": "total",
        "ones": "number",
    }


def test_a_graph_of_ones_own_runs():
    """Any graph is a component with streams: here, means of groups of several lengths."""
    x = [16, 32, 48 | 256, 8 | 256]
    ones = [1, 1, 1 | 2, 1 | 2]
    trace = simulate(Average(), {"x": x, "ones": ones}, {"mean": 2})
    assert trace.outputs["mean"] == [32, 8]


def test_resize():
    """FIFOs take other depths by name, and nothing else changes: not a bit, not the ports."""
    x = [16, 32, 48 | 256, 8 | 256]
    ones = [1, 1, 1 | 2, 1 | 2]
    before = simulate(Average(), {"x": x, "ones": ones}, {"mean": 2})
    dut = Average().resize({"total": 5, "ones": 1})
    assert {edge.name: edge.depth for edge in dut.edges} == {
        "x": 2, "ones": 1, "total": 5, "number": 2, "mean": 2
    }  # fmt: skip
    assert dut.edges[2].fifo.o.payload.shape() == Average().edges[2].fifo.o.payload.shape()
    after = simulate(dut, {"x": x, "ones": ones}, {"mean": 2})
    assert after.outputs == before.outputs
    assert after.cycles > before.cycles


def test_resize_refuses():
    """A FIFO that is not there, or of no words; then no FIFO has changed."""
    dut = Average()
    with pytest.raises(ValueError, match=r"There is no FIFO 'sum', only x, ones, total, number"):
        dut.resize({"x": 3, "sum": 3})
    with pytest.raises(ValueError, match=r"^Depth of FIFO ones must be at least 1 word, not 0$"):
        dut.resize({"x": 3, "ones": 0})
    with pytest.raises(TypeError, match=r"^Depth of FIFO ones must be an int, of words, not '3'$"):
        dut.resize({"x": 3, "ones": "3"})
    assert [edge.depth for edge in dut.edges] == [2] * 5


def test_fork_branches_are_named():
    """A fork has one branch per variable on the left, and is called after what it forks."""
    dut = pipeline("naive")
    (fork,) = [node for node in dut.nodes if node.kind == "Fork"]
    assert fork.name == "e_ij_fork"
    assert [edge.name for edge in fork.outputs.values()] == ["row", "e_sum"]


@pytest.mark.parametrize("name", NAMES)
def test_every_edge_joins_two_ports(name):
    """Each output port feeds one FIFO and each FIFO one input port; nothing is left open."""
    dut = pipeline(name, lanes=2)
    for node in dut.nodes:
        streams = {n for n, m in node.unit.signature.members.items() if not m.is_port}
        assert streams == set(node.inputs) | set(node.outputs)
    assert len({id(edge) for edge in dut.edges}) == len(dut.edges)
    assert len({edge.name for edge in dut.edges}) == len(dut.edges)


@pytest.mark.parametrize("name", NAMES)
def test_elaborates_alike_twice(name):
    """Elaborating changes nothing in the graph: a second time gives the same netlist."""
    dut = pipeline(name, lanes=2)
    assert rtlil.convert(dut, emit_src=False) == rtlil.convert(dut, emit_src=False)


def test_graph_signature():
    """Inputs and outputs are streams named like their wires; flags are collected."""
    assert set(Average().signature.members) == {"x", "ones", "mean", "saturated", "misframed"}


class Recording(Dataflow):
    """A graph that records what a function tells it to."""

    def __init__(self, build):
        super().__init__()
        build(self)


def twice(graph):
    x = graph.input(X)
    a = graph.map(Narrow(X, X), x)
    b = graph.map(Narrow(X, X), x)
    graph.output(a=a, b=b)


def unused(graph):
    x = graph.input(X)
    a, b = graph.fork(x)
    graph.output(a=a)


def nameless(graph):
    x = graph.input(X)
    graph.output(y=graph.map(Narrow(X, X), x))


def same_name(graph):
    x = graph.input(X)
    x = graph.map(Narrow(X, X), x)


def wrong_shape(graph):
    x = graph.input(SQ(4, 4))
    y = graph.map(Narrow(SQ(4, 5), X), x)


def same_width_other_format(graph):
    x = graph.input(SQ(4, 4))
    y = graph.map(Narrow(SQ(3, 5), X), x)


def wrong_rank(graph):
    x = graph.input(X)
    y = graph.reduce(Sum(X, 1), x)


def unlike_ranks(graph):
    x = graph.input(X)
    y = graph.input(X, rank=1)
    z = graph.map(Add(X, X), x, y)


def wrong_companion(graph):
    x = graph.input(X, rank=1)
    k = graph.input(X, rank=1)
    y = graph.repeat(x, over=k)


def too_few(graph):
    x = graph.input(X)
    y = graph.map(Add(X, X), x)


def one_branch(graph):
    x = graph.input(X)
    y = graph.fork(x)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (twice, ValueError, "x is used twice, the second time by b: fork it first"),
        (unused, ValueError, "b goes nowhere: use it or do not fork it"),
        (nameless, ValueError, "Result of map() has no name: assign it to one variable"),
        (same_name, ValueError, "There are two results called x: names must differ"),
        (wrong_shape, TypeError, "y (Map) takes SQ(4,5) at port i, but x is SQ(4,4)"),
        (same_width_other_format, TypeError, "y (Map) takes SQ(3,5) at port i, but x is SQ(4,4)"),
        (wrong_rank, TypeError, "y (Reduce) takes x of rank 1 or more, not 0"),
        (
            unlike_ranks,
            TypeError,
            "z (Map) joins streams of one rank, not x of rank 0, y of rank 1",
        ),
        (wrong_companion, TypeError, "y (Repeat) takes k of rank 2, not 1"),
        (too_few, TypeError, "y (Map) takes 2 streams for Add("),
        (one_branch, ValueError, "Fork of x must be assigned to two or more variables"),
    ],
)
def test_errors(build, error, message):
    """What does not fit is refused at construction, with the unit, the port and both shapes."""
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        Recording(build)


def settles_alike(dut, inputs, outputs, cycles=40):
    """Whether, between clock edges, outputs stay as they are whatever is done to the inputs."""
    rng = random.Random(1)
    changes = []

    async def testbench(ctx):
        for _ in range(cycles):
            seen = set()
            for _ in range(6):
                for signal in inputs:
                    ctx.set(signal, rng.getrandbits(len(signal)))
                seen.add(tuple(ctx.get(signal) for signal in outputs))
            changes.append(len(seen) > 1)
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return not any(changes)


def ports(dut, names, *members):
    return [Value.cast(getattr(getattr(dut, name), member)) for name in names for member in members]


@pytest.mark.parametrize("depth", [1, 2, 3, 9])
def test_a_fifo_cuts_all_paths(depth):
    """No output of a FIFO, its ready included, depends on an input within a cycle.

    Every edge of a graph is a FIFO, so no combinational path runs through more than one unit,
    neither valid and payload forwards nor ready backwards.
    """
    dut = Fifo(X, 1, depth)
    inputs = [*ports(dut, ["i"], "payload", "valid"), *ports(dut, ["o"], "ready")]
    outputs = [*ports(dut, ["i"], "ready"), *ports(dut, ["o"], "payload", "valid")]
    assert settles_alike(dut, inputs, outputs)


def test_paths_are_seen_where_they_are():
    """A bare Fork does pass valid, payload and ready on within a cycle, and that is noticed."""
    dut = Fork(X, 1)
    inputs = [*ports(dut, ["i"], "payload", "valid"), *ports(dut, ["o0", "o1"], "ready")]
    assert not settles_alike(dut, inputs, ports(dut, ["i"], "ready"))
    assert not settles_alike(dut, inputs, ports(dut, ["o0"], "valid"))


@pytest.mark.parametrize("name", NAMES)
def test_a_pipeline_is_registered_at_its_ports(name):
    """No output of a whole pipeline depends on an input within a cycle."""
    dut = pipeline(name, lanes=2, row_max=4)
    inputs = [*ports(dut, "qkv", "payload", "valid"), *ports(dut, "o", "ready")]
    outputs = [*ports(dut, "qkv", "ready"), *ports(dut, "o", "payload", "valid")]
    assert settles_alike(dut, inputs, outputs)


def test_an_input_may_be_an_output():
    """Through its FIFO, in hardware and in the model."""

    class Through(Dataflow):
        def __init__(self):
            super().__init__()
            x = self.input(SQ(8, 0), rank=1)
            self.output(o=x)

    given = stream_of(SQ(8, 0), [[1, 2], [3]], 1)
    outputs, trace = check(Through(), {"x": given}, engine="amaranth")
    assert outputs["o"].data.tolist() == [1, 2, 3]
