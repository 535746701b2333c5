"""Division: hardware against the model, the model against exact fractions."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from amaranth.lib import data
from helpers.bench import apply, raises
from sdpaflow.numerics import SQ, UQ, Divide, Serial

FORMATS = {  # numerator, denominator, quotient
    "unsigned": (UQ(3, 3), UQ(2, 3), UQ(3, 2)),
    "signed": (SQ(3, 3), UQ(2, 2), SQ(3, 2)),
    "finer than its numerator": (UQ(2, 1), UQ(2, 1), UQ(3, 5)),
    "coarser than its numerator": (SQ(3, 4), UQ(2, 0), SQ(3, 1)),
    "a fraction": (UQ(0, 5), UQ(4, 0), UQ(0, 4)),
    "narrow": (SQ(4, 2), UQ(1, 2), SQ(1, 1)),
    "an integer": (SQ(5, 0), UQ(3, 0), SQ(5, 0)),
}


def exact(num, den, element, x, y):
    """Raw quotient and whether it was clamped, from the definition."""
    low, high = element.raw_min, element.raw_max
    if y == 0:
        return (low if x < 0 else high), True
    quotient = Fraction(x, 1 << num.f_bits) / Fraction(y, 1 << den.f_bits)
    scaled = quotient * (1 << element.f_bits)
    nearest = math.floor(scaled + Fraction(1, 2))
    return min(max(nearest, low), high), scaled < low or nearest > high


def check(results, clamped, wanted):
    """Values and flags."""
    assert list(zip(results, clamped, strict=True)) == wanted


def pairs(num, den):
    """Every numerator over every denominator, 0 included."""
    every = product(range(num.raw_min, num.raw_max + 1), range(den.raw_max + 1))
    return np.array(list(every)).T


@pytest.mark.parametrize("digits", [1, 2, 3, 4])
@pytest.mark.parametrize("formats", FORMATS.values(), ids=FORMATS)
def test_model_rounds_to_nearest_and_saturates(formats, digits):
    """For every numerator and denominator of short formats, ties up; division by zero saturates.

    What is below the least result counts as clamped, be it by less than half a unit.
    """
    num, den, _ = formats
    fn = Divide(*formats, digits)
    x, y = pairs(num, den)
    results, clamped = fn.evaluate(x, y)
    wanted = [
        exact(num, den, fn.element, *pair) for pair in zip(x.tolist(), y.tolist(), strict=True)
    ]
    check(results.tolist(), clamped.tolist(), wanted)


@pytest.mark.parametrize("digits", [1, 2, 3, 4])
@pytest.mark.parametrize("formats", FORMATS.values(), ids=FORMATS)
def test_hardware_equals_the_model(formats, digits):
    """Every quotient of short formats; a token per cycle, ``steps + 3`` cycles late."""
    fn = Divide(*formats, digits)
    x, y = pairs(*formats[:2])
    results, trace = apply(fn, x, y)
    model, clamped = fn.evaluate(x, y)
    assert (results == model).all()
    assert trace.saturations == {"unit": clamped.sum()}
    assert trace.times["o"] == [fn.steps + 3 + n for n in range(len(x))]
    assert (fn.latency, fn.interval) == (fn.steps + 3, 1)


@pytest.mark.parametrize("serial", [False, True], ids=["at once", "in turn"])
def test_vectors_are_divided_lane_by_lane(serial):
    """By one denominator, all lanes at once or in turn; a vector is clamped when any lane is."""
    num, den, element = data.ArrayLayout(SQ(4, 8), 3), UQ(3, 6), SQ(3, 7)
    fn = Divide(num, den, element, 3)
    if serial:
        fn = Serial(Divide(num.elem_shape, den, element, 3), 3)
    rng = np.random.default_rng(7)
    x = rng.integers(-(2**11), 2**11, (40, 3))
    y = rng.integers(0, 2**9, 40)
    x[0], x[1], y[1], y[2] = -(2**11), 2**11 - 1, 0, 1
    results, trace = apply(fn, x, y)
    wanted = [
        [exact(num.elem_shape, den, element, value, over) for value in values]
        for values, over in zip(x.tolist(), y.tolist(), strict=True)
    ]
    assert results.tolist() == [[value for value, _ in lanes] for lanes in wanted]
    model, clamped = fn.evaluate(x, y)
    assert (results == model).all()
    assert clamped.tolist() == [any(flag for _, flag in lanes) for lanes in wanted]
    assert trace.saturations == {"unit": clamped.sum()}
    assert fn.shape == data.ArrayLayout(element, 3)


@pytest.mark.parametrize("digits", [1, 3, 4])
@pytest.mark.parametrize(
    ("num", "den", "element"),
    [
        (SQ(20, 36), UQ(16, 24), SQ(4, 12)),  # as after V, of sums that were rescaled
        (SQ(20, 29), UQ(16, 17), SQ(4, 12)),  # of others
        (UQ(0, 17), UQ(16, 17), UQ(1, 16)),  # as before V
        (UQ(1, 0), UQ(16, 17), UQ(8, 40)),  # a reciprocal
    ],
)
def test_long_formats(num, den, element, digits):
    """Those of the pipelines, whose numbers no test can go through."""
    fn = Divide(num, den, element, digits)
    rng = np.random.default_rng(digits)
    scale = rng.integers(0, [[num.width], [den.width]], (2, 200))
    x = rng.integers(num.raw_min, num.raw_max + 1, 200) >> scale[0]
    y = rng.integers(0, den.raw_max + 1, 200) >> scale[1]
    x[:3], y[:3] = [num.raw_min, num.raw_max, num.raw_max], [den.raw_max, den.raw_max, 1]
    results, trace = apply(fn, x, y)
    model, clamped = fn.evaluate(x, y)
    wanted = [
        exact(num, den, fn.element, *pair) for pair in zip(x.tolist(), y.tolist(), strict=True)
    ]
    check(model.tolist(), clamped.tolist(), wanted)
    assert (results == model).all()
    assert trace.saturations == {"unit": clamped.sum()}


def test_lanes_in_turn_take_a_cycle_each():
    """And one to take the vector; the result follows as many cycles later than that of a lane."""
    each = Divide(UQ(4, 4), UQ(2, 2), UQ(4, 3))
    fn = Serial(each, 5)
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 256, (20, 5)), rng.integers(0, 16, 20)
    results, trace = apply(fn, x, y)
    assert (results == fn.model(x, y)).all()
    assert trace.times["o"] == [each.steps + 3 + 5 + n * 6 for n in range(20)]
    assert (fn.latency, fn.interval) == (each.steps + 8, 6)


def test_lanes_to_take_in_turn_are_several():
    with raises(ValueError, "Lanes to take in turn must be at least 2, not 1"):
        Serial(Divide(UQ(4, 4), UQ(2, 2), UQ(4, 3)), 1)


def test_steps_cover_the_quotient_a_bit_to_round_by_and_one_for_no_room():
    """Signed or not: a signed quotient is made positive, not without its sign."""
    steps = {digits: Divide(SQ(4, 8), UQ(4, 8), SQ(4, 12), digits).steps for digits in range(1, 5)}
    assert steps == {1: 18, 2: 9, 3: 6, 4: 5}
    assert Divide(UQ(4, 8), UQ(4, 8), UQ(4, 12)).steps == 18


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((UQ(4, 4), SQ(4, 4), UQ(4, 4)), "Denominator must be unsigned, not SQ(4,4)"),
        (
            (SQ(4, 4), UQ(4, 4), UQ(4, 4)),
            "Quotient of SQ(4,4) must have the same sign, not be UQ(4,4)",
        ),
        (
            (UQ(4, 4), UQ(4, 4), UQ(4, 4), 0),
            "Quotient bits per step must be at least 1, not 0",
        ),
        (
            (UQ(40, 4), UQ(4, 4), UQ(4, 20)),
            "Dividing UQ(40,4) by UQ(4,4) into UQ(4,20) takes more than 62 bits",
        ),
    ],
)
def test_misuse_is_refused(arguments, message):
    with raises(ValueError, message):
        Divide(*arguments)
