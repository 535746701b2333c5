"""Running maximum, and division after the product with V."""

from sdpaflow.numerics import Carry, Exp2, RescaledSum, Rescaling, RunningMax
from sdpaflow.pipelines.attention import Attention
from sdpaflow.pipelines.config import ROW_BITS, Config

__all__ = ["MemoryFree"]


class MemoryFree(Attention):
    """Attention that keeps running results instead of rows: nothing waits for anything.

        q ── repeat ─┐
        k ───────────┴ q·k ── max ── s−m ── exp ─┬─ fold(l·2⁻ˢ + w) ──────┐
                             scan   scan         └─────┐                  │
        v ─────────────────────────────────────────────┴ fold(a·2⁻ˢ + wv) ┴ div ── o

    No long FIFO. Each weight ``w = 2**(s - m)`` is relative to the maximum so far, and travels with
    the shift by which that maximum has just risen. The maximum looks one score ahead, so that the
    last two weights of a row, which end in different partial sums, have the same unit.
    """

    def __init__(self, config: Config):
        super().__init__(config)
        q, k, v = self.qkv()

        s_ij = self.scores(q, k)
        m_ij = self.scan(RunningMax(s_ij.shape), s_ij, ahead=True)
        x_ij = self.scan(Rescaling(m_ij.shape), m_ij)
        exp = Exp2(x_ij.shape.members["x"], config.weight, config.segments)
        w_ij = self.map(Carry(exp, x_ij.shape, "x", result="weight"), x_ij)
        w_sum, w_num = self.fork(w_ij)
        l_i = self.reduce(RescaledSum(w_sum.shape, "weight", ROW_BITS), w_sum)
        a_i = self.weigh(w_num, v, growth=ROW_BITS)
        o_i = self.divide_by(l_i, a_i)

        self.output(o=o_i)
