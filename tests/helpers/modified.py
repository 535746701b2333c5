"""Pipelines whose scores are modified: their inputs, and what they should give."""

import numpy as np
from sdpaflow.pipelines import PIPELINES, Config
from sdpaflow_sim.streams import stream_of

N_Q, N_K, D = 5, 6, 2


def pipeline(name, modifiers, lanes=D, keys=N_K, **options):
    """A small pipeline with modifiers."""
    kind = PIPELINES[name]
    row = {"row_max": keys} if kind.stores_rows else {}
    return kind(Config(d=D, lanes=lanes, **row, **options), score=modifiers)


def numbers(seed=0, keys=N_K):
    """Queries, in base 2, keys and values, as the format of 16 bits has them."""
    rng = np.random.default_rng(seed)
    shapes = [(N_Q, D), (keys, D), (keys, D)]
    return [np.round(rng.normal(size=shape) * 2**12) / 2**12 for shape in shapes]


def extras(modifiers, seed=0, keys=N_K):
    """What modifiers take beside scores, by name: (N_q, 1), (1, N_k) or (N_q, N_k).

    Of ``keep_ij``, row 1 keeps nothing and row 2 all.
    """
    rng = np.random.default_rng([seed, 1])
    made = {"i": np.arange(N_Q)[:, None], "j": np.arange(keys)[None]}
    made["keep_ij"] = rng.integers(0, 2, (N_Q, keys))
    made["keep_ij"][1:3] = [[0], [1]]
    made["bias_ij"] = np.round(rng.normal(size=(N_Q, keys)) * 2**12) / 2**12
    return {name: made[name] for one in modifiers for name in one.takes}


def streams(dut, q, k, v, extra):
    """Input streams: keys and values once per query, or as given per query, (N_q, N_k, …)."""
    config = dut.config
    k, v = (x if x.ndim == 3 else np.broadcast_to(x, (len(q), *x.shape)) for x in (k, v))
    given = {
        "q": _beats(config.q_vector, q, config.beats),
        "k": _beats(config.k_vector, k, config.beats),
        "v": _beats(config.v_vector, v, config.dv_beats),
    }
    for modifier in dut.modifiers:
        for name, shape in modifier.takes.items():
            if name == "i":
                given[name] = stream_of(shape, extra[name][:, 0].tolist())
            elif name != "j":
                given[name] = stream_of(shape, extra[name].tolist(), rank=1)
    return given


def _beats(vector, values, beats):
    """A stream of vectors, in tokens of a beat each."""
    if beats > 1:
        values = values.reshape(*values.shape[:-1], beats, -1)
    return stream_of(vector, values.tolist(), rank=values.ndim - 2)


def softmax(modifiers, q, k, v, extra):
    """What should come out, in float64: 0 for a row of which nothing is kept."""
    scores = q @ k.T * np.log(2)
    for modifier in modifiers:
        scores = modifier.reference(scores, **{name: extra[name] for name in modifier.takes})
    top = scores.max(axis=1, keepdims=True)
    weights = np.exp(scores - np.where(np.isfinite(top), top, 0))
    total = weights.sum(axis=1, keepdims=True)
    return weights / np.where(total, total, 1) @ v
