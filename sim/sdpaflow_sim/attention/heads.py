"""What a pipeline is given to compute: heads of Q, K, V as streams of tokens."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from amaranth.lib import data
from numpy.typing import ArrayLike
from sdpaflow.graph import Dataflow, Stream, interpret
from sdpaflow.numerics import raw
from sdpaflow.pipelines import ROW_BITS, Attention, Config
from sdpaflow.scores import Modifier

from sdpaflow_sim.arrays import numbers
from sdpaflow_sim.attention.extras import Extra, extras_of, feed_of, kept_of, stream_of_extra
from sdpaflow_sim.attention.inputs import Matrices
from sdpaflow_sim.attention.packing import pack, stream_of
from sdpaflow_sim.engines.tokens import Feed, Rows
from sdpaflow_sim.errors import InputError

__all__ = ["Head", "Workload"]


@dataclass
class Head:
    """One head, quantised.

    Attributes
    ----------
    q, k, v : numpy.ndarray
        Raw integers, (N_q, d), (N_k, d) and (N_k, dv).
    lengths : numpy.ndarray
        For each query, how many keys it attends to, counted from the first.
    extras : dict of :class:`Extra`
        Inputs that modifiers of scores take, by port.
    """

    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    lengths: np.ndarray
    extras: dict[str, Extra] = field(default_factory=dict)

    @property
    def scores(self) -> int:
        """How many scores the head takes."""
        return int(self.lengths.sum())


class Workload:
    """Heads, run back to back by a pipeline of a configuration.

    Parameters
    ----------
    config : :class:`Config`
        Formats and lanes.
    heads : list of tuple
        Matrices q, k and v of floats for each head, as :func:`split_heads` gives them.
    lengths : list of array-like
        For each head, the keys that each query attends to; all of them unless given.
    modifiers : list of :class:`Modifier`
        Those of the pipeline.
    extras : list of dict
        For each head, what its modifiers take, by port.

    Attributes
    ----------
    heads : list of :class:`Head`
        The same, quantised.
    clipped : dict of :class:`int`
        How many elements of each input its format could not hold, by name of the input.
    underflows : dict of :class:`int`
        How many are not 0 as given and 0 in the format, likewise.

    Raises
    ------
    InputError
        The data is not fit for the configuration.
    """

    batch = 1 << 16
    """Elements of K that the model handles at once: so many that they stay in the cache."""

    def __init__(
        self,
        config: Config,
        heads: Sequence[Matrices],
        lengths: Sequence[ArrayLike] | None = None,
        modifiers: Sequence[Modifier] = (),
        extras: Sequence[Mapping[str, ArrayLike]] | None = None,
    ) -> None:
        _match(config, heads)
        self.config: Any = config  # its fields are filled in, where they may be None
        self.heads: list[Head] = []
        self.clipped = {"input q": 0, "input k": 0, "input v": 0}
        self.underflows = dict(self.clipped)
        extras = [{}] * len(heads) if extras is None else extras
        if len(extras) != len(heads):
            raise InputError(
                f"extra inputs must be given for {len(heads)} heads, not {len(extras)}"
            )
        rows_of = _lengths(lengths, heads, config.row_max)
        for given, rows, more in zip(heads, rows_of, extras, strict=True):
            q, k, v = map(self._quantise, "qkv", given)
            found, clipped = extras_of(modifiers, more, len(q), len(k))
            self.heads.append(Head(q, k, v, rows, found))
            for name, count in clipped.items():
                self.clipped[name] = self.clipped.get(name, 0) + count

    def _quantise(self, name: str, values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # what becomes infinite is clamped, and counted
            scaled = values * self.config.factor if name == "q" else values
        quantised, count = raw.quantise(scaled, getattr(self.config, name))
        self.clipped[f"input {name}"] += count
        self.underflows[f"input {name}"] += int(np.count_nonzero((quantised == 0) & (scaled != 0)))
        return quantised

    @property
    def scores(self) -> int:
        return sum(head.scores for head in self.heads)

    @property
    def queries(self) -> int:
        return sum(len(head.q) for head in self.heads)

    @property
    def outputs(self) -> int:
        """Tokens that will come out."""
        return self.queries * self.config.dv_beats

    def kept(self, pipeline: Attention) -> tuple[int, int]:
        """How many scores count after all modifiers, and rows of which none does."""
        if not pipeline.modifiers:
            return self.scores, 0
        count = dead = 0
        for head in self.heads:
            for rows in self.batches(head):
                extras = {name: extra[rows] for name, extra in head.extras.items()}
                kept = kept_of(pipeline, extras, head.lengths[rows], len(head.k))
                count += int(np.count_nonzero(kept))
                dead += int(np.count_nonzero(~kept.any(axis=1)))
        return count, dead

    def part(self, first: int, end: int) -> "Workload":
        """The workload of queries from one up to another, counted over all heads."""
        part = object.__new__(Workload)
        part.config, part.clipped, part.underflows = self.config, self.clipped, self.underflows
        part.heads = [
            Head(
                head.q[rows],
                head.k,
                head.v,
                head.lengths[rows],
                {name: extra[rows] for name, extra in head.extras.items()},
            )
            for head, rows in self._within(first, end)
        ]
        return part

    def share(self, given: Sequence[Matrices], first: int, end: int) -> list[Matrices]:
        """Of the matrices that a workload was made of, those of such a part."""
        matrices = dict(zip(map(id, self.heads), given, strict=True))
        return [
            (matrices[id(head)][0][rows], *matrices[id(head)][1:])
            for head, rows in self._within(first, end)
        ]

    def _within(self, first: int, end: int) -> Iterator[tuple[Head, slice]]:
        """Heads of which some queries are in a range of all, with those queries."""
        start = 0
        for head in self.heads:
            low, high = max(first - start, 0), min(end - start, len(head.q))
            if low < high:
                yield head, slice(low, high)
            start += len(head.q)

    def sources(self) -> dict[str, Feed]:
        """The input streams as bits of tokens, by port; the keys of a head are kept once."""
        config = self.config
        return {
            "q": Feed(self._queries),
            "k": Feed(partial(self._rows, "k", config.k_vector, config.beats)),
            "v": Feed(partial(self._rows, "v", config.v_vector, config.dv_beats)),
            **{
                name: feed_of([(head.extras[name], head.lengths) for head in self.heads])
                for name in self.heads[0].extras
            },
        }

    def _queries(self) -> Iterator[Rows]:
        beats = self.config.beats
        for head in self.heads:
            tokens = pack(self.config.q_vector, head.q, beats)
            yield Rows(tokens, np.array([len(tokens)]))

    def _rows(self, name: str, vector: data.ArrayLayout, beats: int) -> Iterator[Rows]:
        marks = 1 + (beats > 1)
        for head in self.heads:
            tokens = pack(vector, getattr(head, name), beats, marks)
            yield Rows(tokens, head.lengths * beats, close=raw.width(vector) + marks - 1)

    def expected(self, dataflow: Dataflow) -> tuple[np.ndarray, dict[str, int]]:
        """Raw outputs (queries, dv) of the bit-exact model, and clamped tokens by unit."""
        results: list[np.ndarray] = []
        clamped: dict[str, int] = {}
        for head in self.heads:
            for rows in self.batches(head):
                outputs, counts = self.model(dataflow, head, rows)
                results.append(outputs)
                clamped = {name: clamped.get(name, 0) + n for name, n in counts.items()}
        return np.concatenate(results), clamped

    def streams(self, dataflow: Dataflow) -> tuple[dict[str, Stream], dict[str, int]]:
        """Every stream of a graph for a workload of a single head, and clamped tokens by unit.

        As :func:`sdpaflow.graph.interpret` gives them, all at once: for small jobs.
        """
        return interpret(dataflow, self.inputs())

    def inputs(self) -> dict[str, Stream]:
        """The input streams of a workload of a single head, by port, all at once."""
        (head,) = self.heads
        return self._streams(head, slice(None))

    def batches(self, head: Head) -> list[slice]:
        """Slices of a head's queries, as many at a time as the model handles well."""
        step = max(1, self.batch // (len(head.k) * self.config.d))
        return [slice(start, start + step) for start in range(0, len(head.q), step)]

    def model(
        self, dataflow: Dataflow, head: Head, rows: slice
    ) -> tuple[np.ndarray, dict[str, int]]:
        """Raw outputs and clamped tokens, as :meth:`expected`, for some queries of a head."""
        streams, clamped = interpret(dataflow, self._streams(head, rows))
        (edge,) = dataflow.output_edges.values()
        return np.asarray(streams[edge.name].data).reshape(-1, self.config.dv), clamped

    def _streams(self, head: Head, queries: slice) -> dict[str, Stream]:
        config, lengths = self.config, head.lengths[queries]
        keys = np.concatenate([np.arange(length) for length in lengths])
        ends = np.zeros(len(keys), dtype=bool)
        ends[np.cumsum(lengths) - 1] = True
        none = np.zeros(len(lengths), dtype=bool)
        return {
            "q": stream_of(head.q[queries], none, config.beats, row=False),
            "k": stream_of(head.k[keys], ends, config.beats),
            "v": stream_of(head.v[keys], ends, config.dv_beats),
            **{n: stream_of_extra(extra[queries], lengths) for n, extra in head.extras.items()},
        }

    def decode(self, tokens: Sequence[int]) -> np.ndarray:
        """Raw outputs (queries, dv) from the bits of output tokens."""
        config = self.config
        mask = (1 << raw.width(config.o_vector)) - 1
        values = np.empty((len(tokens), config.dv_lanes), dtype=np.int64)
        for start in range(0, len(tokens), self.batch // config.dv_lanes):
            part = slice(start, start + self.batch // config.dv_lanes)
            values[part] = raw.unpack(config.o_vector, [bits & mask for bits in tokens[part]])
        return values.reshape(-1, config.dv)


def _match(config: Config, heads: Sequence[Matrices]) -> None:
    d, dv = heads[0][0].shape[1], heads[0][2].shape[1]
    if (d, dv) != (config.d, config.dv):
        raise InputError(f"the pipeline is for d = {config.d}, dv = {config.dv}, not {d} and {dv}")


def _lengths(
    lengths: Sequence[ArrayLike] | None, heads: Sequence[Matrices], row_max: int | None
) -> list[np.ndarray]:
    """Keys per query for each head, checked."""
    if lengths is None:
        lengths = [np.full(len(queries), len(keys)) for queries, keys, _ in heads]
    if len(lengths) != len(heads):
        raise InputError(f"lengths must be given for {len(heads)} heads, not {len(lengths)}")
    checked = []
    for given, (queries, keys, _) in zip(lengths, heads, strict=True):
        rows = numbers("lengths", given)
        if rows.shape != (len(queries),) or not np.issubdtype(rows.dtype, np.integer):
            raise InputError(
                f"lengths must be {len(queries)} integers, not {rows.dtype} {rows.shape}"
            )
        if rows.min() < 1 or rows.max() > len(keys):
            raise InputError(f"lengths must be 1 to {len(keys)}, not {rows.min()} to {rows.max()}")
        if rows.max() > 1 << ROW_BITS:
            raise InputError(f"rows may have up to {1 << ROW_BITS} keys, not {rows.max()}")
        if row_max is not None and rows.max() > row_max:
            raise InputError(f"rows have up to {rows.max()} keys, more than row_max = {row_max}")
        checked.append(rows.astype(np.int64))
    return checked
