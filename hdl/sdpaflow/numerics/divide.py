"""Division, non-restoring, rounded to nearest."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data

from sdpaflow.numerics import fixed
from sdpaflow.numerics.aliases import Stage
from sdpaflow.numerics.arithmetic import element_of, join, split, vector_like
from sdpaflow.numerics.operator import Operator
from sdpaflow.numerics.raw import MAX_BITS, any_lane

__all__ = ["Divide"]


class Divide(Operator):
    """``num / den``, rounded to nearest (ties up) and saturated; a vector is divided lane by lane.

    Non-restoring division: a step finds ``digits`` quotient bits, most significant first, each by
    adding or subtracting the divisor as the remainder's sign says. The first bit says whether the
    quotient has room; the last is one more than the result has, to round by. What is signed is
    first made positive by adding to the quotient the size of the most negative result, which is a
    change of the result's highest bit alone.

    A token per cycle; ``steps + 3`` stages, ``steps = ⌈(width + 2) / digits⌉``. Dividing by zero
    saturates. A quotient that is rounded up to the most negative result counts as clamped; its
    value is right.

    Parameters
    ----------
    num : :class:`fixed.Shape` or :class:`data.ArrayLayout`
        Numerator.
    den : :class:`fixed.Shape`
        Denominator, unsigned.
    element : :class:`fixed.Shape`
        Format of the result, or of its lanes; signed exactly when the numerator is.
    digits : :class:`int`
        Quotient bits per step, that is, subtractions in a row within a cycle.
    """

    saturates = True

    def __init__(
        self,
        num: fixed.Shape | data.ArrayLayout,
        den: fixed.Shape,
        element: fixed.Shape,
        digits: int = 1,
    ) -> None:
        top = element_of(num)
        if den.signed:
            raise ValueError(f"Denominator must be unsigned, not {den!r}")
        if top.signed != element.signed:
            raise ValueError(f"Quotient of {top!r} must have the same sign, not be {element!r}")
        if digits < 1:
            raise ValueError(f"Quotient bits per step must be at least 1, not {digits}")
        self.inputs = (num, den)
        self.element = element
        self.shape = vector_like([num], element)
        self.lanes = self.shape.length if self.shape is not element else 1
        self.digits = digits
        self.steps = -(-(element.width + 2) // digits)
        self.bits = self.steps * digits
        up = element.f_bits + 1 + den.f_bits - top.f_bits
        self.num_up, self.den_up = max(up, 0), max(-up, 0)
        size, divisor = top.width + self.num_up, den.width + self.den_up
        self.size = max(size, divisor + element.width + 1) if element.signed else size
        if max(self.size, divisor) >= MAX_BITS:
            raise ValueError(
                f"Dividing {top!r} by {den!r} into {element!r} takes more than {MAX_BITS} bits"
            )

    # State: the divisor, then for each lane the remainder, the dividend's low bits with the
    # quotient shifted in from below, and whether the result would be below the least.

    def stages(self) -> list[Stage]:
        return [self._open, *[self._step] * self.steps, self._round, self._clamp]

    def _open(self, num: Any, den: fixed.Value) -> tuple[Any, ...]:
        divisor = Cat(Const(0, self.den_up), den.as_value())
        state = [divisor]
        for lane in split(num, 1):
            size, below = Cat(Const(0, self.num_up), lane.as_value()), Const(0, 1)
            if lane.signed:
                moved = size.as_signed() + Cat(Const(0, self.element.width), divisor)
                size, below = moved[: self.size], moved[-1]
            high, low = size[self.bits :], Cat(size, Const(0, self.bits))[: self.bits]
            width = max(len(high), len(divisor)) + 1
            remainder = Cat(high, Const(0, width))[:width]
            state += [remainder.as_signed(), low, below]
        return tuple(state)

    def _step(self, divisor: Value, *lanes: Value) -> tuple[Any, ...]:
        state = [divisor]
        for remainder, low, below in _by_lane(lanes):
            for _ in range(self.digits):
                doubled = Cat(low[-1], remainder)
                remainder, low = self._subtract(doubled, divisor, remainder, low)
            state += [remainder, low, below]
        return tuple(state)

    def _subtract(
        self, doubled: Value, divisor: Value, remainder: Value, low: Value
    ) -> tuple[Value, Value]:
        """Subtract, or add where the remainder is negative; its sign, inverted, is the last bit of
        the quotient, which is shifted in."""
        negative = remainder[-1]
        addend = Cat(divisor, Const(0, len(doubled) - len(divisor)))
        # Extended, not replicated: a simulator would evaluate the sign anew for every copy.
        addend = (addend ^ (~negative).as_signed())[: len(doubled)]
        # The bit below makes the carry of a subtraction.
        total = (Cat(1, doubled) + Cat(~negative, addend))[1 : len(remainder) + 1]
        return total.as_signed(), Cat(~negative, low[:-1])

    def _round(self, divisor: Value, *lanes: Value) -> tuple[Any, ...]:
        state: list[Value] = []
        width = self.element.width
        for remainder, low, below in _by_lane(lanes):
            quotient = Cat(~remainder[-1], low[:-1])
            size = (quotient[1 : width + 1] + quotient[0])[: width + 1]
            state += [size, quotient[width + 1 :].any(), below]
        return tuple(state)

    def _clamp(self, *lanes: Value) -> tuple[Any, ...]:
        results, flags = [], []
        width, low, high = self.element.width, self.element.raw_min, self.element.raw_max
        for size, wide, below in _by_lane(lanes):
            over = ~below & (size[-1] | wide)
            whole = size[:width] ^ (self.element.signed << (width - 1))
            results.append(self.element(Mux(below, low, Mux(over, high, whole))[:width]))
            flags.append(over | below)
        return join(self.shape, results), Cat(flags).any()

    def evaluate(  # type: ignore[override]
        self, num: np.ndarray, den: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        divisor = den << self.den_up
        if num.ndim == 2:
            divisor = divisor[:, None]
        size = num << self.num_up
        if self.element.signed:
            size = size + (divisor << self.element.width)
        below = size < 0
        whole = (size // np.maximum(divisor, 1) + 1) >> 1
        over = ~below & ((divisor == 0) | (whole >> self.element.width != 0))
        raw = whole + self.element.raw_min
        raw = np.where(over, self.element.raw_max, raw)
        return np.where(below, self.element.raw_min, raw), any_lane(below | over)


def _by_lane(values: Sequence[Value]) -> Iterator[tuple[Value, Value, Value]]:
    """A lane's three values at a time."""
    return zip(*[iter(values)] * 3, strict=True)
