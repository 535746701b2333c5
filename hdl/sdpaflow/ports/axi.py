"""AXI4-Stream around an attention pipeline."""

from amaranth.hdl import Cat, ClockDomain, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AxiStreams", "element_bytes"]


class AxiStreams(wiring.Component):
    """An attention pipeline with AXI4-Stream ports.

    A beat holds the elements of one token, each in whole bytes, the first one in the lowest. The
    padding above an input's element is ignored; an output's is its sign. ``tlast`` closes a row of
    keys on ``k``, a row of values on ``v``, and a vector on ``o``. On ``q`` it is free: it may
    close any query, all of them, or none. Where a vector takes several beats, they are counted
    here.

    Nothing is stored on the way but the count of beats: rate and latency are the pipeline's.

    Parameters
    ----------
    pipeline : :class:`Attention`
        What computes.

    Members
    -------
    aclk : :py:`In(1)`
        Clock.
    aresetn : :py:`In(1)`
        Synchronous reset, active low.
    s_axis_q_*, s_axis_k_*, s_axis_v_* : :py:`In(...)`
        ``tdata``, ``tlast``, ``tvalid``, and ``tready`` the other way.
    m_axis_o_* : :py:`Out(...)`
        The same.
    saturated, misframed : :py:`Out(1)`
        That flag is up in the pipeline; ``misframed`` rises too after a ``tlast``
        within a vector.
    """

    def __init__(self, pipeline):
        self.pipeline = pipeline
        config = pipeline.config
        self.vectors = {name: getattr(config, f"{name}_vector") for name in "qkvo"}
        self.beats = {"q": config.beats, "k": config.beats, "v": config.dv_beats}
        members = {"aclk": In(1), "aresetn": In(1)}
        for name, vector in self.vectors.items():
            there, back = (Out, In) if name == "o" else (In, Out)
            prefix = self.prefix(name)
            members |= {
                f"{prefix}_tdata": there(8 * element_bytes(vector) * vector.length),
                f"{prefix}_tlast": there(1),
                f"{prefix}_tvalid": there(1),
                f"{prefix}_tready": back(1),
            }
        super().__init__({**members, "saturated": Out(1), "misframed": Out(1)})

    @staticmethod
    def prefix(name):
        """What the ports of a stream begin with."""
        return f"{'m' if name == 'o' else 's'}_axis_{name}"

    def elaborate(self, platform):
        core = self.pipeline
        m = core.elaborate(platform)  # the units themselves: one level less to look through
        m.domains.sync = sync = ClockDomain(local=True)
        m.d.comb += [sync.clk.eq(self.aclk), sync.rst.eq(~self.aresetn)]

        torn = Signal()  # a tlast came within a vector
        m.d.comb += self.saturated.eq(core.saturated)
        m.d.comb += self.misframed.eq(core.misframed | torn)
        for name in "qkv":
            self._input(m, name, getattr(core, name), torn)
        self._output(m, core.o)
        return m

    def _input(self, m, name, port, torn):
        tdata, tlast, tvalid, tready = self._ports(name)
        beats = self.beats[name]
        m.d.comb += port.valid.eq(tvalid)
        m.d.comb += tready.eq(port.ready)
        lanes = self._lanes(name, tdata)
        width = self.vectors[name].elem_shape.width
        m.d.comb += Value.cast(port.payload.data).eq(Cat(lane[:width] for lane in lanes))
        last = [] if name == "q" else [tlast]
        if beats > 1:
            beat = Signal(range(beats), name=f"{name}_beat")
            end = Signal(name=f"{name}_end")
            m.d.comb += end.eq(beat == beats - 1)
            last = [end, *(tlast & end for _ in last)]
            with m.If(tvalid & tready):
                m.d.sync += beat.eq(beat + 1)
                with m.If(end):
                    m.d.sync += beat.eq(0)
                with m.Elif(tlast):
                    m.d.sync += torn.eq(1)
        m.d.comb += port.payload.last.eq(Cat(last))

    def _output(self, m, port):
        tdata, tlast, tvalid, tready = self._ports("o")
        m.d.comb += tvalid.eq(port.valid)
        m.d.comb += port.ready.eq(tready)
        for lane, element in zip(self._lanes("o", tdata), port.payload.data, strict=True):
            m.d.comb += lane.eq(Value.cast(element).as_signed())
        m.d.comb += tlast.eq(port.payload.last.any() if self.pipeline.config.dv_beats > 1 else 1)

    def _ports(self, name):
        parts = ("tdata", "tlast", "tvalid", "tready")
        return [getattr(self, f"{self.prefix(name)}_{part}") for part in parts]

    def _lanes(self, name, tdata):
        bits = 8 * element_bytes(self.vectors[name])
        return [tdata[start : start + bits] for start in range(0, len(tdata), bits)]


def element_bytes(vector):
    """Whole bytes that an element of a vector takes."""
    return (vector.elem_shape.width + 7) // 8
