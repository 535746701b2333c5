"""Division, restoring, correctly rounded."""

import numpy as np
from amaranth.hdl import Cat, Const, Mux

from sdpaflow.numerics.arithmetic import element_of, join, split, vector_like
from sdpaflow.numerics.fixed import SQ
from sdpaflow.numerics.operator import Iterative
from sdpaflow.numerics.raw import MAX_BITS, any_lane

__all__ = ["Divide"]


class Divide(Iterative):
    """``num / den``, rounded to nearest even and saturated; a vector is divided lane by lane.

    Restoring division of magnitudes: a step finds ``digits`` quotient bits, most significant
    first; one bit more than the result has, and the remainder, decide the rounding. Unrolled it
    takes a token per cycle and ``steps + 2`` cycles; as a loop it keeps one set of registers and
    takes a token every ``steps + 1`` cycles, ``steps = ⌈(width + 1) / digits⌉`` (a sign bit not
    counted). Dividing by zero saturates. The most negative result has one bit more than the others
    and may count as clamped where it is not; its value is right.

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
    unrolled : :class:`bool`
        Pipeline or loop.
    """

    saturates = True

    def __init__(self, num, den, element, digits=1, unrolled=False):
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
        self.unrolled = unrolled
        self.steps = -(-(element.width - element.signed + 1) // digits)
        self.bits = self.steps * digits
        up = element.f_bits + 1 + den.f_bits - top.f_bits
        self.num_up, self.den_up = max(up, 0), max(-up, 0)
        if max(top.width + self.num_up, den.width + self.den_up) > MAX_BITS:
            raise ValueError(
                f"Dividing {top!r} by {den!r} into {element!r} takes more than {MAX_BITS} bits"
            )

    # State: the divisor, then for each lane the remainder, the dividend's low bits with the
    # quotient shifted in from below, the sign, and whether the quotient has no room.

    def load(self, num, den):
        divisor = Cat(Const(0, self.den_up), den.as_value())
        state = [divisor]
        for lane in split(num, 1):
            size = Cat(Const(0, self.num_up), abs(lane).as_value()[: lane.shape().width])
            low = Cat(size, Const(0, self.bits))[: self.bits]
            high = size[self.bits :] if len(size) > self.bits else Const(0, 1)
            remainder = Cat(high, Const(0, len(divisor)))[: len(divisor)]
            negative = lane.as_value()[-1] if lane.signed else Const(0, 1)
            state += [remainder, low, negative, high >= divisor]
        return tuple(state)

    def step(self, divisor, *lanes):
        state = [divisor]
        for remainder, low, negative, over in _by_lane(lanes):
            for _ in range(self.digits):
                doubled = Cat(low[-1], remainder)
                fits = doubled >= divisor
                remainder = Mux(fits, doubled - divisor, doubled)[: len(divisor)]
                low = Cat(fits, low[:-1])
            state += [remainder, low, negative, over]
        return tuple(state)

    def finish(self, divisor, *lanes):
        results, flags = [], []
        for remainder, low, negative, over in _by_lane(lanes):
            size = low[1:] + (low[0] & (remainder.any() | low[1]))
            signed = Mux(negative, -size, size)
            exact = SQ(len(signed) - self.element.f_bits, self.element.f_bits)(signed)
            flag = over | exact.overflows(self.element)
            clamp = Mux(negative, self.element.raw_min, self.element.raw_max)
            raw = Mux(flag, clamp, signed)[: self.element.width]
            results.append(self.element(raw))
            flags.append(flag)
        return join(self.shape, results), Cat(flags).any()

    def evaluate(self, num, den):  # type: ignore[override]
        divisor = den << self.den_up
        if num.ndim == 2:
            divisor = divisor[:, None]
        size = np.abs(num) << self.num_up
        over = (size >> self.bits) >= divisor
        safe = np.maximum(divisor, 1)
        doubled, remainder = size // safe, size % safe
        whole = doubled >> 1
        whole = whole + (doubled & 1 & ((remainder != 0) | (whole & 1)))
        signed = np.where(num < 0, -whole, whole)
        over = over | (signed < self.element.raw_min) | (signed > self.element.raw_max)
        clamp = np.where(num < 0, self.element.raw_min, self.element.raw_max)
        return np.where(over, clamp, signed), any_lane(over)


def _by_lane(values):
    return zip(*[iter(values)] * 4, strict=True)
