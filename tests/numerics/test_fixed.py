"""Fixed-point shapes: what they hold, how constants get in and out, what they refuse."""

import math
from fractions import Fraction

import numpy as np
import pytest
from amaranth.hdl import Const, Format, Signal, signed, unsigned
from amaranth.lib import data
from helpers.bench import raises
from sdpaflow.numerics import fixed
from sdpaflow.numerics.fixed import SQ, UQ

FORMATS = [
    *(UQ(width - f, f) for width in range(1, 6) for f in range(width + 1)),
    *(SQ(width - f, f) for width in range(1, 6) for f in range(width)),
]


def test_sq_counts_the_sign_among_its_integer_bits():
    """As in Amaranth's RFC 41, SQ(4, 12) is 16 bits wide."""
    shape = SQ(4, 12)
    assert (shape.i_bits, shape.f_bits, shape.width, shape.signed) == (4, 12, 16, True)
    assert (shape.min(), shape.max(), shape.ulp) == (-8.0, 8 - 2**-12, 2**-12)
    assert (shape.raw_min, shape.raw_max) == (-(2**15), 2**15 - 1)
    assert shape.as_shape() == signed(16)


def test_uq_is_unsigned():
    shape = UQ(1, 16)
    assert (shape.i_bits, shape.f_bits, shape.width, shape.signed) == (1, 16, 17, False)
    assert (shape.min(), shape.max(), shape.ulp) == (0.0, 2 - 2**-16, 2**-16)
    assert (shape.raw_min, shape.raw_max) == (0, 2**17 - 1)
    assert shape.as_shape() == unsigned(17)


def test_fraction_bits_default_to_none():
    assert SQ(4) == SQ(4, 0)
    assert UQ(4) == UQ(4, 0)


def test_shapes_are_equal_when_storage_and_point_are():
    """Also as keys of a dict; never equal to a plain Amaranth shape."""
    assert SQ(4, 12) == SQ(4, 12)
    assert len({SQ(4, 12), SQ(4, 12), SQ(5, 11), UQ(4, 12)}) == 3
    assert SQ(4, 12) != SQ(5, 11)
    assert SQ(4, 12) != UQ(4, 12)
    assert UQ(4) != unsigned(4)


@pytest.mark.parametrize("shape", FORMATS, ids=repr)
def test_repr_is_what_parse_reads(shape):
    assert fixed.parse(repr(shape)) == shape


def test_parse_allows_spaces():
    assert fixed.parse(" UQ( 0 , 17 ) ") == UQ(0, 17)


@pytest.mark.parametrize(
    "text", ["", "SQ(4)", "SQ(4,12", "Q(4,12)", "SQ(-4,12)", "SQ(4,12)x", "4.12"]
)
def test_parse_refuses_anything_else(text):
    with raises(ValueError, f"Format must be written SQ(i,f) or UQ(i,f), not {text!r}"):
        fixed.parse(text)


@pytest.mark.parametrize("shape", FORMATS, ids=repr)
def test_constants_and_bits_round_trip(shape):
    """Every number of a format is an exact float, and comes back as the same bits."""
    for raw in range(shape.raw_min, shape.raw_max + 1):
        value = shape.from_bits(raw & ((1 << shape.width) - 1))
        assert isinstance(value, float)
        assert Fraction(value) == Fraction(raw, 1 << shape.f_bits)
        assert shape.to_raw(value) == raw
        assert shape.const(value).value == raw
        assert shape.const(value).shape() == shape.as_shape()


def test_constants_round_to_nearest_even():
    shape = SQ(3, 1)
    wanted = {0.25: 0, 0.75: 2, 1.25: 2, 0.26: 1, -0.25: 0, -0.75: -2, -0.3: -1, 3.74: 7}
    assert {value: shape.to_raw(value) for value in wanted} == wanted


def test_constants_may_be_integers_of_any_size():
    """An integer is not rounded to a float on the way."""
    assert UQ(62).to_raw(2**62 - 1) == 2**62 - 1
    assert SQ(4, 4).to_raw(-8) == -128
    assert SQ(4, 4).to_raw(np.float64(1.5)) == 24


def test_an_uninitialised_signal_is_zero():
    assert Signal(SQ(4, 4)).as_value().init == 0
    assert Signal(SQ(4, 4), init=-1.5).as_value().init == -24


def test_numbers_can_be_fields_of_structures():
    layout = data.StructLayout({"score": SQ(4, 4), "weight": UQ(0, 3)})
    assert layout.size == 11
    assert layout.const({"score": -0.5, "weight": 0.75}).as_bits() == 0b110_1111_1000
    assert Signal(layout).score.shape() == SQ(4, 4)


def test_format_prints_the_raw_number():
    number = SQ(4, 4)(Const(-3, 8))
    assert repr(SQ(4, 4).format(number, "d")) == repr(Format("{:d}", number.as_value()))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (8.0, "8.0 is outside SQ(4,12), which holds -8.0 to 7.999755859375"),
        (-8.001, "-8.001 is outside SQ(4,12), which holds -8.0 to 7.999755859375"),
        (7.9999, "7.9999 is outside SQ(4,12), which holds -8.0 to 7.999755859375"),
        (1e308, "1e+308 is outside SQ(4,12), which holds -8.0 to 7.999755859375"),
        (1 << 2000, f"{1 << 2000} is outside SQ(4,12), which holds -8.0 to 7.999755859375"),
        (math.inf, "inf is not representable in SQ(4,12)"),
        (math.nan, "nan is not representable in SQ(4,12)"),
    ],
)
def test_constants_out_of_range_are_refused(value, message):
    with raises(ValueError, message):
        SQ(4, 12).const(value)


def test_constants_must_be_numbers():
    with raises(TypeError, "Fixed-point constant must be a number, not '1'"):
        SQ(4, 12).const("1")


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: fixed.Shape(4, 1.0), TypeError, "Fraction bits must be an int, not 1.0"),
        (lambda: fixed.Shape(4, 5), ValueError, "Fraction bits must be 0 to 4, not 5"),
        (lambda: fixed.Shape(4, -1), ValueError, "Fraction bits must be 0 to 4, not -1"),
        (lambda: UQ(-1, 3), ValueError, "Fraction bits must be 0 to 2, not 3"),
        (
            lambda: SQ(0, 4),
            ValueError,
            "A signed format needs an integer bit for the sign, not SQ(0,4)",
        ),
    ],
)
def test_impossible_formats_are_refused(make, kind, message):
    with raises(kind, message):
        make()
