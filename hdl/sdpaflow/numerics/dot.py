"""Dot product over the lanes of two vectors, as a pipelined adder tree."""

import numpy as np

from sdpaflow.numerics.arithmetic import element_of, example
from sdpaflow.numerics.operator import Operator

__all__ = ["Dot"]


class Dot(Operator):
    """``Σ_l a_l · b_l`` over the lanes, exact.

    One stage to take the vectors and one for the products, whose registers are those of a DSP
    block; then one for every ``levels`` levels of the adder tree: latency
    2 + ⌈⌈log2 lanes⌉ / levels⌉ cycles, one token per cycle.

    Parameters
    ----------
    a, b : :class:`data.ArrayLayout`
        The vectors, equally long.
    levels : :class:`int`
        Adders between two registers.
    """

    takes = True

    def __init__(self, a, b, levels=1):
        if a.length != b.length:
            raise ValueError(f"Vectors must be equally long, not {a.length} and {b.length}")
        if levels < 1:
            raise ValueError(f"Adder levels per stage must be at least 1, not {levels}")
        self.inputs = (a, b)
        self.lanes = a.length
        self.levels = levels
        terms = [example(element_of(a)) * example(element_of(b))] * self.lanes
        while len(terms) > 1:
            terms = _level(terms)
        self.shape = terms[0].shape()

    def stages(self):
        def products(a, b):
            return tuple(x * y for x, y in zip(a, b, strict=True))

        def take(a, b):
            return a, b

        def tree(*terms):
            for _ in range(self.levels):
                terms = _level(terms)
            return tuple(terms)

        depth = (self.lanes - 1).bit_length()
        return [take, products, *[tree] * -(-depth // self.levels)]

    def evaluate(self, a, b):  # type: ignore[override]
        return np.einsum("nl,nl->n", a, b), None


def _level(terms):
    """Add neighbours; an odd one out goes on as it is."""
    pairs = [a + b for a, b in zip(terms[0::2], terms[1::2], strict=False)]
    return [*pairs, *terms[len(terms) & ~1 :]]
