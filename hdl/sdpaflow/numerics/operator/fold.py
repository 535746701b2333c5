"""Recurrences over the tokens of a group."""

from typing import Any

import numpy as np
from amaranth.hdl import Value

from sdpaflow.numerics.aliases import Clamped, ValueLike
from sdpaflow.numerics.operator.function import missing

__all__ = ["Fold", "Interleaved"]


class Fold:
    """A recurrence over the tokens of a group.

    Hardware and model have the same form: :meth:`step` and :meth:`model` make the next state from
    the state and a token, :meth:`emit` and :meth:`model_emit` make what a Scan emits. Hardware does
    so for one token per cycle; a model does so for many groups at once, one token of each.

    ``first`` marks the first token of a group. The state is then what the group before has left
    behind, and must not be used.

    ``None`` in place of a flag, in hardware and in a model, says that nothing is ever clamped.

    Attributes
    ----------
    token, state, shape : :ref:`shape-like <lang-shapelike>`
        What is folded, what is kept, and what a Scan emits at each step (the state, unless said
        otherwise).
    saturates : :class:`bool`
        Whether ``step`` returns a flag as second value.
    ways : :class:`int`
        Partial results that the tokens of a group are folded into in turn: 1, but for
        :class:`Interleaved`.

    Examples
    --------
    The greatest byte of a group. In a Scan: how far each byte is below the greatest so far.

    >>> from amaranth.hdl import Mux, unsigned
    >>> class Greatest(Fold):
    ...     token = state = shape = unsigned(8)
    ...
    ...     def step(self, first, state, token):
    ...         return Mux(first | (token > state), token, state), None
    ...
    ...     def emit(self, first, state, new, token):
    ...         return (new - token)[:8]
    ...
    ...     def model(self, first, state, token):
    ...         return (token if first else np.maximum(state, token)), None
    ...
    ...     def model_emit(self, first, state, new, token):
    ...         return new - token

    Two groups at once: the second token of each after its first.

    >>> first, second = np.array([3, 9]), np.array([5, 1])
    >>> state, _ = Greatest().model(True, np.zeros(2, int), first)
    >>> new, _ = Greatest().model(False, state, second)
    >>> new
    array([5, 9])
    >>> Greatest().model_emit(False, state, new, second)
    array([0, 8])
    """

    token: Any = None
    state: Any = None
    saturates = False
    ways = 1

    @property
    def shape(self) -> Any:
        return self.state

    def step(self, first: Value, state: Any, token: Any) -> tuple[ValueLike, Value | None]:
        """Next state, and a flag, in one cycle.

        Parameters
        ----------
        first : :class:`Value`
            One bit: the token is the first of its group, and the state is to be ignored.
        state, token
            Of the shapes :attr:`state` and :attr:`token`.

        Returns
        -------
        state
            As wide as :attr:`state`.
        flag : :class:`Value` or None
            One bit, up when the state was clamped; None where the fold does not saturate.

        Raises
        ------
        NotImplementedError
            The fold has no hardware.
        """
        raise missing(self, "hardware", "step(first, state, token), which returns (state, None)")

    def emit(self, first: ValueLike, state: Any, new: Any, token: Any) -> Any:
        """What a Scan emits, from the state before and after.

        A Scan that looks ahead knows only one state of a token, that after the next token. It gives
        that one as both, with ``first`` = 0.
        """
        return new

    def model(self, first: bool, state: Any, token: Any) -> tuple[Any, Clamped]:
        """:meth:`step` on raw values of n groups, one token of each.

        Parameters
        ----------
        first : :class:`bool`
            These are the first tokens of their groups, and the states are to be ignored.
        state, token
            Raw values (:mod:`sdpaflow.numerics.raw`), one per group.

        Returns
        -------
        state
            Raw value of the states after.
        clamped : numpy.ndarray or None
            n bools; None where the fold does not saturate.

        Raises
        ------
        NotImplementedError
            The fold has no model.
        """
        raise missing(self, "model", "model(first, state, token), which returns (state, None)")

    def model_emit(self, first: bool, state: Any, new: Any, token: Any) -> Any:
        """:meth:`emit` on raw values."""
        return new

    def model_groups(self, tokens: Any, starts: np.ndarray) -> Any:
        """Last state of each of many groups, by whole arrays; None where that cannot be done.

        A shortcut that a fold may leave out: None has the same result worked out by :meth:`model`,
        token by token. A fold also returns None where a state might have been clamped on the way,
        which only :meth:`model` counts.

        Parameters
        ----------
        tokens
            Raw tokens of all groups, one group after another.
        starts : numpy.ndarray
            Where each group starts, the first at 0.
        """
        return None

    def model_states(self, tokens: Any, starts: np.ndarray) -> Any:
        """State after each token, likewise; None where that cannot be done."""
        return None

    def model_scan(self, tokens: Any, starts: np.ndarray) -> Any:
        """What is emitted at each token, likewise; None where that cannot be done."""
        return None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.token!r} -> {self.shape!r})"


class Interleaved(Fold):
    """A recurrence that takes two cycles and yet a token in each of them.

    Tokens go into two partial results in turn: a token meets the state that the last token but one
    has left. Aligning a token needs no state, so it is done before, and the rest of it while the
    state is made ready. At the end of a group the two partial results are merged. Without stalls,
    with S[n] the state that token x[n] leaves:

    =====  =========  =========  =======================  ====================
    cycle  align      settle     shrink                   add
    =====  =========  =========  =======================  ====================
    t      x[t]       x[t - 1]   S[t - 3] for x[t - 1]    x[t - 2] to S[t - 4]
    t + 1  x[t + 1]   x[t]       S[t - 2] for x[t]        x[t - 1] to S[t - 3]
    t + 2  x[t + 2]   x[t + 1]   S[t - 1] for x[t + 1]    x[t] to S[t - 2]
    =====  =========  =========  =======================  ====================

    Its :meth:`model` is that of one partial result: ``first`` is true for the first two tokens of a
    group, and ``state`` is that of the last token but one.

    Attributes
    ----------
    waiting, aligned : :ref:`shape-like <lang-shapelike>`
        A token that is being aligned, and one that has been.
    result : :ref:`shape-like <lang-shapelike>`
        Both partial results as one; as :attr:`state` unless said otherwise.
    """

    ways = 2
    waiting: Any = None
    aligned: Any = None

    @property
    def result(self) -> Any:
        return self.state

    def align(self, first: Value, token: Any) -> ValueLike:
        """What a token can do before it meets the state, first half: as ``waiting``.

        ``first`` says that it will meet none: the token is the first of its partial result.
        """
        raise missing(self, "hardware", "align(first, token)")

    def settle(self, waiting: Any) -> ValueLike:
        """Second half, while the state is made ready: as ``aligned``."""
        raise missing(self, "hardware", "settle(waiting)")

    def shrink(self, state: Any, waiting: Any) -> ValueLike:
        """The state made ready for the token, in the first cycle."""
        raise missing(self, "hardware", "shrink(state, waiting)")

    def add(self, state: Any, aligned: Any) -> tuple[ValueLike, Value | None]:
        """Next state, and a flag (None unless the fold saturates), in the second cycle."""
        raise missing(self, "hardware", "add(state, aligned)")

    def merge(self, newer: Any, older: Any) -> tuple[ValueLike, Value | None]:
        """Both partial results as one, as :attr:`result`, and a flag."""
        raise missing(self, "hardware", "merge(newer, older)")

    def model_merge(self, newer: Any, older: Any) -> tuple[Any, Clamped]:
        """:meth:`merge` on raw values."""
        raise missing(self, "model", "model_merge(newer, older)")
