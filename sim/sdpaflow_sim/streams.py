"""Streams of a graph's ports: from nested lists, from files, at random; and back again."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.lib import data
from sdpaflow.graph import Dataflow, Edge, Stream, interpret
from sdpaflow.numerics import raw

from sdpaflow_sim.arrays import numbers, read_tokens
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.nested import (
    bounds,
    check_shape,
    depth_of,
    flatten,
    lanes_of,
    path_of,
    raw_of,
    values,
)

__all__ = [
    "QuantisedStream",
    "port_of",
    "sample_streams",
    "stream_of",
    "streams_from",
    "token_of",
    "tokens_of",
    "values_of",
]


MOST = 1 << 22
"""Most tokens of a random stream: beyond, memory and patience end."""


@dataclass
class QuantisedStream(Stream):
    """A :class:`sdpaflow.graph.Stream`, and what became of the numbers that it was made from.

    Attributes
    ----------
    clamped : :class:`int`
        Numbers beyond the format's range. Each became the least or the greatest that it holds.
    """

    clamped: int = 0


def stream_of(shape: Any, groups: Any, rank: int | None = None) -> QuantisedStream:
    """A stream from nested lists of tokens.

    ``[1, 2]`` is two tokens of rank 0; ``[[1, 2], [3]]`` is two groups of rank 1; and so on. A
    token is written after its shape:

    ======================================  ===================================================
    shape                                   token
    ======================================  ===================================================
    ``fixed.Shape``                         a number, rounded to the nearest (ties to even)
    ``unsigned(n)``, ``signed(n)``          an integer
    ``data.ArrayLayout``, a vector          a list of them
    ``data.StructLayout``, such as Pair     a dict by field: ``{"over": 1, "i": [2, 3]}``
    ======================================  ===================================================

    Numbers beyond the range of their format are clamped, and counted in ``clamped``.

    Parameters
    ----------
    shape : :ref:`shape-like <lang-shapelike>`
        Shape of the tokens' data.
    groups : nested list or numpy.ndarray
        As deep as the rank and one level more; a vector's own lists come on top.
    rank : :class:`int`
        Rank of the stream; unless given, what the depth of the lists says.

    Returns
    -------
    :class:`QuantisedStream`

    Raises
    ------
    TypeError
        The lists are nested too little or too deep, or what should be a number is none.
    ValueError
        A group is empty, a vector has more or fewer elements, a number is infinite or none, a
        structure has other fields.

    Examples
    --------
    >>> stream = stream_of(UQ(4, 8), [[1, 2.5], [99]])
    >>> stream.data.tolist(), stream.last[:, 0].tolist(), stream.clamped
    ([256, 640, 4095], [False, True, True], 1)
    """
    return _stream("groups", shape, groups, rank)


def values_of(stream: Stream, shape: Any) -> list[Any]:
    """The nested lists that a stream stands for: :func:`stream_of` the other way round.

    Parameters
    ----------
    stream : :class:`Stream`
        Raw values and ends of groups.
    shape : :ref:`shape-like <lang-shapelike>`
        Shape of the tokens' data.

    Returns
    -------
    nested list
        Of floats for fixed point, of integers for plain shapes, of lists for vectors and of dicts
        for structures.

    Raises
    ------
    ValueError
        The stream ends within a group.
    """
    tokens, last = values(shape, stream.data), stream.last
    if len(last) and not last[-1].all():
        raise ValueError(
            f"The stream ends within a group: its last token has last = {last[-1].tolist()}"
        )
    for _ in range(last.shape[1]):
        stops = np.flatnonzero(last[:, 0]) + 1
        starts = [0, *stops[:-1]]
        tokens = [tokens[start:stop] for start, stop in zip(starts, stops, strict=False)]
        last = last[last[:, 0], 1:]
    return tokens


def tokens_of(shape: data.StructLayout, stream: Stream) -> list[int]:
    """Bits of a stream's tokens.

    Parameters
    ----------
    shape : :class:`data.StructLayout`
        Of a token: its ``data`` and its bits ``last``.
    stream : :class:`Stream`
        What to pack.

    Returns
    -------
    list of :class:`int`
    """
    rank = stream.last.shape[1]
    marks = stream.last.astype(np.int64) @ (1 << np.arange(rank, dtype=np.int64))
    return raw.pack(shape, {"data": stream.data, "last": marks})


def token_of(edge: Edge) -> data.StructLayout:
    """Layout of an edge's tokens: their ``data``, and a bit ``last`` for each level of groups."""
    fifo: Any = edge.fifo  # its ports appear when it is made
    return fifo.i.payload.shape()


def port_of(edge: Edge) -> tuple[Any, int]:
    """Shape of an edge's data, and its rank."""
    members = token_of(edge).members
    return members["data"], members["last"]


