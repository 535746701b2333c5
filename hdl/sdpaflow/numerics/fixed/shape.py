"""Fixed-point formats: how wide a number is, and where its binary point stands."""

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING

from amaranth.hdl import Const, Format, ShapeCastable, signed, unsigned
from amaranth.hdl import Shape as HDLShape
from amaranth.hdl import Value as HDLValue

from sdpaflow.numerics.aliases import ShapeLike, ValueLike

if TYPE_CHECKING:
    from sdpaflow.numerics.fixed.value import Value

__all__ = ["SQ", "UQ", "Shape", "parse"]


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

    def __init__(self, shape: ShapeLike, f_bits: int) -> None:
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
    def f_bits(self) -> int:
        return self._f_bits

    @property
    def i_bits(self) -> int:
        return self._storage.width - self._f_bits

    @property
    def signed(self) -> bool:
        return self._storage.signed

    @property
    def width(self) -> int:
        return self._storage.width

    @property
    def raw_min(self) -> int:
        """Smallest raw integer."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def raw_max(self) -> int:
        """Largest raw integer."""
        return (1 << (self.width - self.signed)) - 1

    def min(self) -> float:
        """Smallest number, as a float."""
        return math.ldexp(self.raw_min, -self.f_bits)

    def max(self) -> float:
        """Largest number, as a float."""
        return math.ldexp(self.raw_max, -self.f_bits)

    @property
    def ulp(self) -> float:
        """Unit in the last place, as a float."""
        return math.ldexp(1.0, -self.f_bits)

    def to_raw(self, value: float) -> int:
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

    def as_shape(self) -> HDLShape:
        return self._storage

    def const(self, value: float | None) -> Const:
        return Const(0 if value is None else self.to_raw(value), self._storage)

    def from_bits(self, raw: int) -> float:
        """Exact value of raw bits, as a float."""
        return math.ldexp(Const(raw, self._storage).value, -self.f_bits)

    def __call__(self, target: ValueLike) -> "Value":
        # Shapes make values and values know their shapes: one of both has to be imported late.
        from sdpaflow.numerics.fixed.value import Value

        return Value(self, target)

    def format(self, value: "Value", spec: str) -> Format:
        return Format(f"{{:{spec}}}", HDLValue.cast(value))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Shape)
            and self._storage == other._storage
            and self._f_bits == other._f_bits
        )

    def __hash__(self) -> int:
        return hash((self._storage.width, self._storage.signed, self._f_bits))

    def __repr__(self) -> str:
        return f"{'SQ' if self.signed else 'UQ'}({self.i_bits},{self.f_bits})"


def SQ(i_bits: int, f_bits: int = 0) -> Shape:
    """Signed format of ``i_bits`` (sign included) and ``f_bits``."""
    return Shape(signed(i_bits + f_bits), f_bits)


def UQ(i_bits: int, f_bits: int = 0) -> Shape:
    """Unsigned format of ``i_bits`` and ``f_bits``."""
    return Shape(unsigned(i_bits + f_bits), f_bits)


def parse(text: str) -> Shape:
    """Shape written as ``SQ(4,12)`` or ``UQ(0,17)``."""
    match = re.fullmatch(r"\s*([SU])Q\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)\s*", text)
    if match is None:
        raise ValueError(f"Format must be written SQ(i,f) or UQ(i,f), not {text!r}")
    kind, i_bits, f_bits = match.groups()
    return (SQ if kind == "S" else UQ)(int(i_bits), int(f_bits))
