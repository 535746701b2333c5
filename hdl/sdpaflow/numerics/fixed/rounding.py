"""Rounding and clamping of raw integers, the twins of :class:`Value`'s in numpy."""

import numpy as np

from sdpaflow.numerics.fixed.shape import Shape

__all__ = ["ROUNDINGS", "check_rounding", "round_raw", "saturate_raw"]

ROUNDINGS = ("even", "floor")
"""To nearest, ties to even; or down, which is to drop bits."""


def check_rounding(rounding: str) -> str:
    """A mode of rounding, or an error."""
    if rounding not in ROUNDINGS:
        raise ValueError(f"Rounding must be one of {', '.join(ROUNDINGS)}, not {rounding!r}")
    return rounding


def round_raw(raw: np.ndarray, drop: int, rounding: str = "even") -> np.ndarray:
    """Drop ``drop`` fraction bits of raw integers (negative: add); as :meth:`Value.reshape`."""
    check_rounding(rounding)
    raw = np.asarray(raw, dtype=np.int64)
    if drop <= 0:
        return raw << -drop
    floor = raw >> drop
    if rounding == "floor":
        return floor
    half = (raw >> (drop - 1)) & 1
    rest = (raw & ((1 << (drop - 1)) - 1)) != 0
    return floor + (half & (rest | (floor & 1)))


def saturate_raw(raw: np.ndarray, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Clamp raw integers to ``shape``; also where that changed them."""
    clamped = np.clip(raw, shape.raw_min, shape.raw_max)
    return clamped, clamped != raw
