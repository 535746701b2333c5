"""Fold of the innermost groups."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics.operator import Fold
from sdpaflow.numerics.raw import width
from sdpaflow.units.unit import Unit, tokens

__all__ = ["Reduce"]


class Reduce(Unit):
    """Fold each innermost group of tokens into one.

    The first token of a group starts the accumulator, each later one is combined with it, and the
    one marked ``last[0]`` releases the result, which keeps the outer ``last`` bits. One token per
    cycle, also from one group to the next; the result follows the group's last token by one cycle.
    It stays in the accumulator until it is accepted: there is no second register.

    Parameters
    ----------
    fn : :class:`Fold`
        The recurrence, one cycle long.
    rank : :class:`int`
        Rank of the input, at least 1.

    Members
    -------
    i : :py:`In(...)`
        Tokens of rank r ≥ 1.
    o : :py:`Out(...)`
        One result per group, of rank r − 1.
    saturated : :py:`Out(1)`
        The accumulator was clamped since reset. Only where the fold saturates.
    """

    latency = 1
    words = 1

    def __init__(self, fn, rank=1):
        if not isinstance(fn, Fold):
            raise TypeError(f"Function of a Reduce must be a Fold, not {fn!r}")
        if rank < 1:
            raise ValueError(f"A Reduce folds groups, so its rank must be at least 1, not {rank}")
        self.fn = fn
        self.bits = width(fn.state)
        super().__init__(
            {"i": In(tokens(fn.token, rank)), "o": Out(tokens(fn.state, rank - 1))},
            flags=["saturated"] if fn.saturates else [],
        )

    def elaborate(self, platform):
        m = Module()
        first = Signal(init=1)
        acc = self.o.payload.data
        last = self.i.payload.last
        fire = self.i.valid & self.i.ready
        new, flag = self.fn.step(first, acc, self.i.payload.data)

        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        if self.fn.saturates:
            m.d.comb += self.events["saturated"].eq(fire & flag)

        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid & last[0])
        with m.If(fire):
            m.d.sync += first.eq(last[0])
            m.d.sync += Value.cast(acc).eq(Value.cast(new))
            m.d.sync += self.o.payload.last.eq(last[1:])
        self.remember(m)
        return m
