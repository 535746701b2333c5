# amaranth: UnusedElaboratable=no
"""What is exported: a pipeline or one of its units, with all that is known of it."""

from dataclasses import dataclass

from amaranth.lib import wiring
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import raw
from sdpaflow.ports import AxiStreams
from sdpaflow.ports.axi_stream import AxiStream
from sdpaflow.units import Fifo

from sdpaflow_sim.engines.cycle import streams_of
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.exporting import facts, naming
from sdpaflow_sim.verilog.convert import to_verilog

__all__ = ["PORTS", "Design", "Port", "pipeline_design", "unit_design"]

PORTS = ("native", "axi")
"""Kinds of ports: streams as they are, or AXI4-Stream."""


@dataclass(frozen=True)
class Port:
    """A stream of a design.

    Attributes
    ----------
    name : :class:`str`
        Of the stream.
    width : :class:`int`
        Bits of a token's payload: its data, and its ``last`` bits above.
    output : :class:`bool`
        Whether tokens leave by it.
    axi : :class:`AxiStream`
        How a token is written on AXI4-Stream; None where the ports are the stream's own.
    """

    name: str
    width: int
    output: bool
    axi: AxiStream | None = None

    @property
    def stem(self) -> str:
        """What the names of the stream's ports begin with, in the order of ports."""
        return self.axi.prefix if self.axi else self.name


@dataclass(frozen=True)
class Design:
    """A design, made once and read by all that is written of it.

    Attributes
    ----------
    name : :class:`str`
        Of the top module.
    component : :class:`wiring.Component`
        The hardware.
    ports : tuple of :class:`Port`
        Its streams, inputs first, in their order.
    flags : tuple of :class:`str`
        Outputs of one bit that rise and stay: ``saturated``, ``misframed``, a unit's own.
    rest : tuple of :class:`str`
        Other outputs.
    facts : :class:`dict`
        What is known of it, all but its ports, as plain data.
    beats : :class:`int`
        Tokens in an output vector of an attention pipeline; 0 elsewhere.
    """

    name: str
    component: wiring.Component
    ports: tuple[Port, ...]
    flags: tuple[str, ...]
    facts: dict
    rest: tuple[str, ...] = ()
    beats: int = 0

    @property
    def order(self) -> list[str]:
        """Streams in the order of their ports."""
        return [port.stem for port in self.ports]

    def verilog(self) -> str:
        """Its Verilog, without a comment at the top.

        Raises
        ------
        ToolError
            Yosys is not installed.
        """
        return to_verilog(self.component, self.name, self.order)


def pipeline_design(pipeline: Dataflow, ports: str = "native", spec: str | None = None) -> Design:
    """The design of a pipeline.

    Parameters
    ----------
    pipeline : :class:`Dataflow`
        What to export.
    ports : :class:`str`
        ``native`` for the streams as they are, or ``axi`` for AXI4-Stream.
    spec : :class:`str`
        How a command names a pipeline of one's own: ``--pipeline my.py:Normalise --arg row_max=8``.

    Raises
    ------
    InputError
        There are no such ports.
    """
    if ports not in PORTS:
        raise InputError(f"ports must be one of {', '.join(PORTS)}, not {ports!r}")
    top = pipeline if ports == "native" else AxiStreams(pipeline)
    found = [
        Port(
            name,
            raw.width(edge.fifo.i.payload.shape()),
            edges is pipeline.output_edges,
            top.streams[name] if isinstance(top, AxiStreams) else None,
        )
        for edges in (pipeline.input_edges, pipeline.output_edges)
        for name, edge in edges.items()
    ]
    name = naming.module_name(pipeline, ports)
    return Design(
        name,
        top,
        tuple(found),
        tuple(_flags(pipeline)),
        facts.of_pipeline(pipeline, name, ports, spec),
        beats=pipeline.config.dv_beats if naming.is_attention(pipeline) else 0,
    )


def unit_design(pipeline: Dataflow, wanted: str, spec: str | None = None) -> Design:
    """The design of a unit of a pipeline.

    Parameters
    ----------
    pipeline : :class:`Dataflow`
        What the unit is part of.
    wanted : :class:`str`
        Name of a node (``x_ij``) or of a FIFO (``x_ij_fifo``); or a kind of unit (``Scan``) of
        which there is only one.
    spec : :class:`str`
        As in :func:`pipeline_design`.

    Raises
    ------
    InputError
        There is no such unit, or more than one of that kind.
    """
    units = {node.name: node.unit for node in pipeline.nodes}
    units |= {f"{edge.name}_fifo": edge.fifo for edge in pipeline.edges}
    node = _chosen(units, wanted, pipeline.name)
    unit = units[node]
    name = f"{naming.module_name(pipeline)}_{node}"
    ports = [
        Port(port, raw.width(stream.payload.shape()), bool(output))
        for output, streams in enumerate(streams_of(unit))
        for port, stream in streams.items()
    ]
    outputs = [n for n, m in unit.signature.members.items() if m.is_port and m.flow == wiring.Out]
    flags = tuple(name for name in outputs if name in unit.events)
    rest = tuple(name for name in outputs if name not in flags)
    known = facts.of_unit(pipeline, unit, name, node, spec)
    return Design(name, unit, tuple(ports), flags, known, rest)


def _flags(pipeline: Dataflow) -> list[str]:
    """Names of a graph's flags."""
    members = pipeline.signature.members.items()
    return [name for name, member in members if member.is_port and member.flow == wiring.Out]


def _chosen(units: dict, wanted: str, pipeline: str) -> str:
    """The name of the unit that is wanted."""
    if wanted in units:
        return wanted
    named = [name for name, unit in units.items() if type(unit).__name__ == wanted]
    if len(named) == 1:
        return named[0]
    if named:
        raise InputError(
            f"{pipeline} has {len(named)} units of kind {wanted}: name one of {', '.join(named)}"
        )
    nodes = [name for name, unit in units.items() if not isinstance(unit, Fifo)]
    raise InputError(
        f"unit must be one of {', '.join(nodes)}, a stream's FIFO (q_fifo), or a kind of which "
        f"{pipeline} has one, not {wanted!r}"
    )
