"""Dot products: hardware against model, model against exact sums, latency of the tree."""

from fractions import Fraction

import numpy as np
import pytest
from amaranth.lib import data
from helpers.bench import apply, raises
from sdpaflow.numerics import SQ, UQ, Dot

LATENCIES = {  # lanes: cycles with 1, 2, 3 levels of adders per stage
    1: (2, 2, 2),
    2: (3, 3, 3),
    3: (4, 3, 3),
    4: (4, 3, 3),
    5: (5, 4, 3),
    7: (5, 4, 3),
    8: (5, 4, 3),
    9: (6, 4, 4),
    16: (6, 4, 4),
}


def vectors(rng, shape, lanes, n=20):
    """Raw vectors, among them all extremes."""
    values = rng.integers(shape.raw_min, shape.raw_max + 1, (n, lanes))
    values[0], values[1], values[2] = shape.raw_min, shape.raw_max, shape.raw_min
    return values


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("lanes", LATENCIES)
def test_dot_is_exact_and_as_late_as_its_tree(lanes, levels):
    """Also for numbers of lanes that are no power of two, where one element is left over."""
    a, b = SQ(2, 3), UQ(1, 4)
    fn = Dot(data.ArrayLayout(a, lanes), data.ArrayLayout(b, lanes), levels)
    rng = np.random.default_rng(lanes)
    x, y = vectors(rng, a, lanes), vectors(rng, b, lanes)[[1, 1, 0, *range(3, 20)]]
    results, trace = apply(fn, x, y)
    exact = [
        sum(Fraction(p * q, 1 << 7) for p, q in zip(left, right, strict=True))
        for left, right in zip(x.tolist(), y.tolist(), strict=True)
    ]
    assert [Fraction(value, 1 << fn.shape.f_bits) for value in results.tolist()] == exact
    assert (results == fn.model(x, y)).all()
    assert trace.times["o"] == [fn.latency + n for n in range(20)]
    assert fn.latency == LATENCIES[lanes][levels - 1]
    assert Dot(*fn.inputs).latency == LATENCIES[lanes][0]


@pytest.mark.parametrize(
    ("a", "b", "lanes", "shape"),
    [
        (SQ(4, 12), SQ(4, 12), 1, SQ(8, 24)),
        (SQ(4, 12), SQ(4, 12), 64, SQ(14, 24)),
        (SQ(4, 12), SQ(4, 12), 65, SQ(15, 24)),
        (UQ(1, 4), UQ(1, 4), 4, UQ(4, 8)),
    ],
)
def test_result_has_room_for_every_sum(a, b, lanes, shape):
    """One more integer bit for each level of the tree."""
    assert Dot(data.ArrayLayout(a, lanes), data.ArrayLayout(b, lanes)).shape == shape


def test_misuse_is_refused():
    number = SQ(4, 4)
    with raises(ValueError, "Vectors must be equally long, not 3 and 4"):
        Dot(data.ArrayLayout(number, 3), data.ArrayLayout(number, 4))
    with raises(ValueError, "Adder levels per stage must be at least 1, not 0"):
        Dot(data.ArrayLayout(number, 3), data.ArrayLayout(number, 3), 0)
