"""Operators made of others: one after another, a lane at a time, beside fields that pass by."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Value
from amaranth.lib import data

from sdpaflow.numerics.aliases import Clamped, Stage
from sdpaflow.numerics.operator.function import Operator
from sdpaflow.numerics.raw import any_lane

__all__ = ["Carry", "Chain", "Serial"]


class Chain(Operator):
    """Operators one after another, in one pipeline: no FIFO is between them.

    Parameters
    ----------
    *operators : :class:`Operator`
        Each but the first takes the result of the one before. Only the last may saturate.

    Attributes
    ----------
    fn : :class:`Operator`
        The longest of them, which gives the whole its name in drawings.

    Raises
    ------
    TypeError
        One does not take what the one before gives, or saturates and is not the last.
    """

    def __init__(self, *operators: Operator) -> None:
        for before, after in pairwise(operators):
            if after.inputs != (before.shape,) or before.saturates:
                raise TypeError(f"{after!r} cannot follow {before!r}")
        self.operators = operators
        self.fn = max(operators, key=lambda operator: operator.latency)
        self.inputs, self.takes = operators[0].inputs, operators[0].takes
        self.shape, self.saturates = operators[-1].shape, operators[-1].saturates

    def stages(self) -> list[Stage]:
        return [stage for operator in self.operators for stage in operator.stages()]

    def evaluate(self, *raw: Any) -> tuple[Any, Clamped]:
        *before, last = self.operators
        for operator in before:
            raw = (operator.model(*raw),)
        return last.evaluate(*raw)


class Serial(Operator):
    """Apply an operator to the lanes of a vector one after another, all in the same hardware.

    One vector per ``lanes + 1`` cycles; the result follows ``lanes`` cycles later than that of one
    lane.

    It has no stages of its own: a Map feeds the lanes through those of ``fn``.

    Parameters
    ----------
    fn : :class:`Operator`
        Its first argument is taken from the vector; the others are the same for all lanes.
    lanes : :class:`int`
        Elements of the vector, at least 2.

    Raises
    ------
    ValueError
        There are fewer than two lanes.
    """

    def __init__(self, fn: Operator, lanes: int) -> None:
        if lanes < 2:
            raise ValueError(f"Lanes to take in turn must be at least 2, not {lanes}")
        self.fn = fn
        self.lanes = lanes
        self.inputs = (data.ArrayLayout(fn.inputs[0], lanes), *fn.inputs[1:])
        self.shape = data.ArrayLayout(fn.shape, lanes)
        self.saturates = fn.saturates

    @property
    def latency(self) -> int:
        return self.fn.latency + self.lanes

    @property
    def interval(self) -> int:  # type: ignore[override]
        return self.lanes + 1

    def evaluate(  # type: ignore[override]
        self, vector: np.ndarray, *others: np.ndarray
    ) -> tuple[np.ndarray, Clamped]:
        each = [np.repeat(other, self.lanes, axis=0) for other in others]
        result, clamped = self.fn.evaluate(vector.reshape(-1), *each)
        if clamped is not None:
            clamped = any_lane(clamped.reshape(-1, self.lanes))
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

    Raises
    ------
    TypeError
        The structure has no such field, or one of another shape than ``fn`` takes.
    """

    def __init__(
        self,
        fn: Operator,
        layout: data.StructLayout,
        field: str,
        at: int = 0,
        result: str | None = None,
    ) -> None:
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

    def stages(self) -> list[Stage]:
        count = len(self.carried)
        stages = self.fn.stages()

        # Before the first stage the structure falls apart into the carried fields, which come first
        # from then on, and the arguments of ``fn``. Behind the last one it is put together again.

        def unwrap(*values: Any) -> tuple[Any, ...]:
            whole = values[self.at]
            inner = (*values[: self.at], whole[self.field], *values[self.at + 1 :])
            return (*(whole[name] for name in self.carried), *inner)

        def wrap(carried: Sequence[Any], result: Any, *flag: Value) -> tuple[Any, ...]:
            fields = dict(zip(self.carried, carried, strict=True))
            fields[self.result] = result
            return (self.shape(Cat(Value.cast(fields[name]) for name in self.shape.members)), *flag)

        def around(index: int, stage: Stage) -> Stage:
            def carry(*values: Any) -> tuple[Any, ...]:
                values = unwrap(*values) if index == 0 else values
                kept, results = values[:count], stage(*values[count:])
                return wrap(kept, *results) if index == len(stages) - 1 else (*kept, *results)

            return carry

        return [around(index, stage) for index, stage in enumerate(stages)]

    def evaluate(self, *raw: Any) -> tuple[dict[str, Any], Clamped]:
        whole = raw[self.at]
        result, clamped = self.fn.evaluate(*raw[: self.at], whole[self.field], *raw[self.at + 1 :])
        return {**{name: whole[name] for name in self.carried}, self.result: result}, clamped
