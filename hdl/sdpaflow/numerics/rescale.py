"""Sums whose unit is rescaled on the way, and the rescaling that a running maximum asks for."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data

from sdpaflow.numerics import fixed
from sdpaflow.numerics.aliases import Clamped
from sdpaflow.numerics.arithmetic import element_of, example, join, split, vector_like
from sdpaflow.numerics.fixed import SQ, UQ, saturate_raw
from sdpaflow.numerics.folds import add_up, may_clamp
from sdpaflow.numerics.operator import Fold, Interleaved

__all__ = ["BLOCK", "BLOCKS", "RescaledSum", "Rescaling"]

BLOCK = 8
"""Places of a block. A sum is shifted by whole blocks, so that few places have to be told apart
while it waits; the places below a block are shifted in the tokens, which wait for nothing."""

BLOCKS = 5
"""Shifts of a sum: by 0 to 4 blocks. A longer one empties it, for which the maximum has to rise by
33 at least. Each key that is lost is then less than ``2**(m - 33)``, the greatest of the row at
least ``2**(m - 1)``: n keys lose less than ``n · 2**-32`` of their sum, 65 536 keys 2**-16."""

DOWN = UQ(3, 0)
SHIFT = UQ(BLOCKS, 0)


class Rescaling(Fold):
    """From each score and the maximum so far: the exponent, and what has to be shifted by how much.

    Sums are kept in units of ``2**u``, ``u = 8·⌊m / 8⌋ + 7`` the least such number that is not
    below the maximum ``m``. What a Scan emits of each token is

    * ``x = s - m``;
    * ``down = u - m``, 0 to 7, places by which what belongs to the token has to be shifted;
    * ``shift``: blocks by which ``u`` has risen since the token before the one before, as one bit
      of five; no bit for more than four blocks. That other token is the one that
      :class:`RescaledSum` has last added to the same partial sum; where the group has none, bit 0.

    Parameters
    ----------
    layout : :class:`data.StructLayout`
        Tokens: ``score`` and ``max``.
    """

    def __init__(self, layout: data.StructLayout) -> None:
        self.token = layout
        score, top = layout.members["score"], layout.members["max"]
        self.unit = SQ(max(top.width - 3, 1), 0)
        above = SQ(max(self.unit.width + 1, BLOCKS.bit_length() + 1), 0)
        self.state = data.StructLayout({
            "newer": self.unit,
            "older": data.ArrayLayout(above, BLOCKS),  # and as many blocks above it
            "second": 1,
        })
        self.difference = (example(score) - example(top)).shape()

    @property
    def shape(self) -> data.StructLayout:
        return data.StructLayout({"x": self.difference, "down": DOWN, "shift": SHIFT})

    def _unit(self, token: data.View) -> Value:
        raw = token["max"].as_value()
        return Cat(raw, raw[-1].replicate(3))[3 : 3 + self.unit.width]

    def step(self, first: Value, state: data.View, token: data.View) -> tuple[Any, None]:
        newer, above = state["newer"], self.state.members["older"].elem_shape
        rises = [Const(blocks, above.as_shape()) for blocks in range(BLOCKS)]
        older = [(newer.numerator() + rise)[: above.width] for rise in rises]
        return self.state(Cat(self._unit(token), *older, first)), None

    def emit(self, first: Any, state: data.View, new: Any, token: data.View) -> Any:
        fresh = first | state["second"]
        unit, width = self._unit(token), self.unit.width
        shift = []
        for older in state["older"]:
            low, high = older.as_value()[:width], older.as_value()[width:]
            risen = (unit == low) & (high == low[-1].replicate(len(high)))
            shift.append(risen & ~fresh)
        shift[0] |= fresh
        down = ~Cat(token["max"].as_value(), token["max"].as_value()[-1].replicate(3))[:3]
        x = token["score"] - token["max"]
        return self.shape(Cat(x.as_value(), down, *shift))

    def model(
        self, first: bool, state: dict[str, np.ndarray], token: dict[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], None]:
        unit = token["max"] >> 3
        same = np.full_like(unit, first)
        above = np.add.outer(state["newer"], np.arange(BLOCKS))
        return {"newer": unit, "older": above, "second": same}, None

    def model_emit(
        self, first: bool, state: dict[str, np.ndarray], new: Any, token: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        fresh = first | (state["second"] != 0)
        return self._emitted(token, np.where(fresh, 0, (token["max"] >> 3) - state["older"][:, 0]))

    def model_scan(
        self, tokens: dict[str, np.ndarray], starts: np.ndarray
    ) -> dict[str, np.ndarray]:
        unit = tokens["max"] >> 3
        rise = np.zeros_like(unit)
        rise[2:] = unit[2:] - unit[:-2]
        rise[starts] = 0
        lengths = np.diff(starts, append=len(unit))
        rise[starts[lengths > 1] + 1] = 0
        return self._emitted(tokens, rise)

    def _emitted(self, token: dict[str, np.ndarray], rise: np.ndarray) -> dict[str, np.ndarray]:
        score, top = self.token.members["score"], token["max"]
        shift = np.where(rise < BLOCKS, 1 << np.minimum(rise, BLOCKS), 0)
        return {"x": token["score"] - (top << score.f_bits), "down": ~top & 7, "shift": shift}


class RescaledSum(Interleaved):
    """``state · 2**-shift + token · 2**-down``: a sum whose unit may change before each token.

    The state is shifted by whole blocks of 8 places and rounded down, the token exactly: the sum
    has 7 fraction bits more than what is added. A number saturates, lanes are not watched, as for
    :class:`Sum`.

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
    """

    def __init__(self, layout: data.StructLayout, field: str, growth: int) -> None:
        if growth < 0:
            raise ValueError(f"Growth must be at least 0, not {growth}")
        self.token = layout
        self.field = field
        vector = layout.members[field]
        number = element_of(vector)
        kind = SQ if number.signed else UQ
        self.number = kind(number.i_bits, number.f_bits + BLOCK - 1)
        self.element = kind(number.i_bits + growth, number.f_bits + BLOCK - 1)
        self.state = vector_like([vector], self.element)
        self.saturates = self.state is self.element
        aligned = {"number": vector_like([vector], self.number), "shift": SHIFT}
        self.aligned = data.StructLayout(aligned)
        self.waiting = data.StructLayout({**aligned, "odd": 1})

    def align(self, first: Value, token: data.View) -> data.View:
        down, lanes = token["down"].as_value(), []
        even = Cat(Const(0, 1), down[1:])
        for lane in split(token[self.field], 1):
            wide = Cat(Const(0, BLOCK - 1), lane.as_value())
            wide = wide.as_signed() if lane.signed else wide
            lanes.append(self.number((wide >> even)[: self.number.width]))
        number = join(self.aligned.members["number"], lanes)
        shift = Mux(first, 0, token["shift"].as_value())
        return self.waiting(Cat(number.as_value(), shift, down[0]))

    def settle(self, waiting: data.View) -> data.View:
        lanes = []
        for lane in split(waiting["number"], 1):
            raw = lane.numerator()
            lanes.append(self.number(Mux(waiting["odd"], raw >> 1, raw)[: self.number.width]))
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
        return self._sum(old + new for old, new in lanes)

    def merge(self, newer: Any, older: Any) -> tuple[Any, Value | None]:
        return self._sum(a + b for a, b in zip(split(newer, 1), split(older, 1), strict=True))

    def _sum(self, sums: Iterable[fixed.Value]) -> tuple[Any, Value | None]:
        return add_up(self.state, self.element, list(sums), saturate=self.saturates)

    def _model_sum(self, total: np.ndarray) -> tuple[np.ndarray, Clamped]:
        return saturate_raw(total, self.element) if self.saturates else (total, None)

    def _model_aligned(self, token: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        number, down, shift = token[self.field], token["down"], token["shift"]
        if number.ndim == 2:
            down, shift = down[:, None], shift[:, None]
        return number << (BLOCK - 1) >> down, shift

    def model(
        self, first: bool, state: np.ndarray, token: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, Clamped]:
        number, shift = self._model_aligned(token)
        kept = 0 if first else _shrunk(state, shift)
        return self._model_sum(kept + number)

    def model_merge(self, newer: np.ndarray, older: np.ndarray) -> tuple[np.ndarray, Clamped]:
        return self._model_sum(newer + older)

    def model_groups(self, tokens: dict[str, np.ndarray], starts: np.ndarray) -> np.ndarray | None:
        number, shift = self._model_aligned(tokens)
        if self.saturates and may_clamp(self.element, number, starts):
            return None
        lengths = np.diff(starts, append=len(number))
        place = np.arange(len(number)) - np.repeat(starts, lengths)
        total = np.zeros_like(number, shape=(len(starts), *number.shape[1:]))
        for way in range(self.ways):
            chosen = place % self.ways == way
            counts = (lengths + self.ways - 1 - way) // self.ways
            some = counts > 0
            sums = np.zeros_like(total)
            if some.any():
                first = np.append(0, np.cumsum(counts[some])[:-1])
                sums[some] = _rescaled(number[chosen], shift[chosen], first)
            total = total + sums
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
