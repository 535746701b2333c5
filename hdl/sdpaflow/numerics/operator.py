"""What a unit computes: one object with shape, latency, hardware and bit-exact model.

An :class:`Operator` maps tokens to tokens (for ``Map``); a :class:`Fold` folds a group of tokens
into a state (for ``Reduce``, ``MemReduce`` and ``Scan``). Units know nothing of numbers and numbers
nothing of streams; this module is the border.

Models work on raw values as :mod:`sdpaflow.numerics.raw` lays them out: int64 arrays with the token
index first, ``(n,)`` for a number, ``(n, lanes)`` for a vector, a dict of those for a structure.
"""

import numpy as np
from amaranth.hdl import Cat, Value
from amaranth.lib import data

__all__ = ["Carry", "Fold", "Interleaved", "Operator", "Serial"]


class Operator:
    """A function of tokens, cut into pipeline stages.

    A unit puts a register after each stage, so latency is the number of stages and a higher clock
    rate is a matter of more stages, not of another structure.

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
        Whether the first stage does nothing but take the arguments into registers.
    """

    inputs: tuple = ()
    shape: object = None
    saturates = False
    takes = False
    interval = 1

    def stages(self):
        """Functions ``stage(*values) -> tuple of values``, in order."""
        raise NotImplementedError

    def evaluate(self, *raw):
        """Results on raw values, and which tokens were clamped (a bool array, or None)."""
        raise NotImplementedError

    @property
    def latency(self):
        """Cycles from operands to result."""
        return len(self.stages())

    def model(self, *raw):
        """Results on raw values, equal to the hardware bit for bit."""
        return self.evaluate(*raw)[0]

    def __repr__(self):
        arguments = ", ".join(map(repr, self.inputs))
        return f"{type(self).__name__}({arguments} -> {self.shape!r})"


class Serial(Operator):
    """Apply an operator to the lanes of a vector one after another, all in the same hardware.

    One vector per ``lanes + 1`` cycles; the result follows ``lanes`` cycles later than that of one
    lane.

    Parameters
    ----------
    fn : :class:`Operator`
        Its first argument is taken from the vector.
    lanes : :class:`int`
        Elements of the vector, at least 2.
    """

    def __init__(self, fn, lanes):
        if lanes < 2:
            raise ValueError(f"Lanes to take in turn must be at least 2, not {lanes}")
        self.fn = fn
        self.lanes = lanes
        self.inputs = (data.ArrayLayout(fn.inputs[0], lanes), *fn.inputs[1:])
        self.shape = data.ArrayLayout(fn.shape, lanes)
        self.saturates = fn.saturates

    @property
    def latency(self):
        return self.fn.latency + self.lanes

    @property
    def interval(self):  # type: ignore[override]
        return self.lanes + 1

    def evaluate(self, vector, *others):  # type: ignore[override]
        each = [np.repeat(other, self.lanes, axis=0) for other in others]
        result, clamped = self.fn.evaluate(vector.reshape(-1), *each)
        if clamped is not None:
            clamped = clamped.reshape(-1, self.lanes).any(axis=1)
        return result.reshape(-1, self.lanes), clamped


