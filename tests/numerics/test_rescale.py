"""Rescaled sums, and the rescaling that scores ask for: hardware, models, exact references."""

import itertools
import math

import numpy as np
import pytest
from amaranth.lib import data
from helpers.bench import raises
from helpers.rescaled import rescaled_sum
from helpers.streams import tokens
from sdpaflow.graph import Dataflow
from sdpaflow.graph.interpret import Stream, interpret
from sdpaflow.numerics import SQ, UQ, RescaledSum, Rescaling, RunningMax, raw
from sdpaflow.numerics.rescale import BLOCKS
from sdpaflow.units import Reduce, Scan
from sdpaflow_sim.amaranth_engine import simulate

LENGTHS = [1, 1, 7, 2, 5, 1, 16, 9, 3, 8]
ENDS = np.cumsum(LENGTHS) - 1
SHIFTS = [1, 1, 1, 2, 4, 8, 16, 0]


def layout(number):
    return data.StructLayout({"down": UQ(3, 0), "x": number, "shift": UQ(BLOCKS, 0)})


def given(number, seed):
    """Random tokens, in runs of one sign, so that sums go far."""
    element = number.elem_shape if isinstance(number, data.ArrayLayout) else number
    lanes = (number.length,) if isinstance(number, data.ArrayLayout) else ()
    rng, n = np.random.default_rng(seed), sum(LENGTHS)
    values = rng.integers(element.raw_min, element.raw_max + 1, (n, *lanes))
    values[4:12], values[20:30] = element.raw_max, element.raw_min
    return {"down": rng.integers(0, 8, n), "x": values, "shift": rng.choice(SHIFTS, n)}


def grouped(values):
    flat = iter(values)
    return [list(itertools.islice(flat, length)) for length in LENGTHS]


class Sums(Dataflow):
    """A Reduce, so as to ask for its model."""

    def __init__(self, fn):
        super().__init__()
        x = self.input(fn.token, rank=1)
        total = self.reduce(fn, x)
        self.output(total=total)


def modelled(fn, tokens_in):
    ends = np.zeros((sum(LENGTHS), 1), dtype=bool)
    ends[ENDS] = True
    streams, clamped = interpret(Sums(fn), {"x": Stream(tokens_in, ends)})
    return streams["total"].data, clamped.get("total", 0)


def reduced(fn, tokens_in):
    """Results of a Reduce in hardware, and how often it said that it clamped."""
    stream = tokens(raw.width(fn.token), 1, grouped(raw.pack(fn.token, tokens_in)))
    limit = len(stream) + 4
    trace = simulate(Reduce(fn), {"i": stream}, {"o": len(LENGTHS)}, limit=limit)
    return raw.unpack(fn.state, trace.outputs["o"]), trace.saturations.get("unit", 0)


@pytest.mark.parametrize(
    "number",
    [SQ(3, 4), UQ(3, 4), data.ArrayLayout(SQ(3, 4), 3), data.ArrayLayout(UQ(3, 4), 1)],
    ids=repr,
)
def test_sum_is_shifted_by_blocks_before_each_token(number):
    """Rounding down; each token by up to 7 places more, exactly; two sums in turn."""
    fn = RescaledSum(layout(number), "x", 4)
    tokens_in = given(number, 6)
    n = sum(LENGTHS)
    lanes = np.reshape(tokens_in["x"], (n, -1)).tolist()
    rows = zip(lanes, tokens_in["down"].tolist(), tokens_in["shift"].tolist(), strict=True)
    wanted = [rescaled_sum(group)[0] for group in grouped(rows)]
    results, count = reduced(fn, tokens_in)
    assert np.reshape(results, (len(LENGTHS), -1)).tolist() == wanted
    model, clamped = modelled(fn, tokens_in)
    assert np.array_equal(model, results)
    assert count == clamped == 0


