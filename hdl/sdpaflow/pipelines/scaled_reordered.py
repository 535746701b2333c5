"""The row's maximum, and division after the product with V."""

from collections.abc import Sequence

from sdpaflow.numerics import Max, Narrow, Sum
from sdpaflow.numerics.fixed import UQ
from sdpaflow.pipelines import bound
from sdpaflow.pipelines.attention import Attention
from sdpaflow.pipelines.config import Config
from sdpaflow.scores.modifier import Modifier

__all__ = ["ScaledReordered"]


class ScaledReordered(Attention):
    """Attention divided last: each row waits for its maximum only.

        q ── repeat ─┐
        k ───────────┴ q·k ─┬═══════ row ══════╗
                            └─ max ── repeat ──╨ s−m ── exp ─┬─ sum(w·2⁻ᵉ) ────────┐
                                                             └────┐                │
        v ────────────────────────────────────────────────────────┴ fold(wv·2⁻ᵉ) ──┴ div ── o

    One long FIFO, ``row``. Each weight is a number of few bits ``w`` and places ``e``.
    """

    stores_rows = True

    def __init__(self, config: Config, score: Sequence[Modifier] = ()):
        super().__init__(config, score)
        q, k, v = self.qkv()

        s_ij = self.scores(q, k)
        s_row, s_max = self.fork(s_ij)
        m_i = self.reduce(Max(s_max.shape), s_max)
        row = s_row.fifo(self.row_depth(s_row, m_i))
        sm_ij = self.repeat(m_i, over=row)
        e_ij = self.map(self.power(row.shape, m_i.shape), sm_ij)
        e_sum, e_num = self.fork(e_ij)
        l_ij = self.map(self.placed_weight(e_sum), e_sum)
        r_i = self.reduce(Sum(l_ij.shape, config.row_bits), l_ij)
        l_i = self.map(Narrow(r_i.shape, UQ(config.row_bits, config.divisor_bits), "floor"), r_i)
        wv_ij = self.weigh(e_num, v, config.sum_bits - 4)
        a_i = self.total(Sum(wv_ij.shape, config.row_bits), wv_ij)
        o_i = self.divide_by(l_i, a_i)

        self.output(o=o_i)

    def error_terms(self, keys: int) -> dict[str, float]:
        sum_bits = self.config.sum_bits - 4
        return bound.divided_last(self.config, self.places, keys, sum_bits, least=0.5)
