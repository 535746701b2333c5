"""How long the pipelines take, cycle for cycle."""

import pytest
from attention import NAMES, correct, cycles, head, shared
from sdpaflow.graph import longest
from sdpaflow.numerics import Serial

ROWS_WAITED_FOR = {
    "naive": 1,
    "reordered": 0,
    "scaled": 2,
    "scaled-reordered": 1,
    "memory-free": 0,
}
SIZES = [(5, 20), (9, 17), (3, 40)]
"""Queries and keys; rows of 17 keys or more, which take as long as dividing 8 lanes in turn."""


def latency(name, d, **options):
    """Cycles from an input token accepted to the output token it completes, from the graph."""
    dut = shared(name, d, **options)
    return longest(dut.output_edges["o"], None)


@pytest.mark.parametrize("d", [4, 8])
@pytest.mark.parametrize("name", NAMES)
def test_one_cycle_per_score(name, d):
    """With lanes = d a run takes N_q·N_k cycles, a row for each long FIFO, and the latency.

    Each long FIFO hands out its first token while the last of the row comes in: it waits for one
    token less than a row.
    """
    rows = ROWS_WAITED_FOR[name]
    for n_q, n_k in SIZES if d == 4 else SIZES[1:2]:
        expected = n_q * n_k + rows * (n_k - 1) + latency(name, d)
        assert cycles(name, n_q, n_k, d, row_max=40) == expected, (n_q, n_k)


def test_square_runs_of_the_two_extremes():
    """From N = 5 on, memory-free takes N² + 61 cycles and naive N² + N + 71, at d = 4."""
    for n in (5, 11, 20):
        assert cycles("memory-free", n, n, row_max=40) == n * n + 61
        assert cycles("naive", n, n, row_max=40) == n * n + n + 71


@pytest.mark.parametrize(("d", "lanes"), [(4, 2), (4, 1)])
@pytest.mark.parametrize("name", NAMES)
def test_d_over_lanes_cycles_per_score(name, d, lanes):
    """With fewer lanes a run takes d/lanes as many cycles, and a constant besides.

    The first row to wait comes in at that rate too; a second one comes out of the first at one
    token per cycle.
    """
    beats, rows = d // lanes, ROWS_WAITED_FOR[name]
    waits = [0, beats, beats + 1][rows]
    constants = {
        cycles(name, n_q, n_k, d, lanes, row_max=24) - beats * n_q * n_k - waits * n_k
        for n_q, n_k in [(3, 20), (5, 9), (2, 24)]
    }
    assert len(constants) == 1


@pytest.mark.parametrize("d", [4, 8])
@pytest.mark.parametrize("name", ["reordered", "scaled-reordered", "memory-free"])
def test_rows_shorter_than_the_division(name, d):
    """A division takes a cycle per lane and one more: shorter rows are right, and take as long."""
    short = shared(name, d, row_max=d)
    (divide,) = [n.unit.fn for n in short.nodes if isinstance(getattr(n.unit, "fn", None), Serial)]
    assert divide.interval == d + 1
    for n_k in (1, 3, d):
        runs = [correct(short, *head(d, n_q=n, n_k=n_k)).cycles for n in (4, 6)]
        assert runs[1] - runs[0] == 2 * (d + 1)


def test_short_rows_of_one_lane():
    """There is a division in each cycle; sums in two cycles take a row in every fourth."""
    dut = shared("memory-free", d=1)
    for n_k in range(1, 7):
        runs = [correct(dut, *head(1, n_q=n, n_k=n_k)).cycles for n in (5, 7)]
        assert runs[1] - runs[0] == 2 * max(n_k, 4)


@pytest.mark.parametrize("digits", [2, 3, 4])
def test_more_digits_make_a_shorter_division(digits):
    """By as many stages as there are steps less; ``steps = ⌈18 / digits⌉``."""
    assert latency("memory-free", 4) - latency("memory-free", 4, digits=digits) == 18 - -(
        -18 // digits
    )
    short = correct(shared("memory-free", digits=digits), *head(n_q=3, n_k=20)).cycles
    assert short == 3 * 20 + latency("memory-free", 4, digits=digits)


@pytest.mark.parametrize("name", NAMES)
def test_heads_follow_without_a_bubble(name):
    """Two heads back to back take as long as one with the queries of both."""
    dut = shared(name, 4, None, 40)
    one, two = head(n_q=2, n_k=20), head(n_q=3, n_k=20, seed=1)
    together = correct(dut, *map(list, zip(one, two, strict=True)))
    assert together.cycles == cycles(name, 5, 20, row_max=40)
    assert together.scores == 5 * 20
