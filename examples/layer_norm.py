"""Layer normalisation, (x − mean) / √(variance + ε) of each row: an inverse square root.

With s = Σx and t = Σx² of a row of n numbers, n·(x − mean) = n·x − s and n²·variance = n·t − s².
Both are exact in integers, and n cancels: y = (n·x − s) / √(n·t − s² + n²·ε). So no division is
needed, only an inverse square root per row. As in attention, the row waits for its statistics.
"""

import functools

import numpy as np
from amaranth.hdl import Array, Cat, Const, Mux
from amaranth.lib import data
from sdpaflow import SQ, UQ, Dataflow, Multiply, Operator, Sum, skew
from sdpaflow_sim import check, stream_of

X, Y = SQ(4, 8), SQ(5, 11)
F_BITS = 18
"""Fraction bits of the table of 1/√m."""
LINES = 64
"""Lines in the table, for each doubling of m."""


class Moments(Operator):
    """``(s, t) → {s, v}`` with ``v = n·t − s² + n²·ε``; three stages.

    Parameters
    ----------
    s, t : :class:`fixed.Shape`
        Formats of the sum and of the sum of squares.
    n : :class:`int`
        Numbers in a row.
    eps : :class:`float`
        ε, rounded up to a unit of ``v``.
    """

    def __init__(self, s, t, n, eps):
        self.inputs, self.n = (s, t), n
        self.extra = max(1, round(n * n * eps * 2**t.f_bits))
        self.v = UQ(t.i_bits + n.bit_length() + 1, t.f_bits)
        self.shape = data.StructLayout({"s": s, "v": self.v})

    def stages(self):
        def square(s, t):
            return s, s.numerator() * s.numerator(), t.numerator() * self.n + self.extra

        def subtract(s, squared, total):
            return s, (total - squared)[: self.v.width]

        def join(s, v):
            return (self.shape(Cat(s.as_value(), v)),)

        return [square, subtract, join]

    def evaluate(self, s, t):
        return {"s": s, "v": self.n * t - s * s + self.extra}, None


