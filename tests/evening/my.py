"""An operator, a unit and a pipeline of one's own."""

import numpy as np
from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import In, Out
from sdpaflow import UQ, Dataflow, Operator, Stream, Sum, TokenStream, Unit, tokens

NUMBER = UQ(4, 4)


class Halve(Operator):
    """x / 2, rounded down."""

    inputs = (NUMBER,)
    shape = NUMBER

    def stages(self):
        return [lambda x: (NUMBER(x.as_value() >> 1),)]

    def evaluate(self, x):
        return x >> 1, None


class Count(Unit):
    """Put each token's place in its group in its stead, and raise a flag where a group is long."""

    i: TokenStream
    o: TokenStream

    def __init__(self, longest):
        self.longest = longest
        ports = {"i": In(tokens(NUMBER, 1)), "o": Out(tokens(NUMBER, 1))}
        super().__init__(ports, flags=["long"])

    def model(self, i):
        ends = np.flatnonzero(i.last[:, 0])
        starts = np.append(0, ends[:-1] + 1)
        places = np.concatenate([np.arange(n) for n in ends + 1 - starts])
        return Stream(places % 256, i.last), {"long": int((places == self.longest).sum())}

    def elaborate(self, platform):
        m = Module()
        place = Signal(8)
        fire = self.i.valid & self.i.ready
        m.d.comb += [self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready)]
        m.d.comb += Value.cast(self.o.payload.data).eq(place)
        m.d.comb += self.o.payload.last.eq(self.i.payload.last)
        m.d.comb += self.events["long"].eq(fire & (place == self.longest))
        with m.If(fire):
            m.d.sync += place.eq(place + 1)
            with m.If(self.i.payload.last[0]):
                m.d.sync += place.eq(0)
        self.remember(m)
        return m


class Ramp(Dataflow):
    """Half of each row's sum, and each token's place."""

    def __init__(self, longest=3):
        super().__init__()
        x = self.input(NUMBER, rank=1)

        left, right = self.fork(x)
        half = self.map(Halve(), left)
        total = self.reduce(Sum(NUMBER, growth=8), half)
        place = self.add(Count(longest), i=right)

        self.output(total=total, place=place)
