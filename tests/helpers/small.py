"""A small graph with what an FPGA has: a long FIFO, a product, a sum, numbers that are clamped."""

from sdpaflow.graph import Dataflow
from sdpaflow.numerics import SQ, Multiply, Narrow, Sum

__all__ = ["Small"]


class Small(Dataflow):
    """Each row of numbers times its sum."""

    def __init__(self, row_max=1024):
        super().__init__()
        x = self.input(SQ(4, 8), rank=1)
        x_row, x_sum = self.fork(x)
        total = self.reduce(Sum(x.shape, growth=4), x_sum)
        row = x_row.fifo(row_max)
        pair = self.repeat(total, over=row)
        product = self.map(Multiply(x.shape, total.shape), pair)
        y = self.map(Narrow(product.shape, x.shape), product)
        self.output(y=y)
