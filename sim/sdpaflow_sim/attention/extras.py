"""What modifiers of scores take beside them: biases, masks, numbers of queries."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sdpaflow.graph import Stream
from sdpaflow.numerics import fixed, raw
from sdpaflow.pipelines import Attention
from sdpaflow.scores import Modifier
from sdpaflow.units import token

from sdpaflow_sim.arrays import numbers
from sdpaflow_sim.engines.tokens import Feed, Rows
from sdpaflow_sim.errors import InputError

__all__ = [
    "Extra",
    "columns",
    "extras_of",
    "feed_of",
    "kept_of",
    "names_of",
    "sample_extras",
    "stream_of_extra",
]


@dataclass(frozen=True)
class Extra:
    """An input port beside q, k and v, for one head.

    Attributes
    ----------
    shape : shape-like
        Of a token's data.
    values : numpy.ndarray
        Floats in the port's unit, (N_q,) for a number per query, or (N_q, N_k).
    raw : numpy.ndarray
        The same as integers of the format.
    """

    shape: Any
    values: np.ndarray
    raw: np.ndarray

    @property
    def quantised(self) -> np.ndarray:
        """What the raw integers stand for."""
        if isinstance(self.shape, fixed.Shape):
            return raw.to_float(self.raw, self.shape)
        return self.raw.astype(np.float64)

    def __getitem__(self, rows: slice) -> "Extra":
        return replace(self, values=self.values[rows], raw=self.raw[rows])


def names_of(modifiers: Sequence[Modifier]) -> dict[str, Any]:
    """Input ports that modifiers need, with their shapes: all but ``j``, which is counted."""
    return {n: s for one in modifiers for n, s in one.takes.items() if n != "j"}


def extras_of(
    modifiers: Sequence[Modifier], given: Mapping[str, ArrayLike], queries: int, keys: int
) -> tuple[dict[str, Extra], dict[str, int]]:
    """The extra inputs of a head by port, and how many numbers their formats could not hold.

    Parameters
    ----------
    modifiers : list of :class:`Modifier`
        Those of the pipeline.
    given : dict of array-like
        By port, in natural units: (N_q,) numbers of queries, under ``i``, else what can be
        broadcast to (N_q, N_k). Queries are numbered from 0 on unless given.
    queries, keys : :class:`int`
        Of the head.

    Raises
    ------
    InputError
        One is missing, unknown, or of another shape or kind.
    """
    wanted = names_of(modifiers)
    for name in given:
        if name not in wanted:
            takes = f"{', '.join(wanted)}" if wanted else "none"
            raise InputError(f"no modifier takes {name!r}; those of this pipeline take {takes}")
    units = {name: unit for one in modifiers for name, unit in one.units.items()}
    found, clipped = {}, {}
    for name, shape in wanted.items():
        if name not in given and name != "i":
            raise InputError(f"{name} must be given: a modifier takes it")
        size = (queries,) if name == "i" else (queries, keys)
        values = np.asarray(given[name] if name in given else np.arange(queries))
        values = numbers(name, values.astype(np.int64) if values.dtype == bool else values)
        try:
            values = np.broadcast_to(values, size).astype(np.float64) * units.get(name, 1)
        except ValueError:
            raise InputError(f"{name} must be of shape {size}, not {values.shape}") from None
        if not np.isfinite(values).all():
            raise InputError(f"{name} must be finite; where keys are not to count, use a mask")
        if isinstance(shape, fixed.Shape):
            integers, clipped[f"input {name}"] = raw.quantise(values, shape)
        else:
            integers = (values != 0).astype(np.int64)
        found[name] = Extra(shape, values, integers)
    return found, clipped


def sample_extras(
    modifiers: Sequence[Modifier], queries: int, keys: int, seed: int = 0
) -> dict[str, np.ndarray]:
    """Random numbers, or bits, for what :func:`extras_of` has to be given."""
    rng, found = np.random.default_rng(seed), {}
    for name, shape in names_of(modifiers).items():
        number = isinstance(shape, fixed.Shape)
        size = queries, keys
        if name != "i":
            found[name] = rng.normal(size=size) if number else rng.integers(0, 2, size)
    return found


def feed_of(heads: Sequence[tuple[Extra, np.ndarray]]) -> Feed:
    """Tokens of an extra input, head after head: of each, it and the lengths of its rows."""
    return Feed(partial(_parts, heads))


def _parts(heads: Sequence[tuple[Extra, np.ndarray]]) -> Iterator[Rows]:
    for extra, lengths in heads:
        rank = extra.raw.ndim - 1
        layout = token(extra.shape, rank)
        for row, length in zip(extra.raw[None] if rank == 0 else extra.raw, lengths, strict=False):
            data = row[:length] if rank else row
            words = raw.pack_words(layout, {"data": data, "last": np.zeros_like(data)})
            close = raw.width(extra.shape) if rank else None
            yield Rows(words, np.array([len(data)]), close=close)


def stream_of_extra(extra: Extra, lengths: np.ndarray) -> Stream:
    """The same as a stream, of one head."""
    if extra.raw.ndim == 1:
        return Stream(extra.raw, np.zeros((len(extra.raw), 0), dtype=bool))
    kept = np.arange(extra.raw.shape[1]) < lengths[:, None]
    last = np.zeros(len(extra.raw[kept]), dtype=bool)
    last[np.cumsum(lengths) - 1] = True
    return Stream(extra.raw[kept], last[:, None])


def kept_of(
    pipeline: Attention, extras: Mapping[str, Extra], lengths: np.ndarray, keys: int
) -> np.ndarray:
    """Which scores of a head count, (N_q, N_k): within the row's length, and kept."""
    kept = np.arange(keys) < lengths[:, None]
    return kept & np.isfinite(pipeline.modify(np.zeros(kept.shape), columns(extras, keys)))


def columns(
    extras: Mapping[str, Extra], keys: int, *, quantised: bool = True
) -> dict[str, np.ndarray]:
    """What :meth:`Modifier.reference` takes: floats that go with (N_q, N_k) scores, and ``j``."""
    found: dict[str, np.ndarray] = {"j": np.arange(keys)[None]}
    for name, extra in extras.items():
        values = extra.quantised if quantised else extra.values
        found[name] = values[:, None] if values.ndim == 1 else values
    return found