class Carry(Operator):
    """Apply ``fn`` to one field of a structure and carry the other fields along.

    Parameters
    ----------
    fn : :class:`Operator`
        Its argument number ``at`` is taken from the field.
    layout : :class:`data.StructLayout`
        Structure that replaces that argument.
    field : :class:`str`
        The field. The result is the same structure with ``fn``'s result in its place.
    at : :class:`int`
        Which argument of ``fn``.
    result : :class:`str`
        A new name for the field.
    """

    def __init__(self, fn, layout, field, at=0, result=None):
        members = dict(layout.members)
        if members.get(field) != fn.inputs[at]:
            raise TypeError(
                f"Field {field!r} must be {fn.inputs[at]!r} for {fn!r}, not {members.get(field)!r}"
            )
        self.fn, self.field, self.at = fn, field, at
        self.result = result or field
        self.carried = [name for name in members if name != field]
        self.inputs = (*fn.inputs[:at], layout, *fn.inputs[at + 1 :])
        self.shape = data.StructLayout({
            (self.result if name == field else name): (fn.shape if name == field else member)
            for name, member in members.items()
        })
        self.saturates, self.takes = fn.saturates, fn.takes

    def stages(self):
        count = len(self.carried)
        stages = self.fn.stages()

        def unwrap(*values):
            whole = values[self.at]
            inner = (*values[: self.at], whole[self.field], *values[self.at + 1 :])
            return (*(whole[name] for name in self.carried), *inner)

        def wrap(carried, result, *flag):
            fields = dict(zip(self.carried, carried, strict=True))
            fields[self.result] = result
            return (self.shape(Cat(Value.cast(fields[name]) for name in self.shape.members)), *flag)

        def around(index, stage):
            def carry(*values):
                values = unwrap(*values) if index == 0 else values
                kept, results = values[:count], stage(*values[count:])
                return wrap(kept, *results) if index == len(stages) - 1 else (*kept, *results)

            return carry

        return [around(index, stage) for index, stage in enumerate(stages)]

    def evaluate(self, *raw):
        whole = raw[self.at]
        result, clamped = self.fn.evaluate(*raw[: self.at], whole[self.field], *raw[self.at + 1 :])
        return {**{name: whole[name] for name in self.carried}, self.result: result}, clamped


class Fold:
    """A recurrence over the tokens of a group.

    Hardware and model have the same form. ``first`` marks the first token of a group, for which the
    state must be ignored.

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
    """

    token: object = None
    state: object = None
    saturates = False
    ways = 1

    @property
    def shape(self):
        return self.state

    def step(self, first, state, token):
        """Next state, and a flag (None unless the fold saturates), in one cycle."""
        raise NotImplementedError

    def emit(self, first, state, new, token):
        """What a Scan emits, from the state before and after.

        A Scan that looks ahead has only one state for it, that after the next token, and gives it
        as both, with ``first`` down.
        """
        return new

    def model(self, first, state, token):
        """:meth:`step` on raw values; ``first`` is a bool."""
        raise NotImplementedError

    def model_emit(self, first, state, new, token):
        """:meth:`emit` on raw values."""
        return new

    def model_groups(self, tokens, starts):
        """Last state of each of many groups, by whole arrays; None where that cannot be done.

        Equal to :meth:`model` token by token, but fast, and no more than that: a fold may do
        without it, and gives None where a state might have been clamped on the way.

        Parameters
        ----------
        tokens
            Raw tokens of all groups, one group after another.
        starts : numpy.ndarray
            Where each group starts, the first at 0.
        """
        return None

    def model_states(self, tokens, starts):
        """State after each token, likewise; None where that cannot be done."""
        return None

    def model_scan(self, tokens, starts):
        """What is emitted at each token, likewise; None where that cannot be done."""
        return None

    def __repr__(self):
        return f"{type(self).__name__}({self.token!r} -> {self.shape!r})"


class Interleaved(Fold):
    """A recurrence that takes two cycles and yet a token in each of them.

    Tokens go into two partial results in turn, so that a token meets the state that the token
    before the one before has left. What has nothing to do with the state is done in a cycle of its
    own, before; in the end the two partial results become one.

    Attributes
    ----------
    waiting, aligned : :ref:`shape-like <lang-shapelike>`
        A token that is being aligned, and one that has been.
    """

    ways = 2
    waiting: object = None
    aligned: object = None

    def align(self, first, token):
        """What a token can do before it meets the state, first half: as ``waiting``.

        ``first`` says that it will meet none: the token is the first of its partial result.
        """
        raise NotImplementedError

    def settle(self, waiting):
        """Second half, while the state is made ready: as ``aligned``."""
        raise NotImplementedError

    def shrink(self, state, waiting):
        """The state made ready for the token, in the first cycle."""
        raise NotImplementedError

    def add(self, state, aligned):
        """Next state, and a flag (None unless the fold saturates), in the second cycle."""
        raise NotImplementedError

    def merge(self, newer, older):
        """Both partial results as one, and a flag."""
        raise NotImplementedError

    def model_merge(self, newer, older):
        """:meth:`merge` on raw values."""
        raise NotImplementedError
