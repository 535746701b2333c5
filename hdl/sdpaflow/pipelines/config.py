"""What a pipeline is built for: dimensions, number formats, and what follows from them."""

import math
from dataclasses import dataclass

from amaranth.lib import data

from sdpaflow.numerics.arithmetic import example
from sdpaflow.numerics.fixed import SQ, UQ, Shape
from sdpaflow.numerics.placing import REACH
from sdpaflow.numerics.raw import MAX_BITS
from sdpaflow.numerics.rescaling import BLOCK

__all__ = ["ROW_BITS", "UNPROTECTED", "Config"]

ROW_BITS = 16
"""A running sum has this many bits more than what it adds: rows of up to 65 536 keys."""


Q4_12 = SQ(4, 12)
"""Format of q, k and v unless given."""


DIMENSION = 1 << 16
"""Most elements of a vector, far beyond what fits a device."""

SCALE = (1e-18, 1e18)
"""Least and greatest scale: beyond, a float64 cannot hold the products."""

UNPROTECTED = 8
"""Where no maximum is subtracted, 2**score is below 2 to this power, or clamped."""


LIMITS = {"segments": (1, 1024), "score_bits": (1, 20), "weight_bits": (11, 24), "digits": (1, 4)}
"""Least and greatest that make sense: beyond, tables and chains of subtractions explode."""


