"""Least depths of FIFOs: those that are known are found, and the command prints them."""

from types import SimpleNamespace

import pytest
from attention import head, pipeline
from sdpaflow.graph import Dataflow, skew
from sdpaflow.numerics import UQ, Divide, Sum
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.errors import DeadlockError, MismatchError
from sdpaflow_sim.sizing import depths, search
from sdpaflow_sim.streams import stream_of


class Normalise(Dataflow):
    """Each row waits for its sum, in a FIFO of ``spare`` words more than derived."""

    def __init__(self, spare=0):
        super().__init__()
        x = self.input(UQ(4, 8), rank=1)
        x_row, x_sum = self.fork(x)
        sum_i = self.reduce(Sum(x.shape, growth=8), x_sum)
        row = x_row.fifo(12 + skew(x_row, sum_i) + spare)
        row_sum = self.repeat(sum_i, over=row)
        share = self.map(Divide(x.shape, sum_i.shape, UQ(1, 15)), row_sum)
        self.output(share=share)


ROWS = {"x": stream_of(UQ(4, 8), [list(range(1, 13))] * 5, rank=1)}


@pytest.mark.parametrize(
    ("name", "lanes", "n", "rate"),
    [("naive", 2, 6, 20), ("scaled-reordered", 1, 6, 5)],
)
def test_rows_of_attention(name, lanes, n, rate):
    """N − 1 words complete. To keep the rate, naive takes N + 14; with fewer lanes, N − 1 do."""
    data = head(d=2, n_q=4, n_k=n)
    made = []

    def make():
        made.append(pipeline(name, d=2, lanes=lanes, row_max=n))
        return made[-1]

    (row,) = search(make, lambda graph: run(graph, *data), ["row"])
    assert (row.name, row.completes, row.full_rate) == ("row", n - 1, rate)
    assert row.cycles[n - 2] is None
    assert row.cycles[rate] == row.cycles[row.built]
    assert len(made) == 1 + len(row.cycles)


def test_a_graph_of_ones_own():
    """Depths are found for every FIFO by itself, also where it is built with too many words."""
    done = []
    found = depths(lambda: Normalise(spare=9), ROWS, progress=done.append)
    assert {fifo.name: (fifo.completes, fifo.full_rate) for fifo in found} == {
        "x": (1, 2), "x_sum": (1, 2), "sum_i": (1, 2), "row": (11, 15),
        "row_sum": (1, 2), "share": (1, 2),
    }  # fmt: skip
    assert done == [1, 2, 3, 4, 5, 6]
    assert {fifo.built for fifo in found if fifo.name != "row"} == {2}
    assert next(fifo.built for fifo in found if fifo.name == "row") == 15 + 9


def stub(good):
    """A run that is stuck where the row's depth is not good."""

    def run(graph):
        (depth,) = [edge.depth for edge in graph.edges if edge.name == "row"]
        if good(depth) is None:
            raise DeadlockError(f"row of {depth}")
        return SimpleNamespace(cycles=good(depth))

    return run


@pytest.mark.parametrize("threshold", [1, 2, 3, 4, 11, 14, 15])
def test_every_threshold(threshold):
    """Bisection finds the depth itself, not one beside it."""
    (row,) = search(Normalise, stub(lambda n: 50 if n >= threshold else None), ["row"])
    assert (row.built, row.completes, row.full_rate) == (15, threshold, threshold)
    (row,) = search(Normalise, stub(lambda n: 50 if n >= threshold else 51), ["row"])
    assert (row.completes, row.full_rate) == (1, threshold)


@pytest.mark.parametrize("holes", [{9}, {10}, {11}, {9, 14}])
def test_more_words_that_do_harm(holes):
    """A depth that fails above others that do not is seen: the least depth is above it."""
    good = set(range(8, 16)) - holes
    (row,) = search(Normalise, stub(lambda n: 50 if n in good else None), ["row"])
    assert row.completes == max(holes) + 1


def test_a_deep_fifo_takes_few_runs():
    """Bisection, and some more around the threshold."""
    made = stub(lambda n: 50 if n >= 600 else None)
    (row,) = search(lambda: Normalise(spare=985), made, ["row"])
    assert (row.built, row.completes) == (1000, 600)
    assert len(row.cycles) <= 10 + 2 * 3 + 3 + 1


def test_what_is_stuck_as_built():
    """Then there is nothing to compare with, and the FIFO is named."""
    with pytest.raises(DeadlockError, match=r"room in FIFO row, which is full with 10 words"):
        depths(lambda: Normalise().resize({"row": 10}), ROWS, names=["row"])


def test_wrong_bits_are_no_depth(monkeypatch):
    """A run that ends with other bits is an error, not a FIFO that is too short."""

    def run(graph):
        raise MismatchError("token 3 of share")

    with pytest.raises(MismatchError, match="token 3 of share"):
        search(Normalise, run)


def test_unknown_fifo():
    with pytest.raises(ValueError, match=r"There is no FIFO 'raw', only x, x_sum, sum_i, row"):
        depths(Normalise, ROWS, names=["raw"])
