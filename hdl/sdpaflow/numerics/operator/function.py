"""A function of tokens: shape, latency, hardware and bit-exact model in one object."""

from typing import Any

from sdpaflow.numerics.aliases import Clamped, Stage

__all__ = ["Operator", "missing"]


class Operator:
    """A function of tokens, cut into pipeline stages.

    :meth:`stages` is the hardware, :meth:`evaluate` the model; both must give the same bits. A unit
    puts a register after each stage. So latency is the number of stages, and a faster clock takes
    more stages, not another structure.

    A stage takes Amaranth values and returns a tuple of them:

    * the first stage gets one value per argument, in the order of :attr:`inputs`;
    * each later stage gets what the stage before has returned, as many values as that were. Each
      was in a register of its own shape, so a signed or fixed-point value is still one;
    * the last stage returns ``(result,)``, as wide as :attr:`shape`. Where the operator
      :attr:`saturates` it returns ``(result, flag)``: one bit, up when this result was clamped.

    An operator of one stage does all of it there. No stage has a state: what it returns depends on
    nothing but the token.

    Attributes
    ----------
    inputs : tuple of :ref:`shape-like <lang-shapelike>`
        Shapes of the arguments.
    shape : :ref:`shape-like <lang-shapelike>`
        Shape of the result.
    saturates : :class:`bool`
        Whether results may be clamped. The last stage then returns ``(result, flag)``.
    interval : :class:`int`
        Cycles from one token to the next: 1 for a pipeline.
    takes : :class:`bool`
        Whether the first stage only takes the arguments into registers.

    Examples
    --------
    The distance of two bytes, in two stages:

    >>> import numpy as np
    >>> from amaranth.hdl import unsigned
    >>> class Distance(Operator):
    ...     inputs = (unsigned(8), unsigned(8))
    ...     shape = unsigned(8)
    ...
    ...     def stages(self):
    ...         def subtract(a, b):
    ...             return (a - b,)  # 9 bits, signed
    ...
    ...         def absolute(difference):
    ...             return (abs(difference)[:8],)
    ...
    ...         return [subtract, absolute]
    ...
    ...     def evaluate(self, a, b):
    ...         return np.abs(a - b), None  # nothing is ever clamped
    >>> Distance().latency
    2
    >>> Distance().model(np.array([3, 200]), np.array([10, 100]))
    array([  7, 100])
    """

    inputs: tuple[Any, ...] = ()
    shape: Any = None
    saturates = False
    takes = False
    interval: int = 1

    def stages(self) -> list[Stage]:
        """Functions ``stage(*values) -> tuple of values``, in order; at least one.

        Raises
        ------
        NotImplementedError
            The operator has no hardware.
        """
        raise missing(self, "hardware", "stages(), a list of functions from values to a tuple")

    def evaluate(self, *raw: Any) -> tuple[Any, Clamped]:
        """Results on raw values, and which tokens were clamped.

        Parameters
        ----------
        *raw
            One raw value (:mod:`sdpaflow.numerics.raw`) of n tokens per argument.

        Returns
        -------
        results
            Raw value of n tokens, of :attr:`shape`.
        clamped : numpy.ndarray or None
            n bools; None where the operator does not saturate.

        Raises
        ------
        NotImplementedError
            The operator has no model.
        """
        raise missing(self, "model", "evaluate(*raw), which returns (results, clamped or None)")

    @property
    def latency(self) -> int:
        """Cycles from operands to result."""
        return len(self.stages())

    def model(self, *raw: Any) -> Any:
        """Results on raw values, equal to the hardware bit for bit."""
        return self.evaluate(*raw)[0]

    def __repr__(self) -> str:
        arguments = ", ".join(map(repr, self.inputs))
        return f"{type(self).__name__}({arguments} -> {self.shape!r})"


def missing(fn: object, what: str, wanted: str) -> NotImplementedError:
    """The error of a class that leaves out a method: what it lacks, and what to write."""
    return NotImplementedError(f"{type(fn).__name__} has no {what}: write {wanted}")
