"""What is added to scores."""

import math
from typing import Any

import numpy as np
from amaranth.hdl import Const

from sdpaflow.numerics import SQ, Add, fixed
from sdpaflow.numerics.aliases import Stage
from sdpaflow.numerics.operator import Operator
from sdpaflow.scores.modifier import INDEX, Modifier

__all__ = ["Alibi", "Bias"]

BASE2 = 1 / math.log(2)
SQ8_12 = SQ(8, 12)


class Bias(Modifier):
    """A number for each score, by the stream ``bias_ij``, added: relative positions, soft masks.

    Like queries, it is given in base 2: multiplied by log2(e). Where an additive mask has −∞, use
    :class:`Keep` beside it.

    Parameters
    ----------
    shape : :class:`fixed.Shape`
        Its format, signed; ``SQ(8, 12)`` unless given.
    """

    def __init__(self, shape: fixed.Shape = SQ8_12) -> None:
        if not isinstance(shape, fixed.Shape):
            raise TypeError(f"Format of a bias must be a fixed-point shape, not {shape!r}")
        self.shape = shape

    @property
    def takes(self) -> dict[str, Any]:
        return {"bias_ij": self.shape}

    @property
    def units(self) -> dict[str, float]:
        return {"bias_ij": BASE2}

    def operator(self, score: fixed.Shape) -> Operator:
        return Add(score, self.shape)

    def reference(self, score: np.ndarray, **extra: np.ndarray) -> np.ndarray:
        return score + extra["bias_ij"] / BASE2


class Alibi(Modifier):
    """``slope · (j − i)`` added: the farther a key, the less it counts.

    Parameters
    ----------
    slope : :class:`float`
        For scores in base e, above 0 and at most 1; the scheme's usual ones are powers of two.

    Raises
    ------
    ValueError
        The slope is out of range.
    """

    exact = False

    def __init__(self, slope: float) -> None:
        if not 0 < slope <= 1:
            raise ValueError(f"slope must be above 0 and at most 1, not {slope!r}")
        self.slope = slope

    @property
    def takes(self) -> dict[str, Any]:
        return {"i": INDEX, "j": INDEX}

    def operator(self, score: fixed.Shape) -> Operator:
        return _Slope(score, self.slope * BASE2)

    def reference(self, score: np.ndarray, **extra: np.ndarray) -> np.ndarray:
        return score + self.slope * (extra["j"] - extra["i"])


class _Slope(Operator):
    """A score and a constant times ``j − i``, to the score's fraction bits, ties up.

    Three stages: the distance, the product, the sum.
    """

    FINE = INDEX.width
    """Bits of the constant below the score's last: it is times a distance of as many bits."""

    def __init__(self, score: fixed.Shape, slope: float) -> None:
        self.inputs = (score, INDEX, INDEX)
        self.score = score
        self.raw = round(math.ldexp(slope, score.f_bits + self.FINE))
        most = INDEX.width + 1 + self.raw.bit_length() - score.f_bits - self.FINE
        i_bits = score.i_bits + (not score.signed)
        self.shape = SQ(max(i_bits, most) + 1, score.f_bits)

    def stages(self) -> list[Stage]:
        def subtract(score: Any, i: Any, j: Any) -> tuple[Any, ...]:
            return score, j.numerator() - i.numerator()

        def multiply(score: Any, ahead: Any) -> tuple[Any, ...]:
            return score, ahead.as_signed() * Const(self.raw)

        def add(score: Any, product: Any) -> tuple[Any, ...]:
            rounded = (product.as_signed() + (1 << self.FINE - 1)) >> self.FINE
            total = score.numerator() + rounded
            return (self.shape(total[: self.shape.width].as_signed()),)

        return [subtract, multiply, add]

    def evaluate(  # type: ignore[override]
        self, score: np.ndarray, i: np.ndarray, j: np.ndarray
    ) -> tuple[np.ndarray, None]:
        product = (j - i) * self.raw
        return score + (product + (1 << self.FINE - 1) >> self.FINE), None
