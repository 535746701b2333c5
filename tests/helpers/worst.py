"""Rows that are hard on weights and sums, and how far a pipeline's model is off on them."""

import math

import numpy as np
from sdpaflow.graph import Stream, interpret_all
from sdpaflow.numerics import Exp2
from sdpaflow.pipelines import PIPELINES, Config

__all__ = ["FAMILIES", "LANES", "build", "error", "hot", "outputs", "spread"]

LANES = 6
STEPS = [0, 5, 10, 20, 35, 50]
"""By which one value of 64 is less, in units of its last place."""

FINE = 24
"""Fraction bits of a score: 4·k0 + 2**-12·k1, with k in units of 2**-12."""


def build(name, keys, **options):
    """A pipeline whose scores are 4·k0 + 2**-12·k1, in base 2."""
    rows = {"row_max": keys} if PIPELINES[name].stores_rows else {}
    return PIPELINES[name](Config(d=2, dv=LANES, scale=math.log(2), **rows, **options))


def streams(pipeline, scores, v):
    """Every stream of the model for one row; scores are multiples of 2**-24 from −32 to 31."""
    raw = np.rint(np.ldexp(scores, FINE)).astype(np.int64)
    high = (raw + (1 << 13)) >> 14
    k = np.stack([high, raw - (high << 14)], axis=1)
    last = np.arange(len(k))[:, None] == len(k) - 1
    given = {
        "q": Stream(np.array([[4 << 12, 1]]), np.zeros((1, 0), dtype=bool)),
        "k": Stream(k, last),
        "v": Stream(v, last),
    }
    return interpret_all(pipeline, given)


def outputs(pipeline, scores, v):
    """Raw outputs, and clamped tokens by unit."""
    found = streams(pipeline, scores, v)
    clamped = {name: n for name, n in found.saturations.items() if n}
    return found.outputs["o"].data[0], clamped


def exact(scores):
    """Softmax in base 2, in long doubles."""
    scores = np.rint(np.ldexp(scores, FINE)) / 2.0**FINE
    weights = np.exp2((scores - scores.max()).astype(np.longdouble))
    return weights / weights.sum()


def shares(pipeline, scores):
    """What each key counts for in the model."""
    found = streams(pipeline, scores, np.zeros((len(scores), LANES), dtype=np.int64)).streams
    token = found[next(name for name in ("p_ij", "w_ij", "e_ij") if name in found)].data
    places = pipeline.places.step * token["down"].astype(np.longdouble)
    weights = token["weight"] * np.exp2(-places)
    if "m_ij" in found:  # relative to the unit that follows the maximum
        unit = (found["m_ij"].data["max"] >> 3 << 3) + 7
        weights = weights * np.exp2((unit - unit.max()).astype(np.longdouble))
    return weights / max(weights.sum(), np.longdouble(1e-300))


def adversarial(pipeline, scores):
    """Values at both ends of their range, by the sign of what each key's share is off by."""
    shape = pipeline.config.v
    more = shares(pipeline, scores) > exact(scores)
    return np.where(more, shape.raw_max, shape.raw_min)


def error(pipeline, scores, *, nudged=False):
    """Largest error in units of the output's last place, and clamped tokens.

    The values: adversarial and its opposite, the row's greatest score against all
    others, 1, alternating, and random.
    """
    shape, n = pipeline.config.v, len(scores)
    bad, rng = adversarial(pipeline, scores), np.random.default_rng(n)
    hottest = np.where(np.arange(n) == np.argmax(scores), shape.raw_max, shape.raw_min)
    one = np.full(n, min(1 << shape.f_bits, shape.raw_max))
    ends = np.where(np.arange(n) % 2, shape.raw_max, shape.raw_min)
    drawn = rng.integers(shape.raw_min, shape.raw_max + 1, n)
    v = np.stack([bad, -1 - bad, hottest, one, ends, drawn], axis=1)
    if nudged:
        v = bad[:, None] - np.sign(bad[:, None]) * np.multiply.outer(np.arange(n) == 0, STEPS)
    found, clamped = outputs(pipeline, scores, v)
    wanted = exact(scores) @ (v * np.longdouble(2) ** (pipeline.config.o.f_bits - shape.f_bits))
    off = np.abs(found - np.clip(wanted, pipeline.config.o.raw_min, pipeline.config.o.raw_max))
    return float(off.max()), clamped


def hot(n, gap):
    """One score above all others."""
    return np.append(np.zeros(1), np.full(n - 1, -gap))


FAMILIES = {
    "equal": lambda n, rng: np.full(n, 0.4321),
    "hot, tail 12.6 nats below": lambda n, rng: hot(n, 12.6 / math.log(2)),
    "tail, then hot": lambda n, rng: hot(n, 12.6 / math.log(2))[::-1],
    "hot, ragged tail": lambda n, rng: np.append(0.3, rng.uniform(-19, -17, n - 1)),
    "hot, tail as heavy": lambda n, rng: hot(n, math.log2(n) + 0.37),
    "rising": lambda n, rng: np.linspace(-14, 0, n),
    "falling": lambda n, rng: np.linspace(0, -14, n),
    "rising far": lambda n, rng: np.linspace(-26, 6, n) * 0.99,
    "normal": lambda n, rng: rng.normal(0, 1.44, n).clip(-15, 8),
    "normal, wide": lambda n, rng: rng.normal(0, 4.3, n).clip(-17, 8),
    "one octave": lambda n, rng: rng.uniform(-1, 0, n),
    "octaves": lambda n, rng: -np.floor(np.log2(1 + np.arange(n))) - rng.uniform(0, 1, n),
}
"""Scores in base 2 of rows of n keys, by name."""


def spread(pipeline, n):
    """Scores whose weights are off by as much as can be, half of them up and the others down.

    All of them within an octave, the one whose weights have the fewest bits; half a unit of the
    score's last place is lost as well.
    """
    config, step = pipeline.config, pipeline.places.step
    score = config.score
    fractions = np.arange(1 << score.f_bits)
    given = fractions - (step << score.f_bits)
    x = pipeline.places.x(score)
    found, _ = Exp2(x, config.weight, config.segments).evaluate(given)
    off = found / np.exp2(given / 2.0**score.f_bits) - (1 << config.weight_bits)
    up, down = (fractions[index] / 2.0**score.f_bits for index in (off.argmax(), off.argmin()))
    half = 2.0 ** -(score.f_bits + 1) - 2.0**-FINE
    return np.where(np.arange(n) % 2, up - half, down + half)
