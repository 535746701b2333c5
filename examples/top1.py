"""The greatest score of each row, and where it is: a unit and a fold of one's own.

``Index`` is a unit: it counts. ``ArgMax`` is a fold, which any Reduce can take. Both carry a model
of themselves, and the model of the pipeline follows from theirs.
"""

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import In, Out
from sdpaflow import SQ, UQ, Dataflow, Fold, Stream, Unit, tokens
from sdpaflow_sim import check, stream_of

SCORE = SQ(5, 8)


class Index(Unit):
    """Give each token its position in its innermost group.

    One token per cycle; combinational, no latency.

    Parameters
    ----------
    shape : :class:`fixed.Shape`
        Shape of the tokens.
    bits : :class:`int`
        Bits of a position: groups have up to ``2**bits`` tokens.
    """

    def __init__(self, shape, bits):
        self.shape, self.bits_of_index = shape, bits
        pair = data.StructLayout({"score": shape, "index": UQ(bits)})
        super().__init__({"i": In(tokens(shape, 1)), "o": Out(tokens(pair, 1))})

    def model(self, i):
        """The output stream, from the input stream."""
        place = np.arange(len(i))
        first = np.append(0, place[i.last[:, 0]] + 1)[np.cumsum(i.last[:, 0]) - i.last[:, 0]]
        return Stream({"score": i.data, "index": place - first}, i.last)

    def elaborate(self, platform):
        m = Module()
        index = Signal(self.bits_of_index)

        m.d.comb += [self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready)]
        m.d.comb += self.o.payload.data.score.eq(self.i.payload.data)
        m.d.comb += self.o.payload.data.index.as_value().eq(index)
        m.d.comb += self.o.payload.last.eq(self.i.payload.last)

        with m.If(self.o.valid & self.o.ready):
            m.d.sync += index.eq(Mux(self.i.payload.last[0], 0, index + 1))
        return m


class ArgMax(Fold):
    """The token with the greatest ``score``; of equal ones, the first."""

    def __init__(self, token):
        self.token = self.state = token

    def step(self, first, state, token):
        greater = first | (token["score"] > state["score"])
        fields = [
            Mux(greater, token[name].as_value(), state[name].as_value())
            for name in self.state.members
        ]
        return self.state(Cat(fields)), None

    def model(self, first, state, token):
        greater = token["score"] > state["score"] if not first else True
        return {name: np.where(greater, token[name], state[name]) for name in token}, None


class Top1(Dataflow):
    """argmax_j s_ij of each row."""

    def __init__(self, bits=8):
        super().__init__()
        s = self.input(SCORE, rank=1)

        s_index = self.add(Index(s.shape, bits), i=s)
        top = self.reduce(ArgMax(s_index.shape), s_index)

        self.output(top=top)


def main():
    """Rows of 1 to 40 random scores, the longest of them with two that are equal."""
    rng = np.random.default_rng(0)
    rows = [np.round(rng.normal(0, 4, n).clip(-15, 15), 2) for n in (1, 2, 3, 10, 40)]
    rows[-1][[7, 30]] = 15.5
    inputs = {"s": stream_of(SCORE, [list(row) for row in rows], rank=1)}

    outputs, trace = check(Top1(), inputs)
    top = outputs["top"].data
    print(f"{len(rows)} rows in {trace.cycles} cycles, every bit equal to the model")
    for row, score, index in zip(rows, top["score"] * SCORE.ulp, top["index"], strict=True):
        error = abs(score - row.max()) / SCORE.ulp
        print(
            f"  {len(row):2} scores: {score:6.3f} at {index:2}; float64 {row.max():6.3f} ", end=""
        )
        print(f"at {row.argmax():2}; error {error:.2f} ulp")
        assert index == row.argmax()


if __name__ == "__main__":
    main()
