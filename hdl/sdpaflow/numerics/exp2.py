"""``2**x`` by splitting the range and a piecewise-linear table."""

import functools
from typing import Any

import numpy as np
from amaranth.hdl import Array, Cat, Const, Mux, Value

from sdpaflow.numerics import fixed
from sdpaflow.numerics.aliases import Stage
from sdpaflow.numerics.fixed import UQ
from sdpaflow.numerics.operator import Operator

__all__ = ["Exp2"]

GUARD = 3
"""Fraction bits that the mantissa has beyond the result: two for the rounding of the table's lines,
which then costs no more than a quarter unit, and one to round the result by."""

GATES = 64
"""Entries of a table that synthesis still makes of gates."""

NEAR = 2
"""Low bits of the shift that have a stage of their own: a stage then chooses among few places."""


class Exp2(Operator):
    """``2**x``, rounded to nearest and saturated.

    ``x = n + r`` with ``n`` an integer and ``0 ≤ r < 1``. The mantissa ``2**r`` is taken from a
    table of lines, minimax over the very inputs that fall into each segment; the exponent ``n``
    shifts it. What the shift leaves below half a unit is zero, and what is below the end of the
    range but nearer to it than to the greatest number is that number: that is rounding, not
    saturation. Ties are rounded up; the table's error is far above a tie.

    Seven stages (look up, multiply, add, shift far and near, round, clamp), one token per cycle.

    Parameters
    ----------
    x : :class:`fixed.Shape`
        Format of the argument.
    shape : :class:`fixed.Shape`
        Format of the result, unsigned.
    segments : :class:`int`
        Lines in the table, a power of two. The mantissa's error falls with their square: 64 lines
        give at most 1.5e-5 in [1, 2), before rounding.
    """

    saturates = True

    def __init__(self, x: fixed.Shape, shape: fixed.Shape, segments: int = 64) -> None:
        if shape.signed:
            raise ValueError(f"2**x is never negative: its format must be unsigned, not {shape!r}")
        if segments < 1 or segments & (segments - 1):
            raise ValueError(f"Segments must be a power of two, not {segments}")
        self.inputs = (x,)
        self.shape = shape
        self.segments = segments
        self.index_bits = min(segments.bit_length() - 1, x.f_bits)
        self.rest_bits = x.f_bits - self.index_bits
        self.mantissa = UQ(1, shape.f_bits + GUARD)
        if self.mantissa.f_bits < self.index_bits:
            raise ValueError(f"{shape!r} has too few fraction bits for {segments} segments")

    @property
    def table(self) -> tuple[list[int], list[int]]:
        """Intercepts and slopes, as lists of integers."""
        return _table(self.index_bits, self.rest_bits, self.mantissa.f_bits)

    @property
    def _most(self) -> int:
        """Shift that leaves nothing of the largest mantissa."""
        return self.shape.width + 1

    def stages(self) -> list[Stage]:
        x, out = self.inputs[0], self.shape
        bases, slopes = self.table
        base_bits, slope_bits = max(bases).bit_length(), max(max(slopes).bit_length(), 1)

        def look_up(value: fixed.Value) -> tuple[Any, ...]:
            raw = value.numerator()
            index = raw[self.rest_bits : x.f_bits]
            whole = raw[x.f_bits :] if x.i_bits else Const(0, 1)
            base, slope = _entry(bases, base_bits, index), _entry(slopes, slope_bits, index)
            return base, slope, raw[: self.rest_bits], whole.as_signed() if x.signed else whole

        def multiply(base: Value, slope: Value, rest: Value, whole: Value) -> tuple[Any, ...]:
            down = out.i_bits - 1 - whole
            over = down < 0
            down = Mux(down > self._most, self._most, down)[: self._most.bit_length()]
            return base, slope * rest, Mux(over, 0, down), over

        def add(base: Value, product: Value, down: Value, over: Value) -> tuple[Any, ...]:
            return base + (product >> self.rest_bits), down, over

        def far(mantissa: Value, down: Value, over: Value) -> tuple[Any, ...]:
            # One bit below the unit is kept, to round by.
            top = Cat(Const(0, max(out.i_bits - 1, 0)), mantissa)
            top = top >> (GUARD - 1 + (out.i_bits == 0))
            return top >> Cat(Const(0, NEAR), down[NEAR:]), down[:NEAR], over

        def near(top: Value, down: Value, over: Value) -> tuple[Any, ...]:
            return top >> down, over

        def round_(doubled: Value, over: Value) -> tuple[Any, ...]:
            return (doubled + 1) >> 1, over

        def clamp(rounded: Value, over: Value) -> tuple[Any, ...]:
            most = over | rounded[out.width :].any()
            return out(Mux(most, out.raw_max, rounded)[: out.width]), over

        return [look_up, multiply, add, far, near, round_, clamp]

    def evaluate(  # type: ignore[override]
        self, raw: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        x, out = self.inputs[0], self.shape
        bases, slopes = map(np.array, self.table)
        index = (raw >> self.rest_bits) & ((1 << self.index_bits) - 1)
        rest = raw & ((1 << self.rest_bits) - 1)
        mantissa = bases[index] + ((slopes[index] * rest) >> self.rest_bits)
        down = out.i_bits - 1 - (raw >> x.f_bits)
        over = down < 0
        top = mantissa << max(out.i_bits - 1, 0) >> (GUARD - 1 + (out.i_bits == 0))
        rounded = ((top >> np.clip(down, 0, self._most)) + 1) >> 1
        return np.where(over, out.raw_max, np.minimum(rounded, out.raw_max)), over


def _entry(table: list[int], bits: int, index: Value) -> Value:
    """An entry of a table of constants, made of gates.

    A table of more than 64 entries is halved: synthesis would take a block RAM for it, which has
    its output too late in the cycle for the product behind it.
    """
    if len(table) <= GATES:
        return Array(Const(entry, bits) for entry in table)[index]
    half = len(table) // 2
    low, high = (_entry(part, bits, index[:-1]) for part in (table[:half], table[half:]))
    return Mux(index[-1], high, low)


@functools.cache
def _table(index_bits: int, rest_bits: int, f_bits: int) -> tuple[list[int], list[int]]:
    """Lines through ``2**r`` over [0, 1): intercepts and slopes, in units of ``2**-f_bits``.

    The slope of a segment is its chord's, the best for a convex function; the intercept then halves
    the greatest error over the segment's inputs, the rounding of the slope and of the product
    included.
    """
    count = 1 << rest_bits
    inputs = np.arange(count << index_bits).reshape(-1, count)
    exact = np.exp2(inputs / inputs.size)
    ends = np.exp2(np.arange((1 << index_bits) + 1) / (1 << index_bits))
    slopes = (
        np.rint(np.ldexp(np.diff(ends), f_bits)).astype(np.int64)
        if rest_bits
        else (np.zeros(1 << index_bits, dtype=np.int64))
    )
    residual = np.ldexp(exact, f_bits) - ((slopes[:, None] * np.arange(count)) >> rest_bits)
    bases = np.rint((residual.min(axis=1) + residual.max(axis=1)) / 2).astype(np.int64)
    return bases.tolist(), slopes.tolist()
