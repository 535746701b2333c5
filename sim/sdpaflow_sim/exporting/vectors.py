"""Tokens for testbenches, one file for each stream of a design."""

from collections.abc import Mapping
from dataclasses import dataclass

from amaranth.lib.data import StructLayout
from sdpaflow.graph import Dataflow, Stream, interpret

from sdpaflow_sim.exporting.design import Design, Port
from sdpaflow_sim.streams import tokens_of

__all__ = ["Passing", "Vectors", "of_pipeline", "of_unit"]


@dataclass(frozen=True)
class Vectors:
    """Tokens of one stream.

    Attributes
    ----------
    port : :class:`Port`
        The stream.
    width : :class:`int`
        Bits of a token: of the payload; or of ``tdata``, above it ``tlast``, and ``tuser`` on top.
    tokens : list of :class:`int`
        In the order in which they pass.
    """

    port: Port
    width: int
    tokens: list[int]

    @property
    def name(self) -> str:
        return self.port.name

    def hex(self) -> str:
        """The tokens as ``$readmemh`` takes them, one per line."""
        digits = (self.width + 3) // 4
        return "".join(f"{token:0{digits}x}\n" for token in self.tokens)


@dataclass(frozen=True)
class Passing:
    """What passes a design in a run, by its model.

    Attributes
    ----------
    inputs, outputs : list of :class:`Vectors`
        In the order of the ports.
    flags : dict of :class:`bool`
        Whether each flag must be up at the end; flags that the model says nothing of are left out.
    work : :class:`int`
        Cycles that the run takes at best.
    """

    inputs: list[Vectors]
    outputs: list[Vectors]
    flags: dict[str, bool]
    work: int


def of_pipeline(design: Design, pipeline: Dataflow, inputs: Mapping[str, Stream]) -> Passing:
    """What comes in and out of a pipeline.

    Parameters
    ----------
    design : :class:`Design`
        Of the pipeline.
    pipeline : :class:`Dataflow`
        The pipeline.
    inputs : dict of :class:`Stream`
        By port.
    """
    streams, clamped = interpret(pipeline, inputs)
    edges = {**pipeline.input_edges, **pipeline.output_edges}
    vectors = [
        _vectors(port, edges[port.name].fifo.i.payload.shape(), streams[edges[port.name].name])
        for port in design.ports
    ]
    flags = {"saturated": any(clamped.values()), "misframed": False}
    return _expected(design, vectors, flags, streams)


def of_unit(design: Design, pipeline: Dataflow, inputs: Mapping[str, Stream], node: str) -> Passing:
    """What comes in and out of a unit of a pipeline, or of a FIFO."""
    streams, clamped = interpret(pipeline, inputs)
    passing = {}
    for found in pipeline.nodes:
        edges = {**found.inputs, **found.outputs}
        passing[found.name] = {port: streams[edge.name] for port, edge in edges.items()}
    for edge in pipeline.edges:
        passing[f"{edge.name}_fifo"] = dict.fromkeys("io", streams[edge.name])
    vectors = [
        _vectors(
            port, getattr(design.component, port.name).payload.shape(), passing[node][port.name]
        )
        for port in design.ports
    ]
    flags = {"saturated": clamped.get(node, 0) > 0, "misframed": False}
    return _expected(design, vectors, flags, streams)


def _expected(
    design: Design, vectors: list[Vectors], flags: dict[str, bool], streams: Mapping[str, Stream]
) -> Passing:
    return Passing(
        [stream for stream in vectors if not stream.port.output],
        [stream for stream in vectors if stream.port.output],
        {flag: up for flag, up in flags.items() if flag in design.flags},
        max(len(stream) for stream in streams.values()),
    )


def _vectors(port: Port, shape: StructLayout, stream: Stream) -> Vectors:
    tokens = tokens_of(shape, stream)
    if port.axi is None:
        return Vectors(port, port.width, tokens)
    bits = 8 * port.axi.octets
    packed = []
    for token in tokens:
        tdata, tlast, tuser = port.axi.pack(token)
        packed.append(tdata | tlast << bits | tuser << bits + 1)
    return Vectors(port, bits + 1 + port.axi.user, packed)
