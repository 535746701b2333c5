"""How far outputs are from float64; bits are compared with the model instead."""

from collections.abc import Mapping

import numpy as np
from sdpaflow.numerics import raw
from sdpaflow.pipelines import Attention, Config

from sdpaflow_sim.attention.heads import Head
from sdpaflow_sim.attention.inputs import Matrices
from sdpaflow_sim.errors import InputError

__all__ = ["errors", "quantised", "reference"]


def quantised(config: Config, head: Head) -> Matrices:
    """The floats that a head's raw integers stand for; its queries as they are before scaling."""
    q, k, v = (raw.to_float(getattr(head, name), getattr(config, name)) for name in "qkv")
    return q / config.factor, k, v


def reference(
    pipeline: Attention,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    lengths: np.ndarray,
    extra: Mapping[str, np.ndarray],
) -> np.ndarray:
    """What a pipeline approximates, by its own :meth:`Attention.reference`; (N_q, dv).

    Raises
    ------
    InputError
        Its reference does not give that.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what float64 cannot hold becomes no number
        values = np.asarray(pipeline.reference(q, k, v, lengths, **extra))
    wanted = len(q), v.shape[1]
    if values.shape != wanted or values.dtype.kind != "f":
        raise InputError(
            f"{type(pipeline).__name__}.reference must return floats of shape (N_q, dv) = "
            f"{wanted}, not {values.dtype} of {values.shape}"
        )
    return values


def errors(
    config: Config, outputs: np.ndarray, exact: np.ndarray, total: np.ndarray
) -> dict[str, float]:
    """Errors of raw outputs against float64, on the quantised inputs and on those given.

    Parameters
    ----------
    config : :class:`Config`
        Formats.
    outputs : numpy.ndarray
        Raw integers, (queries, dv).
    exact, total : numpy.ndarray
        What float64 makes of the quantised inputs, and of those given.

    Returns
    -------
    dict of :class:`float`
        ``max_abs_error`` and ``mean_abs_error`` against the first, ``max_abs_error_total`` and
        ``mean_abs_error_total`` against the second.
    """
    values = raw.to_float(outputs, config.o)
    with np.errstate(invalid="ignore"):
        error, off = np.abs(values - exact), np.abs(values - total)
    return {
        "max_abs_error": float(error.max()),
        "mean_abs_error": float(error.mean()),
        "max_abs_error_total": float(off.max()),
        "mean_abs_error_total": float(off.mean()),
    }
