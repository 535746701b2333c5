"""How far an output can be off at most, term by term.

All errors are in units of the output's last place, against softmax attention of the quantised
inputs, for any scores and any values. Weights and sums are in parts of the sum's unit, of which a
row's sum of weights is at least ``least``.
"""

import functools
import math

import numpy as np

from sdpaflow.numerics import Exp2, Places, raw
from sdpaflow.numerics.rescaling import BLOCK, BLOCKS
from sdpaflow.pipelines.config import Config

__all__ = [
    "ROUNDING",
    "divided_first",
    "divided_last",
    "emptied",
    "faint",
    "normed",
    "rescaled",
    "summed",
    "weights",
]

ROUNDING = 0.5
"""The last step rounds to nearest, be it a division or not."""

SECOND_ORDER = 1.001
"""Errors multiply; all of them are far below a thousandth."""


def largest(config: Config) -> float:
    """The largest value."""
    return math.ldexp(1.0, config.v.i_bits - 1 + config.o.f_bits)


@functools.cache
def _relative(config: Config, places: Places) -> float:
    """Largest relative error of a weight that has all its bits, over all of them.

    A score is rounded, then 2**x, in a table and to the weight's bits.
    """
    score = config.score
    x, ones = places.x(score), np.arange(1 << score.f_bits)
    rounding = math.log(2) * score.ulp / 2 if config.dot.f_bits > score.f_bits else 0.0
    greatest = 0.0
    for rest in range(places.step):
        given = ones - (1 + rest << score.f_bits)
        found, _ = Exp2(x, config.weight, config.segments).evaluate(given)
        ratio = raw.to_float(found, config.weight) / np.exp2(raw.to_float(given, x))
        greatest = max(greatest, float(np.abs(ratio - 1).max()))
    return greatest + rounding


def weights(config: Config, places: Places) -> float:
    """Every weight off by as much as can be, half of all up and the others down.

    The values that they weigh are as far apart as can be; where they are equal, the errors cancel.
    """
    return _relative(config, places) * largest(config) * SECOND_ORDER


def faint(config: Config, places: Places, keys: int, least: float) -> float:
    """Weights too far below the unit to have all their bits: each off by half a unit of its own."""
    each = math.ldexp(1.0, -(config.weight_bits + 1) - places.most)
    return (keys - 1) * each / least * 2 * largest(config)


def summed(config: Config, keys: int, f_bits: int, least: float, lost: float) -> float:
    """Weighted values that each lose a part ``lost`` of a sum's last place, of so many bits."""
    return keys * math.ldexp(lost, config.o.f_bits - f_bits) / least


def normed(config: Config, keys: int, f_bits: int, least: float, lost: float) -> float:
    """Weights likewise, in the sum that is divided by."""
    return keys * math.ldexp(lost, -f_bits) * largest(config) / least


def rescaled(config: Config, least: float) -> float:
    """Two partial sums, rounded down whenever they are shifted, which shrinks what was lost."""
    lost = 2 / (1 - 2.0**-BLOCK)
    values = summed(config, 1, config.sum_bits, least, lost)
    return values + normed(config, 1, config.norm_bits, least, lost)


def emptied(config: Config, keys: int) -> float:
    """Keys lost because the unit rose by too many blocks."""
    return (keys - 1) * math.ldexp(1.0, -BLOCK * (BLOCKS - 1)) * 2 * largest(config)


def divided_first(config: Config, places: Places, keys: int, least: float) -> dict[str, float]:
    """All terms of a pipeline that divides a stored row's weights, and weighs values by shares.

    Of a sum, the mantissa is rounded down; the quotient is at least a half.
    """
    shares = math.ldexp(2.0, -config.mantissa_bits) + config.share.ulp
    return {
        "weights": weights(config, places),
        "faint weights": faint(config, places, keys, least),
        "sum of weights": normed(config, keys, config.row_norm_bits, least, 1.0),
        "shares": shares * largest(config),
        "sum of values": summed(config, keys, config.share_bits, 1.0, 1.0),
        "rounding": ROUNDING,
    }


def divided_last(
    config: Config, places: Places, keys: int, f_bits: int, least: float
) -> dict[str, float]:
    """All terms of a pipeline that divides a sum of ``f_bits`` by one that is not rescaled."""
    return {
        "weights": weights(config, places),
        "faint weights": faint(config, places, keys, least),
        "sum of values": summed(config, keys, f_bits, least, 1.0),
        "sum of weights": normed(config, keys, config.row_norm_bits, least, 1.0),
        "divisor": normed(config, 1, config.divisor_bits, least, 1.0),
        "division": ROUNDING,
    }