@dataclass(frozen=True)
class Config:
    """Parameters of an attention pipeline.

    Attributes
    ----------
    d, dv : :class:`int`
        Elements of a query and of a key; of a value (``dv`` is ``d`` unless given).
    lanes : :class:`int`
        Elements of a query or key in one token; divides ``d``. A score takes ``d / lanes`` cycles.
    q, k, v, o : :class:`fixed.Shape`
        Formats of the elements. ``o`` is ``v`` unless given. ``q`` holds queries that have been
        multiplied by :attr:`factor`, so that scores come out in base 2 and scaled, and no
        multiplier is spent on that.
    scale : :class:`float`
        What q·k is multiplied by; 1/√d unless given.
    row_max : :class:`int`
        Keys of the longest row, for pipelines that store rows.
    segments : :class:`int`
        Lines in the table of 2**x.
    score_bits, weight_bits : :class:`int`
        Fraction bits kept of a score, and of its exponential.
    digits : :class:`int`
        Quotient bits per stage of the division after V: fewer stages, and a slower clock.

    Raises
    ------
    TypeError
        A field is of the wrong kind.
    ValueError
        A field is out of range, lanes do not divide ``d``, or sums would take more than 62 bits.
    """

    d: int
    # What is None here gets its default from other fields, and is never None afterwards.
    dv: int = None  # type: ignore[assignment]
    lanes: int = None  # type: ignore[assignment]
    q: Shape = Q4_12
    k: Shape = Q4_12
    v: Shape = Q4_12
    o: Shape = None  # type: ignore[assignment]
    scale: float = None  # type: ignore[assignment]
    row_max: int | None = None
    segments: int = 128
    score_bits: int = 18
    weight_bits: int = 17
    digits: int = 1

    def __post_init__(self) -> None:
        defaults: dict[str, object] = {"dv": self.d, "lanes": self.d, "o": self.v}
        for name, value in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        for name in ("d", "dv", "lanes"):
            _positive(name, getattr(self, name))
            if getattr(self, name) > DIMENSION and name != "lanes":
                raise ValueError(f"{name} must be at most {DIMENSION}, not {getattr(self, name)}")
        for name, (least, most) in LIMITS.items():
            _positive(name, getattr(self, name))
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be {least} to {most}, not {getattr(self, name)}")
        if self.d % self.lanes:
            raise ValueError(f"lanes must divide d = {self.d}, not be {self.lanes}")
        if self.scale is None:
            object.__setattr__(self, "scale", 1 / math.sqrt(self.d))
        if not (
            isinstance(self.scale, (int, float)) and math.isfinite(self.scale) and self.scale > 0
        ):
            raise ValueError(f"scale must be a positive number, not {self.scale!r}")
        if not SCALE[0] <= self.scale <= SCALE[1]:
            raise ValueError(f"scale must be {SCALE[0]} to {SCALE[1]}, not {self.scale!r}")
        if self.row_max is not None:
            _positive("row_max", self.row_max)
            if self.row_max > 1 << ROW_BITS:
                raise ValueError(f"row_max must be at most {1 << ROW_BITS}, not {self.row_max}")
        for name in "qkvo":
            shape = getattr(self, name)
            if not isinstance(shape, Shape):
                raise TypeError(f"Format of {name} must be a fixed-point shape, not {shape!r}")
            if not shape.signed or shape.width < 2:
                raise ValueError(
                    f"Format of {name} must be signed, of 2 bits or more, not {shape!r}"
                )
        # The widest of all: a sum over a row, of weighted values in blocks (see RescaledSum), and
        # behind it the divider, which adds the fraction bits that the result has more, and two.
        total = self.v.width + self.weight_bits + ROW_BITS + BLOCK - 1
        widest = total + max(self.o.f_bits - self.v.f_bits, 0) + 2
        if max(widest, self.dot.width) > MAX_BITS:
            raise ValueError(
                f"Formats must keep sums within {MAX_BITS} bits: q·k takes {self.dot.width}, "
                f"the weighted sum of v {widest}"
            )

    @property
    def factor(self) -> float:
        """scale · log2(e): what queries are multiplied by before they are quantised."""
        return self.scale / math.log(2)

    @property
    def beats(self) -> int:
        """Tokens in a query or key: cycles per score."""
        return self.d // self.lanes

    @property
    def dv_lanes(self) -> int:
        """Elements of a value in one token: the least that keep up with the keys."""
        return next(
            n for n in range(1, self.dv + 1) if self.dv % n == 0 and self.dv // n <= self.beats
        )

    @property
    def dv_beats(self) -> int:
        """Tokens in a value."""
        return self.dv // self.dv_lanes

    @property
    def q_vector(self) -> data.ArrayLayout:
        return data.ArrayLayout(self.q, self.lanes)

    @property
    def k_vector(self) -> data.ArrayLayout:
        return data.ArrayLayout(self.k, self.lanes)

    @property
    def v_vector(self) -> data.ArrayLayout:
        return data.ArrayLayout(self.v, self.dv_lanes)

    @property
    def o_vector(self) -> data.ArrayLayout:
        return data.ArrayLayout(self.o, self.dv_lanes)

    @property
    def dot(self) -> Shape:
        """Format of q·k, exact."""
        product = (example(self.q) * example(self.k)).shape()
        return SQ(product.i_bits + (self.d - 1).bit_length(), product.f_bits)

    @property
    def score(self) -> Shape:
        """Format of a score: q·k to fewer fraction bits; no score is out of its range."""
        return SQ(self.dot.i_bits + 1, min(self.score_bits, self.dot.f_bits))

    @property
    def weight(self) -> Shape:
        """Format of 2**(score − maximum), which is below 1."""
        return UQ(0, self.weight_bits)

    @property
    def share(self) -> Shape:
        """Format of a weight divided by the mantissa of a sum, up to 2."""
        return UQ(1, self.weight_bits - 1)

    @property
    def sum_bits(self) -> int:
        """Fraction bits of a running sum of weighted values: 9 more than the products'.

        The unit of the sum may be 8 places above a row's only weight, and each of 65 536 products
        is rounded to the sum's last place. Fewer where formats are so wide that 9 do not fit.
        """
        most = MAX_BITS - 1 - ROW_BITS - self.v.i_bits
        return min(self.v.f_bits + self.weight_bits + 9, most)

    @property
    def norm_bits(self) -> int:
        """Fraction bits of a running sum of weights, whose error counts for the largest value."""
        return min(self.sum_bits + self.v.i_bits - 1, MAX_BITS - 1 - ROW_BITS)

    @property
    def divisor_bits(self) -> int:
        """Fraction bits that a sum of weights keeps for the division: 12 beyond the result's size.

        Fewer where dividing would take too many bits.
        """
        room = MAX_BITS - 2 - ROW_BITS
        least = min(self.o.width + 12, room - self.o.width)
        return min(self.norm_bits, least, room - self.v.i_bits - self.o.f_bits)

    @property
    def dividend_bits(self) -> int:
        """Fraction bits that a sum of weighted values keeps for the division."""
        return min(self.sum_bits, self.o.f_bits + 16)

    @property
    def share_bits(self) -> int:
        """Fraction bits of a sum of values, each times its share: 2 more than the products'."""
        return self.v.f_bits + self.weight_bits + 2

    @property
    def row_norm_bits(self) -> int:
        """Fraction bits of the sum of a stored row's weights: all of theirs, if they fit."""
        return min(self.weight_bits + REACH - 1, MAX_BITS - self.row_bits)

    @property
    def least_norm(self) -> int:
        """Exponent of the least sum of a stored row's weights that is known well enough.

        Each key may be off by a unit of the sum's last place; together that is less than a quarter
        of the result's unit.
        """
        return self.row_bits - self.row_norm_bits + self.o.width + 2

    @property
    def mantissa_bits(self) -> int:
        """Bits of the mantissa of a sum of weights."""
        return self.o.width + 4

    @property
    def row_bits(self) -> int:
        """Integer bits that a sum over a row needs beyond its terms."""
        return ROW_BITS if self.row_max is None else (self.row_max - 1).bit_length()

    def __str__(self) -> str:
        formats = " ".join(f"{name}={getattr(self, name)!r}" for name in "qkvo")
        row = "" if self.row_max is None else f" row_max={self.row_max}"
        return f"d={self.d} dv={self.dv} lanes={self.lanes} {formats}{row}"


def _positive(name: str, value: object) -> None:
    """An error unless a value is a whole number from 1 on."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")
