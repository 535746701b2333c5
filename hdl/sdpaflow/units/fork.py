"""One stream to several."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.wiring import In, Out

from sdpaflow.units.streams import ShapeLike, Stream
from sdpaflow.units.unit import TokenStream, Unit, tokens

__all__ = ["Fork"]


class Fork(Unit):
    """Give every token to each of several branches, as soon as each can take it.

    Eager: a branch takes the token when it is ready and its ``done`` bit remembers that, so that no
    branch waits for another to *take* a token. The input is accepted in the cycle in which the last
    branch takes it. One token per cycle; combinational, no latency.

    Parameters
    ----------
    shape : :ref:`shape-like <lang-shapelike>`
        Shape of the data.
    rank : :class:`int`
        Rank of all streams.
    branches : :class:`int`
        How many outputs, at least 2.

    Members
    -------
    i : :py:`In(...)`
        Tokens.
    o0, o1, … : :py:`Out(...)`
        The same tokens.
    """

    i: TokenStream

    def __init__(self, shape: ShapeLike, rank: int, branches: int = 2):
        if branches < 2:
            raise ValueError(f"A fork must have at least 2 branches, not {branches}")
        self.branches = branches
        super().__init__({
            "i": In(tokens(shape, rank)),
            **{f"o{index}": Out(tokens(shape, rank)) for index in range(branches)},
        })

    @property
    def outputs(self) -> list[TokenStream]:
        return [getattr(self, f"o{index}") for index in range(self.branches)]

    def model(self, i: Stream) -> dict[str, Stream]:
        return {f"o{index}": i for index in range(self.branches)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        done = Signal(self.branches)
        taken = Cat(o.valid & o.ready for o in self.outputs)

        m.d.comb += self.i.ready.eq((done | Cat(o.ready for o in self.outputs)).all())
        for index, o in enumerate(self.outputs):
            m.d.comb += o.payload.eq(self.i.payload)
            m.d.comb += o.valid.eq(self.i.valid & ~done[index])

        with m.If(self.i.valid & self.i.ready):
            m.d.sync += done.eq(0)
        with m.Else():
            m.d.sync += done.eq(done | taken)
        return m
