"""Attention in float64: what the pipelines approximate."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["softmax_attention"]


def softmax_attention(
    q: ArrayLike,
    k: ArrayLike,
    v: ArrayLike,
    *,
    base2_scale: float,
    lengths: ArrayLike | None = None,
    modify: Callable[[np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """``softmax(scale · q kᵀ) v`` in float64.

    Parameters
    ----------
    q, k, v : array
        Numbers, (N_q, d), (N_k, d) and (N_k, dv).
    base2_scale : :class:`float`
        ``scale · log2(e)``: the softmax is computed with powers of two, as hardware does.
    lengths : array of :class:`int`
        For each query, how many keys it attends to, 1 to N_k; all of them unless given.
    modify : callable
        From scores in base e, (N_q, N_k), to what they are changed to; −∞ for a key that does not
        count. A row without any key is 0.

    Returns
    -------
    numpy.ndarray
        (N_q, dv).

    Raises
    ------
    ValueError
        Sizes disagree, or a length is out of range.

    Examples
    --------
    Both keys score the same, so the result is the mean of both values; with one key, its value.

    >>> softmax_attention([[1], [1]], [[2], [2]], [[10], [30]], base2_scale=1, lengths=[2, 1])
    array([[20.],
           [10.]])
    """
    queries, keys, values = (np.asarray(x, dtype=np.float64) for x in (q, k, v))
    for name, given in (("q", queries), ("k", keys), ("v", values)):
        if given.ndim != 2 or not given.size:
            raise ValueError(f"{name} must be a table of numbers, not of shape {given.shape}")
    if queries.shape[1] != keys.shape[1]:
        raise ValueError(
            f"k must have vectors as long as q's, {queries.shape[1]}, not {keys.shape[1]}"
        )
    if len(values) != len(keys):
        raise ValueError(f"v must have a value for each of {len(keys)} keys, not {len(values)}")
    scores = np.float64(base2_scale) * queries @ keys.T
    if modify is not None:
        scores = np.array(modify(scores * np.log(2)) / np.log(2))
    if lengths is not None:
        kept = _checked(np.asarray(lengths), *scores.shape)
        if kept.min() < len(keys):
            scores = np.where(np.arange(len(keys)) < kept[:, None], scores, -np.inf)
    # The softmax does not change when a constant is subtracted; its powers cannot overflow then.
    top = scores.max(axis=1, keepdims=True)
    scores -= np.where(top == -np.inf, 0, top)
    weights = np.exp2(scores, out=scores)
    total = weights.sum(axis=1, keepdims=True)
    return weights @ values / np.where(total == 0, 1, total)


def _checked(lengths: np.ndarray, queries: int, keys: int) -> np.ndarray:
    """Lengths of rows, or an error."""
    if lengths.shape != (queries,) or lengths.dtype.kind not in "iu":
        raise ValueError(f"lengths must be {queries} integers, one per query, not {lengths!r}")
    if lengths.min() < 1 or lengths.max() > keys:
        raise ValueError(f"lengths must be 1 to {keys}, not {lengths.min()} to {lengths.max()}")
    return lengths
