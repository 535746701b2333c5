"""The row's maximum, and division before the product with V."""

from sdpaflow.numerics import Divide, Exp2, Max, Narrow, Subtract, Sum
from sdpaflow.pipelines.attention import Attention
from sdpaflow.pipelines.config import Config

__all__ = ["Scaled"]


class Scaled(Attention):
    """Attention as written and made safe: each row waits for its maximum, then for its sum.

        q ── repeat ─┐
        k ───────────┴ q·k ─┬════ s_wait ════╗
                            └─ max ── repeat ╨ s−m ── exp ─┬════ e_wait ════╗
                                                           └─ sum ── repeat ╨ div ─┐
        v ─────────────────────────────────────────────────────────────────────────┴ fold(p·v) ── o

    Two long FIFOs, ``s_wait`` and ``e_wait``.
    """

    stores_rows = True

    def __init__(self, config: Config):
        super().__init__(config)
        q, k, v = self.qkv()

        s_ij = self.scores(q, k)
        s_row, s_max = self.fork(s_ij)
        m_i = self.reduce(Max(s_max.shape), s_max)
        s_wait = s_row.fifo(self.row_depth(s_row, m_i))
        sm_ij = self.repeat(m_i, over=s_wait)
        x_ij = self.map(Subtract(s_wait.shape, m_i.shape), sm_ij)
        e_ij = self.map(Exp2(x_ij.shape, config.weight, config.segments), x_ij)
        e_row, e_sum = self.fork(e_ij)
        l_i = self.reduce(Sum(e_sum.shape, config.row_bits), e_sum)
        e_wait = e_row.fifo(self.row_depth(e_row, l_i))
        el_ij = self.repeat(l_i, over=e_wait)
        divide = Divide(e_wait.shape, l_i.shape, config.probability)
        p_ij = self.map(divide, el_ij)
        a_i = self.weigh(p_ij, v, growth=1)
        o_i = self.map(Narrow(a_i.shape, config.o), a_i)

        self.output(o=o_i)
