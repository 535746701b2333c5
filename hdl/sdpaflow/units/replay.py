"""One group for each group of groups."""

import numpy as np
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics import raw
from sdpaflow.numerics.raw import width
from sdpaflow.units.checks import check_size
from sdpaflow.units.streams import (
    FramingError,
    ShapeLike,
    Stream,
    agree,
    count_of,
    group_lengths,
    groups,
    positions,
    starts,
)
from sdpaflow.units.unit import Pair, TokenStream, Unit, tokens

__all__ = ["Replay"]


class Replay(Unit):
    """Replay each group of one stream, once per innermost group of a companion's next-outer group.

    The group passes straight through the first time and is kept in a memory for the other times.
    The companion's token travels on beside the replayed one, so it needs no fork. One token per
    cycle; combinational, no latency.

    The groups of both must be equally long and fit the memory; where they do not, ``misframed`` is
    raised.

    Parameters
    ----------
    shape : :ref:`shape-like <lang-shapelike>`
        Shape of what is replayed.
    over : :ref:`shape-like <lang-shapelike>`
        Shape of the companion's data.
    size : :class:`int`
        Words of memory: the longest group.
    rank : :class:`int`
        Rank r of the companion, at least 2.

    Members
    -------
    i : :py:`In(...)`
        Tokens of rank r − 1, one group for each of the companion's next-outer groups.
    over : :py:`In(...)`
        Companion of rank r.
    o : :py:`Out(...)`
        Pairs of rank r.
    misframed : :py:`Out(1)`
        Groups did not match, or were longer than the memory, since reset.
    """

    i: TokenStream
    over: TokenStream
    o: TokenStream

    def __init__(self, shape: ShapeLike, over: ShapeLike, size: int, rank: int = 2):
        if rank < 2:
            raise ValueError(
                f"A companion has groups of groups: rank must be 2 or more, not {rank}"
            )
        self.shape = shape
        self.size = self.words = check_size(size)
        self.bits = size * width(shape)
        super().__init__(
            {
                "i": In(tokens(shape, rank - 1)),
                "over": In(tokens(over, rank)),
                "o": Out(tokens(Pair(over, shape), rank)),
            },
            flags=["misframed"],
        )

    def model(self, i: Stream, over: Stream) -> Stream:
        kept, outer = i.last[:, 0], over.last[:, 1]
        agree(("i", "over"), i.last[kept, 1:], over.last[outer, 2:], ("group", "outer group"))
        replayed = groups(outer)  # for each token of the companion, the group beside it
        self._check(group_lengths(kept), group_lengths(over.last[:, 0]), replayed[over.last[:, 0]])
        index = starts(kept)[replayed] + positions(over.last[:, 0])
        return Stream({"over": over.data, "i": raw.take(i.data, index)}, over.last)

    def _check(self, kept: np.ndarray, over: np.ndarray, beside: np.ndarray) -> None:
        """Insist on groups of lengths that fit; group ``beside[n]`` is replayed over number n."""
        if (kept > self.size).any():
            group = int(np.argmax(kept > self.size))
            raise FramingError(
                f"group {group} of {{0}} has {kept[group]} tokens, more than the memory holds, "
                f"{count_of(self.size, 'word')}",
                "i",
            )
        differ = over != kept[beside]
        if differ.any():
            group = int(np.argmax(differ))
            raise FramingError(
                f"{{0}} and {{1}} disagree on where groups end: group {beside[group]} of {{0}} has "
                f"{count_of(kept[beside[group]], 'token')}, but group {group} of {{1}}, over which "
                f"it is replayed, {over[group]}",
                "i",
                "over",
            )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.group = group = memory.Memory(shape=self.shape, depth=self.size, init=[])
        write = group.write_port()
        read = group.read_port(domain="comb")

        at = Signal(range(self.size))
        end = Signal(range(self.size))
        first = Signal(init=1)  # the group comes from the input, not from memory
        outer = Signal.like(self.i.payload.last[1:])
        last = self.over.payload.last
        fire = self.o.valid & self.o.ready

        m.d.comb += [
            write.addr.eq(at),
            write.data.eq(self.i.payload.data),
            write.en.eq(fire & first),
        ]
        m.d.comb += read.addr.eq(at)
        m.d.comb += self.o.valid.eq(self.over.valid & (self.i.valid | ~first))
        m.d.comb += self.o.payload.data.over.eq(self.over.payload.data)
        m.d.comb += self.o.payload.data.i.eq(Mux(first, self.i.payload.data, read.data))
        m.d.comb += self.o.payload.last.eq(last)
        m.d.comb += self.over.ready.eq(fire)
        m.d.comb += self.i.ready.eq(fire & first)

        full = at == self.size - 1
        ends = Mux(first, self.i.payload.last[0], at == end)
        mine = Mux(first, self.i.payload.last[1:], outer)
        differ = (last[0] != ends) | (full & ~last[0]) | (last[1] & (last[2:] != mine))
        m.d.comb += self.events["misframed"].eq(fire & differ)

        with m.If(fire):
            m.d.sync += at.eq(Mux(last[0] | full, 0, at + 1))
            with m.If(first):
                m.d.sync += outer.eq(self.i.payload.last[1:])
            with m.If(last[0]):
                m.d.sync += first.eq(last[1])
                m.d.sync += end.eq(at)
        self.remember(m)
        return m
