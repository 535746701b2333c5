"""Fixed-point values in hardware against exact fractions, exhaustively for short formats."""

import math
import operator
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from amaranth.hdl import Const, Module, Signal, signed, unsigned
from amaranth.sim import Simulator
from helpers.bench import evaluate, raises
from sdpaflow.numerics import fixed
from sdpaflow.numerics.fixed import SQ, UQ

SHORT = [
    *(UQ(width - f, f) for width in range(1, 4) for f in range(width + 1)),
    *(SQ(width - f, f) for width in range(1, 4) for f in range(width)),
]
LONGER = [
    *(UQ(width - f, f) for width in range(1, 7) for f in range(width + 1)),
    *(SQ(width - f, f) for width in range(1, 7) for f in range(width)),
]

BINARY = [operator.add, operator.sub, operator.mul]
UNARY = [operator.neg, operator.abs]
COMPARISONS = [
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
]


def raws(shape):
    return range(shape.raw_min, shape.raw_max + 1)


def number(shape, raw):
    return Fraction(raw, 1 << shape.f_bits)


@pytest.mark.parametrize("a", SHORT, ids=repr)
def test_arithmetic_is_exact(a):
    """``+``, ``-``, ``*`` of every two numbers of every two formats of up to 3 bits."""
    for b in SHORT:
        shapes = [op(Signal(a), Signal(b)).shape() for op in BINARY]
        pairs = list(product(raws(a), raws(b)))
        results = evaluate([a, b], lambda x, y: [op(x, y) for op in BINARY], pairs)
        for (x, y), got in zip(pairs, results, strict=True):
            numbers = [number(shape, raw) for shape, raw in zip(shapes, got, strict=True)]
            assert numbers == [op(number(a, x), number(b, y)) for op in BINARY]


@pytest.mark.parametrize("a", SHORT, ids=repr)
def test_comparisons_align_the_binary_points(a):
    for b in SHORT:
        pairs = list(product(raws(a), raws(b)))
        results = evaluate([a, b], lambda x, y: [op(x, y) for op in COMPARISONS], pairs)
        for (x, y), got in zip(pairs, results, strict=True):
            assert got == tuple(op(number(a, x), number(b, y)) for op in COMPARISONS)


@pytest.mark.parametrize("shape", LONGER, ids=repr)
def test_negation_and_magnitude_are_exact(shape):
    """Also of the most negative number, whose negation needs a bit more."""
    shapes = [op(Signal(shape)).shape() for op in UNARY]
    vectors = [(raw,) for raw in raws(shape)]
    results = evaluate([shape], lambda x: [op(x) for op in UNARY], vectors)
    for (x,), got in zip(vectors, results, strict=True):
        numbers = [number(result, raw) for result, raw in zip(shapes, got, strict=True)]
        assert numbers == [op(number(shape, x)) for op in UNARY]


def test_integers_and_amaranth_values_may_be_operands():
    """On either side; they count as numbers without fraction bits."""
    shape = SQ(3, 2)

    def expressions(x, n):
        return [x + 1, 1 + x, x - 3, 3 - x, 2 * x, x * -2, x < 1, x == -1, x + n, x * n]

    vectors = list(product(raws(shape), range(4)))
    shapes = [
        value.shape() if isinstance(value, fixed.Value) else UQ(1)
        for value in expressions(Signal(shape), Signal(2))
    ]
    for (x, n), got in zip(vectors, evaluate([shape, 2], expressions, vectors), strict=True):
        numbers = [number(result, raw) for result, raw in zip(shapes, got, strict=True)]
        assert numbers == [Fraction(value) for value in expressions(number(shape, x), n)]


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        (lambda s, u: s + s, SQ(5, 3)),
        (lambda s, u: u + u, UQ(3, 4)),
        (lambda s, u: s + u, SQ(5, 4)),
        (lambda s, u: u - u, SQ(3, 4)),
        (lambda s, u: s * s, SQ(8, 6)),
        (lambda s, u: s * u, SQ(6, 7)),
        (lambda s, u: -s, SQ(5, 3)),
        (lambda s, u: -u, SQ(3, 4)),
        (lambda s, u: abs(s), UQ(4, 3)),
        (lambda s, u: abs(u), UQ(2, 4)),
        (lambda s, u: s.reshape(1), SQ(5, 1)),
        (lambda s, u: u.reshape(1, "floor"), UQ(2, 1)),
        (lambda s, u: s.reshape(5), SQ(4, 5)),
        (lambda s, u: u.saturate(UQ(1, 4)), UQ(1, 4)),
    ],
)
def test_results_are_as_wide_as_they_must_be(expression, shape):
    """With s in SQ(4,3) and u in UQ(2,4)."""
    assert expression(Signal(SQ(4, 3)), Signal(UQ(2, 4))).shape() == shape


@pytest.mark.parametrize("rounding", ["even", "floor"])
@pytest.mark.parametrize("shape", LONGER, ids=repr)
def test_reshape_rounds_like_fractions_and_like_its_twin(shape, rounding):
    """To every number of fraction bits, up and down, for every number of up to 6 bits."""
    targets = range(shape.f_bits + 2)
    nearest = round if rounding == "even" else math.floor
    results = evaluate(
        [shape],
        lambda x: [x.reshape(f_bits, rounding) for f_bits in targets],
        [(raw,) for raw in raws(shape)],
    )
    for f_bits, column in zip(targets, zip(*results, strict=True), strict=True):
        exact = [nearest(number(shape, raw) * (1 << f_bits)) for raw in raws(shape)]
        twin = fixed.round_raw(np.array(raws(shape)), shape.f_bits - f_bits, rounding)
        assert list(column) == exact
        assert twin.tolist() == exact


