"""No maximum, and division after the product with V."""

from collections.abc import Sequence

from sdpaflow.numerics import Narrow, Sum
from sdpaflow.numerics.fixed import UQ
from sdpaflow.pipelines import bound
from sdpaflow.pipelines.attention import Attention
from sdpaflow.pipelines.config import ROW_BITS, UNPROTECTED, Config
from sdpaflow.scores.modifier import Modifier

__all__ = ["Reordered"]


class Reordered(Attention):
    """Attention divided last: no row has to wait, but nothing protects the range.

        q ── repeat ─┐
        k ───────────┴ q·k ── exp ─┬─ sum ───────────┐
                                   └────┐            │
        v ──────────────────────────────┴ fold(e·v) ─┴ div ── o

    No long FIFO. No maximum is subtracted: scores of 8 or more, in base 2, saturate. Rows whose
    scores are all far below 0 lose bits, which nothing says.
    """

    subtracts_maximum = False

    def __init__(self, config: Config, score: Sequence[Modifier] = ()):
        super().__init__(config, score)
        q, k, v = self.qkv()

        s_ij = self.scores(q, k)
        e_ij = self.map(self.power(s_ij.shape, UNPROTECTED), s_ij)
        e_sum, e_num = self.fork(e_ij)
        l_ij = self.map(self.placed_weight(e_sum), e_sum)
        r_i = self.reduce(Sum(l_ij.shape, ROW_BITS), l_ij)
        l_i = self.map(Narrow(r_i.shape, UQ(ROW_BITS, config.divisor_bits), "floor"), r_i)
        wv_ij = self.weigh(e_num, v, config.sum_bits)
        a_i = self.total(Sum(wv_ij.shape, ROW_BITS), wv_ij)
        o_i = self.divide_by(l_i, a_i)

        self.output(o=o_i)

    def error_terms(self, keys: int) -> dict[str, float]:
        """Where the greatest score is 0 or more. With scores below, all but the first term and the
        last double with each place."""
        least = 2.0**-UNPROTECTED
        return bound.divided_last(self.config, self.places, keys, self.config.sum_bits, least)
