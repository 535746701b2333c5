"""Running fold."""

from typing import Any

import numpy as np
from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics import raw
from sdpaflow.numerics.operator import Fold
from sdpaflow.numerics.raw import width
from sdpaflow.units.checks import check_fold
from sdpaflow.units.fold_model import step_by_step
from sdpaflow.units.streams import Stream, starts
from sdpaflow.units.unit import TokenStream, Unit, tokens

__all__ = ["Scan"]


class Scan(Unit):
    """Fold each innermost group and emit at every step.

    The state starts afresh after ``last[0]``. What is emitted is the new state, or what the fold
    makes of the states before and after. One token per cycle; the result follows its token by one
    cycle.

    With ``ahead``, what is emitted of a token comes from the state after the *next* one, where the
    group has one: it leaves behind that, three cycles after it came. So the last two tokens of a
    group see one state, which is all that the fold can emit from.

    Parameters
    ----------
    fn : :class:`Fold`
        The recurrence, one cycle long.
    rank : :class:`int`
        Rank of both streams, at least 1.
    ahead : :class:`bool`
        Whether to look one token ahead.

    Members
    -------
    i : :py:`In(...)`
        Tokens of rank r ≥ 1.
    o : :py:`Out(...)`
        One result per token, of rank r.
    saturated : :py:`Out(1)`
        The state was clamped since reset. Only where the fold saturates.
    """

    i: TokenStream
    o: TokenStream

    def __init__(self, fn: Fold, rank: int = 1, *, ahead: bool = False):
        check_fold(fn, "Scan", interleaved=False)
        if rank < 1:
            raise ValueError(f"A Scan folds groups, so its rank must be at least 1, not {rank}")
        self.fn = fn
        self.ahead = ahead
        self.latency = 3 if ahead else 1
        self.words = 5 if ahead else 2
        self.bits = width(fn.state) + width(fn.shape)
        self.bits += ahead * (width(fn.state) + 2 * width(fn.token))
        super().__init__(
            {"i": In(tokens(fn.token, rank)), "o": Out(tokens(fn.shape, rank))},
            flags=["saturated"] if fn.saturates else [],
        )

    def model(self, i: Stream) -> tuple[Stream, dict[str, int]]:
        fn, ends = self.fn, i.last[:, 0]
        counts = {"saturated": 0} if fn.saturates else {}
        if not len(ends):
            return Stream(raw.zeros(fn.shape, 0), i.last), counts
        if not self.ahead:
            emitted = fn.model_scan(i.data, starts(ends))
            if emitted is None:
                _, emitted, counts = step_by_step(fn, i.data, ends)
            return Stream(emitted, i.last), counts
        states = fn.model_states(i.data, starts(ends))
        if states is None:
            states, _, counts = step_by_step(fn, i.data, ends)
        after = raw.take(states, np.arange(len(ends)) + ~ends)
        return Stream(fn.model_emit(False, after, after, i.data), i.last), counts

    def elaborate(self, platform: object) -> Module:
        m = Module()
        first = Signal(init=1)
        acc = Signal(self.fn.state)
        last = self.i.payload.last
        fire = self.i.valid & self.i.ready
        free = ~self.o.valid | self.o.ready
        new, flag = self.fn.step(first, acc, self.i.payload.data)

        if self.fn.saturates:
            m.d.comb += self.events["saturated"].eq(fire & flag)
        with m.If(fire):
            m.d.sync += first.eq(last[0])
            m.d.sync += Value.cast(acc).eq(Value.cast(new))
        if self.ahead:
            self._look(m, fire, free, acc)
        else:
            m.d.comb += self.i.ready.eq(free)
            with m.If(free):
                m.d.sync += self.o.valid.eq(self.i.valid)
            with m.If(fire):
                self._emit(m, self.i.payload, first, acc, new)
        self.remember(m)
        return m

    def _look(self, m: Module, fire: Value, free: Value, acc: Value) -> None:
        """Keep a token, the one that ``acc`` is after, until the next is there."""
        new, _ = self.fn.step(Const(0), acc, self.i.payload.data)
        held = Signal()
        token = Signal.like(self.i.payload)
        looked = Signal()
        earlier = Signal.like(self.i.payload)  # that saw the next
        seen = Signal(self.fn.state)
        ends = token.last[0]
        move = ~looked | free

        m.d.comb += self.i.ready.eq(~held | move)
        with m.If(fire):
            m.d.sync += token.eq(self.i.payload)
        with m.If(move):
            m.d.sync += looked.eq(held & (self.i.valid | ends))
            m.d.sync += held.eq(self.i.valid | (held & ~ends))
            m.d.sync += earlier.eq(token)
            m.d.sync += Value.cast(seen).eq(Mux(ends, Value.cast(acc), Value.cast(new)))
        with m.Elif(fire):
            m.d.sync += held.eq(1)
        with m.If(free):
            m.d.sync += self.o.valid.eq(looked)
            self._emit(m, earlier, 0, seen, seen)

    def _emit(self, m: Module, token: Any, first: Value | int, state: Any, new: Any) -> None:
        result = self.fn.emit(first, state, new, token.data)
        m.d.sync += Value.cast(self.o.payload.data).eq(Value.cast(result))
        m.d.sync += self.o.payload.last.eq(token.last)
