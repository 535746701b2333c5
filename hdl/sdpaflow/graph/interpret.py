"""A graph run without time: the bit-exact model of a whole pipeline.

There is no second description of a pipeline. Each node's operator has a model; this module applies
them in the order of the graph, to whole streams at once.
"""

from dataclasses import dataclass

import numpy as np

from sdpaflow.numerics import raw

__all__ = ["Stream", "interpret"]


@dataclass
class Stream:
    """All tokens of a stream, in order.

    Attributes
    ----------
    data
        Raw values (:mod:`sdpaflow.numerics.raw`), token index first.
    last : numpy.ndarray
        Bools, tokens × rank.
    """

    data: object
    last: np.ndarray

    def __len__(self):
        return len(self.last)


class FramingError(ValueError):
    """Streams that are joined disagree on where their groups end."""


def interpret(dataflow, inputs):
    """Every stream of a graph, from its inputs.

    Parameters
    ----------
    dataflow : :class:`Dataflow`
        The graph.
    inputs : dict of :class:`Stream`
        By name of the input.

    Returns
    -------
    streams : dict of :class:`Stream`
        By name of the edge.
    saturations : dict of :class:`int`
        Clamped tokens, by name of the node; nodes that cannot saturate are left out.
    """
    streams = {edge.name: inputs[port] for port, edge in dataflow.input_edges.items()}
    saturations = {}
    for node in dataflow.nodes:
        arrived = {port: streams[edge.name] for port, edge in node.inputs.items()}
        result, clamped = _RULES[node.kind](node, **arrived)
        for edge in node.outputs.values():
            streams[edge.name] = result
        if clamped is not None:
            saturations[node.name] = clamped
    return streams, saturations


def _map(node, **inputs):
    first, *others = inputs.values()
    for other in others:
        _agree(node, first.last, other.last)
    arguments = [stream.data for stream in inputs.values()]
    if node.unit.paired:
        arguments = [first.data["over"], first.data["i"]]
    result, clamped = node.unit.fn.evaluate(*arguments)
    return Stream(result, first.last), None if clamped is None else int(clamped.sum())


def _reduce(node, i):
    ends = i.last[:, 0]
    state, clamped = _last_states(node, i.data, ends)
    return Stream(state, i.last[ends, 1:]), clamped


def _scan(node, i):
    fn, ends = node.unit.fn, i.last[:, 0]
    clamped = 0 if fn.saturates else None
    if not len(ends):
        return Stream(raw.zeros(fn.shape, 0), i.last), clamped
    if not node.unit.ahead:
        emitted = fn.model_scan(i.data, _starts(ends))
        if emitted is None:
            _, emitted, clamped = _fold(node, i.data, ends)
        return Stream(emitted, i.last), clamped
    states = fn.model_states(i.data, _starts(ends))
    if states is None:
        states, _, clamped = _fold(node, i.data, ends)
    after = raw.take(states, np.arange(len(ends)) + ~ends)
    return Stream(fn.model_emit(False, after, after, i.data), i.last), clamped


def _mem_reduce(node, i):
    position, row = _positions(i.last[:, 0]), _groups(i.last[:, 1])
    inner = _groups(i.last[:, 0])
    order = np.lexsort((inner, position, row))  # every partial result's tokens, one after another
    changes = (np.diff(position[order]) != 0) | (np.diff(row[order]) != 0)
    ends = np.append(changes, True)
    _agree(node, position[order][ends], position[_ends_row(i.last)])
    state, clamped = _last_states(node, raw.take(i.data, order), ends)
    last_group = _ends_row(i.last)
    return Stream(state, i.last[last_group, 1:]), clamped


def _repeat(node, i, over):
    ends = over.last[:, 0]
    _agree(node, over.last[ends, 1:], i.last)
    data = {"over": over.data, "i": raw.take(i.data, _groups(ends))}
    return Stream(data, over.last), None


def _replay(node, i, over):
    starts = np.flatnonzero(np.append(True, i.last[:-1, 0]))
    index = starts[np.minimum(_groups(over.last[:, 1]), len(starts) - 1)]
    index = np.minimum(index + _positions(over.last[:, 0]), len(i) - 1)
    _agree(node, i.last[index, 0], over.last[:, 0])
    ends = over.last[:, 1]
    _agree(node, i.last[i.last[:, 0], 1:], over.last[ends, 2:])
    return Stream({"over": over.data, "i": raw.take(i.data, index)}, over.last), None


def _fork(node, i):
    return i, None


_RULES = {
    "Map": _map,
    "Reduce": _reduce,
    "Scan": _scan,
    "MemReduce": _mem_reduce,
    "Repeat": _repeat,
    "Replay": _replay,
    "Fork": _fork,
}


def _last_states(node, data, ends):
    """State after each group, and how many tokens were clamped."""
    fn = node.unit.fn
    state = fn.model_groups(data, _starts(ends)) if len(ends) else None
    if state is not None:
        return state, 0 if fn.saturates else None
    states, _, clamped = _fold(node, data, ends)
    last = np.flatnonzero(ends)
    newer = raw.take(states, last)
    if fn.ways == 1:
        return newer, clamped
    # The other partial result is that of the token before, where the group has one.
    older = raw.take(states, np.maximum(last - 1, 0))
    raw.put(older, last == _starts(ends), raw.zeros(fn.state, int(np.sum(last == _starts(ends)))))
    merged, over = fn.model_merge(newer, older)
    return merged, None if over is None else clamped + int(over.sum())


def _fold(node, data, ends):
    """States and emitted tokens after each token, all groups in step; and how many were clamped."""
    fn = node.unit.fn
    starts = _starts(ends)
    lengths = np.flatnonzero(ends) + 1 - starts
    states = raw.zeros(fn.state, len(ends))
    emitted = raw.zeros(fn.shape, len(ends))
    clamped = 0
    for step in range(lengths.max(initial=0)):
        index = starts[lengths > step] + step
        first = step < fn.ways
        old = raw.take(states, index - (0 if first else fn.ways))
        token = raw.take(data, index)
        new, over = fn.model(first, old, token)
        raw.put(states, index, new)
        raw.put(emitted, index, fn.model_emit(first, old, new, token))
        clamped += 0 if over is None else int(over.sum())
    return states, emitted, clamped if fn.saturates else None


def _starts(ends):
    """Where each group starts."""
    return np.append(0, np.flatnonzero(ends)[:-1] + 1)


def _groups(ends):
    """Number of the group that each token is in."""
    return np.cumsum(ends) - ends


def _positions(ends):
    """Place of each token within its group."""
    starts = np.append(0, np.flatnonzero(ends)[:-1] + 1)
    return np.arange(len(ends)) - starts[_groups(ends)]


def _ends_row(last):
    """Which tokens are in the last innermost group of their group of groups."""
    closing = last[last[:, 0], 1]
    return closing[_groups(last[:, 0])]


def _agree(node, one, other):
    if one.shape != other.shape or not np.array_equal(one, other):
        raise FramingError(f"{node.name} ({node.kind}): its inputs disagree on where groups end")
