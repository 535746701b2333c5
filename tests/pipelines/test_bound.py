"""How far outputs are off at most: the bound that is stated, and rows that are made to reach it."""

import math

import numpy as np
import pytest
from attention import NAMES, STORING, pipeline
from helpers.bench import raises
from helpers.worst import FAMILIES, build, error, outputs, spread
from sdpaflow.numerics import SQ
from sdpaflow.pipelines import Attention, Config

GOALS = {"naive": 2, "scaled": 2, "reordered": 1, "scaled-reordered": 1, "memory-free": 1}
"""In units of the last place of a 16-bit output, for the rows below."""


NEAR = {"naive": 0.5, "scaled": 0.6, "reordered": 0.8, "scaled-reordered": 0.8, "memory-free": 0.8}
"""Part of the bound that is reached; that of shares has terms that do not come together."""


def rows(n, seed):
    """One of each kind, the greatest score 0 or more, within the range of every pipeline."""
    rng = np.random.default_rng([n, seed])
    for make in FAMILIES.values():
        scores = make(n, rng)
        yield scores - math.floor(scores.max())


@pytest.mark.parametrize("n", [16, 200, 3000])
@pytest.mark.parametrize("name", NAMES)
def test_rows_of_all_kinds(name, n):
    """A hot key and a faint tail, equal scores, rising, falling, random; values that are made from
    the very errors of the weights."""
    dut = build(name, n)
    for align in range(8) if name == "memory-free" and n < 1000 else [0]:
        for scores in rows(n, align):
            found, clamped = error(dut, scores + align)
            assert found <= min(GOALS[name], dut.error_bound(n))
            assert not clamped


@pytest.mark.parametrize("name", ["scaled", "scaled-reordered", "memory-free"])
def test_the_longest_rows(name):
    """65 536 keys: what vanished, or was 25 % off, when weights had a fixed place."""
    n = 1 << 16
    dut = build(name, n)
    for kind in ("equal", "hot, tail 12.6 nats below", "hot, tail as heavy", "rising"):
        scores = FAMILIES[kind](n, None)
        found, clamped = error(dut, scores)
        assert found <= GOALS[name]
        assert not clamped


@pytest.mark.parametrize("name", NAMES)
def test_short_rows(name):
    """2 to 8 keys, wherever the maximum is within a block."""
    dut = build(name, 8)
    aligns = range(8) if name == "memory-free" else [0, 3]
    for n, align in ((n, align) for n in range(2, 9) for align in aligns):
        for scores in rows(n, align):
            found, clamped = error(dut, scores + (align if name == "memory-free" else 0))
            assert found <= max(1.4, GOALS[name])
            assert found <= dut.error_bound(n)
            assert not clamped


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [3000, 49152])
def test_equal_keys_share_equally(name, n):
    """Of equal values the mean is the value."""
    found, _ = outputs(build(name, n), np.full(n, 0.3), np.full((n, 6), 4096))
    assert (np.abs(found - 4096) <= 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_scores_that_are_made_for_it_come_near_the_bound(name):
    """All weights as far off as can be, half of them up and half down: within the bound, and not
    far from it, so that it says something."""
    dut, bound = build(name, 64), build(name, 64).error_bound(64)
    aligns = [1, 3] if name == "memory-free" else [0]
    found = max(error(dut, spread(dut, 64) + align, nudged=True)[0] for align in aligns)
    assert NEAR[name] * bound < found <= bound


def test_a_sum_is_emptied_of_what_counts_least():
    """Where the maximum rises by 33 places at once, 65 535 keys can count for a unit and be lost;
    just below that, nothing is."""
    n = 1 << 16
    dut, found = build("memory-free", n), {}
    for top in (-25.001, -24.999):
        found[top] = error(dut, np.append(np.full(n - 1, top), 7.001))[0]
    assert found[-24.999] < 0.7
    assert 0.99 < found[-25.001] <= dut.error_bound(n)


@pytest.mark.parametrize("name", STORING)
def test_rows_as_faint_as_naive_takes(name):
    """What no maximum is subtracted from loses bits as its scores fall, and says so before."""
    n = 64
    dut, bound = build(name, n), build(name, n).error_bound(n)
    drawn = np.random.default_rng(1).uniform(-3, 0, n)
    marked = []
    for top in range(7, -24, -1):
        found, clamped = error(dut, drawn + top)
        marked.append(bool(clamped))
        assert found <= bound or clamped
    assert any(marked) == (name == "naive")
    assert marked == sorted(marked)


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("name", NAMES)
def test_other_formats(name, bits):
    """The bound follows the widths; formats of few bits have few errors of their own."""
    formats = {"v": SQ(4, bits - 4), "weight_bits": 11, "score_bits": 12}
    dut = build(name, 100, **formats)
    bound = dut.error_bound(100)
    assert bound < (1.2 if bits == 8 else 12)
    for scores in rows(100, 5):
        found, _ = error(dut, scores)
        assert found <= bound


def test_bounds_of_the_defaults():
    """As they are published."""
    keys = (16, 4096, 65536)
    found = {
        name: [round(pipeline(name, 16, row_max=1 << 16).error_bound(n), 2) for n in keys]
        for name in NAMES
    }
    assert found == {
        "naive": [1.44, 1.47, 1.88],
        "reordered": [0.91, 0.92, 1.17],
        "scaled": [1.44, 1.45, 1.56],
        "scaled-reordered": [0.88, 0.88, 0.91],
        "memory-free": [1.19, 1.27, 2.45],
    }


def test_a_bound_needs_keys():
    dut = pipeline("naive", row_max=9)
    for keys, least in ((0, "0"), (10, "10"), (2.0, "2.0")):
        with raises(ValueError, f"Keys must be 1 to 9, not {least}"):
            dut.error_bound(keys)
    with raises(NotImplementedError, "Attention states no bound of its errors"):
        Attention(Config(4)).error_bound(5)