def test_reshape_rounds_to_even_unless_told_otherwise():
    vectors = [(raw,) for raw in raws(SQ(3, 2))]
    results = evaluate([SQ(3, 2)], lambda x: [x.reshape(0), x.reshape(0, "even")], vectors)
    assert all(default == even for default, even in results)
    assert fixed.round_raw([2, 6], 2).tolist() == [0, 2]


@pytest.mark.parametrize("shape", LONGER, ids=repr)
def test_saturate_clamps_and_overflows_says_when(shape):
    """Into every format of up to 5 bits with the same binary point, signed or not."""
    targets = [
        make(width - shape.f_bits, shape.f_bits)
        for make, least in ((UQ, 0), (SQ, 1))
        for width in range(shape.f_bits + least, 6)
    ]
    results = evaluate(
        [shape],
        lambda x: [f(target) for target in targets for f in (x.saturate, x.overflows)],
        [(raw,) for raw in raws(shape)],
    )
    for raw, got in zip(raws(shape), results, strict=True):
        for index, target in enumerate(targets):
            clamped = min(max(raw, target.raw_min), target.raw_max)
            assert got[2 * index : 2 * index + 2] == (clamped, clamped != raw)
            twin, flag = fixed.saturate_raw(np.array([raw]), target)
            assert (twin[0], flag[0]) == (clamped, clamped != raw)


@pytest.mark.parametrize("source", [SQ(5, 3), SQ(2, 1), SQ(1, 0), UQ(4, 3), UQ(0, 3)], ids=repr)
def test_assignment_aligns_the_binary_point(source):
    """Whatever fits may be assigned, and keeps its value."""
    m = Module()
    given, taken = Signal(source), Signal(SQ(5, 3))
    m.d.comb += taken.eq(given)

    async def testbench(ctx):
        for raw in raws(source):
            ctx.set(given.as_value(), raw)
            assert ctx.get(taken) == ctx.get(given) == number(source, raw)

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()


def test_numbers_may_be_assigned():
    """A float or an integer counts as a constant of the format, anything else as raw bits."""
    target = Signal(SQ(5, 3))
    assert repr(target.eq(-0.5)) == repr(target.as_value().eq(Const(-4, signed(8))))
    assert repr(target.eq(2)) == repr(target.as_value().eq(Const(16, signed(8))))
    assert repr(target.eq(Const(2))) == repr(target.as_value().eq(Const(2)))


@pytest.mark.parametrize(
    ("target", "source", "lost", "cure"),
    [
        (SQ(5, 3), SQ(5, 4), "fraction", "reshape"),
        (SQ(5, 3), SQ(6, 3), "integer", "saturate"),
        (SQ(5, 3), UQ(5, 3), "integer", "saturate"),
        (SQ(5, 3), UQ(5, 0), "integer", "saturate"),
        (UQ(4, 0), SQ(1, 0), "integer", "saturate"),
    ],
)
def test_assignment_never_narrows(target, source, lost, cure):
    message = f"Assigning {source!r} to {target!r} would lose {lost} bits; use {cure}() first"
    with raises(ValueError, message):
        Signal(target).eq(Signal(source))


@pytest.mark.parametrize(
    ("use", "kind", "message"),
    [
        (lambda x: x + 0.5, TypeError, "A float must be given a format first, not 0.5"),
        (lambda x: 0.5 - x, TypeError, "A float must be given a format first, not 0.5"),
        (lambda x: 0.5 * x, TypeError, "A float must be given a format first, not 0.5"),
        (lambda x: x < 0.5, TypeError, "A float must be given a format first, not 0.5"),
        (lambda x: x == 0.5, TypeError, "A float must be given a format first, not 0.5"),
        (
            lambda x: x.reshape(2, "up"),
            ValueError,
            "Rounding must be one of even, floor, not 'up'",
        ),
        (
            lambda x: fixed.round_raw([1], 1, "up"),
            ValueError,
            "Rounding must be one of even, floor, not 'up'",
        ),
        (
            lambda x: x.saturate(SQ(2, 2)),
            ValueError,
            "Range of SQ(2,2) asked of SQ(4,3); use reshape() first",
        ),
        (
            lambda x: fixed.Value(unsigned(4), Const(0, 4)),
            TypeError,
            "Shape must be a fixed.Shape, not unsigned(4)",
        ),
        (
            lambda x: SQ(4, 3)(Const(0, 6)),
            ValueError,
            "Target must be 7 bits for SQ(4,3), not 6",
        ),
    ],
)
def test_misuse_is_refused(use, kind, message):
    with raises(kind, message):
        use(Signal(SQ(4, 3)))


def test_values_cannot_be_hashed():
    """``==`` makes hardware, so a set of values would be a mistake."""
    with raises(TypeError, "unhashable type: 'Value'"):
        hash(Signal(SQ(4, 3)))
