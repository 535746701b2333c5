"""The call that machine learning knows, computed by a pipeline."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sdpaflow.scores import Bias, Causal, Keep, Modifier, Softcap, Window

from sdpaflow_sim.attention.inputs import Matrices, build, fitting
from sdpaflow_sim.attention.run import model, run
from sdpaflow_sim.errors import InputError, MismatchError

__all__ = ["scaled_dot_product_attention"]

BIAS_BITS = 20
GONE = -65504.0
"""An additive mask at or below it, the least of float16, says that a key does not count."""


def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    softcap: float | None = None,
    window: tuple[int | None, int | None] | None = None,
    sinks: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    past_key: ArrayLike | None = None,
    past_value: ArrayLike | None = None,
    pipeline: str = "memory-free",
    engine: str = "model",
) -> np.ndarray:
    """Attention as PyTorch's function of this name has it, in the bits of a pipeline.

    Formats of 16 bits are fitted to the data. A query to which no key is left gives 0.

    Parameters
    ----------
    query, key, value : array-like
        (…, heads, N_q, d), (…, heads, N_k, d), (…, heads, N_k, dv), or without heads. Any number of
        dimensions in front.
    attn_mask : array-like
        Of what is broadcast to (…, heads, N_q, N_k): booleans, true for a key that counts, or
        numbers that are added to scores; −65504 and less for one that does not count.
    is_causal : :class:`bool`
        A query sees the keys up to its own number; all past ones, if there are any.
    scale : :class:`float`
        Of the scores; 1/√d unless given.
    enable_gqa : :class:`bool`
        There may be fewer heads of keys and values, each for as many heads of queries in a row.
    softcap : :class:`float`
        Scores are ``softcap · tanh(score / softcap)``, before anything is added.
    window : tuple of (:class:`int` or None)
        Keys farther before a query, or behind it, do not count; None for any distance.
    sinks : array-like
        A score for each head of queries, of a key that has no value.
    lengths : array-like
        For each of what is in front of the heads, how many of its keys count, past ones included.
    past_key, past_value : array-like
        Keys and values before these; queries are numbered behind them.
    pipeline : :class:`str`
        Its name.
    engine : :class:`str`
        ``model`` for the bit-exact model; or ``auto``, ``amaranth`` or ``verilator`` to simulate
        the hardware and compare every bit.

    Returns
    -------
    numpy.ndarray
        (…, heads, N_q, dv), of the query's type where that is a kind of float, else float64.

    Raises
    ------
    InputError
        Shapes do not go together, or the data is not fit for the pipeline.
    MismatchError
        The simulated hardware and its model differ.

    Warns
    -----
    RuntimeWarning
        The result is not attention: tokens were clamped, or it is off by more than the pipeline's
        error bound.
    """
    given = np.asarray(query)
    q, k, v = given, _after(past_key, key, "past_key"), _after(past_value, value, "past_value")
    for name, array in (("query", q), ("key", k), ("value", v)):
        if array.ndim < 2:
            raise InputError(f"{name} must have at least two dimensions, not {array.ndim}")
    past = 0 if past_key is None else np.asarray(past_key).shape[-2]
    front = q.shape[:-2]
    if enable_gqa:
        k, v = _grouped(q, k, "key"), _grouped(q, v, "value")
    try:
        k, v = (np.broadcast_to(x, (*front, *x.shape[-2:])) for x in (k, v))
    except ValueError:
        raise InputError(
            f"key and value must have what query has in front, {front}, not {k.shape[:-2]} and "
            f"{v.shape[:-2]}"
        ) from None
    shape = (*front, q.shape[-2], k.shape[-2])
    bias, keep = _masks(attn_mask, shape)
    keep = _within(lengths, keep, shape)
    modifiers: list[Modifier] = [] if softcap is None else [Softcap(softcap)]
    if sinks is not None:
        k, v, bias, keep = _with_sink(np.asarray(sinks, dtype=np.float64), k, v, bias, keep, shape)
        if softcap is not None or is_causal or window:
            raise InputError("sinks go with masks alone, not with is_causal, window or softcap")
    if bias is not None:
        largest = float(np.abs(bias).max()) / math.log(2)
        modifiers.append(Bias(fitting([np.array([max(largest, 1)])], "attn_mask", BIAS_BITS)))
    if is_causal:
        modifiers.append(Causal(past))
    if window is not None:
        left, right = window
        left = None if left is None else left - past
        modifiers.append(Window(left, None if right is None else right + past))
    if keep is not None:
        modifiers.append(Keep())
    heads: list[Matrices] = [
        (np.asarray(a, float), np.asarray(b, float), np.asarray(c, float))
        for a, b, c in zip(_flat(q), _flat(k), _flat(v), strict=True)
    ]
    extras = _extras(len(heads), bias, keep)
    dut = build(pipeline, heads, arguments={"score": modifiers} if modifiers else None, scale=scale)
    lists = tuple(map(list, zip(*heads, strict=True)))
    if engine == "model":
        report = model(dut, *lists, extras=extras)
    else:
        report = vars(run(dut, *lists, extras=extras, engine=engine))
        if not report["bit_exact"]:
            raise MismatchError(f"{pipeline} on {engine} differs from its model")
    _judge(pipeline, report)
    found = report["outputs"]
    outputs = np.stack([found] if isinstance(found, np.ndarray) else found)
    kind = given.dtype if given.dtype.kind in "fV" and given.dtype.itemsize < 8 else np.float64
    return outputs.reshape(*front, q.shape[-2], v.shape[-1]).astype(kind)


def _judge(pipeline: str, report: Mapping[str, Any]) -> None:
    """Warn of a result that is not attention."""
    clamped = {n: c for n, c in report["saturations"].items() if not n.startswith("input ")}
    if clamped or not report["is_attention"]:
        units = ", ".join(f"{count:,} at {unit}" for unit, count in clamped.items()) or "none"
        off = report["max_abs_error"] / report["output_ulp"]
        warnings.warn(
            f"{pipeline}: not attention: off by {off:,.1f} ulp; tokens clamped: {units}",
            RuntimeWarning,
            stacklevel=3,
        )


def _after(past: ArrayLike | None, new: ArrayLike, name: str) -> np.ndarray:
    """Kept tokens, and new ones behind them."""
    array = np.asarray(new)
    if past is None:
        return array
    kept = np.asarray(past)
    if kept.shape[:-2] != array.shape[:-2] or kept.shape[-1] != array.shape[-1]:
        raise InputError(f"{name} must go with {array.shape}, not be of shape {kept.shape}")
    return np.concatenate([kept, array], axis=-2)


def _grouped(q: np.ndarray, x: np.ndarray, name: str) -> np.ndarray:
    """Each head of keys or values as often as there are heads of queries for it."""
    if q.ndim < 3 or x.ndim < 3 or q.shape[-3] % x.shape[-3]:
        raise InputError(
            f"heads of query must be a multiple of those of {name}: shapes {q.shape}, {x.shape}"
        )
    return np.repeat(x, q.shape[-3] // x.shape[-3], axis=-3)


def _masks(
    mask: ArrayLike | None, shape: tuple[int, ...]
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """What is added to scores, and which of them count; None where there is nothing of it."""
    if mask is None:
        return None, None
    array = np.asarray(mask)
    try:
        array = np.broadcast_to(array, shape)
    except ValueError:
        raise InputError(f"attn_mask must go with {shape}, not be {array.shape}") from None
    if array.dtype == bool:
        return None, array
    values = array.astype(np.float64)
    keep = values > GONE
    bias = np.where(keep, values, 0)
    return (bias if bias.any() else None), (None if keep.all() else keep)


def _within(
    lengths: ArrayLike | None, keep: np.ndarray | None, shape: tuple[int, ...]
) -> np.ndarray | None:
    """Keys that are within the lengths too."""
    if lengths is None:
        return keep
    counts = np.asarray(lengths)
    front = shape[:-3] if len(shape) > 2 else ()
    if counts.shape != front or counts.dtype.kind not in "iu":
        raise InputError(f"lengths must be integers of shape {front}, not {counts!r}")
    within = np.arange(shape[-1]) < counts.reshape(*front, *(1,) * (len(shape) - len(front)))
    return np.broadcast_to(within if keep is None else within & keep, shape)


def _with_sink(
    sinks: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    bias: np.ndarray | None,
    keep: np.ndarray | None,
    shape: tuple[int, ...],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """One more key, without length and value, whose bias is the sink's score."""
    heads = shape[-3:-2] or (1,)
    if sinks.shape != heads:
        raise InputError(f"sinks must have a number per head, {heads}, not shape {sinks.shape}")
    k, v = (np.concatenate([x, np.zeros_like(x[..., :1, :])], axis=-2) for x in (k, v))
    score = np.broadcast_to(sinks[:, None, None] if len(shape) > 2 else sinks, (*shape[:-1], 1))
    bias = np.concatenate([np.zeros(shape) if bias is None else bias, score], axis=-1)
    if keep is not None:
        keep = np.concatenate([keep, np.ones((*shape[:-1], 1), dtype=bool)], axis=-1)
    return k, v, bias, keep


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, *x.shape[-2:])


def _extras(
    heads: int, bias: np.ndarray | None, keep: np.ndarray | None
) -> Sequence[dict[str, Any]]:
    """What modifiers take, per head."""
    named = {"bias_ij": bias, "keep_ij": keep}
    flat = {name: _flat(array) for name, array in named.items() if array is not None}
    return [{name: array[head] for name, array in flat.items()} for head in range(heads)]
