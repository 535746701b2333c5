"""Elementwise operators: hardware against model, model against exact fractions."""

import math
import operator
from fractions import Fraction

import numpy as np
import pytest
from amaranth.lib import data
from helpers.bench import apply, raises
from sdpaflow.numerics import (
    SQ,
    UQ,
    Add,
    Maximum,
    Multiply,
    Narrow,
    Shift,
    Subtract,
    raw,
)

N = 40
EXACT = {Add: operator.add, Subtract: operator.sub, Multiply: operator.mul}
OPERANDS = {
    "signed": (SQ(4, 4), SQ(2, 7)),
    "unsigned": (UQ(4, 4), UQ(0, 5)),
    "mixed": (SQ(4, 4), UQ(3, 6)),
    "integers": (UQ(6, 0), SQ(3, 0)),
    "vectors": (data.ArrayLayout(SQ(4, 4), 3), data.ArrayLayout(UQ(2, 7), 3)),
    "vector by number": (data.ArrayLayout(SQ(4, 4), 3), SQ(2, 7)),
    "number by vector": (UQ(1, 3), data.ArrayLayout(SQ(4, 4), 5)),
    "one lane": (data.ArrayLayout(SQ(4, 4), 1), SQ(2, 7)),
}


def element(shape):
    return shape.elem_shape if isinstance(shape, data.ArrayLayout) else shape


def random(rng, shape, n=N):
    """Raw numbers or vectors, the extremes among them."""
    number = element(shape)
    lanes = (shape.length,) if isinstance(shape, data.ArrayLayout) else ()
    values = rng.integers(number.raw_min, number.raw_max + 1, (n, *lanes))
    values[:4] = np.reshape(
        [number.raw_min, number.raw_max, 0, number.raw_min], (4, *(1 for _ in lanes))
    )
    return values


def fractions(shape, values):
    """Raw values as exact numbers, a list for each token."""
    unit = Fraction(1, 1 << element(shape).f_bits)
    return [[int(value) * unit for value in np.ravel(token)] for token in values]


def lanes(*tokens):
    """Elements that meet, for tokens of which some are numbers."""
    most = max(map(len, tokens))
    return zip(*(token if len(token) == most else token * most for token in tokens), strict=True)


@pytest.mark.parametrize("shapes", OPERANDS.values(), ids=OPERANDS)
@pytest.mark.parametrize("kind", EXACT, ids=lambda kind: kind.__name__)
def test_sums_and_products_are_exact(kind, shapes):
    """In every lane; a number meets every lane of a vector."""
    fn = kind(*shapes)
    rng = np.random.default_rng(1)
    given = [random(rng, shape) for shape in shapes]
    given[1] = given[1][::-1].copy()
    results, trace = apply(fn, *given)
    wanted = [
        [EXACT[kind](a, b) for a, b in lanes(*tokens)]
        for tokens in zip(*map(fractions, shapes, given), strict=True)
    ]
    assert fractions(fn.shape, results) == wanted
    assert (results == fn.model(*given)).all()
    assert fn.evaluate(*given)[1] is None
    assert trace.times["o"][0] == fn.latency == (2 if kind is Multiply else 1)


@pytest.mark.parametrize("shape", [SQ(3, 4), UQ(3, 4), data.ArrayLayout(SQ(3, 4), 3)], ids=repr)
def test_maximum_keeps_the_format(shape):
    fn = Maximum(shape, shape)
    rng = np.random.default_rng(2)
    a, b = random(rng, shape), random(rng, shape)[::-1].copy()
    b[5] = a[5]
    results, trace = apply(fn, a, b)
    assert fn.shape == shape
    assert fractions(shape, results) == [
        [max(pair) for pair in lanes(*tokens)]
        for tokens in zip(fractions(shape, a), fractions(shape, b), strict=True)
    ]
    assert (results == fn.model(a, b)).all()
    assert trace.times["o"][0] == fn.latency == 1


