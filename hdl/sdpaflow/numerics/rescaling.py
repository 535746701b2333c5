"""The rescaling of sums that a running maximum asks for."""

from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Value
from amaranth.lib import data

from sdpaflow.numerics.fixed import SQ, UQ
from sdpaflow.numerics.operator import Fold
from sdpaflow.numerics.placing import BELOW, Places, is_hole

__all__ = ["BLOCK", "BLOCKS", "SHIFT", "Rescaling"]

BLOCK = 8
"""Places of a block. A sum is shifted by whole blocks, so that few places have to be told apart
while it waits; the places below a block are shifted in the tokens, which wait for nothing."""

BLOCKS = 5
"""Shifts of a sum: by 0 to 4 blocks. A longer one empties it, for which the maximum has to rise by
33 at least. Each key that is lost is then less than ``2**(m - 33)``, the greatest of the row at
least ``2**(m - 1)``: n keys lose less than ``n · 2**-32`` of their sum, 65 536 keys 2**-16."""

SHIFT = UQ(BLOCKS, 0)


class Rescaling(Fold):
    """From each score and the maximum so far: what its weight is made of, and a sum's shift.

    Sums are kept in units of ``2**u``, ``u = 8·⌊m / 8⌋ + 7`` the least such number that is not
    below the maximum ``m``. What a Scan emits of each token is

    * ``x`` and ``down``, as :class:`Places` says: the token weighs ``2**x``, ``down`` steps below
      the unit. Whatever it is below the maximum, and that below the unit, is in them;
    * ``shift``: blocks by which ``u`` has risen since the token before the one before, as one bit
      of five; no bit for more than four blocks. That other token is the one that
      :class:`RescaledSum` has last added to the same partial sum; where the group has none, bit 0.

    Parameters
    ----------
    layout : :class:`data.StructLayout`
        Tokens: ``score`` and ``max``.
    places : :class:`Places`
        How the places below the unit are shared out.
    holes : :class:`bool`
        Whether the least score stands for none, as :class:`Placement` says.
    """

    def __init__(self, layout: data.StructLayout, places: Places, holes: bool = False) -> None:
        self.token = layout
        self.places, self.holes = places, holes
        self.score, top = layout.members["score"], layout.members["max"]
        self.unit = SQ(max(top.width - 3, 1), 0)
        above = SQ(max(self.unit.width + 1, BLOCKS.bit_length() + 1), 0)
        self.state = data.StructLayout({
            "newer": self.unit,
            "older": data.ArrayLayout(above, BLOCKS),  # and as many blocks above it
            "second": 1,
        })

    @property
    def shape(self) -> data.StructLayout:
        x = self.places.x(self.score)
        return data.StructLayout({"x": x, "down": self.places.down, "shift": SHIFT})

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
        # u − 1 − ⌊s⌋, of which u − 1 is 6 modulo 8: one subtraction.
        top = Cat(Const(6, 3), unit).as_signed()
        e = top - token["score"].reshape(0, "floor").numerator()
        down, rest = self.places.share(e[:-1])
        rest = rest | is_hole(token["score"]).replicate(BELOW) if self.holes else rest
        fraction = token["score"].as_value()[: self.score.f_bits]
        return self.shape(Cat(fraction, ~rest, Const(1, 1), down, *shift))

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
        f_bits, score = self.score.f_bits, token["score"]
        down, rest = self.places.share_raw((token["max"] >> 3 << 3) + 6 - (score >> f_bits))
        rest = np.where(score == self.score.raw_min, (1 << BELOW) - 1, rest) if self.holes else rest
        x = (score & ((1 << f_bits) - 1)) - (1 + rest << f_bits)
        shift = np.where(rise < BLOCKS, 1 << np.minimum(rise, BLOCKS), 0)
        return {"x": x, "down": down, "shift": shift}
