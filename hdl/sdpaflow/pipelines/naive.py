"""Softmax as written: divide, then multiply by V."""

import math
from collections.abc import Sequence

from sdpaflow.numerics import Narrow, Normalise, Share, Sum
from sdpaflow.pipelines import bound
from sdpaflow.pipelines.attention import Attention
from sdpaflow.pipelines.config import UNPROTECTED, Config
from sdpaflow.scores.modifier import Modifier

__all__ = ["Naive"]


class Naive(Attention):
    """Attention as written: each row waits for its sum.

        q ── repeat ─┐
        k ───────────┴ q·k ── exp ─┬═══════ row ═══════╗
                                   └─ sum ── repeat ───╨─ div ─┐
        v ─────────────────────────────────────────────────────┴ fold(p·v) ── o

    One long FIFO, ``row``. No maximum is subtracted: scores of 8 or more, in base 2, saturate. A
    row whose sum is so small that it is not known well enough counts as clamped, share by share.
    What waits is a weight with an exponent; the sum is normalised once per row, and shares have an
    exponent too.
    """

    stores_rows = True
    subtracts_maximum = False

    def __init__(self, config: Config, score: Sequence[Modifier] = ()):
        super().__init__(config, score)
        q, k, v = self.qkv()

        s_ij = self.scores(q, k)
        e_ij = self.map(self.power(s_ij.shape, UNPROTECTED), s_ij)
        e_row, e_sum = self.fork(e_ij)
        l_ij = self.map(self.placed_weight(e_sum), e_sum)
        r_i = self.reduce(Sum(l_ij.shape, config.row_bits), l_ij)
        l_i = self.map(
            Normalise(r_i.shape, config.mantissa_bits, config.least_norm, self.holes), r_i
        )
        row = e_row.fifo(self.row_depth(e_row, l_i))
        el_ij = self.repeat(l_i, over=row)
        p_ij = self.map(Share(row.shape, l_i.shape, config.share), el_ij)
        wv_ij = self.weigh(p_ij, v, config.share_bits)
        a_i = self.total(Sum(wv_ij.shape, config.row_bits), wv_ij)
        o_i = self.map(Narrow(a_i.shape, config.o), a_i)

        self.output(o=o_i)

    def error_terms(self, keys: int) -> dict[str, float]:
        least = math.ldexp(0.5, self.config.least_norm)
        return bound.divided_first(self.config, self.places, keys, least)
