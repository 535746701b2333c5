"""Numbers with an exponent: few bits, and how many places they are to be shifted down by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data

from sdpaflow.numerics import fixed
from sdpaflow.numerics.aliases import Stage
from sdpaflow.numerics.arithmetic import element_of, join, split, vector_like
from sdpaflow.numerics.fixed import SQ, UQ
from sdpaflow.numerics.operator import Operator

__all__ = ["REACH", "Place", "Placement", "Places", "Weigh", "early", "placed_down"]

REACH = 32
"""Places that a power of two can be below its unit, less one, before it loses bits. Those that are
farther down lose a bit per place. In a row of 65 536 keys, which are 2**-31 of the unit each, all
of them together are 2**-15 of it, so that they need no more than some of their bits."""

BELOW = 5
"""Bits of the places that are left to 2**x: beyond 31, nothing is left of a weight."""


@dataclass(frozen=True)
class Places:
    """How ``2**(s − u)`` becomes a weight of few bits, and steps to shift it down by.

    With ``e = u − 1 − ⌊s⌋`` and ``r`` the fraction of ``s``, it is ``2**(r − 1) · 2**-e``. Of the
    ``e`` places, whole steps are left for later, ``down`` of them, and the rest is put into
    ``x = r − 1 − rest``, so that the weight ``2**x`` is at least ``2**-step`` and below 1::

        e           0  1  2  3  4  …  30  31  32  33  34  …      (step = 2)
        down        0  0  1  1  2     15  15  15  15  15
        rest        0  1  0  1  0      0   1   2   3   4

    Attributes
    ----------
    step : :class:`int`
        Places of a step, a power of two: the fewer, the more bits each weight has at least.
    """

    step: int

    def __post_init__(self) -> None:
        if self.step not in (1, 2, 4, 8):
            raise ValueError(f"Places of a step must be 1, 2, 4 or 8, not {self.step}")

    @property
    def _low(self) -> int:
        """Bits of a place within a step."""
        return self.step.bit_length() - 1

    @property
    def down(self) -> fixed.Shape:
        return UQ(REACH.bit_length() - 1 - self._low, 0)

    @property
    def most(self) -> int:
        """Places of the most steps."""
        return REACH - self.step

    def x(self, score: fixed.Shape) -> fixed.Shape:
        """Format of ``r − 1 − rest``, always negative."""
        return SQ(1 + BELOW, score.f_bits)

    def share(self, e: Value) -> tuple[Value, Value]:
        """``down``, and the bits of ``rest``. What is added takes no carry of more than a gate."""
        top, low = self.down.width + self._low, self._low
        e = Cat(e, Const(0, top + 1))
        within, steps, beyond = e[:low], e[low:top], e[top:].any()
        more = (steps + 1)[: BELOW - low]
        gone = e[top + 1 :].any() | (beyond & steps.all())
        rest = Cat(within, Mux(beyond, more, 0)) | gone.replicate(BELOW)
        return steps | beyond.replicate(self.down.width), rest

    def share_raw(self, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same of raw integers."""
        near = e < REACH
        down = np.where(near, e // self.step, self.most // self.step)
        return down, np.minimum(np.where(near, e % self.step, e - self.most), (1 << BELOW) - 1)


class Placement(Operator):
    """From a score ``s`` to what a weight is made of: ``x`` and ``down``, as :class:`Places` says.

    The unit ``u`` is the second argument, an integer above each score that it comes with, or a
    constant. Of a score that is not below a constant, ``x`` is 0, and so ``2**x`` out of range. One
    stage.

    Parameters
    ----------
    score : :class:`fixed.Shape`
        Format of the scores.
    unit : :class:`fixed.Shape` or :class:`int`
        Format of the integers, or the constant.
    places : :class:`Places`
        How places are shared out.
    """

    def __init__(self, score: fixed.Shape, unit: fixed.Shape | int, places: Places) -> None:
        self.score, self.unit, self.places = score, unit, places
        self.inputs = (score,) if isinstance(unit, int) else (score, unit)
        self.shape = data.StructLayout({"x": places.x(score), "down": places.down})

    def stages(self) -> list[Stage]:
        def stage(score: fixed.Value, *unit: fixed.Value) -> tuple[Any, ...]:
            floor = score.reshape(0, "floor").numerator()
            e = (unit[0].numerator() if unit else Const(self.unit)) - 1 - floor
            down, rest = self.places.share(e[:-1])
            x = Cat(score.as_value()[: self.score.f_bits], ~rest, Const(1, 1))
            over = Const(0) if unit else e[-1]
            return (self.shape(Cat(Mux(over, 0, x), Mux(over, 0, down))),)

        return [stage]

    def evaluate(  # type: ignore[override]
        self, score: np.ndarray, *unit: np.ndarray
    ) -> tuple[dict[str, np.ndarray], None]:
        f_bits, top = self.score.f_bits, unit[0] if unit else np.int64(self.unit)  # type: ignore
        e = top - 1 - (score >> f_bits)
        down, rest = self.places.share_raw(np.maximum(e, 0))
        x = (score & ((1 << f_bits) - 1)) - (1 + rest << f_bits)
        return {"x": np.where(e < 0, 0, x), "down": np.where(e < 0, 0, down)}, None


class Weigh(Operator):
    """``v · weight``, exact, shifted down by a first step where there is an odd number of them.

    It is ``v`` that is shifted, before the product, where it is half as wide as behind it: by one
    step up, unless the number of steps is odd. So ``down`` counts double steps in the result, which
    has ``step`` more fraction bits.

    Three stages: to take both, to shift, and the product. The registers of the last two are those
    of a DSP block; ``v`` comes from afar, and would be late there with a gate on its way.

    Parameters
    ----------
    v : :class:`fixed.Shape` or :class:`data.ArrayLayout`
        A number, or a vector.
    token : :class:`data.StructLayout`
        ``weight``, ``down``, and what else is carried along.
    step : :class:`int`
        Places of a step.
    """

    takes = True

    def __init__(
        self, v: fixed.Shape | data.ArrayLayout, token: data.StructLayout, step: int
    ) -> None:
        self.inputs = (v, token)
        self.step = step
        element, weight, down = element_of(v), token.members["weight"], token.members["down"]
        self.moved = vector_like([v], SQ(element.i_bits, element.f_bits + step))
        f_bits = element.f_bits + step + weight.f_bits
        self.product = vector_like([v], SQ(element.i_bits + weight.i_bits, f_bits))
        members = {**token.members, "weight": self.product, "down": UQ(down.width - 1, 0)}
        self.shape = data.StructLayout(members)
        self.carried = [name for name in members if name not in ("weight", "down")]

    def stages(self) -> list[Stage]:
        def take(v: Any, token: data.View) -> tuple[Any, ...]:
            return (v, *(token[name] for name in ("weight", "down", *self.carried)))

        def shift(v: Any, weight: Any, down: Any, *others: Any) -> tuple[Any, ...]:
            down = Value.cast(down)
            lanes = [self._moved(lane.as_value()[:], down[0]) for lane in split(v, 1)]
            return (join(self.moved, lanes), weight, down[1:], *others)

        def multiply(moved: Any, weight: fixed.Value, down: Value, *others: Any) -> tuple[Any, ...]:
            element = element_of(self.product)
            lanes = [
                element((lane.numerator() * weight.numerator())[: element.width])
                for lane in split(moved, 1)
            ]
            fields = dict(zip(self.carried, others, strict=True))
            fields |= {"weight": join(self.product, lanes), "down": down}
            return (self.shape(Cat(Value.cast(fields[name]) for name in self.shape.members)),)

        return [take, shift, multiply]

    def _moved(self, raw: Value, odd: Value) -> fixed.Value:
        """``v`` as it is where ``odd``, else a step up.

        The low bits are gates: of a choice between them and 0, synthesis would make registers with
        a reset, which a DSP block has not.
        """
        low = raw[: self.step] & odd.replicate(self.step)
        same = Cat(raw, raw[-1].replicate(self.step))[self.step :]
        return element_of(self.moved)(Cat(low, Mux(odd, same, raw)))

    def evaluate(self, v: np.ndarray, token: dict[str, Any]) -> tuple[Any, None]:  # type: ignore[override]
        down, weight = token["down"], token["weight"]
        up = np.where(down & 1, 0, self.step)
        if v.ndim == 2:
            weight, up = weight[:, None], up[:, None]
        return {**token, "weight": (v << up) * weight, "down": down >> 1}, None


class Place(Operator):
    """A number or a vector shifted down by ``down`` steps, rounded down.

    Two stages: the steps' low bits, and the others.

    Parameters
    ----------
    token : :class:`data.StructLayout`
        The number or vector under ``field``, and ``down``.
    field : :class:`str`
        What is shifted.
    step : :class:`int`
        Places of a step.
    f_bits : :class:`int`
        Fraction bits of the result, not fewer than the number has.
    """

    def __init__(self, token: data.StructLayout, field: str, step: int, f_bits: int) -> None:
        self.inputs = (token,)
        self.field, self.step = field, step
        number = element_of(token.members[field])
        self.fine = f_bits - number.f_bits
        if self.fine < 0:
            raise ValueError(f"Result of {number!r} must not lose fraction bits, to {f_bits}")
        self.element = (SQ if number.signed else UQ)(number.i_bits, f_bits)
        self.shape = vector_like([token.members[field]], self.element)
        self.steps = token.members["down"].width
        self.first, self.early = early(self.steps, self.fine, step)

    def stages(self) -> list[Stage]:
        f_bits = self.element.f_bits - self.fine + self.early
        moved = (SQ if self.element.signed else UQ)(self.element.i_bits, f_bits)

        def low(token: data.View) -> tuple[Any, ...]:
            down = token["down"].as_value()
            lanes = [
                moved(placed_down(lane, self.early, down[: self.first], self.step))
                for lane in split(token[self.field], 1)
            ]
            return join(vector_like([self.shape], moved), lanes), down[self.first :]

        def high(number: Any, down: Value) -> tuple[Any, ...]:
            step, fine = self.step << self.first, self.fine - self.early
            lanes = [self.element(placed_down(lane, fine, down, step)) for lane in split(number, 1)]
            return (join(self.shape, lanes),)

        return [low, high]

    def evaluate(self, token: dict[str, Any]) -> tuple[np.ndarray, None]:  # type: ignore[override]
        number, down = token[self.field], token["down"]
        down = down[:, None] if number.ndim == 2 else down
        return number << self.fine >> self.step * down, None


def early(steps: int, fine: int, step: int) -> tuple[int, int]:
    """Of so many bits of ``down`` those that are shifted by in a first stage, the lower half.

    And of ``fine`` more fraction bits those that it can reach: what is always 0 takes no registers.
    """
    first = (steps + 1) // 2
    return first, min(fine, step * ((1 << first) - 1))


def placed_down(lane: fixed.Value, fine: int, down: Sequence[Value] | Value, step: int) -> Value:
    """A number with ``fine`` more fraction bits, shifted by the steps that ``down`` has bits of."""
    raw = Cat(Const(0, fine), lane.as_value())
    width, signed = len(raw), lane.signed
    for bit in range(len(down)):
        raw = raw.as_signed() if signed else raw
        raw = Mux(down[bit], raw >> (step << bit), raw)[:width]
    return raw.as_signed() if signed else raw
