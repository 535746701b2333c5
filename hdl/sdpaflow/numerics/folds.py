"""Recurrences: sums, sums rescaled on the way, and the running maximum."""

import numpy as np
from amaranth.hdl import Const, Mux
from amaranth.lib import data

from sdpaflow.numerics.arithmetic import element_of, example, join, split, vector_like
from sdpaflow.numerics.fixed import SQ, UQ, saturate_raw
from sdpaflow.numerics.operator import Fold

__all__ = ["SHIFT_BITS", "RescaledSum", "RunningMax", "Sum"]

SHIFT_BITS = 6
"""Width of a rescaling shift. 63 places empty any accumulator, so a longer shift is cut to that."""


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
        return self._add(first, split(state, 1), token)

    def model(self, first, state, token):
        return self._model_add(0 if first else state, token)

    def model_groups(self, tokens, starts):
        if self.saturates and self._may_clamp(tokens, starts):
            return None
        return np.add.reduceat(tokens, starts, axis=0)

    def _may_clamp(self, tokens, starts):
        """Whether as many tokens as the longest group has could be too much."""
        longest = int(np.diff(starts, append=len(tokens)).max())
        least, most = min(int(tokens.min()), 0), max(int(tokens.max()), 0)
        return longest * least < self.element.raw_min or longest * most > self.element.raw_max

    def _add(self, first, state, token):
        sums = []
        for old, new in zip(state, split(token, self.lanes), strict=True):
            zero = Const(0, self.element.as_shape())
            sums.append(self.element(Mux(first, zero, old.numerator())) + new)
        if self.saturates:
            return sums[0].saturate(self.element), sums[0].overflows(self.element)
        width = self.element.width
        return join(self.state, [self.element(total.as_value()[:width]) for total in sums]), None

    def _model_add(self, state, token):
        total = state + token
        return saturate_raw(total, self.element) if self.saturates else (total, None)


class RescaledSum(Sum):
    """``state · 2**-shift + token``: a sum whose unit may change before each token.

    The shift rounds down. A shift of zero, the common case, is exact.

    Parameters
    ----------
    layout : :class:`data.StructLayout`
        Tokens: the number or vector under ``field``, and ``shift``, an unsigned integer.
    field : :class:`str`
        Which field is summed.
    growth : :class:`int`
        As for :class:`Sum`.
    """

    def __init__(self, layout, field, growth):
        super().__init__(layout.members[field], growth)
        self.token = layout
        self.field = field

    def step(self, first, state, token):
        shift = token["shift"].as_value()
        width = self.element.width
        lanes = [self.element((s.numerator() >> shift)[:width]) for s in split(state, 1)]
        return self._add(first, lanes, token[self.field])

    def model(self, first, state, token):
        number, shift = token[self.field], token["shift"]
        shift = shift[:, None] if number.ndim == 2 else shift
        return self._model_add(0 if first else state >> shift, number)

    def model_groups(self, tokens, starts):
        number, shift = tokens[self.field], tokens["shift"]
        if self.saturates and self._may_clamp(number, starts):
            return None
        # Runs without a shift are plain sums; what is left is a step for each shift of a group.
        shifted = shift != 0
        shifted[starts] = True
        runs = np.flatnonzero(shifted)
        sums = np.add.reduceat(number, runs, axis=0)
        first = np.searchsorted(runs, starts)
        counts = np.diff(first, append=len(runs))
        state = sums[first]
        for step in range(1, counts.max()):
            some = np.flatnonzero(counts > step)
            run = first[some] + step
            places = shift[runs[run]]
            places = places[:, None] if number.ndim == 2 else places
            state[some] = (state[some] >> places) + sums[run]
        return state


class RunningMax(Fold):
    """The least integer above every score so far, ``m = max(m, ⌊s⌋ + 1)``.

    An integer maximum makes every change of it, hence every rescaling, an exact power of two; that
    it lies strictly above the scores keeps ``2**(s - m)`` in [0.5, 1) for the greatest of them.

    A Scan emits ``x = s - m`` with the new maximum, and the ``shift`` by which that maximum rose (0
    for the first token); a Reduce gives the maximum alone.

    Parameters
    ----------
    score : :class:`fixed.Shape`
        Format of the scores.
    """

    def __init__(self, score):
        self.token = score
        self.state = SQ(score.i_bits + 1 + (not score.signed), 0)
        self.difference = (example(score) - example(self.state)).shape()

    @property
    def shape(self):
        return data.StructLayout({"x": self.difference, "shift": UQ(SHIFT_BITS, 0)})

    def step(self, first, state, token):
        above = token.reshape(0, "floor") + SQ(2, 0)(Const(1, 2))
        above = self.state(above.numerator()[: self.state.width].as_signed())
        return self.state(Mux(first | (above > state), above.numerator(), state.numerator())), None

    def emit(self, first, state, new, token):
        rise = (new - state).numerator()[: self.state.width]
        limit = (1 << SHIFT_BITS) - 1
        shift = Mux(first, 0, Mux(rise > limit, limit, rise))[:SHIFT_BITS]
        fields = {"x": token - new, "shift": UQ(SHIFT_BITS, 0)(shift)}
        return join(self.shape, [fields[name] for name in self.shape.members])

    def model(self, first, state, token):
        above = (token >> self.token.f_bits) + 1
        return (above if first else np.maximum(state, above)), None

    def model_groups(self, tokens, starts):
        return np.maximum.reduceat((tokens >> self.token.f_bits) + 1, starts)

    def model_scan(self, tokens, starts):
        above = (tokens >> self.token.f_bits) + 1
        # One running maximum over all groups, each of them lifted above the one before.
        least = above.min()
        lifts = np.arange(len(starts)) * (above.max() - least + 1) - least
        lift = np.repeat(lifts, np.diff(starts, append=len(tokens)))
        above += lift
        new = np.maximum.accumulate(above)
        new -= lift
        rise = np.diff(new, prepend=0)
        rise[starts] = 0
        np.minimum(rise, (1 << SHIFT_BITS) - 1, out=rise)
        return {"x": tokens - (new << self.token.f_bits), "shift": rise}

    def model_emit(self, first, state, new, token):
        x = token - (new << self.token.f_bits)
        shift = np.zeros_like(new) if first else np.minimum(new - state, (1 << SHIFT_BITS) - 1)
        return {"x": x, "shift": shift}
