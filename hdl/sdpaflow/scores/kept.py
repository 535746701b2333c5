"""Scores on their way through modifiers: with what they need, and with a bit that keeps them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data

from sdpaflow.numerics import fixed
from sdpaflow.numerics.aliases import Clamped, Stage
from sdpaflow.numerics.fixed import SQ
from sdpaflow.numerics.operator import Fold, Operator
from sdpaflow.scores.modifier import INDEX

__all__ = ["Beside", "Kept", "Modified", "Position", "members_of"]


def members_of(shape: Any) -> dict[str, Any]:
    """Fields of a score on its way; a number is the score alone."""
    return dict(shape.members) if isinstance(shape, data.StructLayout) else {"score": shape}


class Position(Fold):
    """For a Scan: each score with its place in the row, ``j``, from 0 on."""

    def __init__(self, score: fixed.Shape) -> None:
        self.token, self.state = score, INDEX

    @property
    def shape(self) -> data.StructLayout:
        return data.StructLayout({"score": self.token, "j": INDEX})

    def step(self, first: Value, state: Any, token: Any) -> tuple[Any, None]:
        return INDEX(Mux(first, 0, state.as_value() + 1)[: INDEX.width]), None

    def emit(self, first: Any, state: Any, new: Any, token: Any) -> Any:
        return self.shape(Cat(token.as_value(), Value.cast(new)))

    def model(self, first: bool, state: Any, token: np.ndarray) -> tuple[Any, None]:
        return (np.zeros_like(token) if first else (state + 1) & INDEX.raw_max), None

    def model_emit(self, first: bool, state: Any, new: Any, token: Any) -> dict[str, Any]:
        return {"score": token, "j": new}

    def model_scan(self, tokens: np.ndarray, starts: np.ndarray) -> dict[str, np.ndarray]:
        lengths = np.diff(starts, append=len(tokens))
        place = np.arange(len(tokens)) - np.repeat(starts, lengths)
        return {"score": tokens, "j": place & INDEX.raw_max}


class Beside(Operator):
    """A score on its way, with one field more: the second argument. Wires and a register."""

    def __init__(self, shape: Any, name: str, more: Any) -> None:
        self.inputs = (shape, more)
        self.name = name
        self.shape = data.StructLayout({**members_of(shape), name: more})

    def stages(self) -> list[Stage]:
        return [lambda token, more: (self.shape(Cat(Value.cast(token), Value.cast(more))),)]

    def evaluate(self, token: Any, more: Any) -> tuple[dict[str, Any], None]:
        fields = token if isinstance(token, dict) else {"score": token}
        return {**fields, self.name: more}, None


class Modified(Operator):
    """A modifier's operator, of ``score`` and other fields of a structure, and of what is joined.

    The structure goes on with the new score, and with the bit ``keep`` where the operator gives
    one: down if it was down before.

    Parameters
    ----------
    fn : :class:`Operator`
        Of a score and what it takes beside it.
    shape : :class:`data.StructLayout` or :class:`fixed.Shape`
        The structure, or a score alone.
    names : list of :class:`str`
        What ``fn`` takes beside the score: fields, or, of another name, streams that are joined.
    """

    def __init__(self, fn: Operator, shape: Any, names: Sequence[str]) -> None:
        members = members_of(shape)
        score, *others = fn.inputs
        if members["score"] != score:
            raise TypeError(f"Score must be {score!r} for {fn!r}, not {members['score']!r}")
        self.fn = fn
        self.names = list(names)
        self.joined = [name for name in names if name not in members]
        shapes = dict(zip(names, others, strict=True))
        self.inputs = (shape, *(shapes[name] for name in self.joined))
        self.chooses = isinstance(fn.shape, data.StructLayout)
        new = fn.shape.members["score"] if self.chooses else fn.shape
        self.carried = [name for name in members if name != "score"]
        self.both = self.chooses and "keep" in members
        fields = {**members, "score": new, **({"keep": 1} if self.chooses else {})}
        self.shape = data.StructLayout(fields)
        self.saturates, self.takes = fn.saturates, False

    def stages(self) -> list[Stage]:
        count = len(self.carried)
        stages = self.fn.stages()

        def unwrap(token: Any, *joined: Any) -> tuple[Any, ...]:
            given = dict(zip(self.joined, joined, strict=True))
            if not self.carried and not isinstance(token, data.View):
                return (token, *joined)
            extra = [given[name] if name in given else token[name] for name in self.names]
            return (*(token[name] for name in self.carried), token["score"], *extra)

        def wrap(carried: Sequence[Any], result: Any, *flag: Value) -> tuple[Any, ...]:
            fields = dict(zip(self.carried, carried, strict=True))
            fields["score"] = result["score"] if self.chooses else result
            if self.chooses:
                before = Value.cast(fields["keep"]) if self.both else Const(1)
                fields["keep"] = Value.cast(result["keep"]) & before
            return (self.shape(Cat(Value.cast(fields[name]) for name in self.shape.members)), *flag)

        def around(index: int, stage: Stage) -> Stage:
            def modify(*values: Any) -> tuple[Any, ...]:
                values = unwrap(*values) if index == 0 else values
                kept, results = values[:count], stage(*values[count:])
                return wrap(kept, *results) if index == len(stages) - 1 else (*kept, *results)

            return modify

        return [around(index, stage) for index, stage in enumerate(stages)]

    def evaluate(self, token: Any, *joined: Any) -> tuple[dict[str, Any], Clamped]:
        token = token if isinstance(token, dict) else {"score": token}
        given = {**token, **dict(zip(self.joined, joined, strict=True))}
        result, clamped = self.fn.evaluate(token["score"], *(given[name] for name in self.names))
        if not self.chooses:
            return {**token, "score": result}, clamped
        keep = result["keep"] & token["keep"] if self.both else result["keep"]
        return {**token, "score": result["score"], "keep": keep}, clamped


class Kept(Operator):
    """A score alone. Where some are not kept it has one bit more, and those are its least number.

    No score that is kept has the two top bits of that number. One stage.

    Parameters
    ----------
    layout : :class:`data.StructLayout`
        ``score`` and, where some are not kept, ``keep``; other fields end here.
    """

    def __init__(self, layout: data.StructLayout) -> None:
        self.inputs = (layout,)
        score = layout.members["score"]
        self.holes = "keep" in layout.members
        self.shape = (
            SQ(score.i_bits + 1 + (not score.signed), score.f_bits) if self.holes else score
        )

    def stages(self) -> list[Stage]:
        def fill(token: data.View) -> tuple[Any, ...]:
            raw = token["score"].numerator()
            if self.holes:
                raw = Mux(Value.cast(token["keep"]), raw, Const(self.shape.raw_min))
            return (self.shape(raw[: self.shape.width].as_signed()),)

        return [fill]

    def evaluate(self, token: dict[str, Any]) -> tuple[np.ndarray, None]:  # type: ignore[override]
        if not self.holes:
            return token["score"], None
        return np.where(token["keep"] != 0, token["score"], self.shape.raw_min), None
