"""Running fold."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics.operator import Fold
from sdpaflow.numerics.raw import width
from sdpaflow.units.unit import Unit, tokens

__all__ = ["Scan"]


class Scan(Unit):
    """Fold each innermost group and emit at every step.

    The state starts afresh after ``last[0]``. What is emitted is the new state, or what the fold
    makes of the states before and after. One token per cycle; the result follows its token by one
    cycle.

    Parameters
    ----------
    fn : :class:`Fold`
        The recurrence, one cycle long.
    rank : :class:`int`
        Rank of both streams, at least 1.

    Members
    -------
    i : :py:`In(...)`
        Tokens of rank r ≥ 1.
    o : :py:`Out(...)`
        One result per token, of rank r.
    saturated : :py:`Out(1)`
        The state was clamped since reset. Only where the fold saturates.
    """

    latency = 1
    words = 2

    def __init__(self, fn, rank=1):
        if not isinstance(fn, Fold):
            raise TypeError(f"Function of a Scan must be a Fold, not {fn!r}")
        if rank < 1:
            raise ValueError(f"A Scan folds groups, so its rank must be at least 1, not {rank}")
        self.fn = fn
        self.bits = width(fn.state) + width(fn.shape)
        super().__init__(
            {"i": In(tokens(fn.token, rank)), "o": Out(tokens(fn.shape, rank))},
            flags=["saturated"] if fn.saturates else [],
        )

    def elaborate(self, platform):
        m = Module()
        first = Signal(init=1)
        acc = Signal(self.fn.state)
        last = self.i.payload.last
        fire = self.i.valid & self.i.ready
        new, flag = self.fn.step(first, acc, self.i.payload.data)
        result = self.fn.emit(first, acc, new, self.i.payload.data)

        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        if self.fn.saturates:
            m.d.comb += self.events["saturated"].eq(fire & flag)

        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
        with m.If(fire):
            m.d.sync += first.eq(last[0])
            m.d.sync += Value.cast(acc).eq(Value.cast(new))
            m.d.sync += Value.cast(self.o.payload.data).eq(Value.cast(result))
            m.d.sync += self.o.payload.last.eq(last)
        self.remember(m)
        return m
