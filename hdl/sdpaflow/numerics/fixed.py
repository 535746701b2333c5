"""Fixed-point shapes and values, with the names of Amaranth's RFC 41.

``amaranth.lib.fixed`` does not exist yet; this is the part of it that streaming attention needs.
Three things are stricter than in the RFC: widening is implicit and exact, narrowing is explicit
and rounds to nearest even unless told otherwise, and a range is only ever cut by ``saturate``.

Every operation on a :class:`Value` has a twin on raw numpy integers (:func:`round_raw`,
:func:`saturate_raw`), equal bit for bit; the models of operators are made of those.
"""

import math
import operator
import re
from fractions import Fraction

import numpy as np
from amaranth.hdl import Cat, Const, Format, Mux, ShapeCastable, ValueCastable, signed, unsigned
from amaranth.hdl import Shape as HDLShape
from amaranth.hdl import Value as HDLValue

__all__ = ["SQ", "UQ", "Shape", "Value", "check_rounding", "parse", "round_raw", "saturate_raw"]

ROUNDINGS = ("even", "floor")


class Shape(ShapeCastable):
    """Shape of a fixed-point number: a raw integer counting units of ``2**-f_bits``.

    Parameters
    ----------
    shape : :ref:`shape-like <lang-shapelike>`
        Storage; its signedness is the number's.
    f_bits : :class:`int`
        Fraction bits, 0 ≤ f_bits ≤ width.

    Attributes
    ----------
    i_bits : :class:`int`
        Integer bits, the sign included (as in the RFC): ``SQ(4, 12)`` is 16 bits wide.
    """

    def __init__(self, shape, f_bits):
        storage = HDLShape.cast(shape)
        if not isinstance(f_bits, int):
            raise TypeError(f"Fraction bits must be an int, not {f_bits!r}")
        if not 0 <= f_bits <= storage.width:
            raise ValueError(f"Fraction bits must be 0 to {storage.width}, not {f_bits}")
        if storage.signed and storage.width == f_bits:
            raise ValueError(
                f"A signed format needs an integer bit for the sign, not SQ(0,{f_bits})"
            )
        self._storage = storage
        self._f_bits = f_bits

    @property
    def f_bits(self):
        return self._f_bits

    @property
    def i_bits(self):
        return self._storage.width - self._f_bits

    @property
    def signed(self):
        return self._storage.signed

    @property
    def width(self):
        return self._storage.width

    @property
    def raw_min(self):
        """Smallest raw integer."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def raw_max(self):
        """Largest raw integer."""
        return (1 << (self.width - self.signed)) - 1

    def min(self):
        """Smallest number, as a float."""
        return math.ldexp(self.raw_min, -self.f_bits)

    def max(self):
        """Largest number, as a float."""
        return math.ldexp(self.raw_max, -self.f_bits)

    @property
    def ulp(self):
        """Unit in the last place, as a float."""
        return math.ldexp(1.0, -self.f_bits)

    def to_raw(self, value):
        """Raw integer nearest to a number (ties to even); ``ValueError`` out of range."""
        if not isinstance(value, (int, float)):
            raise TypeError(f"Fixed-point constant must be a number, not {value!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is not representable in {self!r}")
        raw = round(Fraction(value) * (1 << self.f_bits))
        if not self.raw_min <= raw <= self.raw_max:
            raise ValueError(
                f"{value} is outside {self!r}, which holds {self.min()} to {self.max()}"
            )
        return raw

    def as_shape(self):
        return self._storage

    def const(self, value):
        return Const(0 if value is None else self.to_raw(value), self._storage)

    def from_bits(self, raw):
        """Exact value of raw bits, as a float."""
        return math.ldexp(Const(raw, self._storage).value, -self.f_bits)

    def __call__(self, target):
        return Value(self, target)

    def format(self, value, spec):
        return Format(f"{{:{spec}}}", HDLValue.cast(value))

    def __eq__(self, other):
        return (
            isinstance(other, Shape)
            and self._storage == other._storage
            and self._f_bits == other._f_bits
        )

    def __hash__(self):
        return hash((self._storage.width, self._storage.signed, self._f_bits))

    def __repr__(self):
        return f"{'SQ' if self.signed else 'UQ'}({self.i_bits},{self.f_bits})"


def SQ(i_bits, f_bits=0):
    """Signed format of ``i_bits`` (sign included) and ``f_bits``."""
    return Shape(signed(i_bits + f_bits), f_bits)


def UQ(i_bits, f_bits=0):
    """Unsigned format of ``i_bits`` and ``f_bits``."""
    return Shape(unsigned(i_bits + f_bits), f_bits)


def parse(text):
    """Shape written as ``SQ(4,12)`` or ``UQ(0,17)``."""
    match = re.fullmatch(r"\s*([SU])Q\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)\s*", text)
    if match is None:
        raise ValueError(f"Format must be written SQ(i,f) or UQ(i,f), not {text!r}")
    kind, i_bits, f_bits = match.groups()
    return (SQ if kind == "S" else UQ)(int(i_bits), int(f_bits))


class Value(ValueCastable):
    """A fixed-point number over an Amaranth value.

    ``+``, ``-`` and ``*`` are exact: the result is as wide as it has to be. Comparisons align the
    binary points. :meth:`reshape` and :meth:`saturate` narrow.
    """

    def __init__(self, shape, target):
        if not isinstance(shape, Shape):
            raise TypeError(f"Shape must be a fixed.Shape, not {shape!r}")
        value = HDLValue.cast(target)
        if len(value) != shape.width:
            raise ValueError(f"Target must be {shape.width} bits for {shape!r}, not {len(value)}")
        if value.shape().signed != shape.signed:
            value = value.as_signed() if shape.signed else value.as_unsigned()
        self._shape = shape
        self._target = value

    @classmethod
    def cast(cls, value, f_bits=0):
        """View an integer-valued ``value`` as a fixed-point number of ``f_bits``."""
        if isinstance(value, Value):
            return value
        value = HDLValue.cast(value)
        if len(value) < f_bits + value.shape().signed:
            value = value | Const(0, HDLShape(f_bits + value.shape().signed, value.shape().signed))
        return cls(Shape(value.shape(), f_bits), value)

    def shape(self):
        return self._shape

    def as_value(self):
        return self._target

    @property
    def f_bits(self):
        return self._shape.f_bits

    @property
    def i_bits(self):
        return self._shape.i_bits

    @property
    def signed(self):
        return self._shape.signed

    def numerator(self):
        """The raw integer, with its sign."""
        return self._target

    def eq(self, other):
        if isinstance(other, (int, float)):
            return self._target.eq(self._shape.const(other))
        if isinstance(other, Value):
            if other.f_bits > self.f_bits:
                raise ValueError(
                    f"Assigning {other.shape()!r} to {self._shape!r} would lose fraction bits; "
                    "use reshape() first"
                )
            extra = self.f_bits - other.f_bits
            low, high = other.shape().raw_min << extra, other.shape().raw_max << extra
            if low < self._shape.raw_min or high > self._shape.raw_max:
                raise ValueError(
                    f"Assigning {other.shape()!r} to {self._shape!r} would lose integer bits; "
                    "use saturate() first"
                )
            return self._target.eq(other._aligned(self.f_bits))
        return self._target.eq(other)

    def reshape(self, f_bits, rounding="even"):
        """Change the number of fraction bits: exact when it grows, else rounded.

        ``rounding`` is ``"even"`` (to nearest, ties to even) or ``"floor"``. Rounding to nearest
        may carry, so the result has one more integer bit.
        """
        check_rounding(rounding)
        drop = self.f_bits - f_bits
        if drop <= 0:
            return Value.cast(self._aligned(f_bits), f_bits)
        raw = self.numerator()
        floor = raw[drop:].as_signed() if self.signed else raw[drop:]
        if rounding == "floor":
            return Value.cast(floor, f_bits)
        nearest = (floor + self.rounds_up(f_bits))[: len(floor) + 1]
        return Value.cast(nearest.as_signed() if self.signed else nearest, f_bits)

    def rounds_up(self, f_bits):
        """Whether rounding to nearest, to fewer fraction bits, takes what is above the floor."""
        raw, drop = self.numerator(), self.f_bits - f_bits
        return raw[drop - 1] & (raw[: drop - 1].any() | raw[drop : drop + 1].any())

    def overflows(self, shape):
        """Whether the integer part is outside the range of ``shape``."""
        raw = self.numerator()
        if self.f_bits != shape.f_bits:
            raise ValueError(f"Range of {shape!r} asked of {self._shape!r}; use reshape() first")
        # What is above the result's bits must repeat its sign. (A comparison would be a carry.)
        above = raw[shape.width - shape.signed :]
        repeated = above.all() if shape.signed and self.signed else Const(0)
        return (above.any() | (raw[-1] if self.signed else 0)) & ~repeated

    def saturate(self, shape):
        """Clamp to the range of ``shape``, which must have the same fraction bits."""
        over = self.overflows(shape)
        negative = self._target[-1] if self.signed else Const(0, 1)
        clamped = Mux(negative, shape.raw_min, shape.raw_max)
        return Value(shape, Mux(over, clamped, self.numerator())[: shape.width])

    def _aligned(self, f_bits):
        shifted = Cat(Const(0, max(f_bits - self.f_bits, 0)), self.numerator())
        return shifted.as_signed() if self.signed else shifted

    def _binary(self, other, op):
        other = _operand(other)
        f_bits = max(self.f_bits, other.f_bits)
        return op(self._aligned(f_bits), other._aligned(f_bits)), f_bits

    def __add__(self, other):
        return Value.cast(*self._binary(other, operator.add))

    def __sub__(self, other):
        return Value.cast(*self._binary(other, operator.sub))

    def __mul__(self, other):
        other = _operand(other)
        return Value.cast(self.numerator() * other.numerator(), self.f_bits + other.f_bits)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other):
        return _operand(other) - self

    def __neg__(self):
        return Value.cast(-self.numerator(), self.f_bits)

    def __abs__(self):
        return Value.cast(abs(self.numerator()), self.f_bits)

    def __lt__(self, other):
        return self._binary(other, operator.lt)[0]

    def __le__(self, other):
        return self._binary(other, operator.le)[0]

    def __gt__(self, other):
        return self._binary(other, operator.gt)[0]

    def __ge__(self, other):
        return self._binary(other, operator.ge)[0]

    def __eq__(self, other):
        return self._binary(other, operator.eq)[0]

    def __ne__(self, other):
        return self._binary(other, operator.ne)[0]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self):
        return f"(fixed {self._shape!r} {self._target!r})"


def _operand(other):
    if isinstance(other, float):
        raise TypeError(f"A float must be given a format first, not {other!r}")
    return Value.cast(other)


def check_rounding(rounding):
    """A way to round, or an error."""
    if rounding not in ROUNDINGS:
        raise ValueError(f"Rounding must be one of {', '.join(ROUNDINGS)}, not {rounding!r}")
    return rounding


def round_raw(raw, drop, rounding="even"):
    """Drop ``drop`` fraction bits of raw integers (negative: add); as :meth:`Value.reshape`."""
    check_rounding(rounding)
    raw = np.asarray(raw, dtype=np.int64)
    if drop <= 0:
        return raw << -drop
    floor = raw >> drop
    if rounding == "floor":
        return floor
    half = (raw >> (drop - 1)) & 1
    rest = (raw & ((1 << (drop - 1)) - 1)) != 0
    return floor + (half & (rest | (floor & 1)))


def saturate_raw(raw, shape):
    """Clamp raw integers to ``shape``; also where that changed them."""
    clamped = np.clip(raw, shape.raw_min, shape.raw_max)
    return clamped, clamped != raw