class InverseRoot(Operator):
    """``{s, v} → {s, m, e}`` with ``m · 2**-e ≈ 1/√v``, v as an integer; four stages.

    v is shifted left by an even number of places until it begins with 01, 10 or 11. That is the
    index into a table of lines through ``1/√x`` for 1 ≤ x < 4.
    """

    def __init__(self, layout):
        self.inputs = (layout,)
        v = layout.members["v"].width
        self.v_bits = v + v % 2
        self.table_bits = LINES.bit_length() + 1
        self.rest_bits = self.v_bits - self.table_bits
        self.shape = data.StructLayout({
            "s": layout.members["s"],
            "m": UQ(1, F_BITS),
            "e": UQ((self.v_bits // 2).bit_length()),
        })

    @functools.cached_property
    def table(self):
        """Starts of the lines, and by how much each falls, as integers in ``2**-F_BITS``."""
        ends = np.arange(LINES, 4 * LINES + 1) / LINES
        curve = np.rint(2.0**F_BITS / np.sqrt(ends)).astype(int)
        return curve[:-1].tolist(), (-np.diff(curve)).tolist()

    def stages(self):
        starts, falls = self.table
        pairs = self.v_bits // 2

        def lead(whole):
            v = Cat(whole["v"].as_value(), Const(0, 1))[: self.v_bits]
            places = Const(0, range(pairs))  # pairs of zeros in front
            for pair in range(pairs):
                places = Mux(v[2 * pair : 2 * pair + 2].any(), pairs - 1 - pair, places)
            return whole["s"], v, places

        def normalise(s, v, places):
            return s, (v << (places << 1))[: self.v_bits], places

        def look_up(s, v, places):
            line = v[self.rest_bits :] - LINES
            start = Array(Const(n, F_BITS + 1) for n in starts)[line]
            fall = Array(Const(n, max(falls).bit_length()) for n in falls)[line]
            # The top 12 bits of what is left of v are enough to interpolate by.
            return s, start, fall, v[: self.rest_bits][-12:], pairs - 1 - places

        def interpolate(s, start, fall, rest, e):
            m = (start - (fall * rest >> 12))[: F_BITS + 1]
            fields = [s.as_value(), m, e[: self.shape.members["e"].width]]
            return (self.shape(Cat(fields)),)

        return [lead, normalise, look_up, interpolate]

    def evaluate(self, whole):
        starts, falls = map(np.array, self.table)
        v = whole["v"]
        e = (np.frexp(v.astype(float))[1] - 1) // 2  # v < 2**53: the exponent is exact
        v = v << (self.v_bits - 2 - 2 * e)
        line = (v >> self.rest_bits) - LINES
        rest = v >> (self.rest_bits - 12) & 0xFFF
        return {"s": whole["s"], "m": starts[line] - (falls[line] * rest >> 12), "e": e}, None


class Scale(Operator):
    """``x, {s, m, e} → (n·x − s)·m·2**-e``, rounded to nearest, ties up; three stages."""

    def __init__(self, x, layout, n):
        self.inputs, self.n, self.shape = (x, layout), n, Y
        self.down = F_BITS - Y.f_bits - 1

    def stages(self):
        def centre(x, row):
            return x.numerator() * self.n - row["s"].numerator(), row["m"].as_value(), row["e"]

        def multiply(centred, m, e):
            return centred * m, e.as_value()

        def shift(product, e):
            doubled = (product >> self.down) >> e
            return (Y(((doubled + 1) >> 1)[: Y.width]),)

        return [centre, multiply, shift]

    def evaluate(self, x, row):
        product = (self.n * x - row["s"]) * row["m"]
        return (((product >> self.down) >> row["e"]) + 1) >> 1, None


class LayerNorm(Dataflow):
    """(x_ij − mean_i) / √(variance_i + ε) of rows of ``n`` numbers, at most 64."""

    def __init__(self, n, eps=1e-5):
        super().__init__()
        x = self.input(X, rank=1)
        growth = n.bit_length()

        x_row, x_sum, x_a, x_b = self.fork(x)
        s_i = self.reduce(Sum(x.shape, growth), x_sum)
        xx_ij = self.map(Multiply(x.shape, x.shape), x_a, x_b)
        t_i = self.reduce(Sum(xx_ij.shape, growth), xx_ij)
        v_i = self.map(Moments(s_i.shape, t_i.shape, n, eps), s_i, t_i)
        r_i = self.map(InverseRoot(v_i.shape), v_i)
        row = x_row.fifo(n + skew(x_row, r_i))
        xr_ij = self.repeat(r_i, over=row)
        y = self.map(Scale(x.shape, r_i.shape, n), xr_ij)

        self.output(y=y)


def main():
    """Rows of 48 numbers: wide, narrow, far from zero, with one outlier, and constant."""
    n, eps = 48, 1e-5
    rng = np.random.default_rng(0)
    rows = rng.normal(0, 1, (5, n)) * [[2], [0.05], [0.5], [0.01], [0]] + [[0], [0], [5], [0], [3]]
    rows[3, 7] = 7
    inputs = {"x": stream_of(X, rows.clip(-8, 7.99).tolist(), rank=1)}

    outputs, trace = check(LayerNorm(n, eps), inputs)
    given = inputs["x"].data.reshape(rows.shape) * X.ulp
    exact = given - given.mean(axis=1, keepdims=True)
    exact /= np.sqrt(given.var(axis=1, keepdims=True) + eps)
    found = outputs["y"].data.reshape(rows.shape) * Y.ulp
    print(f"{rows.size} numbers in {trace.cycles} cycles, every bit equal to the model")
    print(f"largest error against float64: {np.abs(found - exact).max() / Y.ulp:.2f} ulp of {Y!r}")


if __name__ == "__main__":
    main()
