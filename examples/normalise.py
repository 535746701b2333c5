"""Divide each number of a row by the row's sum: the smallest pipeline that has to store a row.

The sum of a row is known when its last number has come. Until then, the row waits in a FIFO. How
deep that FIFO has to be follows from the latencies of the two branches; ``depths`` confirms it by
simulation.
"""

import numpy as np
from sdpaflow import UQ, Dataflow, Divide, Sum, skew
from sdpaflow_sim import check, depths, stream_of

X = UQ(4, 8)
SHARE = UQ(1, 15)


class Normalise(Dataflow):
    """x_ij / Σ_j x_ij: each row waits for its sum.

    Parameters
    ----------
    row_max : :class:`int`
        Numbers in the longest row.
    """

    def __init__(self, row_max):
        super().__init__()
        x = self.input(X, rank=1)

        x_row, x_sum = self.fork(x)
        sum_i = self.reduce(Sum(x.shape, growth=8), x_sum)
        row = x_row.fifo(row_max + skew(x_row, sum_i))
        row_sum = self.repeat(sum_i, over=row)
        share = self.map(Divide(x.shape, sum_i.shape, SHARE), row_sum)

        self.output(share=share)


def main():
    """Rows of three, six and eight numbers."""
    rng = np.random.default_rng(0)
    rows = [rng.integers(1, 4000, n) * X.ulp for n in (3, 6, 8, 8, 8)]
    inputs = {"x": stream_of(X, [list(row) for row in rows], rank=1)}

    outputs, trace = check(Normalise(row_max=8), inputs)
    shares = outputs["share"].data * SHARE.ulp
    exact = np.concatenate([row / row.sum() for row in rows])
    print(f"{len(exact)} numbers in {trace.cycles} cycles, every bit equal to the model")
    print(f"largest error against float64: {np.abs(shares - exact).max() / SHARE.ulp:.2f} ulp")

    (row,) = depths(lambda: Normalise(row_max=8), inputs, names=["row"])
    print(f"row FIFO: {row.built} words as built; {row.completes} to complete, ", end="")
    print(f"{row.full_rate} for full rate")


if __name__ == "__main__":
    main()
