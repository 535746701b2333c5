"""AXI4-Stream around a dataflow."""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, ResetSignal, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.stream import Interface
from amaranth.lib.wiring import In, Out

from sdpaflow.graph import Dataflow
from sdpaflow.ports.axi_stream import AxiStream, scalars

__all__ = ["AxiStreams", "element_bytes"]


class AxiStreams(wiring.Component):
    """A dataflow with AXI4-Stream ports.

    A beat is one token: each scalar of its data in whole bytes, the first one lowest. Padding of an
    input is ignored; padding of an output repeats the sign of a signed scalar, and is 0 otherwise.

    ======  ===================================================  =========================
    rank    ``tlast``                                            ``tuser``
    ======  ===================================================  =========================
    0       an input's is ignored, an output's is 1              none
    1       ``last[0]``                                          none
    r ≥ 2   ``last[r - 1]``, which closes the outermost group    ``last[r - 2:0]``
    ======  ===================================================  =========================

    A dataflow may have an attribute ``port_beats``: for an input, the tokens in each of its
    innermost groups, where that number never changes. Those are counted here, ``last[0]`` is made
    from the count, and the table holds for the rank that is left. So an attention pipeline has no
    ``tuser``: ``tlast`` closes a row of keys on ``k``, a row of values on ``v``, and a vector on
    ``o``. On ``q`` it may close any query, all of them, or none.

    As within the dataflow, an outer mark implies the inner ones: where ``tlast`` is 1, all of
    ``tuser`` must be. Nothing is checked here; units that join streams raise ``misframed``.

    Nothing is stored but the count of beats: rate and latency are the dataflow's.

    Parameters
    ----------
    pipeline : :class:`Dataflow`
        What computes.

    Attributes
    ----------
    streams : dict of :class:`AxiStream`
        How tokens are written, by port of the dataflow; inputs first.
    flags : list of :class:`str`
        Flags of the dataflow.

    Members
    -------
    aclk : :py:`In(1)`
        Clock.
    aresetn : :py:`In(1)`
        Synchronous reset, active low.
    s_axis_<input>_* : :py:`In(...)`
        ``tdata``, ``tlast``, ``tuser`` where the rank asks for it, ``tvalid``, and ``tready`` the
        other way.
    m_axis_<output>_* : :py:`Out(...)`
        The same.
    saturated, misframed, ... : :py:`Out(1)`
        The flags of the dataflow; ``misframed`` also rises after a ``tlast`` before the last beat
        of a group that is counted.

    Raises
    ------
    TypeError
        The pipeline is no dataflow, or a port whose beats are to be counted has no groups.
    ValueError
        A stream carries no data, or a port whose beats are to be counted is no input.
    """

    aclk: Signal
    aresetn: Signal

    def __init__(self, pipeline: Dataflow) -> None:
        if not isinstance(pipeline, Dataflow):
            raise TypeError(f"AXI ports are made for a Dataflow, not for {pipeline!r}")
        self.pipeline = pipeline
        self.streams = _streams(pipeline)
        self.flags = [
            name
            for name, member in pipeline.signature.members.items()
            if member.is_port and member.flow == Out and member.shape == 1
        ]
        members = {"aclk": In(1), "aresetn": In(1)}
        for stream in self.streams.values():
            there, back = (Out, In) if stream.output else (In, Out)
            members |= {
                f"{stream.prefix}_tdata": there(8 * stream.octets),
                f"{stream.prefix}_tlast": there(1),
                **({f"{stream.prefix}_tuser": there(stream.user)} if stream.user else {}),
                f"{stream.prefix}_tvalid": there(1),
                f"{stream.prefix}_tready": back(1),
            }
        super().__init__(members | dict.fromkeys(self.flags, Out(1)))

    @staticmethod
    def prefix(name: str) -> str:
        """What the ports of an attention pipeline's stream begin with."""
        return f"{'m' if name == 'o' else 's'}_axis_{name}"

    def elaborate(self, platform: object) -> Module:
        core = self.pipeline
        m = core.elaborate(platform)  # the units themselves: one level less to look through
        m.domains.sync = ClockDomain(local=True)
        m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]

        torn = Signal()  # a tlast came within a group that is counted
        for flag in self.flags:
            raised = getattr(core, flag)
            m.d.comb += getattr(self, flag).eq(raised | torn if flag == "misframed" else raised)
        for stream in self.streams.values():
            port = getattr(core, stream.name)
            if stream.output:
                self._output(m, stream, port)
            else:
                self._input(m, stream, port, torn)
        return m

    def _input(self, m: Module, stream: AxiStream, port: Interface, torn: Signal) -> None:
        tdata, tlast, tvalid, tready = self._ports(stream)
        m.d.comb += [port.valid.eq(tvalid), tready.eq(port.ready)]
        # Scalars follow each other without a gap, so they are the data as they are.
        parts = [tdata[start : start + scalar.width] for scalar, start in stream.places()]
        token = Value.cast(port.payload)
        m.d.comb += token[: stream.width].eq(Cat(parts))

        outer: list[Value] = [tlast] if stream.rank > stream.counted else []
        if stream.user:
            outer = [getattr(self, f"{stream.prefix}_tuser"), tlast]
        if stream.counted:
            outer = self._count(m, stream, tvalid & tready, tlast, outer, torn)
        m.d.comb += token[stream.width :].eq(Cat(outer))

    def _count(
        self,
        m: Module,
        stream: AxiStream,
        fire: Value,
        tlast: Signal,
        outer: list[Value],
        torn: Signal,
    ) -> list[Value]:
        """All ``last`` bits of a token, the innermost from a count of beats."""
        beat = Signal(range(stream.beats), name=f"{stream.name}_beat")
        end = Signal(name=f"{stream.name}_end")
        m.d.comb += end.eq(beat == stream.beats - 1)
        with m.If(fire):
            m.d.sync += beat.eq(beat + 1)
            with m.If(end):
                m.d.sync += beat.eq(0)
            with m.Elif(tlast):
                m.d.sync += torn.eq(1)
        # An outer group ends only where the inner one does, whatever comes in between.
        return [end, *(mark & end.replicate(len(mark)) for mark in outer)]

    def _output(self, m: Module, stream: AxiStream, port: Interface) -> None:
        tdata, tlast, tvalid, tready = self._ports(stream)
        token = Value.cast(port.payload)
        last = token[stream.width :]
        m.d.comb += [tvalid.eq(port.valid), port.ready.eq(tready)]
        for scalar, start in stream.places():
            bits = token[scalar.start : scalar.start + scalar.width]
            padded = tdata[start : start + 8 * scalar.octets]
            m.d.comb += padded.eq(bits.as_signed() if scalar.signed else bits)
        m.d.comb += tlast.eq(last[-1] if stream.rank else 1)
        if stream.user:
            m.d.comb += getattr(self, f"{stream.prefix}_tuser").eq(last[:-1])

    def _ports(self, stream: AxiStream) -> list[Signal]:
        parts = ("tdata", "tlast", "tvalid", "tready")
        return [getattr(self, f"{stream.prefix}_{part}") for part in parts]


def _streams(pipeline: Dataflow) -> dict[str, AxiStream]:
    """Every stream of a dataflow, inputs first, in the order in which they were named."""
    beats = dict(getattr(pipeline, "port_beats", {}))
    streams = {}
    for output, edges in ((False, pipeline.input_edges), (True, pipeline.output_edges)):
        for name in edges:
            token = getattr(pipeline, name).payload.shape().members
            shape, rank = token["data"], token["last"]
            parts = tuple(scalars(shape))
            if not parts:
                raise ValueError(f"{name} carries no data: AXI needs a byte or more")
            if name in beats and output:
                raise ValueError(f"Beats are counted of inputs, and {name} is an output")
            count = beats.pop(name, 1)
            if count > 1 and not rank:
                raise TypeError(f"{name} has groups of {count} beats, so its rank must not be 0")
            width = sum(part.width for part in parts)
            streams[name] = AxiStream(name, output, parts, width, rank, count)
    if beats:
        raise ValueError(
            f"There is no input {next(iter(beats))!r}, only {', '.join(pipeline.input_edges)}"
        )
    return streams


def element_bytes(vector: data.ArrayLayout) -> int:
    """Whole bytes that an element of a vector takes."""
    return (vector.elem_shape.width + 7) // 8
