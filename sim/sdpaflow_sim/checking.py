"""Any graph of units, simulated and compared with its own model, bit by bit."""

import numpy as np
from sdpaflow.graph import Stream, interpret
from sdpaflow.numerics import raw

from sdpaflow_sim.engines.choose import AUTO, ENGINES, choose
from sdpaflow_sim.errors import MismatchError

__all__ = ["check", "stream_of", "tokens_of"]


def stream_of(shape, groups, rank=0):
    """A stream from nested lists of floats, quantised to ``shape``.

    ``[1, 2]`` is two tokens of rank 0; ``[[1, 2], [3]]``, of rank 1, two groups; and so on.

    Parameters
    ----------
    shape : :class:`fixed.Shape`
        Format of the numbers.
    groups : nested list of :class:`float`
        As deep as the rank and one level more.
    rank : :class:`int`
        Rank of the stream.
    """
    values, last = _flatten(groups, rank)
    return Stream(raw.quantise(values, shape)[0], np.array(last, dtype=bool).reshape(-1, rank))


def _flatten(groups, rank):
    """Numbers in order, and for each which groups it ends, the innermost first."""
    if rank == 0:
        return list(groups), [[] for _ in groups]
    values, last = [], []
    for group in groups:
        inner, marks = _flatten(group, rank - 1)
        values += inner
        last += [[*mark, False] for mark in marks]
        last[-1] = [True] * rank
    return values, last


def check(dataflow, inputs, *, engine=AUTO, **options):
    """Simulate a graph and insist that every output has the bits of the graph's model.

    Parameters
    ----------
    dataflow : :class:`Dataflow`
        The graph.
    inputs : dict of :class:`Stream`
        By name of the input.
    engine : :class:`str`
        A key of :data:`sdpaflow_sim.engines.choose.ENGINES`; or ``auto``, for the one sooner done.
    **options
        For :func:`sdpaflow_sim.engines.amaranth.simulate`: stalls, a waveform, a limit.

    Returns
    -------
    outputs : dict of :class:`Stream`
        By name of the output.
    trace : :class:`Trace`
        Cycles, peaks and the rest.

    Raises
    ------
    MismatchError
        Bits, ends of groups or counts of clamped tokens differ.
    FramingError
        The inputs do not fit together (:class:`sdpaflow.graph.FramingError`).
    SimulationError
        The run did not end.
    """
    streams, clamped = interpret(dataflow, inputs)
    expected = {port: streams[edge.name] for port, edge in dataflow.output_edges.items()}
    edges = {**dataflow.input_edges, **dataflow.output_edges}
    shapes = {port: edge.fifo.i.payload.shape() for port, edge in edges.items()}
    sources = {port: tokens_of(shapes[port], inputs[port]) for port in dataflow.input_edges}
    counts = {port: len(stream) for port, stream in expected.items()}
    cycles = max(len(stream) for stream in streams.values())
    seen = {name: options.get(name) for name in ("vcd", "window")}
    watch = options.get("watch", True)
    simulate = ENGINES[choose(engine, dataflow, cycles, watch=watch, **seen)]
    trace = simulate(dataflow, sources, counts, **options)
    for port in dataflow.output_edges:
        wanted = tokens_of(shapes[port], expected[port])
        for index, (bits, right) in enumerate(zip(trace.outputs[port], wanted, strict=True)):
            if bits != right:
                raise MismatchError(
                    f"token {index} of {port} is {bits:#x}, but its model gives {right:#x}"
                )
    if trace.saturations != clamped:
        raise MismatchError(f"clamped tokens are {trace.saturations}, but the model has {clamped}")
    return expected, trace


def tokens_of(shape, stream):
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
