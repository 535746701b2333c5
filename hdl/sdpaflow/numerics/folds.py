"""Recurrences: sums and maxima."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data

from sdpaflow.numerics import fixed
from sdpaflow.numerics.aliases import Clamped
from sdpaflow.numerics.arithmetic import element_of, join, split, vector_like
from sdpaflow.numerics.fixed import SQ, UQ, saturate_raw
from sdpaflow.numerics.operator import Fold

__all__ = ["Max", "RunningMax", "Sum"]


class Sum(Fold):
    """``state + token``.

    The sum of a number saturates when ``growth`` does not suffice. The lanes of a vector are not
    watched, which would cost a comparison each: 2**growth tokens of any value fit.

    Parameters
    ----------
    token : :class:`fixed.Shape` or :class:`data.ArrayLayout`
        A number, or a vector summed lane by lane.
    growth : :class:`int`
        Integer bits that the sum has beyond the token.
    """

    def __init__(self, token: fixed.Shape | data.ArrayLayout, growth: int) -> None:
        self.token = token
        number = element_of(token)
        self.element = (SQ if number.signed else UQ)(number.i_bits + growth, number.f_bits)
        self.state = vector_like([token], self.element)
        self.saturates = self.state is self.element
        self.lanes = 1 if self.saturates else self.state.length

    def step(self, first: Value, state: Any, token: Any) -> tuple[Any, Value | None]:
        sums = []
        for old, new in zip(split(state, 1), split(token, self.lanes), strict=True):
            zero = Const(0, self.element.as_shape())
            sums.append(self.element(Mux(first, zero, old.numerator())) + new)
        return add_up(self.state, self.element, sums, saturate=self.saturates)

    def model(
        self, first: bool, state: np.ndarray, token: np.ndarray
    ) -> tuple[np.ndarray, Clamped]:
        total = (0 if first else state) + token
        return saturate_raw(total, self.element) if self.saturates else (total, None)

    def model_groups(self, tokens: np.ndarray, starts: np.ndarray) -> np.ndarray | None:
        if self.saturates and may_clamp(self.element, tokens, starts):
            return None
        return np.asarray(np.add.reduceat(tokens, starts, axis=0))


def add_up(
    shape: Any, element: fixed.Shape, sums: Sequence[fixed.Value], *, saturate: bool
) -> tuple[Any, Value | None]:
    """Sums as a state of ``shape``: a number clamped, with a flag, or lanes as they are."""
    if saturate:
        return sums[0].saturate(element), sums[0].overflows(element)
    return join(shape, [element(total.as_value()[: element.width]) for total in sums]), None


def may_clamp(element: fixed.Shape, tokens: np.ndarray, starts: np.ndarray) -> bool:
    """Whether as many tokens as the longest group has could be too much."""
    longest = int(np.diff(starts, append=len(tokens)).max())
    least, most = min(int(tokens.min()), 0), max(int(tokens.max()), 0)
    return longest * least < element.raw_min or longest * most > element.raw_max


def reaches(floor: Value, top: fixed.Value) -> Value:
    """Whether an integer is at least ``top``: the sign of the difference, at the carry's end."""
    return ~(floor - top.numerator())[-1]


class Max(Fold):
    """The least integer above every score, ``m = max(m, ⌊s⌋ + 1)``.

    An integer maximum makes every change of it, hence every rescaling, an exact power of two; that
    it lies strictly above the scores keeps ``2**(s - m)`` in [0.5, 1) for the greatest of them.

    Parameters
    ----------
    score : :class:`fixed.Shape`
        Format of the scores.
    """

    def __init__(self, score: fixed.Shape) -> None:
        self.token = score
        self.top = self.state = SQ(score.i_bits + 1 + (not score.signed), 0)

    def _candidate(self, token: fixed.Value) -> tuple[Value, fixed.Value]:
        """A score's integer part, which tells whether there is a new maximum, and that maximum."""
        floor = token.reshape(0, "floor").numerator()
        above = floor + Const(1, self.top.as_shape())
        return floor, self.top(above[: self.top.width].as_signed())

    def step(self, first: Value, state: Any, token: fixed.Value) -> tuple[Any, None]:
        floor, above = self._candidate(token)
        greater = first | reaches(floor, state)
        return self.top(Mux(greater, above.numerator(), state.numerator())), None

    def model(self, first: bool, state: Any, token: np.ndarray) -> tuple[Any, None]:
        above = (token >> self.token.f_bits) + 1
        return (above if first else np.maximum(state, above)), None

    def model_groups(self, tokens: np.ndarray, starts: np.ndarray) -> np.ndarray | None:
        return np.maximum.reduceat((tokens >> self.token.f_bits) + 1, starts)


class RunningMax(Max):
    """For a Scan: each ``score``, and the least integer above it and all scores before, ``max``.

    What a token is compared with is not chosen yet, only by the token before, between that one and
    the maximum before it. Both comparisons are made while the choice is, so that no more than
    one of a few bits waits for a comparison.
    """

    def __init__(self, score: fixed.Shape) -> None:
        super().__init__(score)
        self.state = data.StructLayout({"before": self.top, "own": self.top, "replaces": 1})

    @property
    def shape(self) -> data.StructLayout:
        return data.StructLayout({"score": self.token, "max": self.top})

    def _chosen(self, state: data.View) -> fixed.Value:
        raw = Mux(state["replaces"], state["own"].as_value(), state["before"].as_value())
        return self.top(raw.as_signed())

    def step(self, first: Value, state: Any, token: fixed.Value) -> tuple[Any, None]:
        floor, above = self._candidate(token)
        greater = Mux(
            state["replaces"],
            reaches(floor, state["own"]),
            reaches(floor, state["before"]),
        )
        fields = self._chosen(state).as_value(), above.as_value(), first | greater
        return self.state(Cat(fields)), None

    def emit(self, first: Any, state: Any, new: data.View, token: fixed.Value) -> Any:
        return join(self.shape, [token, self._chosen(new)])

    def model(self, first: bool, state: Any, token: np.ndarray) -> tuple[Any, None]:
        above = (token >> self.token.f_bits) + 1
        before = self._model_chosen(state)
        replaces = np.ones_like(above) if first else (above > before).astype(np.int64)
        return {"before": before, "own": above, "replaces": replaces}, None

    def _model_chosen(self, state: dict[str, np.ndarray]) -> np.ndarray:
        return np.where(state["replaces"], state["own"], state["before"])

    def model_emit(
        self, first: bool, state: Any, new: dict[str, np.ndarray], token: np.ndarray
    ) -> dict[str, np.ndarray]:
        return {"score": token, "max": self._model_chosen(new)}

    def model_groups(self, tokens: np.ndarray, starts: np.ndarray) -> None:
        return None

    def model_states(self, tokens: np.ndarray, starts: np.ndarray) -> dict[str, np.ndarray]:
        above = (tokens >> self.token.f_bits) + 1
        # One running maximum over all groups, each of them lifted above the one before.
        lifted = above - above.min()
        lift = np.arange(len(starts)) * (lifted.max() + 1)
        lift = np.repeat(lift, np.diff(starts, append=len(tokens)))
        after = np.maximum.accumulate(lifted + lift) - lift + above.min()
        before = np.append(0, after[:-1])
        replaces = above > before
        replaces[starts] = True
        return {"before": before, "own": above, "replaces": replaces.astype(np.int64)}

    def model_scan(self, tokens: np.ndarray, starts: np.ndarray) -> dict[str, np.ndarray]:
        states = self.model_states(tokens, starts)
        return {"score": tokens, "max": self._model_chosen(states)}
