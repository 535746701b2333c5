"""What can be exported, with the streams that go through it: a pipeline, or one of its units."""

from dataclasses import dataclass, field

from amaranth.lib import wiring
from sdpaflow.numerics import raw
from sdpaflow.ports.axi import AxiStreams, element_bytes
from sdpaflow.units import Fifo

from sdpaflow_sim.checking import tokens_of
from sdpaflow_sim.engines.cycle import streams_of
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.exporting import facts, unit_facts

__all__ = ["PORTS", "Top", "Vectors", "pipeline_top", "unit_top"]

PORTS = ("native", "axi")


@dataclass(frozen=True)
class Vectors:
    """Tokens of one stream.

    Attributes
    ----------
    name : :class:`str`
        Of the stream.
    width : :class:`int`
        Bits of a token: of the payload; or of ``tdata`` and, above it, ``tlast``.
    tokens : list of :class:`int`
        In the order in which they pass.
    axi : :class:`bool`
        Whether the ports are those of AXI4-Stream.
    """

    name: str
    width: int
    tokens: list
    axi: bool = False

    @property
    def prefix(self):
        """What the stream's ports begin with."""
        return f"{AxiStreams.prefix(self.name)}_t" if self.axi else f"{self.name}__"

    def hex(self):
        """The tokens as ``$readmemh`` takes them, one per line."""
        digits = (self.width + 3) // 4
        return "".join(f"{token:0{digits}x}\n" for token in self.tokens)


@dataclass(frozen=True)
class Top:
    """A design to be exported.

    Attributes
    ----------
    name : :class:`str`
        Of the top module.
    component : :class:`wiring.Component`
        The design.
    known : :class:`dict`
        What is known of it, all but its ports, as plain data.
    header : :class:`str`
        The same for people.
    inputs, outputs : list of :class:`Vectors`
        In the order of the ports.
    flags : dict of :class:`bool`
        Whether each flag must be up at the end.
    scores : :class:`int`
        How much work the vectors are, in cycles at best.
    beats : :class:`int`
        Tokens in an output vector of a pipeline; 0 for units.
    rest : list of :class:`str`
        Other outputs.
    """

    name: str
    component: object
    known: dict
    header: str
    inputs: list
    outputs: list
    flags: dict
    scores: int
    beats: int = 0
    rest: list = field(default_factory=list)

    @property
    def order(self):
        """Streams in the order of their ports."""
        streams = (*self.inputs, *self.outputs)
        return [AxiStreams.prefix(s.name) if s.axi else s.name for s in streams]


def pipeline_top(pipeline, workload, ports):
    """A pipeline, and a workload of a single head as its vectors.

    Parameters
    ----------
    pipeline : :class:`Attention`
        What to export.
    workload : :class:`Workload`
        Data of one head.
    ports : :class:`str`
        ``native`` for the streams as they are, or ``axi`` for AXI4-Stream.
    """
    if ports not in PORTS:
        raise InputError(f"ports must be one of {', '.join(PORTS)}, not {ports!r}")
    name = facts.module_name(pipeline, ports)
    known = facts.about(pipeline, name, ports)
    streams, clamped = workload.streams(pipeline)
    edges = {**pipeline.input_edges, **pipeline.output_edges}
    vectors = [_vectors(port, edge.fifo.i, streams[edge.name]) for port, edge in edges.items()]
    if ports == "axi":
        vectors = [_axi(pipeline.config, stream) for stream in vectors]
    return Top(
        name,
        pipeline if ports == "native" else AxiStreams(pipeline),
        known,
        facts.header(known),
        vectors[:-1],
        vectors[-1:],
        {"saturated": any(clamped.values()), "misframed": False},
        workload.scores * pipeline.config.beats,
        pipeline.config.dv_beats,
    )


def unit_top(pipeline, workload, wanted):
    """A unit of a pipeline, and what passes it in a workload of a single head as its vectors.

    Parameters
    ----------
    pipeline : :class:`Attention`
        What the unit is part of.
    workload : :class:`Workload`
        Data of one head.
    wanted : :class:`str`
        Name of a node (``x_ij``) or of a FIFO (``x_ij_fifo``); or a kind of unit (``Scan``) of
        which there is only one.
    """
    streams, clamped = workload.streams(pipeline)
    units = {}
    for node in pipeline.nodes:
        edges = {**node.inputs, **node.outputs}
        units[node.name] = node.unit, {port: streams[edge.name] for port, edge in edges.items()}
    for edge in pipeline.edges:
        units[f"{edge.name}_fifo"] = edge.fifo, dict.fromkeys("io", streams[edge.name])
    name = _chosen(units, wanted, facts.heading(pipeline)[0])
    unit, passing = units[name]
    inputs, outputs = (
        [_vectors(port, interface, passing[port]) for port, interface in ports.items()]
        for ports in streams_of(unit)
    )
    top = f"{facts.module_name(pipeline)}_{name}"
    known = unit_facts.about(pipeline, unit, top, name)
    flags = {"saturated": clamped.get(name, 0) > 0, "misframed": False}
    members = unit.signature.members.items()
    others = [port for port, member in members if member.is_port and member.flow == wiring.Out]
    return Top(
        top,
        unit,
        known,
        unit_facts.header(known),
        inputs,
        outputs,
        {flag: up for flag, up in flags.items() if flag in others},
        workload.scores * pipeline.config.beats,
        rest=[port for port in others if port not in flags],
    )


def _chosen(units, wanted, pipeline):
    """The name of the unit that is wanted."""
    if wanted in units:
        return wanted
    named = [name for name, (unit, _) in units.items() if type(unit).__name__ == wanted]
    if len(named) == 1:
        return named[0]
    if named:
        raise InputError(
            f"{pipeline} has {len(named)} units of kind {wanted}: name one of {', '.join(named)}"
        )
    nodes = [name for name, (unit, _) in units.items() if not isinstance(unit, Fifo)]
    raise InputError(
        f"unit must be one of {', '.join(nodes)}, a stream's FIFO (q_fifo), or a kind of which "
        f"{pipeline} has one, not {wanted!r}"
    )


def _vectors(name, port, stream):
    shape = port.payload.shape()
    return Vectors(name, raw.width(shape), tokens_of(shape, stream))


def _axi(config, stream):
    """The same tokens with their elements in whole bytes and, above, the outermost mark."""
    vector = getattr(config, f"{stream.name}_vector")
    width, size = vector.elem_shape.width, 8 * element_bytes(vector)
    rank = stream.width - raw.width(vector)
    words = []
    for token in stream.tokens:
        # An output vector in one beat closes itself.
        word = token >> stream.width - 1 & 1 if rank else int(stream.name == "o")
        for lane in reversed(range(vector.length)):
            element = token >> lane * width & (1 << width) - 1
            if element >> width - 1:
                element |= (1 << size) - (1 << width)
            word = word << size | element
        words.append(word)
    return Vectors(stream.name, size * vector.length + 1, words, axi=True)
