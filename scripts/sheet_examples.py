"""The least graph around each unit, for its datasheet: drawn, and shown as code."""

from sdpaflow import SQ, UQ, Dataflow, Max, Multiply, RunningMax, Sum

__all__ = ["EXAMPLES"]


class Map(Dataflow):
    """A product of two streams."""

    def __init__(self):
        super().__init__()
        a = self.input(SQ(4, 12))
        b = self.input(SQ(4, 12))
        product = self.map(Multiply(a.shape, b.shape), a, b)
        self.output(product=product)


class Reduce(Dataflow):
    """A sum of each row."""

    def __init__(self):
        super().__init__()
        x = self.input(SQ(4, 12), rank=1)
        total = self.reduce(Sum(x.shape, growth=8), x)
        self.output(total=total)


class MemReduce(Dataflow):
    """A sum over rows, position by position."""

    def __init__(self):
        super().__init__()
        x = self.input(SQ(4, 12), rank=2)
        totals = self.mem_reduce(Sum(x.shape, growth=8), x, size=16)
        self.output(totals=totals)


class Scan(Dataflow):
    """A running maximum."""

    def __init__(self):
        super().__init__()
        s = self.input(SQ(8, 8), rank=1)
        m = self.scan(RunningMax(s.shape), s)
        self.output(m=m)


class Repeat(Dataflow):
    """A number beside each token of a row."""

    def __init__(self):
        super().__init__()
        row = self.input(SQ(4, 12), rank=1)
        factor = self.input(UQ(1, 15))
        pairs = self.repeat(factor, over=row)
        product = self.map(Multiply(row.shape, factor.shape), pairs)
        self.output(product=product)


class Replay(Dataflow):
    """A query in beats beside each of its keys."""

    def __init__(self):
        super().__init__()
        q = self.input(SQ(4, 12), rank=1)
        k = self.input(SQ(4, 12), rank=2)
        pairs = self.replay(q, over=k, size=4)
        product = self.map(Multiply(k.shape, q.shape), pairs)
        self.output(product=product)


class Fork(Dataflow):
    """A row twice: its maximum and its sum."""

    def __init__(self):
        super().__init__()
        x = self.input(SQ(4, 12), rank=1)
        x_max, x_sum = self.fork(x)
        top = self.reduce(Max(x.shape), x_max)
        total = self.reduce(Sum(x.shape, growth=8), x_sum)
        self.output(top=top, total=total)


class Fifo(Dataflow):
    """A row that waits for its sum."""

    def __init__(self):
        super().__init__()
        x = self.input(SQ(4, 12), rank=1)
        x_row, x_sum = self.fork(x)
        total = self.reduce(Sum(x.shape, growth=8), x_sum)
        row = x_row.fifo(35)
        pairs = self.repeat(total, over=row)
        product = self.map(Multiply(row.shape, total.shape), pairs)
        self.output(product=product)


EXAMPLES = (Map, Reduce, MemReduce, Scan, Repeat, Replay, Fork, Fifo)