@pytest.mark.parametrize("shape", [SQ(3, 4), UQ(3, 4), data.ArrayLayout(SQ(3, 4), 3)], ids=repr)
@pytest.mark.parametrize("bits", [2, 6, 7])
def test_shift_divides_by_a_power_of_two_and_rounds_down(shape, bits):
    """Also by more places than there are: 0 is left, or −1 unit of a negative number."""
    fn = Shift(shape, UQ(bits, 0))
    rng = np.random.default_rng(3)
    a, places = random(rng, shape), random(rng, UQ(bits, 0))
    a[-4:] = random(rng, shape, 4)
    places[-4:] = (1 << bits) - 1
    results, trace = apply(fn, a, places)
    unit = element(shape).ulp
    assert fractions(shape, results) == [
        [math.floor(x / unit / 2**place) * Fraction(unit) for x in token]
        for token, place in zip(fractions(shape, a), places.tolist(), strict=True)
    ]
    assert (results == fn.model(a, places)).all()
    assert trace.times["o"][0] == fn.latency == 1


@pytest.mark.parametrize("rounding", ["even", "floor"])
@pytest.mark.parametrize(
    ("source", "target"),
    [
        (SQ(5, 7), SQ(3, 3)),
        (UQ(5, 7), UQ(3, 3)),
        (SQ(4, 6), UQ(3, 5)),
        (UQ(4, 6), SQ(3, 2)),
        (SQ(3, 2), SQ(2, 6)),
        (SQ(3, 2), SQ(6, 2)),
        (SQ(3, 8), SQ(3, 0)),
        (UQ(0, 8), UQ(1, 0)),
    ],
    ids=repr,
)
def test_narrow_rounds_then_saturates(source, target, rounding):
    """For every number of the source; what is clamped is counted."""
    fn = Narrow(source, target, rounding)
    given = np.arange(source.raw_min, source.raw_max + 1)
    results, trace = apply(fn, given)
    nearest = round if rounding == "even" else math.floor
    scale = Fraction(1 << target.f_bits, 1 << source.f_bits)
    rounded = [nearest(value * scale) for value in given.tolist()]
    wanted = [min(max(value, target.raw_min), target.raw_max) for value in rounded]
    assert results.tolist() == wanted
    model, clamped = fn.evaluate(given)
    assert model.tolist() == wanted
    assert clamped.tolist() == [a != b for a, b in zip(rounded, wanted, strict=True)]
    assert trace.saturations == {"unit": clamped.sum()}
    drops = source.f_bits > target.f_bits
    assert trace.times["o"][0] == fn.latency == (3 if drops and rounding == "even" else 1)


def test_narrow_counts_a_vector_once():
    """However many of its lanes are clamped."""
    fn = Narrow(data.ArrayLayout(SQ(4, 2), 3), SQ(2, 1))
    given = np.array([[0, 0, 0], [31, 0, 0], [31, -32, 31], [0, 0, -12], [7, -8, 1], [5, 6, -7]])
    results, trace = apply(fn, given)
    assert fn.shape == data.ArrayLayout(SQ(2, 1), 3)
    assert results.tolist() == [
        [0, 0, 0],
        [3, 0, 0],
        [3, -4, 3],
        [0, 0, -4],
        [3, -4, 0],
        [2, 3, -4],
    ]
    assert (results == fn.model(given)).all()
    assert fn.evaluate(given)[1].tolist() == [False, True, True, True, True, False]
    assert trace.saturations == {"unit": 4}


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (
            lambda: Add(data.ArrayLayout(SQ(4, 4), 3), data.ArrayLayout(SQ(4, 4), 2)),
            ValueError,
            "Vectors must be equally long, not 2 and 3",
        ),
        (
            lambda: Maximum(SQ(4, 4), SQ(4, 5)),
            TypeError,
            "Formats must agree, not SQ(4,4) and SQ(4,5)",
        ),
        (lambda: Shift(SQ(4, 4), SQ(3, 0)), TypeError, "Shift amount must be unsigned"),
        (
            lambda: Narrow(SQ(4, 4), SQ(2, 2), "up"),
            ValueError,
            "Rounding must be one of even, floor, not 'up'",
        ),
    ],
)
def test_misuse_is_refused(make, kind, message):
    with raises(kind, message):
        make()


def test_no_tokens_give_no_results():
    """A model of a stream without tokens is a stream without tokens."""
    fn = Narrow(data.ArrayLayout(SQ(4, 4), 3), SQ(2, 2))
    results, clamped = fn.evaluate(raw.zeros(fn.inputs[0], 0))
    assert results.shape == (0, 3)
    assert clamped.shape == (0,)


def test_repr_says_what_goes_in_and_what_comes_out():
    assert repr(Add(SQ(4, 4), UQ(2, 6))) == "Add(SQ(4,4), UQ(2,6) -> SQ(5,6))"
