"""The row's maximum, and division before the product with V."""

from collections.abc import Sequence

from sdpaflow.numerics import Max, Narrow, Normalise, Share, Sum
from sdpaflow.pipelines import bound
from sdpaflow.pipelines.attention import Attention
from sdpaflow.pipelines.config import Config
from sdpaflow.scores.modifier import Modifier

__all__ = ["Scaled"]


class Scaled(Attention):
    """Attention as written and made safe: each row waits for its maximum, then for its sum.

        q ── repeat ─┐
        k ───────────┴ q·k ─┬════ s_wait ════╗
                            └─ max ── repeat ╨ s−m ── exp ─┬════ e_wait ════╗
                                                           └─ sum ── repeat ╨ div ─┐
        v ─────────────────────────────────────────────────────────────────────────┴ fold(p·v) ── o

    Two long FIFOs, ``s_wait`` and ``e_wait``. What waits for the sum is a weight with an exponent;
    the sum is normalised once per row, and shares have an exponent too.
    """

    stores_rows = True

    def __init__(self, config: Config, score: Sequence[Modifier] = ()):
        super().__init__(config, score)
        q, k, v = self.qkv()

        s_ij = self.scores(q, k)
        s_row, s_max = self.fork(s_ij)
        m_i = self.reduce(Max(s_max.shape), s_max)
        s_wait = s_row.fifo(self.row_depth(s_row, m_i))
        sm_ij = self.repeat(m_i, over=s_wait)
        e_ij = self.map(self.power(s_wait.shape, m_i.shape), sm_ij)
        e_row, e_sum = self.fork(e_ij)
        l_ij = self.map(self.placed_weight(e_sum), e_sum)
        r_i = self.reduce(Sum(l_ij.shape, config.row_bits), l_ij)
        l_i = self.map(Normalise(r_i.shape, config.mantissa_bits, 0, self.holes), r_i)
        e_wait = e_row.fifo(self.row_depth(e_row, l_i))
        el_ij = self.repeat(l_i, over=e_wait)
        p_ij = self.map(Share(e_wait.shape, l_i.shape, config.share), el_ij)
        wv_ij = self.weigh(p_ij, v, config.share_bits)
        a_i = self.total(Sum(wv_ij.shape, 0), wv_ij)
        o_i = self.map(Narrow(a_i.shape, config.o), a_i)

        self.output(o=o_i)

    def error_terms(self, keys: int) -> dict[str, float]:
        return bound.divided_first(self.config, self.places, keys, least=0.5)
