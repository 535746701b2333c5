"""Shares of a sum, each a number of few bits with an exponent of its own."""

from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data

from sdpaflow.numerics import fixed
from sdpaflow.numerics.aliases import Stage
from sdpaflow.numerics.divide import Divide
from sdpaflow.numerics.fixed import SQ, UQ
from sdpaflow.numerics.operator import Operator
from sdpaflow.numerics.placing import Places

__all__ = ["Normalise", "Share"]


class Normalise(Operator):
    """A number as ``mantissa · 2**exponent``, with ``mantissa`` in [0.5, 1), rounded down.

    Numbers below ``2**(least − 1)`` are marked ``small``; 0 has no exponent that means anything.
    One stage for each bit that the places of the number take, and one more.

    Parameters
    ----------
    source : :class:`fixed.Shape`
        Format of the number, unsigned.
    bits : :class:`int`
        Bits of the mantissa.
    least : :class:`int`
        The least exponent that is not marked.
    """

    def __init__(self, source: fixed.Shape, bits: int, least: int) -> None:
        if source.signed:
            raise ValueError(f"What is normalised must be unsigned, not {source!r}")
        self.inputs = (source,)
        self.source, self.bits, self.least = source, bits, least
        self.levels = (source.width - 1).bit_length()
        far = max(source.i_bits, 1 << self.levels, abs(least))
        self.exponent = SQ(far.bit_length() + 1, 0)
        self.shape = data.StructLayout({
            "mantissa": UQ(0, bits),
            "exponent": self.exponent,
            "small": 1,
        })

    def stages(self) -> list[Stage]:
        def level(bit: int) -> Stage:
            further = (1 << bit) - 1  # places that later levels can still move it up by

            def up(raw: Value, *found: Value) -> tuple[Any, ...]:
                raw = Value.cast(raw)[:]
                empty = ~raw[len(raw) - (1 << bit) :].any()
                moved = Cat(Const(0, 1 << bit), raw)[: len(raw)]
                return (Mux(empty, moved, raw)[-(self.bits + further) :], Cat(empty, *found))

            return up

        def finish(raw: Value, empty: Value) -> tuple[Any, ...]:
            most = Const(self.source.i_bits, self.exponent.as_shape())
            exponent = (most - empty)[: self.exponent.width].as_signed()
            small = ~raw[-1] | (exponent < self.least)
            mantissa = Cat(Const(0, self.bits), raw)[-self.bits :]
            return (self.shape(Cat(mantissa[:-1], Const(1, 1), exponent, small)),)

        return [*map(level, reversed(range(self.levels))), finish]

    def evaluate(self, raw: np.ndarray) -> tuple[dict[str, np.ndarray], None]:  # type: ignore[override]
        width = self.source.width
        high = np.zeros_like(raw)
        rest = raw.copy()
        for bit in reversed(range(self.levels)):
            some = rest >> (1 << bit) != 0
            high += np.where(some, 1 << bit, 0)
            rest = np.where(some, rest >> (1 << bit), rest)
        empty = np.where(raw == 0, (1 << self.levels) - 1, width - 1 - high)
        exponent = self.source.i_bits - empty
        drop = width - self.bits
        mantissa = raw << empty >> drop if drop >= 0 else raw << empty << -drop
        return {
            "mantissa": mantissa | 1 << (self.bits - 1),
            "exponent": exponent,
            "small": ((raw == 0) | (exponent < self.least)).astype(np.int64),
        }, None


class Share(Operator):
    """``part / whole``: both with an exponent, and so is the result.

    A part that is :class:`Places` with one place to a step, ``weight · 2**-down``, divided by a sum
    that has been normalised, is ``weight / mantissa``, between 0.5 and 2, and
    ``down + exponent`` places below 1. Of more than 31 places, the rest is taken from the weight:
    such shares lose bits. Shares of a sum that is too small to be known count as clamped.

    Two stages, to find the places and to shift; then those of :class:`Divide`.

    Parameters
    ----------
    part : :class:`data.StructLayout`
        ``weight`` and ``down``.
    whole : :class:`data.StructLayout`
        As :class:`Normalise` gives it.
    result : :class:`fixed.Shape`
        Format of ``weight`` in the result.
    """

    saturates = True

    def __init__(
        self, part: data.StructLayout, whole: data.StructLayout, result: fixed.Shape
    ) -> None:
        self.inputs = (part, whole)
        self.most = Places(1).most
        self.divide = Divide(part.members["weight"], whole.members["mantissa"], result)
        self.shape = data.StructLayout({"weight": result, "down": Places(1).down})

    def stages(self) -> list[Stage]:
        first, *others, final = self.divide.stages()
        down_bits = self.shape.members["down"].width

        def find(part: data.View, whole: data.View) -> tuple[Any, ...]:
            places = part["down"].as_value() + whole["exponent"].as_value()
            kept = Mux(places[-1], 0, places[:-1])
            return part["weight"], kept, whole["mantissa"], whole["small"]

        def shift(
            weight: fixed.Value, places: Value, mantissa: fixed.Value, small: Value
        ) -> tuple[Any, ...]:
            over = places[down_bits:].any()
            beyond = Mux(over, places - self.most, 0)[: len(places)]
            moved = weight.shape()((weight.as_value() >> beyond)[: weight.shape().width])
            down = places[:down_bits] | over.replicate(down_bits)
            return moved, mantissa, down, small

        def around(stage: Stage, opens: bool) -> Stage:
            def carry(*values: Any) -> tuple[Any, ...]:
                if opens:
                    *inner, down, small = values
                    return (down, small, *stage(*inner))
                down, small, *inner = values
                return (down, small, *stage(*inner))

            return carry

        def end(down: Value, small: Value, *values: Any) -> tuple[Any, ...]:
            result, flag = final(*values)
            return self.shape(Cat(result.as_value(), down)), flag | small

        return [find, shift, around(first, True), *(around(o, False) for o in others), end]

    def evaluate(  # type: ignore[override]
        self, part: dict[str, np.ndarray], whole: dict[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        places = np.maximum(part["down"] + whole["exponent"], 0)
        weight = part["weight"] >> np.clip(places - self.most, 0, 62)
        result, clamped = self.divide.evaluate(weight, whole["mantissa"])
        down = np.minimum(places, self.most)
        return {"weight": result, "down": down}, clamped | (whole["small"] != 0)
