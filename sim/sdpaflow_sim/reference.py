"""Attention in float64, to state accuracy against; bits are compared with the model instead."""

import numpy as np
from sdpaflow.numerics import raw

__all__ = ["attention", "errors"]


def attention(q, k, v, *, base2_scale, lengths=None):
    """``softmax(scale · q kᵀ) v`` in float64.

    Parameters
    ----------
    q, k, v : numpy.ndarray
        (N_q, d), (N_k, d) and (N_k, dv).
    base2_scale : :class:`float`
        Scale of the scores, times log2(e): the softmax is computed with powers of two.
    lengths : numpy.ndarray
        For each query, how many keys it attends to; all of them unless given.

    Returns
    -------
    numpy.ndarray
        (N_q, dv).
    """
    scores = np.float64(base2_scale) * (np.asarray(q, np.float64) @ np.asarray(k, np.float64).T)
    if lengths is not None:
        scores = np.where(np.arange(len(k)) < np.asarray(lengths)[:, None], scores, -np.inf)
    weights = np.exp2(scores - scores.max(axis=1, keepdims=True))
    return weights @ np.asarray(v, np.float64) / weights.sum(axis=1, keepdims=True)


def errors(job, given, outputs):
    """Errors of raw outputs against float64, on the quantised inputs and on those given.

    Parameters
    ----------
    job : :class:`Job`
        What was computed.
    given : list of tuple
        Its heads before they were quantised.
    outputs : numpy.ndarray
        Raw integers, (queries, dv).
    """
    config = job.config
    values = raw.to_float(outputs, config.o)
    exact, total = [], []
    for (queries, keys, vectors), head in zip(given, job.heads, strict=True):
        quantised = [raw.to_float(getattr(head, n), getattr(config, n)) for n in "qkv"]
        exact.append(attention(*quantised, base2_scale=1.0, lengths=head.lengths))
        total.append(
            attention(queries, keys, vectors, base2_scale=config.factor, lengths=head.lengths)
        )
    error = np.abs(values - np.concatenate(exact))
    return {
        "max_abs_error": float(error.max()),
        "mean_abs_error": float(error.mean()),
        "max_abs_error_total": float(np.abs(values - np.concatenate(total)).max()),
    }
