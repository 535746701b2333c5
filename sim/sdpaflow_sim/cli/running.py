"""A pipeline's run for the command line: an attention's, or any other's."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from amaranth.lib import data
from sdpaflow.graph import Dataflow, FramingError, Stream
from sdpaflow.numerics import fixed, raw
from sdpaflow.pipelines import Attention

from sdpaflow_sim.attention.report import FifoUse, Report, fifos_of, state_of
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.checking import check
from sdpaflow_sim.cli.chosen import Chosen, columns, streams_for
from sdpaflow_sim.cli.progress import Progress
from sdpaflow_sim.engines.trace import Trace
from sdpaflow_sim.errors import InputError, SimulationError
from sdpaflow_sim.outputs import FilePath, replacing

__all__ = ["GraphReport", "arrays_of", "run_attention", "run_chosen", "run_graph", "save"]


@dataclass
class GraphReport:
    """What a run of a pipeline that is no attention gave, and what it took.

    Attributes
    ----------
    pipeline : :class:`str`
        Its name.
    arguments : list of :class:`str`
        What it was made with, each as ``name=value``.
    cycles : :class:`int`
        From the first input token accepted to the last output token accepted, inclusive.
    inputs, outputs : dict of :class:`int`
        Tokens by port.
    bit_exact : :class:`bool`
        True: a run that differs from the model raises an error instead.
    saturations : dict of :class:`int`
        Clamped tokens by unit; what never happened is left out.
    flags : dict of dict of :class:`int`
        How often other flags of units were up, by flag and unit; what never happened is left out.
    fifos : list of :class:`FifoUse`
        In the order of the graph.
    state_words, state_bits : :class:`int`
        What the units themselves can hold.
    """

    pipeline: str
    arguments: list[str]
    cycles: int
    inputs: dict[str, int]
    outputs: dict[str, int]
    bit_exact: bool
    saturations: dict[str, int]
    flags: dict[str, dict[str, int]]
    fifos: list[FifoUse]
    state_words: int
    state_bits: int

    @property
    def peaks(self) -> dict[str, int]:
        """Greatest fill by name of the FIFO."""
        return {fifo.name: fifo.peak for fifo in self.fifos}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def run_chosen(
    chosen: Chosen, tokens: int | None = None, seed: int = 0, **options: Any
) -> tuple[Report | GraphReport, dict[str, np.ndarray]]:
    """Run a pipeline with what goes through it, and check every bit of it.

    Parameters
    ----------
    chosen : :class:`Chosen`
        The pipeline, with its heads if it is an attention.
    tokens, seed : :class:`int`
        Random tokens for any other pipeline that is given no files.
    **options
        For :func:`run_attention` or :func:`run_graph`.

    Returns
    -------
    report : :class:`Report` or :class:`GraphReport`
        What it took.
    arrays : dict of numpy.ndarray
        What it gave, by name; under the empty name that of an attention.
    """
    if chosen.heads is not None:
        report = run_attention(chosen, **options)
        array = np.asarray(report.outputs)
        return report, {"": array.reshape(*chosen.batch, *array.shape[-2 if chosen.batch else 0 :])}
    streams = streams_for(chosen.pipeline, chosen.spec.inputs, tokens, seed)
    graph_report, outputs = run_graph(chosen, streams, **options)
    return graph_report, arrays_of(chosen.pipeline, outputs)


def save(path: FilePath, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays as ``.npz``, or the one without a name as ``.npy``."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        if "" in arrays:
            np.save(file, arrays[""])
        else:
            np.savez(file, allow_pickle=False, **arrays)


def run_attention(chosen: Chosen, *, quiet: bool = False, **options: Any) -> Report:
    """Run an attention on its heads, with options of :func:`sdpaflow_sim.attention.run.run`."""
    assert isinstance(chosen.pipeline, Attention)
    assert chosen.heads is not None
    queries = sum(len(head[0]) for head in chosen.heads)
    with Progress({chosen.name: queries}, quiet=quiet) as progress:
        counter = progress.counter(chosen.name)
        return run(chosen.pipeline, *columns(chosen.heads), progress=counter, **options)


def run_graph(
    chosen: Chosen, streams: Mapping[str, Stream], *, quiet: bool = False, **options: Any
) -> tuple[GraphReport, dict[str, Stream]]:
    """Run any pipeline on its streams, and check every bit of it.

    Options are those of :func:`sdpaflow_sim.checking.check`.

    Returns
    -------
    report : :class:`GraphReport`
        What it took.
    outputs : dict of :class:`Stream`
        What it gave, by port.

    Raises
    ------
    InputError
        The streams do not fit together.
    SimulationError
        The run did not end, or differs from the model.
    """
    pipeline = chosen.pipeline
    try:
        with Progress({chosen.name: None}, quiet=quiet, unit="tokens") as progress:
            counter = progress.counter(chosen.name)
            outputs, trace = check(pipeline, streams, progress=counter, **options)
    except FramingError as error:
        if isinstance(error, SimulationError):
            raise
        raise InputError(str(error)) from None
    words, bits = state_of(pipeline)
    report = GraphReport(
        pipeline=chosen.name,
        arguments=list(chosen.spec.arguments),
        cycles=trace.cycles,
        inputs={port: len(stream) for port, stream in streams.items()},
        outputs={port: len(stream) for port, stream in outputs.items()},
        bit_exact=True,
        saturations={name: count for name, count in trace.saturations.items() if count},
        flags=_other_flags(trace),
        fifos=fifos_of(pipeline, trace.peaks),
        state_words=words,
        state_bits=bits,
    )
    return report, outputs


def _other_flags(trace: Trace) -> dict[str, dict[str, int]]:
    """Counts by flag and unit; those of saturation have a place of their own."""
    seen = {
        flag: {unit: count for unit, count in units.items() if count}
        for flag, units in trace.flags.items()
        if flag != "saturated"
    }
    return {flag: units for flag, units in seen.items() if units}


def arrays_of(dataflow: Dataflow, outputs: Mapping[str, Stream]) -> dict[str, np.ndarray]:
    """Arrays to be written: of each output its numbers, and the ends of its groups if it has any.

    Fixed point becomes floats, whole numbers stay so. A structure is an array per field,
    ``port.field``; ends are ``port.last``, (tokens, rank), the innermost first.
    """
    arrays: dict[str, np.ndarray] = {}
    for port, edge in dataflow.output_edges.items():
        shape = edge.fifo.o.payload.shape().members["data"]
        arrays |= _numbers(port, shape, outputs[port].data)
        if outputs[port].last.shape[1]:
            arrays[f"{port}.last"] = outputs[port].last
    return arrays


def _numbers(name: str, shape: object, values: Any) -> dict[str, np.ndarray]:
    """Arrays of raw values, by name."""
    if isinstance(shape, data.StructLayout):
        arrays: dict[str, np.ndarray] = {}
        for field, member in shape.members.items():
            arrays |= _numbers(f"{name}.{field}", member, values[field])
        return arrays
    element = shape
    while isinstance(element, data.ArrayLayout):
        element = element.elem_shape
    return {name: raw.to_float(values, element) if isinstance(element, fixed.Shape) else values}
