"""A soft limit of scores."""

import math
from typing import Any

import numpy as np
from amaranth.hdl import Array, Const, Mux, Value

from sdpaflow.numerics import SQ, fixed
from sdpaflow.numerics.aliases import Stage
from sdpaflow.numerics.operator import Operator
from sdpaflow.scores.modifier import Modifier

__all__ = ["Softcap"]


class Softcap(Modifier):
    """``cap · tanh(score / cap)``: scores far below ``cap`` stay, and none is beyond it.

    Parameters
    ----------
    cap : :class:`float`
        The limit, of scores in base e: 1 to 4,096.
    segments : :class:`int`
        Lines in its table, a power of two. With 512 of them, the score is off by at most 2.4e-5
        of the cap.

    Raises
    ------
    ValueError
        The cap or the segments are out of range.
    """

    exact = False

    def __init__(self, cap: float, segments: int = 512) -> None:
        if not 1 <= cap <= 4096:
            raise ValueError(f"cap must be 1 to 4096, not {cap!r}")
        if segments not in [1 << bits for bits in range(4, 13)]:
            raise ValueError(f"segments must be a power of two, 16 to 4096, not {segments!r}")
        self.cap, self.segments = cap, segments

    def operator(self, score: fixed.Shape) -> Operator:
        return _Tanh(score, self.cap / math.log(2), self.segments)

    def reference(self, score: np.ndarray, **extra: np.ndarray) -> np.ndarray:
        return self.cap * np.tanh(score / self.cap)


class _Tanh(Operator):
    """``c · tanh(s / c)`` by lines over ``|s / c|`` below 8; beyond, it is ``c``.

    Seven stages: magnitude, its product with 1/c, both tables, the line's product and sum, the
    sign, and the rounding.
    """

    REACH = 3
    """Integer bits of ``|s / c|``: tanh(8) is 1 − 2e-7."""

    REST = 10
    """Bits of ``|s / c|`` within a line."""

    GUARD = 3
    """Bits of a line below the score's last."""

    def __init__(self, score: fixed.Shape, cap: float, segments: int) -> None:
        if not score.signed:
            raise ValueError(f"Scores must be signed, not {score!r}")
        self.inputs = (score,)
        self.score, self.cap = score, cap
        self.lines = segments.bit_length() - 1
        self.t_bits = self.lines - self.REACH + self.REST  # fraction bits of |s / c|
        # Bits of 1/c, so that the product with the widest score is off by less than its last bit.
        fine = score.width + 2
        self.inverse = round(math.ldexp(1 / cap, self.t_bits - score.f_bits + fine))
        self.fine = fine
        self.shape = SQ(1 + math.ceil(math.log2(cap + 1)), score.f_bits)
        unit = 2.0 ** (score.f_bits + self.GUARD)
        within = 1 << self.REST
        t = np.arange((segments << self.REST) + 1) / (1 << self.t_bits)
        exact = cap * np.tanh(t) * unit
        self.slopes = np.rint(np.diff(exact[::within])).astype(np.int64)
        # Each line as high as leaves equal errors above and below.
        steps = (self.slopes[:, None] * np.arange(within)) >> self.REST
        rest = exact[:-1].reshape(segments, within) - steps
        self.bases = np.maximum(np.rint((rest.min(1) + rest.max(1)) / 2), 0).astype(np.int64)
        self.top = round(cap * unit)

    def stages(self) -> list[Stage]:
        score, whole = self.score, self.lines + self.REST
        base_bits = max(self.top, int(self.bases.max())).bit_length()
        slope_bits = int(self.slopes.max()).bit_length()

        def magnitude(value: Any) -> tuple[Any, ...]:
            raw = value.numerator()
            return raw[-1], Mux(raw[-1], -raw, raw)[: score.width]

        def divide(negative: Value, size: Value) -> tuple[Any, ...]:
            return negative, size * Const(self.inverse)

        def split(negative: Value, product: Value) -> tuple[Any, ...]:
            t = product[self.fine :]
            return negative, t[whole:].any(), t[self.REST : whole], t[: self.REST]

        def look_up(negative: Value, beyond: Value, line: Value, rest: Value) -> tuple[Any, ...]:
            base = Array(Const(int(base), base_bits) for base in self.bases)[line]
            slope = Array(Const(int(slope), slope_bits) for slope in self.slopes)[line]
            return negative, beyond, base, slope, rest

        def multiply(
            negative: Value, beyond: Value, base: Value, slope: Value, rest: Value
        ) -> tuple[Any, ...]:
            return negative, beyond, base, slope * rest

        def add(negative: Value, beyond: Value, base: Value, product: Value) -> tuple[Any, ...]:
            line = (base + (product >> self.REST))[:base_bits]
            return negative, Mux(beyond, Const(self.top, base_bits), line)

        def sign(negative: Value, size: Value) -> tuple[Any, ...]:
            rounded = ((size + (1 << self.GUARD - 1)) >> self.GUARD)[: self.shape.width - 1]
            return (self.shape(Mux(negative, -rounded, rounded)[: self.shape.width].as_signed()),)

        return [magnitude, divide, split, look_up, multiply, add, sign]

    def evaluate(self, score: np.ndarray) -> tuple[np.ndarray, None]:  # type: ignore[override]
        t = np.abs(score) * self.inverse >> self.fine
        beyond = t >> self.lines + self.REST != 0
        line = np.where(beyond, 0, t >> self.REST)
        rest = t & ((1 << self.REST) - 1)
        size = np.where(
            beyond, self.top, self.bases[line] + (self.slopes[line] * rest >> self.REST)
        )
        rounded = size + (1 << self.GUARD - 1) >> self.GUARD
        return np.where(score < 0, -rounded, rounded), None
