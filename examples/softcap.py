"""Attention whose scores are capped smoothly, cap · tanh(s / cap): an operator of one's own.

Large models cap their scores so that none of them dominates. The cap is a function of one score,
before any maximum, so it is one more line in the memory-free pipeline. Scores there are in base 2,
that is, multiplied by log2(e); the cap is multiplied by it too, and nothing else changes.
"""

import functools
import math

import numpy as np
from amaranth.hdl import Array, Const, Mux
from sdpaflow import Config, MemoryFree, Operator
from sdpaflow_sim import run

LINES = 512


class Softcap(Operator):
    """``cap · tanh(s / cap)``, by lines through the curve; its sign is that of ``s``.

    Three stages: take the magnitude, look up a line, multiply and add. One token per cycle. Beyond
    the table the result is the cap.

    Parameters
    ----------
    score : :class:`fixed.Shape`
        Format of argument and result, signed.
    cap : :class:`float`
        In units of a score, greater than zero.
    """

    def __init__(self, score, cap):
        if not 0 < cap < score.max():
            raise ValueError(f"Cap must be above 0 and below {score.max()}, not {cap}")
        self.inputs, self.shape, self.cap = (score,), score, cap
        # The table ends where tanh is 1 but for 1e-4: at the power of two above 5 caps.
        self.table_bits = min(math.ceil(math.log2(5 * cap)) + score.f_bits, score.width - 1)
        self.rest_bits = self.table_bits - LINES.bit_length() + 1
        if self.rest_bits < 1:
            raise ValueError(f"{score!r} has too few bits for {LINES} lines and a cap of {cap}")

    @functools.cached_property
    def table(self):
        """Starts and slopes of the lines as integers; slopes count in ``2**-rest_bits``."""
        ends = np.arange(LINES + 1) * 2.0 ** (self.rest_bits - self.shape.f_bits)
        curve = self.cap * np.tanh(ends / self.cap)
        starts = np.rint(np.ldexp(curve, self.shape.f_bits)).astype(int)
        return starts[:-1].tolist(), np.diff(starts).tolist(), int(starts[-1])

    def stages(self):
        starts, slopes, end = self.table
        wide = end.bit_length()

        def magnitude(score):
            raw = score.numerator()
            return abs(raw)[: self.shape.width], raw[-1]

        def look_up(size, negative):
            line = size[self.rest_bits : self.table_bits]
            start = Array(Const(n, wide) for n in starts)[line]
            slope = Array(Const(n, max(slopes).bit_length()) for n in slopes)[line]
            beyond = size[self.table_bits :].any()
            return start, slope, size[: self.rest_bits], beyond, negative

        def multiply(start, slope, rest, beyond, negative):
            inside = start + (slope * rest >> self.rest_bits)
            size = Mux(beyond, end, inside)
            result = Mux(negative, -size, size) + self.shape.const(0)  # as wide as the score
            return (self.shape(result[: self.shape.width]),)

        return [magnitude, look_up, multiply]

    def evaluate(self, raw):
        starts, slopes, end = map(np.array, self.table)
        size = np.abs(raw)
        line = (size >> self.rest_bits) % LINES
        inside = starts[line] + (slopes[line] * (size % (1 << self.rest_bits)) >> self.rest_bits)
        return np.sign(raw) * np.where(size >> self.table_bits, end, inside), None


class Softcapped(MemoryFree):
    """Memory-free attention with scores capped at ``cap``, in the units of softmax's argument."""

    def __init__(self, config, cap):
        self.cap = cap
        super().__init__(config)

    def scores(self, q, k):
        s_ij = super().scores(q, k)
        cap_ij = self.map(Softcap(s_ij.shape, self.cap / math.log(2)), s_ij)
        return cap_ij

    def reference(self, q, k, v, lengths=None):
        scores = self.cap * np.tanh(self.config.scale * np.dot(q, np.transpose(k)) / self.cap)
        if lengths is not None:
            kept = np.arange(len(k)) < np.asarray(lengths)[:, None]
            scores = np.where(kept, scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return weights @ v / weights.sum(axis=1, keepdims=True)


def main():
    """Scores of up to ±20 or so, capped at 5, against float64; and what the cap changed."""
    d, cap = 8, 5.0
    rng = np.random.default_rng(0)
    q, k, v = (rng.normal(0, size, (24, d)).clip(-7.9, 7.9) for size in (2, 2, 1))

    config = Config(d=d)
    report = run(Softcapped(config, cap), q, k, v)
    assert report.bit_exact
    plain = run(MemoryFree(config), q, k, v)

    most = np.abs(config.scale * q @ k.T).max()
    print(f"{report.scores} scores of up to {most:.1f}, capped at {cap:g}")
    print(f"{report.cycles} cycles ({plain.cycles} without), every bit equal to the model")
    error = report.max_abs_error / report.output_ulp
    print(f"largest error against float64: {error:.2f} ulp of {config.o!r}")
    print(f"largest change by the cap:     {np.abs(report.outputs - plain.outputs).max():.5f}")


if __name__ == "__main__":
    main()
