"""Softmax as written: divide, then multiply by V."""

from sdpaflow.numerics import Divide, Exp2, Narrow, Sum
from sdpaflow.pipelines.attention import Attention
from sdpaflow.pipelines.config import Config

__all__ = ["Naive"]


class Naive(Attention):
    """Attention as written: each row waits for its sum.

        q ── repeat ─┐
        k ───────────┴ q·k ── exp ─┬═══════ row ═══════╗
                                   └─ sum ── repeat ───╨─ div ─┐
        v ─────────────────────────────────────────────────────┴ fold(p·v) ── o

    One long FIFO, ``row``. No maximum is subtracted: scores of 8 or more, in base 2, saturate, and
    so does the division of a row whose exponentials are all so small that their sum is zero.
    """

    stores_rows = True

    def __init__(self, config: Config):
        super().__init__(config)
        q, k, v = self.qkv()

        s_ij = self.scores(q, k)
        e_ij = self.map(Exp2(s_ij.shape, config.unprotected, config.segments), s_ij)
        e_row, e_sum = self.fork(e_ij)
        l_i = self.reduce(Sum(e_sum.shape, config.row_bits), e_sum)
        row = e_row.fifo(self.row_depth(e_row, l_i))
        el_ij = self.repeat(l_i, over=row)
        divide = Divide(row.shape, l_i.shape, config.probability)
        p_ij = self.map(divide, el_ij)
        a_i = self.weigh(p_ij, v, growth=config.row_bits)
        o_i = self.map(Narrow(a_i.shape, config.o), a_i)

        self.output(o=o_i)
