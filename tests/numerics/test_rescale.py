"""Rescaled sums: hardware in Reduce and MemReduce, model, plain integers."""

import itertools

import numpy as np
import pytest
from amaranth.lib import data
from helpers.bench import raises
from helpers.rescaled import rescaled_sum
from helpers.streams import tokens
from sdpaflow.graph import Dataflow, Stream, interpret
from sdpaflow.numerics import SQ, UQ, RescaledSum, raw
from sdpaflow.numerics.rescaling import BLOCKS
from sdpaflow.units import Reduce
from sdpaflow_sim.checking import check
from sdpaflow_sim.engines.amaranth import simulate
from sdpaflow_sim.engines.stalls import Stall

LENGTHS = [1, 1, 7, 2, 5, 1, 16, 9, 3, 8]
ENDS = np.cumsum(LENGTHS) - 1
SHIFTS = [1, 1, 1, 2, 4, 8, 16, 0]


def layout(number):
    return data.StructLayout({"down": UQ(3, 0), "x": number, "shift": UQ(BLOCKS, 0)})


def drawn(number, n, seed):
    """Random tokens."""
    element = number.elem_shape if isinstance(number, data.ArrayLayout) else number
    lanes = (number.length,) if isinstance(number, data.ArrayLayout) else ()
    rng = np.random.default_rng(seed)
    values = rng.integers(element.raw_min, element.raw_max + 1, (n, *lanes))
    return {"down": rng.integers(0, 8, n), "x": values, "shift": rng.choice(SHIFTS, n)}


def given(number, seed):
    """The same in runs of one sign, so that sums go far."""
    element = number.elem_shape if isinstance(number, data.ArrayLayout) else number
    tokens_in = drawn(number, sum(LENGTHS), seed)
    tokens_in["x"][4:12], tokens_in["x"][20:30] = element.raw_max, element.raw_min
    return tokens_in


def extremes(number, n):
    """Tokens hardly shifted, mostly the greatest and the least of the format in runs."""
    rng, run = np.random.default_rng(n), np.arange(n) // 11 % 2 == 0
    values = np.where(run, number.raw_max, number.raw_min or number.raw_max - 1)
    shift = rng.choice([1, 1, 1, 2], n)
    return {"down": rng.choice([0, 0, 0, 1], n), "x": values, "shift": shift}


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


class Columns(Dataflow):
    """A MemReduce, likewise."""

    def __init__(self, fn, size):
        super().__init__()
        x = self.input(fn.token, rank=2)
        total = self.mem_reduce(fn, x, size)
        self.output(total=total)


def modelled(fn, tokens_in):
    ends = np.zeros((sum(LENGTHS), 1), dtype=bool)
    ends[ENDS] = True
    streams, clamped = interpret(Sums(fn), {"x": Stream(tokens_in, ends)})
    return streams["total"].data, clamped.get("total", 0)


def reduced(fn, tokens_in):
    """Results of a Reduce in hardware, and how often it said that it clamped."""
    stream = tokens(raw.width(fn.token), 1, grouped(raw.pack(fn.token, tokens_in)))
    limit = sum(max(length, 4) for length in LENGTHS) + 4
    trace = simulate(Reduce(fn), {"i": stream}, {"o": len(LENGTHS)}, limit=limit)
    return raw.unpack(fn.result, trace.outputs["o"]), trace.saturations.get("unit", 0)


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
    results, count = reduced(fn, tokens_in)
    assert results.tolist() == [total for (total,), _ in found]
    model, clamped = modelled(fn, tokens_in)
    assert model.tolist() == results.tolist()
    assert count == clamped == sum(times for _, times in found) > 0


STALLS = {
    "none": {},
    "slow sink": {"total": Stall("100")},
    "slow source": {"x": Stall("10")},
    "at random": {"x": Stall("random:0.3", 1), "total": Stall("random:0.5", 2)},
}


@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize("number", [SQ(3, 4), UQ(3, 4)], ids=repr)
def test_merges_and_additions_that_clamp_are_counted_apart(number, stalls):
    """As in the model, however they meet: short groups, nearly all of whose sums are clamped.

    A merge falls into the cycle of an addition only where that is the first of its sum, which has
    room for any token.
    """
    fn = RescaledSum(layout(number), "x", 0)
    lengths = np.random.default_rng(8).integers(1, 8, 150)
    tokens_in, ends = extremes(number, int(lengths.sum())), np.cumsum(lengths) - 1
    last = np.isin(np.arange(lengths.sum()), ends)[:, None]
    given_in = {"x": Stream(tokens_in, last)}
    _, clamped = interpret(Sums(fn), given_in)
    assert clamped["total"] > 150
    _, trace = check(Sums(fn), given_in, stalls=stalls, engine="amaranth")
    assert trace.saturations == clamped


@pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS)
@pytest.mark.parametrize(
    ("number", "growth"),
    [(SQ(3, 4), 0), (UQ(3, 4), 0), (SQ(3, 4), 4), (data.ArrayLayout(SQ(3, 4), 2), 4)],
    ids=repr,
)
def test_memory_keeps_two_sums_for_each_position(number, growth, stalls):
    """Columns of tables, of one row, of one column, of more, each as a Reduce would sum them."""
    fn = RescaledSum(layout(number), "x", growth)
    shapes = [(1, 1), (1, 4), (2, 3), (7, 1), (3, 4), (4, 2), (1, 2), (2, 4), (5, 3), (9, 4)] * 2
    n = sum(rows * columns for rows, columns in shapes)
    tokens_in = extremes(number, n) if not growth else drawn(number, n, 9)
    last, wanted, clamped, start = [], [], 0, 0
    every = [np.reshape(tokens_in["x"], (n, -1)), tokens_in["down"], tokens_in["shift"]]
    every = list(zip(*(values.tolist() for values in every), strict=True))
    bounds = (fn.element.raw_min, fn.element.raw_max) if fn.saturates else ()
    for rows, columns in shapes:
        for row, column in itertools.product(range(rows), range(columns)):
            ends = column == columns - 1
            last.append((ends, ends and row == rows - 1))
        for column in range(columns):
            group = every[start + column : start + rows * columns : columns]
            total, count = rescaled_sum(group, *bounds)
            wanted.append(total)
            clamped += count
        start += rows * columns
    assert (clamped > 0) == (growth == 0)
    given_in = {"x": Stream(tokens_in, np.array(last))}
    outputs, trace = check(Columns(fn, 4), given_in, stalls=stalls, engine="amaranth")
    assert np.reshape(outputs["total"].data, (len(wanted), -1)).tolist() == wanted
    assert trace.saturations == ({"total": clamped} if fn.saturates else {})


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


@pytest.mark.parametrize("number", [SQ(3, 4), UQ(3, 4), data.ArrayLayout(SQ(3, 4), 2)], ids=repr)
@pytest.mark.parametrize(("f_bits", "result_bits"), [(6, 6), (6, 3), (12, 7)])
def test_tokens_are_shifted_by_steps_and_rounded_to_nearest(number, f_bits, result_bits):
    """Ties up; both partial sums drop what the result has no place for."""
    shape = data.StructLayout({**layout(number).members, "down": UQ(4, 0)})
    fn = RescaledSum(shape, "x", 5, step=2, f_bits=f_bits, result_bits=result_bits, watched=False)
    tokens_in = given(number, 3)
    n = sum(LENGTHS)
    tokens_in["down"] = np.random.default_rng(3).integers(0, 16, n)
    lanes = np.reshape(tokens_in["x"], (n, -1)).tolist()
    rows = zip(lanes, tokens_in["down"].tolist(), tokens_in["shift"].tolist(), strict=True)
    places = {"fine": f_bits - 4, "step": 2, "drop": f_bits - result_bits}
    wanted = [rescaled_sum(group, **places)[0] for group in grouped(rows)]
    results, count = reduced(fn, tokens_in)
    assert np.reshape(results, (len(LENGTHS), -1)).tolist() == wanted
    model, clamped = modelled(fn, tokens_in)
    assert np.array_equal(model, results)
    assert count == clamped == 0
    assert not fn.saturates


def test_a_sum_has_the_bits_of_what_it_adds_and_gives():
    message = "Sum must have at least the fraction bits of SQ(3,4) and of its result, {}, not {}"
    with raises(ValueError, message.format(4, 3)):
        RescaledSum(layout(SQ(3, 4)), "x", 4, f_bits=3)
    with raises(ValueError, message.format(6, 5)):
        RescaledSum(layout(SQ(3, 4)), "x", 4, f_bits=5, result_bits=6)


def test_rescaled_sum_needs_its_field():
    with raises(KeyError, "'y'"):
        RescaledSum(layout(SQ(3, 4)), "y", 4)


def test_a_sum_has_room_for_its_first_token():
    with raises(ValueError, "Growth must be at least 0, not -1"):
        RescaledSum(layout(SQ(3, 4)), "x", -1)
