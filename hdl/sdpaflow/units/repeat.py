"""One token for each token of a group."""

from amaranth.hdl import Module
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics import raw
from sdpaflow.units.streams import ShapeLike, Stream, agree, groups
from sdpaflow.units.unit import Pair, TokenStream, Unit, tokens

__all__ = ["Repeat"]


class Repeat(Unit):
    """Repeat each token of one stream, once per token of a companion's innermost group.

    The companion's token travels on beside the repeated one, so it needs no fork. A token is
    accepted together with the last of the companion's group. One token per cycle; combinational, no
    latency, nothing stored.

    Parameters
    ----------
    shape : :ref:`shape-like <lang-shapelike>`
        Shape of what is repeated.
    over : :ref:`shape-like <lang-shapelike>`
        Shape of the companion's data.
    rank : :class:`int`
        Rank r of the companion, at least 1.

    Members
    -------
    i : :py:`In(...)`
        Tokens of rank r − 1.
    over : :py:`In(...)`
        Companion of rank r; its ``last[1:]`` must be those of ``i`` at the end of each group.
    o : :py:`Out(...)`
        Pairs of rank r.
    misframed : :py:`Out(1)`
        The inputs disagreed since reset. Only where r ≥ 2.
    """

    i: TokenStream
    over: TokenStream
    o: TokenStream

    def __init__(self, shape: ShapeLike, over: ShapeLike, rank: int = 1):
        if rank < 1:
            raise ValueError(f"A companion has groups, so its rank must be at least 1, not {rank}")
        super().__init__(
            {
                "i": In(tokens(shape, rank - 1)),
                "over": In(tokens(over, rank)),
                "o": Out(tokens(Pair(over, shape), rank)),
            },
            flags=["misframed"] if rank > 1 else [],
        )

    def model(self, i: Stream, over: Stream) -> Stream:
        ends = over.last[:, 0]
        agree(("i", "over"), i.last, over.last[ends, 1:], ("token", "group"))
        return Stream({"over": over.data, "i": raw.take(i.data, groups(ends))}, over.last)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        last = self.over.payload.last
        fire = self.o.valid & self.o.ready

        m.d.comb += self.o.valid.eq(self.i.valid & self.over.valid)
        m.d.comb += self.o.payload.data.over.eq(self.over.payload.data)
        m.d.comb += self.o.payload.data.i.eq(self.i.payload.data)
        m.d.comb += self.o.payload.last.eq(last)
        m.d.comb += self.over.ready.eq(fire)
        m.d.comb += self.i.ready.eq(fire & last[0])

        if self.events:
            differ = last[1:] != self.i.payload.last
            m.d.comb += self.events["misframed"].eq(fire & last[0] & differ)
        self.remember(m)
        return m