@pytest.mark.parametrize("number", [SQ(3, 4), UQ(3, 4)], ids=repr)
def test_sum_of_numbers_saturates_where_growth_does_not_suffice(number):
    """In both sums, and when they become one. What is clamped counts."""
    fn = RescaledSum(layout(number), "x", 1)
    tokens_in = given(number, 7)
    tokens_in["down"][:] //= 4
    tokens_in["shift"][tokens_in["shift"] != 2] = 1
    rows = zip(
        tokens_in["x"][:, None].tolist(),
        tokens_in["down"].tolist(),
        tokens_in["shift"].tolist(),
        strict=True,
    )
    found = [rescaled_sum(group, fn.element.raw_min, fn.element.raw_max) for group in grouped(rows)]
    results, _ = reduced(fn, tokens_in)
    assert results.tolist() == [total for (total,), _ in found]
    model, clamped = modelled(fn, tokens_in)
    assert model.tolist() == results.tolist()
    assert clamped == sum(count for _, count in found) > 0


def test_whole_groups_are_summed_as_token_by_token(monkeypatch):
    """Groups of one token, of many, and all of one group."""
    for number in (UQ(0, 8), SQ(1, 8), data.ArrayLayout(SQ(1, 8), 3)):
        fn = RescaledSum(layout(number), "x", 8)
        for seed in range(3):
            tokens_in = given(number, seed)
            fast, _ = modelled(fn, tokens_in)
            with monkeypatch.context() as patch:
                patch.setattr(RescaledSum, "model_groups", lambda *_: None)
                slow, _ = modelled(fn, tokens_in)
            assert np.array_equal(fast, slow)


@pytest.mark.parametrize("score", [SQ(4, 3), SQ(1, 5), SQ(9, 0), SQ(8, 2), UQ(4, 3)], ids=repr)
def test_rescaling_tells_exponents_and_shifts(score):
    """The unit is 2**u, u = 7 modulo 8 and the least such that is not below the maximum."""
    maxima = RunningMax(score)
    fn = Rescaling(maxima.shape)
    rng = np.random.default_rng(1)
    scores = rng.integers(score.raw_min, score.raw_max + 1, sum(LENGTHS))
    tops, wanted = [], []
    for group in grouped(scores.tolist()):
        top = [math.floor(max(group[: n + 1]) / 2**score.f_bits) + 1 for n in range(len(group))]
        unit = [next(u for u in range(m, m + 8) if u % 8 == 7) for m in top]
        for n, (m, u) in enumerate(zip(top, unit, strict=True)):
            blocks = (u - unit[n - 2]) // 8 if n >= 2 else 0
            shift = 2**blocks if blocks < 5 else 0
            wanted.append((group[n] - (m << score.f_bits), u - m, shift))
        tops += top
    tokens_in = {"score": scores, "max": np.array(tops)}
    starts = np.append(0, ENDS[:-1] + 1)
    model = fn.model_scan(tokens_in, starts)
    fields = ("x", "down", "shift")
    assert list(zip(*(model[name].tolist() for name in fields), strict=True)) == wanted
    stream = tokens(raw.width(fn.token), 1, grouped(raw.pack(fn.token, tokens_in)))
    trace = simulate(Scan(fn), {"i": stream}, {"o": len(stream)}, limit=len(stream) + 1)
    mask = (1 << raw.width(fn.shape)) - 1
    found = raw.unpack(fn.shape, [token & mask for token in trace.outputs["o"]])
    assert list(zip(*(found[name].tolist() for name in fields), strict=True)) == wanted


def test_rescaling_step_by_step_is_what_it_is_at_once():
    """The model of a token, from the state that the token before left."""
    maxima = RunningMax(SQ(8, 2))
    fn = Rescaling(maxima.shape)
    tops = np.sort(np.random.default_rng(2).integers(-100, 100, 12))
    tokens_in = {"score": 4 * tops - 1, "max": tops}
    whole, state = fn.model_scan(tokens_in, np.array([0])), raw.zeros(fn.state, 1)
    for index in range(12):
        token = raw.take(tokens_in, np.array([index]))
        new, _ = fn.model(index == 0, state, token)
        emitted = fn.model_emit(index == 0, state, new, token)
        assert {n: v.tolist() for n, v in emitted.items()} == {
            n: [v[index]] for n, v in whole.items()
        }
        state = new
    assert {0, 1, 2} <= set(whole["shift"].tolist())


def test_rescaled_sum_needs_its_field():
    with raises(KeyError, "'y'"):
        RescaledSum(layout(SQ(3, 4)), "y", 4)
