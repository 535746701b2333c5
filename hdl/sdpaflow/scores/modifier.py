"""What a modifier of scores says of itself."""

from typing import Any

import numpy as np

from sdpaflow.numerics import UQ, fixed
from sdpaflow.numerics.operator import Operator

__all__ = ["INDEX", "Modifier"]

INDEX = UQ(16, 0)
"""Format of ``i`` and ``j``, the numbers of a query and of a key."""


class Modifier:
    """A change of scores, or a choice of those that are kept.

    Its operator takes a score, in base 2, and what else it names in :attr:`takes`; it gives a
    score, or a structure of ``score`` and ``keep``, one bit: a key that is not kept weighs nothing,
    whatever its score and value. Several modifiers work one after another; a key is kept if all of
    them keep it.

    Examples
    --------
    Every other key:

    >>> from amaranth.lib import data
    >>> class Even(Modifier):
    ...     takes = {"j": INDEX}
    ...
    ...     def operator(self, score):
    ...         return EvenOnly(score)
    ...
    ...     def reference(self, score, j):
    ...         return np.where(j % 2 == 0, score, -np.inf)
    """

    @property
    def takes(self) -> dict[str, Any]:
        """Shapes of what its operator takes beside the score, by name, in order.

        ``i`` and ``j`` are of format ``INDEX``, ``UQ(16, 0)``: the query's number, which comes by
        an input port of the pipeline, one token per row, and the key's, which is counted. Any other
        name becomes an input port of the pipeline, of a token for each score.
        """
        return {}

    @property
    def units(self) -> dict[str, float]:
        """What natural numbers are multiplied by for a port, by its name; 1 unless named."""
        return {}

    exact = True
    """Whether scores come out as in :meth:`reference`, but for the rounding of what they take."""

    def operator(self, score: fixed.Shape) -> Operator:
        """The operator for scores of a format.

        Raises
        ------
        NotImplementedError
            The class has none.
        """
        raise NotImplementedError(f"{type(self).__name__} has no operator: define operator(score)")

    def reference(self, score: np.ndarray, **extra: np.ndarray) -> np.ndarray:
        """The same in float64, of scores as they are (base e); −∞ for those that are not kept.

        ``extra`` has what :attr:`takes` names: numbers as their port gets them, (N_q, N_k) or of a
        shape that is broadcast to it.

        Raises
        ------
        NotImplementedError
            The class has none.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no reference: define reference(score, **extra)"
        )

    @property
    def parameters(self) -> dict[str, object]:
        """What tells it from others of its class, by name: its attributes."""
        return dict(vars(self))

    def __repr__(self) -> str:
        words = ", ".join(f"{name}={value!r}" for name, value in self.parameters.items())
        return f"{type(self).__name__}({words})"
