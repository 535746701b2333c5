"""Attention in float64, to state accuracy against; bits are compared with the model instead."""

import numpy as np
from sdpaflow.numerics import raw

__all__ = ["attention", "errors", "quantised_and_given"]


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
    scores = np.float64(base2_scale) * np.asarray(q, np.float64) @ np.asarray(k, np.float64).T
    if lengths is not None and np.min(lengths) < len(k):
        scores = np.where(np.arange(len(k)) < np.asarray(lengths)[:, None], scores, -np.inf)
    scores -= scores.max(axis=1, keepdims=True)
    weights = np.exp2(scores, out=scores)
    return weights @ np.asarray(v, np.float64) / weights.sum(axis=1, keepdims=True)


def quantised_and_given(config, head, given):
    """Arguments q, k, v and scale of :func:`attention`: as a :class:`Head` has them, and as given.

    The scale of the first is that of queries which are multiplied already.
    """
    floats = [raw.to_float(getattr(head, name), getattr(config, name)) for name in "qkv"]
    return (*floats, 1.0), (*given, config.factor)


def errors(config, outputs, exact, total):
    """Errors of raw outputs against float64, on the quantised inputs and on those given.

    Parameters
    ----------
    config : :class:`Config`
        Formats.
    outputs : numpy.ndarray
        Raw integers, (queries, dv).
    exact, total : numpy.ndarray
        What float64 makes of the quantised inputs, and of those given.
    """
    values = raw.to_float(outputs, config.o)
    error = np.abs(values - exact)
    return {
        "max_abs_error": float(error.max()),
        "mean_abs_error": float(error.mean()),
        "max_abs_error_total": float(np.abs(values - total).max()),
    }
