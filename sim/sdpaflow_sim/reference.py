"""Attention in float64, to state accuracy against. Bits are compared with the model, not with this."""

import numpy as np

__all__ = ["attention"]


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
