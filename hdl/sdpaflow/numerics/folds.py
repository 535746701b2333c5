"""Recurrences: sums and the running maximum."""

import numpy as np
from amaranth.hdl import Const, Mux
from amaranth.lib import data

from sdpaflow.numerics.arithmetic import element_of, join, split, vector_like
from sdpaflow.numerics.fixed import SQ, UQ, saturate_raw
from sdpaflow.numerics.operator import Fold

__all__ = ["RunningMax", "Sum"]


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

    def __init__(self, token, growth):
        self.token = token
        number = element_of(token)
        self.element = (SQ if number.signed else UQ)(number.i_bits + growth, number.f_bits)
        self.state = vector_like([token], self.element)
        self.saturates = self.state is self.element
        self.lanes = 1 if self.saturates else self.state.length

    def step(self, first, state, token):
        sums = []
        for old, new in zip(split(state, 1), split(token, self.lanes), strict=True):
            zero = Const(0, self.element.as_shape())
            sums.append(self.element(Mux(first, zero, old.numerator())) + new)
        return add_up(self.state, self.element, sums, saturate=self.saturates)

    def model(self, first, state, token):
        total = (0 if first else state) + token
        return saturate_raw(total, self.element) if self.saturates else (total, None)

    def model_groups(self, tokens, starts):
        if self.saturates and may_clamp(self.element, tokens, starts):
            return None
        return np.add.reduceat(tokens, starts, axis=0)


def add_up(shape, element, sums, *, saturate):
    """Sums as a state of ``shape``: a number clamped, with a flag, or lanes as they are."""
    if saturate:
        return sums[0].saturate(element), sums[0].overflows(element)
    return join(shape, [element(total.as_value()[: element.width]) for total in sums]), None


def may_clamp(element, tokens, starts):
    """Whether as many tokens as the longest group has could be too much."""
    longest = int(np.diff(starts, append=len(tokens)).max())
    least, most = min(int(tokens.min()), 0), max(int(tokens.max()), 0)
    return longest * least < element.raw_min or longest * most > element.raw_max


class RunningMax(Fold):
    """The least integer above every score so far, ``m = max(m, ⌊s⌋ + 1)``.

    An integer maximum makes every change of it, hence every rescaling, an exact power of two; that
    it lies strictly above the scores keeps ``2**(s - m)`` in [0.5, 1) for the greatest of them.

    A Scan emits each ``score`` beside the ``max``; a Reduce gives the maximum alone.

    Parameters
    ----------
    score : :class:`fixed.Shape`
        Format of the scores.
    """

    def __init__(self, score):
        self.token = score
        self.state = SQ(score.i_bits + 1 + (not score.signed), 0)

    @property
    def shape(self):
        return data.StructLayout({"score": self.token, "max": self.state})

    def step(self, first, state, token):
        # ⌊s⌋ ≥ m is ⌊s⌋ + 1 > m, without waiting for the increment.
        floor = token.reshape(0, "floor").numerator()
        above = self.state((floor + 1)[: self.state.width].as_signed())
        greater = first | (floor >= state.numerator())
        return self.state(Mux(greater, above.numerator(), state.numerator())), None

    def emit(self, first, state, new, token):
        return join(self.shape, [token, new])

    def model(self, first, state, token):
        above = (token >> self.token.f_bits) + 1
        return (above if first else np.maximum(state, above)), None

    def model_groups(self, tokens, starts):
        return np.maximum.reduceat((tokens >> self.token.f_bits) + 1, starts)

    def model_emit(self, first, state, new, token):
        return {"score": token, "max": new}

    def model_states(self, tokens, starts):
        above = (tokens >> self.token.f_bits) + 1
        # One running maximum over all groups, each of them lifted above the one before.
        least = above.min()
        lifts = np.arange(len(starts)) * (above.max() - least + 1) - least
        lift = np.repeat(lifts, np.diff(starts, append=len(tokens)))
        above += lift
        new = np.maximum.accumulate(above)
        new -= lift
        return new

    def model_scan(self, tokens, starts):
        return {"score": tokens, "max": self.model_states(tokens, starts)}
