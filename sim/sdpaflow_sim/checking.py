"""Any graph of units, simulated and compared with its own model, bit by bit."""

from collections.abc import Mapping
from os import PathLike

from sdpaflow import errors
from sdpaflow.graph import Dataflow, Stream, interpret_all

from sdpaflow_sim.engines.choose import AUTO, ENGINES, choose
from sdpaflow_sim.engines.stalls import Stalls
from sdpaflow_sim.engines.trace import Levels, Progress, Trace
from sdpaflow_sim.errors import MisfitError, MismatchError
from sdpaflow_sim.streams import token_of, tokens_of

__all__ = ["check"]


def check(
    dataflow: Dataflow,
    inputs: Mapping[str, Stream],
    *,
    engine: str = AUTO,
    stalls: Stalls = None,
    limit: int | None = None,
    watch: bool = True,
    vcd: str | PathLike[str] | None = None,
    window: tuple[int, int | None] | None = None,
    progress: Progress | None = None,
    levels: Levels = (),
) -> tuple[dict[str, Stream], Trace]:
    """Simulate a graph and insist that every output has the bits of the graph's model.

    The inputs are checked first: what is wrong with them is never taken for a fault of the design.

    Parameters
    ----------
    dataflow : :class:`Dataflow`
        The graph.
    inputs : dict of :class:`Stream`
        By name of the input; see :mod:`sdpaflow_sim.streams`.
    engine : :class:`str`
        A key of :data:`sdpaflow_sim.engines.choose.ENGINES`; or ``auto``, for the one sooner done.
    stalls : :class:`str` or dict of :class:`str` or :class:`Stall`
        When ports wait: for all ports (``"1101"``), or by port.
    limit : :class:`int`
        Cycles after which to give up.
    watch : :class:`bool`
        Check the contract of streams on every stream of the design, inner ones included.
    vcd : path
        Where to write a waveform.
    window : tuple of :class:`int`
        First and last cycle of the waveform; only the compiled engine shows some cycles alone.
    progress : callable
        Called with the number of output tokens, now and then.
    levels : iterable of :class:`str`
        FIFOs whose fill is recorded cycle by cycle, in the trace's ``levels``.

    Returns
    -------
    outputs : dict of :class:`Stream`
        By name of the output.
    trace : :class:`Trace`
        Cycles, peaks and the rest.

    Raises
    ------
    TypeError, ValueError
        An input is missing or not fit for its port, or an option is none.
    MisfitError
        The inputs do not fit together; a :class:`FramingError` as well as an :class:`InputError`.
    FramingError
        They disagreed in the hardware.
    MismatchError
        Bits, ends of groups or counts of raised flags differ.
    SimulationError
        The run did not end.
    """
    if not isinstance(dataflow, Dataflow):
        raise TypeError(f"check takes a Dataflow, not {dataflow!r}")
    streams, flags = _model(dataflow, inputs)
    expected = {port: streams[edge.name] for port, edge in dataflow.output_edges.items()}
    edges = {**dataflow.input_edges, **dataflow.output_edges}
    shapes = {port: token_of(edge) for port, edge in edges.items()}
    sources = {port: tokens_of(shapes[port], inputs[port]) for port in dataflow.input_edges}
    counts = {port: len(stream) for port, stream in expected.items()}
    cycles = max(len(stream) for stream in streams.values())
    name = choose(engine, dataflow, cycles, watch=watch, vcd=vcd, window=window)
    trace = ENGINES[name](
        dataflow,
        sources,
        counts,
        stalls=stalls,
        limit=limit,
        watch=watch,
        vcd=vcd,
        window=window,
        progress=progress,
        levels=levels,
    )
    for port in dataflow.output_edges:
        wanted = tokens_of(shapes[port], expected[port])
        for index, (bits, right) in enumerate(zip(trace.outputs[port], wanted, strict=True)):
            if bits != right:
                raise MismatchError(
                    f"token {index} of {port} is {bits:#x}, but its model gives {right:#x}"
                )
    for unit, of_unit in flags.items():
        for flag, right in of_unit.items():
            times = trace.flags.get(flag, {}).get(unit, 0)
            if times != right:
                raise MismatchError(
                    f"{flag} of {unit} was raised {times} times, but its model has {right}"
                )
    return expected, trace


def _model(
    dataflow: Dataflow, inputs: Mapping[str, Stream]
) -> tuple[dict[str, Stream], dict[str, dict[str, int]]]:
    """Every stream, and by unit and flag how often the model raises it."""
    try:
        model = interpret_all(dataflow, inputs)
    except errors.FramingError as error:
        raise MisfitError(str(error)) from None
    return model.streams, model.counts
