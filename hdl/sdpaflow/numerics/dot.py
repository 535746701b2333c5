"""Dot product over the lanes of two vectors, as a pipelined adder tree."""

from typing import Any

import numpy as np
from amaranth.lib import data

from sdpaflow.numerics.aliases import Stage
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

    def __init__(self, a: data.ArrayLayout, b: data.ArrayLayout, levels: int = 1) -> None:
        if a.length != b.length:
            raise ValueError(f"Vectors must be equally long, not {a.length} and {b.length}")
        if levels < 1:
            raise ValueError(f"Adder levels per stage must be at least 1, not {levels}")
        self.inputs = (a, b)
        self.lanes = a.length
        self.levels = levels
        term = example(element_of(a)) * example(element_of(b))
        for _ in range((self.lanes - 1).bit_length()):  # the first lane meets another in each level
            term = example((term + term).shape())
        self.shape = term.shape()

    def stages(self) -> list[Stage]:
        def products(a: data.View, b: data.View) -> tuple[Any, ...]:
            return tuple(x * y for x, y in zip(a, b, strict=True))

        def take(a: data.View, b: data.View) -> tuple[Any, ...]:
            return a, b

        def tree(*terms: Any) -> tuple[Any, ...]:
            for _ in range(self.levels):
                terms = _level(terms)
            return terms

        depth = (self.lanes - 1).bit_length()
        return [take, products, *[tree] * -(-depth // self.levels)]

    def evaluate(  # type: ignore[override]
        self, a: np.ndarray, b: np.ndarray
    ) -> tuple[np.ndarray, None]:
        return np.einsum("nl,nl->n", a, b), None


def _level(terms: tuple[Any, ...]) -> tuple[Any, ...]:
    """Add neighbours; an odd one out goes on as it is."""
    pairs = [a + b for a, b in zip(terms[0::2], terms[1::2], strict=False)]
    return (*pairs, *terms[len(terms) & ~1 :])
