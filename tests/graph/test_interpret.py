"""The untimed model of a graph: its own rules, and that it finds framing errors."""

import numpy as np
import pytest
from attention import NAMES, pipeline
from sdpaflow.graph import Dataflow, FramingError, Stream, interpret
from sdpaflow.numerics import SQ, Add, Narrow, RunningMax, Sum

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


@pytest.mark.parametrize(
    ("build", "inputs"),
    [
        (join, {"x": stream([1, 2], "01"), "y": stream([1, 2], "11")}),
        (join, {"x": stream([1, 2], "01"), "y": stream([1], "1")}),
        (repeat, {"x": stream([1]), "y": stream([1, 2], "11")}),
        (mem_reduce, {"x": stream([1, 2, 3], "011", "001")}),
    ],
)
def test_framing_errors(build, inputs):
    """Streams that disagree on where groups end are refused, by name of the unit."""
    with pytest.raises(
        FramingError, match=r"^[yz] \((Map|Repeat|MemReduce)\): its inputs disagree"
    ):
        interpret(graph(build), inputs)


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
