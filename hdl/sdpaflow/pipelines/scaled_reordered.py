"""The row's maximum, and division after the product with V."""

from sdpaflow.numerics import Exp2, Max, Subtract, Sum
from sdpaflow.pipelines.attention import Attention
from sdpaflow.pipelines.config import Config

__all__ = ["ScaledReordered"]


class ScaledReordered(Attention):
    """Attention divided last: each row waits for its maximum only.

        q ── repeat ─┐
        k ───────────┴ q·k ─┬═══════ row ══════╗
                            └─ max ── repeat ──╨ s−m ── exp ─┬─ sum ───────────┐
                                                             └────┐            │
        v ────────────────────────────────────────────────────────┴ fold(e·v) ─┴ div ── o

    One long FIFO, ``row``.
    """

    stores_rows = True

    def __init__(self, config: Config):
        super().__init__(config)
        q, k, v = self.qkv()

        s_ij = self.scores(q, k)
        s_row, s_max = self.fork(s_ij)
        m_i = self.reduce(Max(s_max.shape), s_max)
        row = s_row.fifo(self.row_depth(s_row, m_i))
        sm_ij = self.repeat(m_i, over=row)
        x_ij = self.map(Subtract(row.shape, m_i.shape), sm_ij)
        e_ij = self.map(Exp2(x_ij.shape, config.weight, config.segments), x_ij)
        e_sum, e_num = self.fork(e_ij)
        l_i = self.reduce(Sum(e_sum.shape, config.row_bits), e_sum)
        a_i = self.weigh(e_num, v, growth=config.row_bits)
        o_i = self.divide_by(l_i, a_i)

        self.output(o=o_i)
