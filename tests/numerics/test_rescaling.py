"""Rescaling: what scores and maxima ask of a sum, and what a sum loses by it."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from amaranth.lib import data
from helpers.streams import tokens
from sdpaflow.graph import Dataflow, Stream, interpret
from sdpaflow.numerics import SQ, UQ, Places, RescaledSum, Rescaling, RunningMax, raw
from sdpaflow.numerics.rescaling import BLOCKS
from sdpaflow.units import Scan
from sdpaflow_sim.engines.amaranth import simulate

LENGTHS = [1, 1, 7, 2, 5, 1, 16, 9, 3, 8]
STARTS = np.append(0, np.cumsum(LENGTHS)[:-1])
FIELDS = ("x", "down", "shift")
WEIGHT = UQ(0, 30)
"""So fine that a sum that is emptied had something in all of its places."""


def grouped(values):
    flat = iter(values)
    return [list(itertools.islice(flat, length)) for length in LENGTHS]


def rising(score, seed):
    """Random scores; in every other group they rise, so that there is much to rescale."""
    rng = np.random.default_rng(seed)
    groups = []
    for n, length in enumerate(LENGTHS):
        drawn = rng.integers(score.raw_min, score.raw_max + 1, length)
        rises = np.cumsum(rng.integers(0, 24 << score.f_bits, length))
        groups.append(np.minimum(score.raw_min + rises, score.raw_max) if n % 2 else drawn)
    return np.concatenate(groups).tolist()


def weighed(score, u, f_bits, step):
    """What the weight of a score is made of: of the places below the unit, whole steps and a rest.

    Beyond 31 places the rest grows, up to 31, which leaves nothing.
    """
    below = u - 1 - (score >> f_bits)
    down = min(below, 31) // step
    rest = min(below - step * down, 31)
    return (score & (1 << f_bits) - 1) - (1 + rest << f_bits), down


def unit(top):
    """Exponent of the unit for a maximum: 7 modulo 8, and the least such that is not below it."""
    return next(u for u in range(top, top + 8) if u % 8 == 7)


def rows(emitted):
    return list(zip(*(emitted[name].tolist() for name in FIELDS), strict=True))


def stepped(fn, tokens_in):
    """What is emitted token by token; the state of a group is there when the next begins."""
    emitted, state = [], raw.zeros(fn.state, 1)
    for index in range(raw.count(tokens_in)):
        first, token = index in STARTS, raw.take(tokens_in, np.array([index]))
        new, clamped = fn.model(first, state, token)
        emitted += rows(fn.model_emit(first, state, new, token))
        state = new
        assert clamped is None
    return emitted


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize(
    "score", [SQ(4, 3), SQ(1, 5), SQ(9, 0), SQ(8, 2), UQ(4, 3), UQ(0, 4)], ids=repr
)
def test_scores_and_maxima_tell_exponents_and_shifts(score, step):
    """In units of 2**u, against the token before the one before: hardware and both models."""
    fn = Rescaling(RunningMax(score).shape, Places(step))
    scores = rising(score, 1)
    tops, wanted = [], []
    for group in grouped(scores):
        top = [math.floor(max(group[: n + 1]) / 2**score.f_bits) + 1 for n in range(len(group))]
        for n, m in enumerate(top):
            blocks = (unit(m) - unit(top[n - 2])) // 8 if n >= 2 else 0
            shift = 2**blocks if blocks < 5 else 0
            wanted.append((*weighed(group[n], unit(m), score.f_bits, step), shift))
        tops += top
    if score.i_bits >= 8:
        assert {shift for _, _, shift in wanted} == {0, 1, 2, 4, 8, 16}
    tokens_in = {"score": np.array(scores), "max": np.array(tops)}
    assert rows(fn.model_scan(tokens_in, STARTS)) == wanted
    assert stepped(fn, tokens_in) == wanted
    stream = tokens(raw.width(fn.token), 1, grouped(raw.pack(fn.token, tokens_in)))
    trace = simulate(Scan(fn), {"i": stream}, {"o": len(stream)}, limit=len(stream) + 1)
    mask = (1 << raw.width(fn.shape)) - 1
    assert rows(raw.unpack(fn.shape, [token & mask for token in trace.outputs["o"]])) == wanted


def test_a_sum_is_emptied_where_the_maximum_rises_by_33_to_40():
    """Never by less, always by 40 or more; between, as the unit has it."""
    fn = Rescaling(RunningMax(SQ(9, 0)).shape, Places(2))
    least = {}
    for m, rise in itertools.product(range(-20, 20), range(60)):
        tops = np.array([m, m, m + rise])
        shift = fn.model_scan({"score": tops - 1, "max": tops}, np.array([0]))["shift"][-1]
        assert (shift == 0) == (unit(m + rise) - unit(m) >= 8 * BLOCKS)
        if shift == 0:
            least[m] = min(rise, least.get(m, rise))
    assert set(least.values()) == set(range(33, 41))
    assert least[7] == 33
    assert least[8] == 40


class Total(Dataflow):
    """A row of weights, summed."""

    def __init__(self, growth):
        super().__init__()
        down, shift = Places(1).down, UQ(BLOCKS, 0)
        layout = data.StructLayout({"x": WEIGHT, "down": down, "shift": shift})
        w = self.input(layout, rank=1)
        total = self.reduce(RescaledSum(layout, "x", growth), w)
        self.output(total=total)


def summed(weights, tops):
    """A row of weights in units of ``2**tops``: the sum as it comes out, and as it is."""
    tops = np.array(tops)
    fn = Rescaling(data.StructLayout({"score": SQ(10, 0), "max": SQ(11, 0)}), Places(1))
    asked = fn.model_scan({"score": tops - 1, "max": tops}, np.array([0]))
    row = {"x": np.array(weights), "down": asked["down"], "shift": asked["shift"]}
    ends = np.arange(len(tops))[:, None] == len(tops) - 1
    streams, clamped = interpret(Total(16), {"w": Stream(row, ends)})
    assert clamped["total"] == 0
    place = Fraction(2) ** (unit(int(tops[-1])) - WEIGHT.f_bits - 7)
    parts = zip(weights, tops.tolist(), strict=True)
    exact = sum(Fraction(w, 1 << WEIGHT.f_bits) * Fraction(2) ** m for w, m in parts)
    return int(streams["total"].data[0]) * place, exact, place


@pytest.mark.parametrize("seed", range(20))
def test_a_sum_loses_two_places_and_what_it_is_emptied_of(seed):
    """Of a row of n keys, n · 2**-32 of the sum: 2**-16 of the longest row. It is never too great.

    Each of two partial sums is rounded down at every shift, which shrinks what was lost before.
    """
    rng = np.random.default_rng(seed)
    n = 100
    rises = rng.integers(0, [9, 50][seed % 2], n) * (rng.random(n) < 0.15)
    tops = -400 + np.cumsum(rises) + rng.integers(-4, 5, n)
    own = tops.tolist()
    maxima = [max(own[: index + 2]) for index in range(n)]  # one key ahead
    below = [min(m - top, 60) for m, top in zip(maxima, own, strict=True)]
    own_weights = rng.integers(2**29, 2**30, n)
    weights = [int(w) >> places for w, places in zip(own_weights, below, strict=True)]
    found, exact, place = summed(weights, maxima)
    assert 0 <= exact - found <= Fraction(257, 256) * 2 * place + exact * n / 2**32


@pytest.mark.parametrize("n", [1000, 1 << 16])
def test_what_a_sum_is_emptied_of_reaches_its_bound(n):
    """Keys as great as can be, and then a maximum that is as little above them as can be."""
    weights = [2**30 - 1] * (n - 2) + [0, 2**29]
    found, exact, _ = summed(weights, [7] * (n - 2) + [40, 40])
    assert 0.99 * n / 2**32 < (exact - found) / exact < n / 2**32


def test_what_is_one_rise_less_is_kept():
    """Of sums shifted by as much as can be, all but two places are left."""
    weights = [2**30 - 1] * 998 + [0, 2**29]
    found, exact, place = summed(weights, [7] * 998 + [39, 39])
    assert 0 <= exact - found <= 2 * place
    assert found > 2**38
