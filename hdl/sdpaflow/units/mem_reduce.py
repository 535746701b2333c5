"""Fold of the next-outer dimension, with one partial result per inner position."""

from typing import Any

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics import raw
from sdpaflow.numerics.operator import Fold, Interleaved
from sdpaflow.numerics.raw import width
from sdpaflow.units.checks import check_fold, check_size
from sdpaflow.units.fold_model import last_states
from sdpaflow.units.streams import (
    FramingError,
    ShapeLike,
    Stream,
    count_of,
    group_lengths,
    groups,
    positions,
    starts,
)
from sdpaflow.units.unit import TokenStream, Unit, tokens

__all__ = ["MemReduce"]


class MemReduce(Unit):
    """Fold a group of groups into one group, position by position.

    Token number b of each innermost group is folded into partial result number b, kept in a memory.
    With the token marked ``last[1]`` the results are complete and leave in order, while the next
    group of groups may already start to replace them, each right behind. One token per cycle; the
    first result follows that last token by one cycle, by four where the fold is
    :class:`Interleaved`. A group shorter than those of the group of groups before waits with its
    last token until the results before it have left.

    All innermost groups of one group must be equally long and fit the memory; where they do not,
    ``misframed`` is raised.

    Parameters
    ----------
    fn : :class:`Fold`
        The recurrence.
    size : :class:`int`
        Words of memory: the longest innermost group. Twice as many where the fold is interleaved.
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

    i: TokenStream
    o: TokenStream

    def __init__(self, fn: Fold, size: int, rank: int = 2):
        check_fold(fn, "MemReduce")
        if rank < 2:
            raise ValueError(
                f"A MemReduce folds groups of groups: rank must be 2 or more, not {rank}"
            )
        self.fn = fn
        self.size = self.words = check_size(size)
        self.latency, self.bits, result = 1, size * width(fn.state), fn.state
        if isinstance(fn, Interleaved):
            # A token waits, half aligned, and one is added; a state made ready, and the result.
            self.latency, self.words, result = 4, 2 * size + 4, fn.result
            self.bits = sum(map(width, (fn.waiting, fn.aligned, result))) + self.bits * 2
            self.bits += width(fn.state)
        super().__init__(
            {"i": In(tokens(fn.token, rank)), "o": Out(tokens(result, rank - 1))},
            flags=(["saturated"] if fn.saturates else []) + ["misframed"],
        )

    def model(self, i: Stream) -> tuple[Stream, dict[str, int]]:
        self._check(i.last)
        place, group, row = positions(i.last[:, 0]), groups(i.last[:, 0]), groups(i.last[:, 1])
        # Partial results one after another, each with its tokens in order: as Reduce has them.
        order = np.lexsort((group, place, row))
        ends = np.ones(len(order), dtype=bool)
        ends[:-1] = (np.diff(place[order]) != 0) | (np.diff(row[order]) != 0)
        states, counts = last_states(self.fn, raw.take(i.data, order), ends)
        closing = i.last[i.last[:, 0], 1]  # the groups that end a row, whose marks the results keep
        return Stream(states, i.last[closing[group], 1:]), counts

    def _check(self, last: np.ndarray) -> None:
        """Insist that the groups of a row are equally long and fit the memory."""
        lengths, ends = group_lengths(last[:, 0]), last[last[:, 0], 1]
        first = starts(ends)[groups(ends)]  # of a group's row, the first group
        wrong = (lengths > self.size) | (lengths != lengths[first])
        if not wrong.any():
            return
        group = int(np.argmax(wrong))
        has = f"group {group} of {{0}} has {count_of(lengths[group], 'token')}"
        if lengths[group] > self.size:
            held = count_of(self.size, "word")
            raise FramingError(f"{has}, more than the memory holds, {held}", "i")
        raise FramingError(
            f"{has}, but the first of its row, group {first[group]}, {lengths[first[group]]}: they "
            "are folded position by position, so they must be equally long",
            "i",
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if isinstance(self.fn, Interleaved):
            self._interleave(m, self.fn)
        else:
            self._fold(m)
        self.remember(m)
        return m

    def _fold(self, m: Module) -> None:
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

    def _interleave(self, m: Module, fn: Interleaved) -> None:
        """Two memories of partial results that take turns, so that an addition may take two cycles.

        A row of three groups of two tokens, (a b) (c d) (e f), and the start of the next, (g h)
        (i j), with no stall. What each register holds in each cycle, partial results as the tokens
        that are in them; the places of the memories side by side::

            cycle  i   waiting  adding  shrunk  bank 0     bank 1   leaving  result
              0    a                            -    -     -  -     no
              1    b   a                        -    -     -  -     no
              2    c   b        a       -       -    -     -  -     no
              3    d   c        b       -       a    -     -  -     no
              4    e   d        c       -       a    b     -  -     no
              5    f   e        d       -       a    b     c  -     no
              6    g   f        e       a       a    b     c  d     no
              7    h   g        f       b       a+e  b     c  d     no
              8    i   h        g       -       a+e  b+f   c  d     yes
              9    j   i        h       -       g    b+f   c  d     yes      a+c+e
             10        j        i       -       g    h     c  d     no       b+d+f
             11                 j       -       g    h     i  d     no

        Groups go to bank 0 and bank 1 in turn (``way``). A bank is read for a token in ``waiting``,
        and written when the token leaves ``adding``, two cycles after; the next token of the same
        place and bank comes two groups later, so even in groups of one token it reads what it must.

        Results are the sum of both banks, place by place, and leave by the same read ports. Tokens
        of the next row's first two groups read no place, so the first group may follow: in cycle 8,
        g replaces a+e while that is on its way out, never before (``behind``).
        """
        last = self.i.payload.last
        shape: ShapeLike = fn.state
        # Which token comes: its place, and its group within the row.
        at = Signal(range(self.size))
        span = Signal(range(self.size))  # last place of the group before, as of all in the row
        first = Signal(init=1)  # it is in the row's first group
        second = Signal()  # or in the second, which finds its bank empty as well
        way = Signal()  # the bank that it belongs to
        waiting = StageRegisters(self, "waiting", fn.waiting)
        adding = StageRegisters(self, "adding", fn.aligned)
        shrunk = Signal(fn.state, reset_less=True)
        # What leaves: places 0 to `end`, as fast as they are accepted.
        leaving = Signal()
        out = Signal(range(self.size))
        end = Signal(range(self.size))
        outer = Signal.like(self.o.payload.last[1:])
        sole = Signal()  # the row has one group: there is nothing of it in the other bank
        result = Signal(fn.result, reset_less=True)
        result_last = Signal.like(self.o.payload.last)

        free = ~self.o.valid | self.o.ready
        send = leaving & free
        sent = send & (out == end)
        # While results leave, the next row's first group may fill the places behind them, but not
        # end before them: `end` is still theirs. Neither it nor the second group reads any place.
        before = (adding.at < out) | ((adding.at == out) & send)
        behind = adding.first & before & (~adding.last[0] | sent)
        # While results leave, the read ports are theirs. No token needs one then: those of a third
        # group wait behind one of the second in `adding`, which leaves after the results.
        leave = adding.valid & (~leaving | behind)
        enter = waiting.valid & (~adding.valid | leave)
        fire = self.i.valid & self.i.ready
        new, flag = fn.add(shrunk, adding.data)
        reads = []
        for number in range(fn.ways):
            bank = memory.Memory(shape=fn.state, depth=self.size, init=[])
            m.submodules[f"partial_{number}"] = bank
            write = bank.write_port()
            read = bank.read_port(domain="comb")
            m.d.comb += write.addr.eq(adding.at)
            m.d.comb += Value.cast(write.data).eq(Value.cast(new))
            m.d.comb += write.en.eq(leave & (adding.way == number))
            m.d.comb += read.addr.eq(Mux(leaving, out, waiting.at))
            reads.append(read.data)
        state = Mux(waiting.way, *(Value.cast(data) for data in reversed(reads)))
        others = Mux(sole, 0, Value.cast(reads[1]))[: width(fn.state)]
        total, total_flag = fn.merge(reads[0], shape(others))
        m.d.comb += self.i.ready.eq(~waiting.valid | enter)
        m.d.comb += [self.o.payload.data.eq(result), self.o.payload.last.eq(result_last)]

        full = at == self.size - 1
        uneven = ~first & (last[0] != (at == span))
        m.d.comb += self.events["misframed"].eq(fire & (uneven | (full & ~last[0])))
        if fn.saturates:
            m.d.comb += self.events["saturated"].eq((leave & flag) | (send & total_flag))

        with m.If(fire):
            m.d.sync += at.eq(Mux(last[0] | full, 0, at + 1))
            with m.If(last[0]):
                m.d.sync += [span.eq(at), first.eq(last[1]), second.eq(first & ~last[1])]
                m.d.sync += way.eq(~(way | last[1]))
            m.d.sync += waiting.data.eq(fn.align(first | second, self.i.payload.data))
            m.d.sync += [waiting.at.eq(at), waiting.way.eq(way), waiting.first.eq(first)]
            m.d.sync += waiting.last.eq(last)
        with m.If(self.i.ready):
            m.d.sync += waiting.valid.eq(self.i.valid)
        with m.If(enter):
            m.d.sync += Value.cast(shrunk).eq(Value.cast(fn.shrink(shape(state), waiting.data)))
            m.d.sync += [adding.data.eq(fn.settle(waiting.data)), *adding.follow(waiting)]
        with m.If(enter | leave):
            m.d.sync += adding.valid.eq(enter)

        with m.If(free):
            m.d.sync += self.o.valid.eq(leaving)
            m.d.sync += Value.cast(result).eq(Value.cast(total))
            m.d.sync += result_last.eq(Cat(out == end, Mux(out == end, outer, 0)))
        with m.If(send):
            m.d.sync += out.eq(Mux(sent, 0, out + 1))
            m.d.sync += leaving.eq(~sent)
        with m.If(leave & adding.last[0]):
            m.d.sync += end.eq(adding.at)
            with m.If(adding.last[1]):
                m.d.sync += leaving.eq(1)
                m.d.sync += [outer.eq(adding.last[2:]), sole.eq(adding.first)]


class StageRegisters:
    """Registers of one stage of an interleaved fold: a token, and which one it is."""

    def __init__(self, unit: MemReduce, name: str, shape: ShapeLike):
        self.valid = Signal(name=f"{name}_valid")
        self.data = Signal(shape, name=name, reset_less=True)
        self.at = Signal(range(unit.size), name=f"{name}_at")
        self.way = Signal(name=f"{name}_way")
        self.first = Signal(name=f"{name}_first")
        self.last = Signal.like(unit.i.payload.last, name=f"{name}_last")

    def follow(self, other: "StageRegisters") -> list[Any]:
        """What takes over another's token, all but ``valid`` and ``data``."""
        return [getattr(self, n).eq(getattr(other, n)) for n in ("at", "way", "first", "last")]
