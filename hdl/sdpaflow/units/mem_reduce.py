"""Fold of the next-outer dimension, with one partial result per inner position."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics.operator import Fold
from sdpaflow.numerics.raw import width
from sdpaflow.units.unit import Unit, check_size, tokens

__all__ = ["MemReduce"]


class MemReduce(Unit):
    """Fold a group of groups into one group, position by position.

    Token number b of each innermost group is folded into partial result number b, kept in a memory.
    With the token marked ``last[1]`` the results are complete and leave in order, while the next
    group of groups may already start to replace them, each right behind. One token per cycle; the
    first result follows that last token by one cycle. A group shorter than those of the group of
    groups before waits with its last token until the results before it have left.

    All innermost groups of one group must be equally long and fit the memory; where they do not,
    ``misframed`` is raised.

    Parameters
    ----------
    fn : :class:`Fold`
        The recurrence, one cycle long.
    size : :class:`int`
        Words of memory: the longest innermost group.
    rank : :class:`int`
        Rank of the input, at least 2.

    Members
    -------
    i : :py:`In(...)`
        Tokens of rank r ≥ 2.
    o : :py:`Out(...)`
        Results of rank r − 1.
    saturated : :py:`Out(1)`
        A partial result was clamped since reset. Only where the fold saturates.
    misframed : :py:`Out(1)`
        A group was of another length, or longer than the memory, since reset.
    """

    latency = 1

    def __init__(self, fn, size, rank=2):
        if not isinstance(fn, Fold):
            raise TypeError(f"Function of a MemReduce must be a Fold, not {fn!r}")
        if rank < 2:
            raise ValueError(
                f"A MemReduce folds groups of groups: rank must be 2 or more, not {rank}"
            )
        self.fn = fn
        self.size = self.words = check_size(size)
        self.bits = size * width(fn.state)
        super().__init__(
            {"i": In(tokens(fn.token, rank)), "o": Out(tokens(fn.state, rank - 1))},
            flags=(["saturated"] if fn.saturates else []) + ["misframed"],
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.partial = partial = memory.Memory(
            shape=self.fn.state, depth=self.size, init=[]
        )
        write = partial.write_port()
        read = partial.read_port(domain="comb")

        at = Signal(range(self.size))  # position of the next input
        first = Signal(init=1)  # within the first group of its row
        leaving = Signal()  # results are on their way out
        out = Signal(range(self.size))  # position of the next result
        end = Signal(range(self.size))  # position of the last result
        outer = Signal.like(self.o.payload.last[1:])
        last = self.i.payload.last
        fire = self.i.valid & self.i.ready
        send = leaving & self.o.ready
        sent = send & (out == end)

        # While results leave, the next row's first group may fill the places behind them, but not
        # end before them: `end` is still theirs.
        behind = first & ((at < out) | ((at == out) & send)) & (~last[0] | sent)
        m.d.comb += self.i.ready.eq(~leaving | behind)
        m.d.comb += read.addr.eq(Mux(leaving, out, at))
        new, flag = self.fn.step(first, read.data, self.i.payload.data)
        m.d.comb += [write.addr.eq(at), write.data.eq(new), write.en.eq(fire)]
        m.d.comb += self.o.valid.eq(leaving)
        m.d.comb += self.o.payload.data.eq(read.data)
        m.d.comb += self.o.payload.last[0].eq(out == end)
        m.d.comb += self.o.payload.last[1:].eq(Mux(out == end, outer, 0))

        full = at == self.size - 1
        uneven = ~first & (last[0] != (at == end))
        m.d.comb += self.events["misframed"].eq(fire & (uneven | (full & ~last[0])))
        if self.fn.saturates:
            m.d.comb += self.events["saturated"].eq(fire & flag)

        with m.If(send):
            m.d.sync += out.eq(Mux(sent, 0, out + 1))
            m.d.sync += leaving.eq(~sent)
        with m.If(fire):
            m.d.sync += at.eq(Mux(last[0] | full, 0, at + 1))
            with m.If(last[0]):
                m.d.sync += first.eq(last[1])
                m.d.sync += end.eq(at)
            with m.If(last[1]):
                m.d.sync += leaving.eq(1)
                m.d.sync += outer.eq(last[2:])
        self.remember(m)
        return m
