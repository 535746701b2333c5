"""Latencies and skews, from the graph."""

import pytest
from attention import NAMES, pipeline
from sdpaflow.graph import Dataflow, longest, skew
from sdpaflow.numerics import SQ, Add, Narrow, Sum

X = SQ(4, 4)


class Diamond(Dataflow):
    """One branch of three units, one of one, joined again."""

    def __init__(self):
        super().__init__()
        x = self.input(X)
        a, b = self.fork(x)
        a1 = self.map(Narrow(X, X), a)
        a2 = self.map(Narrow(X, X), a1)
        a3 = self.map(Narrow(X, X), a2)
        b1 = self.map(Narrow(X, X), b)
        self.skews = skew(b1, a3), skew(a3, b1)
        y = self.map(Add(X, X), a3, b1)
        self.output(y=y)


def test_skew():
    """A unit and its FIFO take a cycle each; what is sized is not counted."""
    assert Diamond().skews == (1 + 3 * 2 - (1 + 1), (1 + 2) - (1 + 3 * 2 - 1))


def test_longest():
    """From a node or from outside, the longest path counts."""
    dut = Diamond()
    (fork,) = [node for node in dut.nodes if node.kind == "Fork"]
    assert longest(dut.output_edges["y"], fork) == 1 + 3 * 2 + 2
    assert longest(dut.output_edges["y"], None) == 1 + 1 + 3 * 2 + 2
    assert longest(dut.input_edges["x"], fork) is None


def test_no_common_fork():
    """Streams that never were one have no skew."""

    class Apart(Dataflow):
        def __init__(self):
            super().__init__()
            x = self.input(X)
            y = self.input(X, rank=1)
            s = self.reduce(Sum(X, 1), y)
            skew(x, s)

    with pytest.raises(ValueError, match=r"^x and s do not come from one fork$"):
        Apart()


@pytest.mark.parametrize("name", NAMES)
def test_rows_wait_for_one_reduction(name):
    """The skew of a row is a Reduce between two FIFOs, three cycles; before a sum, weights are
    placed in three, and it is normalised in eight."""
    for lanes in (4, 2, 1):
        dut = pipeline(name, lanes=lanes, row_max=30)
        deep = {edge.name: edge.depth for edge in dut.edges if edge.depth > 4}
        for fifo, depth in deep.items():
            sums = fifo == "e_wait" or name == "naive"
            assert depth == 30 + (3 + 3 + 8 if sums else 3) * lanes // 4
