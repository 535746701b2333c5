"""Sums whose unit is rescaled on the way."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data

from sdpaflow.numerics import fixed
from sdpaflow.numerics.aliases import Clamped
from sdpaflow.numerics.arithmetic import element_of, join, split, vector_like
from sdpaflow.numerics.fixed import SQ, UQ, saturate_raw
from sdpaflow.numerics.folds import add_up, may_clamp
from sdpaflow.numerics.operator import Interleaved
from sdpaflow.numerics.placing import early, placed_down
from sdpaflow.numerics.rescaling import BLOCK, BLOCKS, SHIFT

__all__ = ["RescaledSum"]


class RescaledSum(Interleaved):
    """``state · 2**-shift + token · 2**-(step·down)``: a sum whose unit may change on the way.

    The state is shifted by whole blocks of 8 places and rounded down. The token is shifted by its
    own places and rounded to nearest, ties up: by one bit below the sum's last, which the addition
    takes along, so that rounding costs no adder of its own. A number saturates unless told not to,
    lanes are not watched, as for :class:`Sum`.

    Parameters
    ----------
    layout : :class:`data.StructLayout`
        Tokens: the number or vector under ``field``, and ``down`` and ``shift`` as
        :class:`Rescaling` gives them.
    field : :class:`str`
        Which field is summed.
    growth : :class:`int`
        Integer bits that the sum has beyond the token; at least 0, so that the first token of a
        partial sum, which may come while those before are merged, is never clamped.
    step : :class:`int`
        Places of a step.
    f_bits : :class:`int`
        Fraction bits of the sum; 7 more than the token has unless given.
    result_bits : :class:`int`
        Fraction bits of the result, the others of both partial sums being dropped before they are
        merged; all of them unless given.
    watched : :class:`bool`
        Whether a number saturates. It need not where ``growth`` suffices, and its carry then ends
        in the sum.

    Raises
    ------
    ValueError
        Growth is negative, or the sum has fewer fraction bits than the token or the result.
    """

    def __init__(
        self,
        layout: data.StructLayout,
        field: str,
        growth: int,
        *,
        step: int = 1,
        f_bits: int | None = None,
        result_bits: int | None = None,
        watched: bool = True,
    ) -> None:
        if growth < 0:
            raise ValueError(f"Growth must be at least 0, not {growth}")
        self.token, self.field, self.stride = layout, field, step
        vector = layout.members[field]
        number = element_of(vector)
        kind = SQ if number.signed else UQ
        f_bits = number.f_bits + BLOCK - 1 if f_bits is None else f_bits
        result_bits = f_bits if result_bits is None else result_bits
        if f_bits < max(number.f_bits, result_bits):
            raise ValueError(
                f"Sum must have at least the fraction bits of {number!r} and of its result, "
                f"{max(number.f_bits, result_bits)}, not {f_bits}"
            )
        # One bit more than the sum has, to round by.
        self.fine = f_bits + 1 - number.f_bits
        self.number = kind(number.i_bits, f_bits + 1)
        self.element = kind(number.i_bits + growth, f_bits)
        self.total = kind(number.i_bits + growth, result_bits)
        self.state = vector_like([vector], self.element)
        self.saturates = watched and self.state is self.element
        self.steps = layout.members["down"].width
        self.first, self.early = early(self.steps, self.fine, step)
        moved = kind(number.i_bits, number.f_bits + self.early)
        self.waiting = data.StructLayout({
            "number": vector_like([vector], moved),
            "shift": SHIFT,
            "rest": self.steps - self.first,
        })
        self.aligned = data.StructLayout({
            "number": vector_like([vector], self.number),
            "shift": SHIFT,
        })

    @property
    def result(self) -> Any:
        return vector_like([self.state], self.total)

    def align(self, first: Value, token: data.View) -> data.View:
        down = token["down"].as_value()
        layout = self.waiting.members["number"]
        lanes = [
            element_of(layout)(placed_down(lane, self.early, down[: self.first], self.stride))
            for lane in split(token[self.field], 1)
        ]
        number = join(layout, lanes)
        shift = Mux(first, 0, token["shift"].as_value())
        return self.waiting(Cat(number.as_value(), shift, down[self.first :]))

    def settle(self, waiting: data.View) -> data.View:
        step, fine = self.stride << self.first, self.fine - self.early
        lanes = [
            self.number(placed_down(lane, fine, waiting["rest"], step))
            for lane in split(waiting["number"], 1)
        ]
        number = join(self.aligned.members["number"], lanes)
        return self.aligned(Cat(number.as_value(), waiting["shift"].as_value()))

    def shrink(self, state: Any, waiting: data.View) -> Any:
        shift, width = waiting["shift"].as_value(), self.element.width
        lanes = []
        for lane in split(state, 1):
            raw, chosen = lane.numerator(), Const(0, self.element.as_shape())
            for blocks in range(BLOCKS):
                chosen = chosen | Mux(shift[blocks], raw >> BLOCK * blocks, 0)
            lanes.append(self.element(chosen[:width]))
        return join(self.state, lanes)

    def add(self, state: Any, aligned: data.View) -> tuple[Any, Value | None]:
        lanes = zip(split(state, 1), split(aligned["number"], 1), strict=True)
        return self._sum(self.element, [self._rounded(old, new) for old, new in lanes])

    def _rounded(self, old: fixed.Value, new: fixed.Value) -> fixed.Value:
        """Their sum, rounded: a one below the old sum is half a unit, and carries."""
        half = Cat(Const(1, 1), old.as_value())
        half = half.as_signed() if old.signed else half
        total = (half + new.numerator())[1:]
        return fixed.Value.cast(total.as_signed() if old.signed else total, old.f_bits)

    def merge(self, newer: Any, older: Any) -> tuple[Any, Value | None]:
        f_bits = self.total.f_bits
        lanes = zip(split(newer, 1), split(older, 1), strict=True)
        parts = [(a.reshape(f_bits, "floor"), b.reshape(f_bits, "floor")) for a, b in lanes]
        return self._sum(self.total, [a + b for a, b in parts])

    def _sum(self, shape: fixed.Shape, sums: Sequence[fixed.Value]) -> tuple[Any, Value | None]:
        return add_up(vector_like([self.state], shape), shape, sums, saturate=self.saturates)

    def _model_sum(self, total: np.ndarray, shape: fixed.Shape) -> tuple[np.ndarray, Clamped]:
        return saturate_raw(total, shape) if self.saturates else (total, None)

    def _model_aligned(self, token: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        number, down, shift = token[self.field], token["down"], token["shift"]
        if number.ndim == 2:
            down, shift = down[:, None], shift[:, None]
        return ((number << self.fine >> self.stride * down) + 1) >> 1, shift

    def model(
        self, first: bool, state: np.ndarray, token: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, Clamped]:
        number, shift = self._model_aligned(token)
        kept = 0 if first else _shrunk(state, shift)
        return self._model_sum(kept + number, self.element)

    def model_merge(self, newer: np.ndarray, older: np.ndarray) -> tuple[np.ndarray, Clamped]:
        drop = self.element.f_bits - self.total.f_bits
        return self._model_sum((newer >> drop) + (older >> drop), self.total)

    def model_groups(self, tokens: dict[str, np.ndarray], starts: np.ndarray) -> np.ndarray | None:
        number, shift = self._model_aligned(tokens)
        if self.saturates and may_clamp(self.element, number, starts):
            return None
        lengths = np.diff(starts, append=len(number))
        place = np.arange(len(number)) - np.repeat(starts, lengths)
        drop = self.element.f_bits - self.total.f_bits
        total = np.zeros_like(number, shape=(len(starts), *number.shape[1:]))
        for way in range(self.ways):
            chosen = place % self.ways == way
            counts = (lengths + self.ways - 1 - way) // self.ways
            some = counts > 0
            sums = np.zeros_like(total)
            if some.any():
                first = np.append(0, np.cumsum(counts[some])[:-1])
                sums[some] = _rescaled(number[chosen], shift[chosen], first)
            total = total + (sums >> drop)
        return total


def _shrunk(state: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """A state shifted by the blocks that a bit of ``shift`` stands for."""
    chosen = np.zeros_like(state)
    for blocks in range(BLOCKS):
        chosen |= np.where(shift >> blocks & 1, state >> BLOCK * blocks, 0)
    return chosen


def _rescaled(number: np.ndarray, shift: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sums of groups, rescaled on the way."""
    # Runs without a shift are plain sums; what is left is a step for each shift of a group.
    shifts = shift.reshape(len(shift), -1)[:, 0]
    shifted = shifts != 1
    shifted[starts] = True
    runs = np.flatnonzero(shifted)
    sums = np.add.reduceat(number, runs, axis=0)
    first = np.searchsorted(runs, starts)
    counts = np.diff(first, append=len(runs))
    state = sums[first]
    for step in range(1, counts.max()):
        some = np.flatnonzero(counts > step)
        run = first[some] + step
        state[some] = _shrunk(state[some], shift[runs[run]]) + sums[run]
    return state
