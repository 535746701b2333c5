"""How long the pipelines take, cycle for cycle."""

import pytest
from attention import NAMES, correct, cycles, head, pipeline
from sdpaflow.graph import longest
from sdpaflow.numerics import Divide

ROWS_WAITED_FOR = {
    "naive": 1,
    "reordered": 0,
    "scaled": 2,
    "scaled-reordered": 1,
    "memory-free": 0,
}
SIZES = [(20, 20), (5, 24), (16, 19), (3, 40), (4, 64)]
"""Queries and keys; rows of 19 keys or more, which take as long as a division."""


def latency(name, d):
    """Cycles from an input token accepted to the output token it completes, from the graph."""
    dut = pipeline(name, d)
    return longest(dut.output_edges["o"], None)


@pytest.mark.parametrize("d", [4, 16])
@pytest.mark.parametrize("name", NAMES)
def test_one_cycle_per_score(name, d):
    """With lanes = d a run takes N_q·N_k cycles, a row for each long FIFO, and the latency.

    Each long FIFO hands out its first token while the last of the row comes in: it waits for one
    token less than a row.
    """
    rows = ROWS_WAITED_FOR[name]
    for n_q, n_k in SIZES:
        expected = n_q * n_k + rows * (n_k - 1) + latency(name, d)
        assert cycles(name, n_q, n_k, d) == expected, (n_q, n_k)


def test_square_runs_of_the_two_extremes():
    """From N = 19 on, memory-free takes N² + 54 cycles and naive N² + N + 48, at d = 4."""
    for n in (19, 32, 64):
        assert cycles("memory-free", n, n) == n * n + 54
        assert cycles("naive", n, n) == n * n + n + 48


@pytest.mark.parametrize(("d", "lanes"), [(4, 2), (4, 1), (8, 1)])
@pytest.mark.parametrize("name", NAMES)
def test_d_over_lanes_cycles_per_score(name, d, lanes):
    """With fewer lanes a run takes d/lanes as many cycles, and a constant besides.

    The first row to wait comes in at that rate too; a second one comes out of the first at one
    token per cycle.
    """
    beats, rows = d // lanes, ROWS_WAITED_FOR[name]
    waits = [0, beats, beats + 1][rows]
    constants = {
        cycles(name, n_q, n_k, d, lanes) - beats * n_q * n_k - waits * n_k
        for n_q, n_k in [(8, 20), (5, 24), (16, 19), (3, 28)]
    }
    assert len(constants) == 1


@pytest.mark.parametrize("name", ["reordered", "scaled-reordered", "memory-free"])
def test_rows_shorter_than_the_division(name):
    """A division takes 19 cycles: rows of fewer keys are right, and take 19 cycles each.

    With three bits of a quotient per cycle it takes 7.
    """
    for interval, options in ((19, {}), (7, {"digits": 3})):
        short = pipeline(name, row_max=18, **options)
        (divide,) = [
            n.unit.fn for n in short.nodes if isinstance(getattr(n.unit, "fn", None), Divide)
        ]
        assert divide.interval == interval
        for n_k in (1, 3, interval - 1):
            runs = [correct(short, *head(n_q=n, n_k=n_k)).cycles for n in (6, 9)]
            assert runs[1] - runs[0] == 3 * interval


@pytest.mark.parametrize("name", NAMES)
def test_heads_follow_without_a_bubble(name):
    """Two heads back to back take as long as one with the queries of both."""
    dut = pipeline(name, row_max=20)
    one, two = head(n_q=5, n_k=20), head(n_q=7, n_k=20, seed=1)
    together = correct(dut, *map(list, zip(one, two, strict=True)))
    assert together.cycles == cycles(name, 12, 20)
    assert together.scores == 12 * 20