def streams_from(
    dataflow: Dataflow, files: Mapping[str, str | PathLike[str]]
) -> dict[str, QuantisedStream]:
    """The inputs of a graph from files, one for each.

    An ``.npy`` file, or an ``.npz`` of one array, is a rectangular array of numbers: as many
    dimensions as the rank and one more, the outermost groups first, then the lanes of a vector. A
    ``.json`` file is nested lists as :func:`stream_of` takes them: groups of unequal length, and
    structures, need one.

    Parameters
    ----------
    dataflow : :class:`Dataflow`
        The graph.
    files : dict of path
        By name of the input; every input needs one.

    Returns
    -------
    dict of :class:`QuantisedStream`
        By name of the input.

    Raises
    ------
    InputError
        There is no such input, one has no file, or a file cannot be read or is not fit for its
        port.
    """
    wanted = dataflow.input_edges
    listed = ", ".join(wanted) or "none"
    for port in files:
        if port not in wanted:
            raise InputError(f"there is no input {port!r}; inputs are: {listed}")
    for port in wanted:
        if port not in files:
            raise InputError(f"input {port} has no file; inputs are: {listed}")
    streams = {}
    for port, edge in wanted.items():
        path, (shape, rank) = Path(files[port]), port_of(edge)
        groups = read_tokens(path)
        try:
            streams[port] = _stream(port, shape, groups, rank)
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: {error}") from None
    return streams


def sample_streams(dataflow: Dataflow, n: int = 16, seed: int = 0) -> dict[str, Stream]:
    """Random inputs for a graph, if inputs of equal size in all dimensions fit together.

    An input of rank 0 gets ``n`` tokens, one of rank 1 gets ``n`` groups of ``n`` tokens, and so
    on. Numbers are uniform over the whole range of their format.

    Parameters
    ----------
    dataflow : :class:`Dataflow`
        The graph.
    n : :class:`int`
        Length of every dimension.
    seed : :class:`int`
        The same seed gives the same numbers.

    Returns
    -------
    dict of :class:`Stream`
        By name of the input.

    Raises
    ------
    InputError
        The graph's model refuses them: its inputs depend on each other in another way.
    """
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise InputError(f"n must be an int of at least 1, not {n!r}")
    for port, edge in dataflow.input_edges.items():
        try:
            check_shape(port_of(edge)[0])
        except TypeError as error:
            raise InputError(f"input {port} cannot be random: {error}") from None
        if (count := n ** (port_of(edge)[1] + 1)) > MOST:
            raise InputError(
                f"{n} tokens in every dimension are {count} of {port}, more than the {MOST} that "
                "are made at random: take fewer, or give inputs"
            )
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise InputError(f"seed must be an int of at least 0, not {seed!r}")
    generator = np.random.default_rng(seed)
    streams = {}
    for port, edge in dataflow.input_edges.items():
        shape, rank = port_of(edge)
        count = n ** (rank + 1)
        # The token before each multiple of n ** (level + 1) closes a group of that level.
        place = np.arange(1, count + 1)
        last = np.array([place % n ** (level + 1) == 0 for level in range(rank)], dtype=bool)
        streams[port] = Stream(_random(shape, count, generator), last.reshape(rank, count).T)
    try:
        interpret(dataflow, streams)
    except ValueError as error:
        raise InputError(
            f"inputs of {n} tokens in every dimension do not fit together ({error}): "
            "give inputs (inputs=, or --input PORT=FILE)"
        ) from error
    return streams


def _stream(label: str, shape: Any, groups: Any, rank: int | None) -> QuantisedStream:
    """A stream from what messages call by a label."""
    check_shape(shape)
    if rank is None:
        rank = max(depth_of(groups) - 1 - lanes_of(shape), 0)
    if not isinstance(rank, int) or isinstance(rank, bool):
        raise TypeError(f"Rank must be an int, not {rank!r}")
    if rank < 0:
        raise ValueError(f"Rank must be at least 0, not {rank}")
    if isinstance(groups, np.ndarray) and groups.dtype.kind != "O":
        groups = numbers(label, groups, TypeError)
    tokens, marks = flatten(groups, rank, label)
    last = np.array(marks, dtype=bool).reshape(len(tokens), rank)
    bits, clamped = raw_of(shape, tokens, lambda n: label + path_of(last, n))
    return QuantisedStream(bits, last, clamped)


def _random(shape: Any, count: int, generator: "np.random.Generator") -> Any:
    """Raw values, uniform over the range of every number."""
    if isinstance(shape, data.StructLayout):
        return {name: _random(member, count, generator) for name, member in shape.members.items()}
    if isinstance(shape, data.ArrayLayout):
        each = _random(shape.elem_shape, count * shape.length, generator)
        return each.reshape(count, shape.length, *each.shape[1:])
    low, high = bounds(shape)
    return generator.integers(low, high, size=count, endpoint=True)
