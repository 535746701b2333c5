"""Vectors as tokens: packed into words for a simulation, or as streams for the model."""

import numpy as np
from amaranth.lib import data
from sdpaflow.graph import Stream
from sdpaflow.numerics import raw
from sdpaflow.numerics.aliases import Raw
from sdpaflow.units import token

__all__ = ["pack", "stream_of"]


def pack(
    vector: data.ArrayLayout, values: np.ndarray, beats: int, marks: int | None = None
) -> np.ndarray:
    """Words of the tokens of vectors, the last beat of each marked where there are several.

    ``marks`` is how many ``last`` bits a token has, of which only that of a beat is set.
    """
    marks = (beats > 1) if marks is None else marks
    last = np.zeros((len(values), beats), dtype=np.int64)
    last[:, -1] = beats > 1
    tokens: Raw = {"data": values.reshape(len(values) * beats, -1), "last": last.reshape(-1)}
    return raw.pack_words(token(vector, int(marks)), tokens)


def stream_of(values: np.ndarray, ends: np.ndarray, beats: int, *, row: bool = True) -> Stream:
    """Stream of vectors in beats, ``ends`` marking the last vector of each row."""
    last_beat = np.tile(np.arange(beats) == beats - 1, len(values))
    marks = [last_beat] if beats > 1 else []
    marks += [np.repeat(ends, beats) & last_beat] if row else []
    last = np.stack(marks, axis=1) if marks else np.zeros((len(values) * beats, 0), dtype=bool)
    return Stream(values.reshape(len(values) * beats, -1), last)
