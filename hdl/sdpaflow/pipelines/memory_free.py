"""Running maximum, and division after the product with V."""

from collections.abc import Sequence

from sdpaflow.graph import Wire
from sdpaflow.numerics import Fold, Places, RescaledSum, Rescaling, RunningMax
from sdpaflow.numerics.rescaling import BLOCK
from sdpaflow.pipelines import bound
from sdpaflow.pipelines.attention import Attention
from sdpaflow.pipelines.config import ROW_BITS, Config
from sdpaflow.scores.modifier import Modifier

__all__ = ["MemoryFree"]


class MemoryFree(Attention):
    """Attention that keeps running results instead of rows: nothing waits for anything.

        q ── repeat ─┐
        k ───────────┴ q·k ── max ── s−u ── exp ─┬─ fold(l·2⁻ˢ + w·2⁻ᵉ) ──────┐
                             scan   scan         └─────┐                      │
        v ─────────────────────────────────────────────┴ fold(a·2⁻ˢ + wv·2⁻ᵉ) ┴ div ── o

    No long FIFO. Each weight ``w · 2**-e = 2**(s - u)`` is relative to the unit of the sums, which
    follows the maximum so far, and travels with the shift by which that unit has just risen. The
    maximum looks one score ahead, so that the last two weights of a row, which end in different
    partial sums, have the same unit.
    """

    places = Places(2)
    """Two places to a step: one level of shifters less in each lane than with one."""

    def __init__(self, config: Config, score: Sequence[Modifier] = ()):
        super().__init__(config, score)
        q, k, v = self.qkv()

        s_ij = self.scores(q, k)
        m_ij = self.scan(RunningMax(s_ij.shape), s_ij, ahead=True)
        x_ij = self.scan(Rescaling(m_ij.shape, self.places, self.holes), m_ij)
        w_ij = self.map(self.exp(x_ij.shape), x_ij)
        w_sum, w_num = self.fork(w_ij)
        l_i = self.reduce(self.running_norm(w_sum), w_sum)
        wv_ij = self.weigh(w_num, v)
        a_i = self.total(self.running_sum(wv_ij), wv_ij)
        o_i = self.divide_by(l_i, a_i)

        self.output(o=o_i)

    def running_norm(self, w_ij: Wire) -> Fold:
        """The sum of the weights: it has room for all keys, and need not be watched."""
        return RescaledSum(
            w_ij.shape,
            "weight",
            ROW_BITS,
            step=self.places.step,
            f_bits=self.config.norm_bits,
            result_bits=self.config.divisor_bits,
            watched=False,
        )

    def running_sum(self, wv_ij: Wire) -> Fold:
        """The sum of the weighted values."""
        return RescaledSum(
            wv_ij.shape,
            "weight",
            ROW_BITS,
            step=2 * self.places.step,
            f_bits=self.config.sum_bits,
            result_bits=self.config.dividend_bits,
        )

    def error_terms(self, keys: int) -> dict[str, float]:
        config = self.config
        # The unit is at most 7 places above the maximum, and that one above the greatest score.
        least = 2.0**-BLOCK
        values, norm = config.dividend_bits, config.divisor_bits
        return {
            "weights": bound.weights(config, self.places),
            "faint weights": bound.faint(config, self.places, keys, least),
            "sum of values": bound.summed(config, keys, config.sum_bits, least, 0.5),
            "sum of weights": bound.normed(config, keys, config.norm_bits, least, 0.5),
            "rescaling": bound.rescaled(config, least),
            "emptying": bound.emptied(config, keys),
            "dividend": bound.summed(config, 2, values, least, values < config.sum_bits),
            "divisor": bound.normed(config, 2, norm, least, norm < config.norm_bits),
            "division": bound.ROUNDING,
        }
