"""Fixed-point numbers in hardware: exact arithmetic, explicit narrowing."""

import operator
from collections.abc import Callable
from typing import TypeAlias

from amaranth.hdl import Cat, Const, Mux, ValueCastable
from amaranth.hdl import Shape as HDLShape
from amaranth.hdl import Value as HDLValue

from sdpaflow.numerics.aliases import ValueLike
from sdpaflow.numerics.fixed.rounding import check_rounding
from sdpaflow.numerics.fixed.shape import Shape

__all__ = ["Operand", "Value"]


class Value(ValueCastable):
    """A fixed-point number over an Amaranth value.

    ``+``, ``-`` and ``*`` are exact: the result is as wide as it has to be. Comparisons align the
    binary points. :meth:`reshape` and :meth:`saturate` narrow.
    """

    def __init__(self, shape: Shape, target: ValueLike) -> None:
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
    def cast(cls, value: ValueLike, f_bits: int = 0) -> "Value":
        """View an integer-valued ``value`` as a fixed-point number of ``f_bits``."""
        if isinstance(value, Value):
            return value
        raw = HDLValue.cast(value)
        storage = raw.shape()
        if len(raw) < f_bits + storage.signed:
            raw = raw | Const(0, HDLShape(f_bits + storage.signed, storage.signed))
        return cls(Shape(raw.shape(), f_bits), raw)

    def shape(self) -> Shape:
        return self._shape

    def as_value(self) -> HDLValue:
        return self._target

    @property
    def f_bits(self) -> int:
        return self._shape.f_bits

    @property
    def i_bits(self) -> int:
        return self._shape.i_bits

    @property
    def signed(self) -> bool:
        return self._shape.signed

    def numerator(self) -> HDLValue:
        """The raw integer, with its sign."""
        return self._target

    def eq(self, other: ValueLike | float) -> object:
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

    def reshape(self, f_bits: int, rounding: str = "even") -> "Value":
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

    def rounds_up(self, f_bits: int) -> HDLValue:
        """Whether rounding to nearest, to fewer fraction bits, takes what is above the floor."""
        raw, drop = self.numerator(), self.f_bits - f_bits
        return raw[drop - 1] & (raw[: drop - 1].any() | raw[drop : drop + 1].any())

    def overflows(self, shape: Shape) -> HDLValue:
        """Whether the integer part is outside the range of ``shape``."""
        raw = self.numerator()
        if self.f_bits != shape.f_bits:
            raise ValueError(f"Range of {shape!r} asked of {self._shape!r}; use reshape() first")
        # What is above the result's bits must repeat its sign. (A comparison would be a carry.)
        above = raw[shape.width - shape.signed :]
        repeated = above.all() if shape.signed and self.signed else Const(0)
        return (above.any() | (raw[-1] if self.signed else 0)) & ~repeated

    def saturate(self, shape: Shape) -> "Value":
        """Clamp to the range of ``shape``, which must have the same fraction bits."""
        over = self.overflows(shape)
        negative = self._target[-1] if self.signed else Const(0, 1)
        clamped = Mux(negative, shape.raw_min, shape.raw_max)
        return Value(shape, Mux(over, clamped, self.numerator())[: shape.width])

    def _aligned(self, f_bits: int) -> HDLValue:
        shifted = Cat(Const(0, max(f_bits - self.f_bits, 0)), self.numerator())
        return shifted.as_signed() if self.signed else shifted

    def _binary(
        self, other: "Operand", op: Callable[[HDLValue, HDLValue], HDLValue]
    ) -> tuple[HDLValue, int]:
        other = _operand(other)
        f_bits = max(self.f_bits, other.f_bits)
        return op(self._aligned(f_bits), other._aligned(f_bits)), f_bits

    def __add__(self, other: "Operand") -> "Value":
        return Value.cast(*self._binary(other, operator.add))

    def __sub__(self, other: "Operand") -> "Value":
        return Value.cast(*self._binary(other, operator.sub))

    def __mul__(self, other: "Operand") -> "Value":
        other = _operand(other)
        return Value.cast(self.numerator() * other.numerator(), self.f_bits + other.f_bits)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: "Operand") -> "Value":
        return _operand(other) - self

    def __neg__(self) -> "Value":
        return Value.cast(-self.numerator(), self.f_bits)

    def __abs__(self) -> "Value":
        return Value.cast(abs(self.numerator()), self.f_bits)

    def __lt__(self, other: "Operand") -> HDLValue:
        return self._binary(other, operator.lt)[0]

    def __le__(self, other: "Operand") -> HDLValue:
        return self._binary(other, operator.le)[0]

    def __gt__(self, other: "Operand") -> HDLValue:
        return self._binary(other, operator.gt)[0]

    def __ge__(self, other: "Operand") -> HDLValue:
        return self._binary(other, operator.ge)[0]

    def __eq__(self, other: "Operand") -> HDLValue:  # type: ignore[override]
        return self._binary(other, operator.eq)[0]

    def __ne__(self, other: "Operand") -> HDLValue:  # type: ignore[override]
        return self._binary(other, operator.ne)[0]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"(fixed {self._shape!r} {self._target!r})"


def _operand(other: "Operand") -> Value:
    if isinstance(other, float):
        raise TypeError(f"A float must be given a format first, not {other!r}")
    return Value.cast(other)


Operand: TypeAlias = Value | HDLValue | int
"""The other side of an operator: a fixed-point number, or an integer."""
