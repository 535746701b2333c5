"""Which keys a query attends to."""

from typing import Any

import numpy as np
from amaranth.hdl import Cat, Value, unsigned
from amaranth.lib import data

from sdpaflow.numerics import fixed
from sdpaflow.numerics.aliases import Stage
from sdpaflow.numerics.operator import Operator
from sdpaflow.scores.modifier import INDEX, Modifier

__all__ = ["Causal", "Keep", "Window"]

FAR = 1 << INDEX.width
"""Beyond any distance of two indices."""


class _Choice(Operator):
    """A score with a bit that says whether it is kept."""

    def __init__(self, score: fixed.Shape, *others: Any) -> None:
        self.inputs = (score, *others)
        self.shape = data.StructLayout({"score": score, "keep": 1})

    def _kept(self, score: Any, keep: Any) -> tuple[Any, ...]:
        return (self.shape(Cat(score.as_value(), Value.cast(keep))),)


class Keep(Modifier):
    """Keys for which the stream ``keep`` has a 1: any boolean mask, a bit for each score."""

    @property
    def takes(self) -> dict[str, Any]:
        return {"keep_ij": unsigned(1)}

    def operator(self, score: fixed.Shape) -> Operator:
        return _Given(score)

    def reference(self, score: np.ndarray, **extra: np.ndarray) -> np.ndarray:
        return np.where(extra["keep_ij"], score, -np.inf)


class _Given(_Choice):
    """Kept if the second argument is 1. One stage."""

    def __init__(self, score: fixed.Shape) -> None:
        super().__init__(score, unsigned(1))

    def stages(self) -> list[Stage]:
        return [self._kept]

    def evaluate(self, score: np.ndarray, keep: np.ndarray) -> tuple[dict[str, Any], None]:  # type: ignore[override]
        return {"score": score, "keep": keep}, None


class Window(Modifier):
    """Keys from ``left`` before the query to ``right`` behind it: ``i − left ≤ j ≤ i + right``.

    Parameters
    ----------
    left, right : :class:`int`
        How far; None for any distance. A negative one leaves out the nearest keys too.

    Raises
    ------
    TypeError
        One is neither an integer nor None.
    ValueError
        It is farther than any index.
    """

    def __init__(self, left: int | None, right: int | None) -> None:
        for name, value in (("left", left), ("right", right)):
            if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
                raise TypeError(f"{name} must be an integer or None, not {value!r}")
            if value is not None and abs(value) >= FAR:
                raise ValueError(f"{name} must be less than {FAR} away, not {value}")
        self.left, self.right = left, right

    @property
    def takes(self) -> dict[str, Any]:
        return {"i": INDEX, "j": INDEX}

    def operator(self, score: fixed.Shape) -> Operator:
        return _Near(score, self.left, self.right)

    def reference(self, score: np.ndarray, **extra: np.ndarray) -> np.ndarray:
        ahead = extra["j"] - extra["i"]
        return np.where(_near(ahead, self.left, self.right), score, -np.inf)


class Causal(Window):
    """Keys up to the query's own, ``j ≤ i + offset``; with kept keys before, ``offset`` of them."""

    def __init__(self, offset: int = 0) -> None:
        super().__init__(None, offset)

    @property
    def parameters(self) -> dict[str, object]:
        return {"offset": self.right}


def _near(ahead: Any, left: int | None, right: int | None) -> Any:
    """Whether ``j − i`` is in a range: an array of bools, or a value of one bit."""
    enough = ahead >= (-FAR if left is None else -left)
    return enough & (ahead <= (FAR if right is None else right))


class _Near(_Choice):
    """Kept if ``j − i`` is in a range. Two stages: the distance, and both comparisons."""

    def __init__(self, score: fixed.Shape, left: int | None, right: int | None) -> None:
        super().__init__(score, INDEX, INDEX)
        self.left, self.right = left, right

    def stages(self) -> list[Stage]:
        def subtract(score: Any, i: Any, j: Any) -> tuple[Any, ...]:
            return score, (j.numerator() - i.numerator())

        def compare(score: Any, ahead: Value) -> tuple[Any, ...]:
            ahead = ahead.as_signed()
            return self._kept(score, _near(ahead, self.left, self.right))

        return [subtract, compare]

    def evaluate(  # type: ignore[override]
        self, score: np.ndarray, i: np.ndarray, j: np.ndarray
    ) -> tuple[dict[str, Any], None]:
        near = _near(j - i, self.left, self.right)
        return {"score": score, "keep": near.astype(np.int64)}, None
