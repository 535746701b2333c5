"""A pipeline with AXI4-Stream ports, against cocotbext-axi, which knows nothing of this project."""

import json
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource
from tb import PAUSES, PERIOD, SETTLING, at_random, never

JOB = json.loads(Path("job.json").read_text(encoding="ascii"))
SOURCES = {name: [bytes.fromhex(frame) for frame in JOB["sources"][name]] for name in "qkv"}
WANTED = [bytes.fromhex(frame) for frame in JOB["wanted"]]
LIMIT = JOB["limit"]
REPEATS = 4


class TB:
    """A source on each of q, k, v and a sink on o."""

    def __init__(self, dut):
        self.dut = dut
        Clock(dut.aclk, PERIOD, "ns").start(start_high=False)
        reset = {"reset_active_level": False, "byte_size": 8}
        self.sources = {
            name: AxiStreamSource(
                AxiStreamBus.from_prefix(dut, f"s_axis_{name}"), dut.aclk, dut.aresetn, **reset
            )
            for name in "qkv"
        }
        bus = AxiStreamBus.from_prefix(dut, "m_axis_o")
        self.sink = AxiStreamSink(bus, dut.aclk, dut.aresetn, **reset)

    def set_idle_generator(self, pauses):
        for source in self.sources.values():
            source.set_pause_generator(pauses())

    def set_backpressure_generator(self, pauses):
        self.sink.set_pause_generator(pauses())

    async def reset(self):
        """Two cycles of reset; what was under way is forgotten."""
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 2)
        for stream in (*self.sources.values(), self.sink):
            stream.clear()
        self.dut.aresetn.value = 1
        await RisingEdge(self.dut.aclk)

    def send(self, frames):
        for name, source in self.sources.items():
            for frame in frames[name]:
                source.send_nowait(AxiStreamFrame(frame))

    async def receive(self, frames):
        """These frames, and then nothing more."""
        for index, wanted in enumerate(frames):
            frame = await with_timeout(self.sink.recv(), LIMIT * PERIOD, "ns")
            got = bytes(frame.tdata)
            assert got == wanted, f"vector {index} is {got.hex()}, not {wanted.hex()}"
        self.set_idle_generator(never)
        self.set_backpressure_generator(never)
        await ClockCycles(self.dut.aclk, SETTLING)
        assert self.sink.empty()
        assert self.sink.idle()
        assert all(source.idle() for source in self.sources.values())
        assert not self.dut.misframed.value


@cocotb.test()
@cocotb.parametrize(idle=PAUSES, backpressure=PAUSES)
async def run(dut, idle, backpressure):
    """Every bit comes out, whatever the rhythm; every vector is a frame."""
    tb = TB(dut)
    tb.set_idle_generator(idle)
    tb.set_backpressure_generator(backpressure)
    await tb.reset()
    tb.send(SOURCES)
    await tb.receive(WANTED)


@cocotb.test()
async def queries_in_one_frame(dut):
    """Frames of q are free: here one holds all queries."""
    tb = TB(dut)
    await tb.reset()
    tb.send({**SOURCES, "q": [b"".join(SOURCES["q"])]})
    await tb.receive(WANTED)


@cocotb.test()
async def stress(dut):
    """Many jobs back to back, with pauses at random on all ports."""
    tb = TB(dut)
    tb.set_idle_generator(at_random)
    tb.set_backpressure_generator(at_random)
    await tb.reset()
    for _ in range(REPEATS):
        tb.send(SOURCES)
    await tb.receive(WANTED * REPEATS)


@cocotb.test()
@cocotb.parametrize(blocked=[False, True], cycles=[3, 40])
async def reset_while_busy(dut, blocked, cycles):
    """A job abandoned in the middle, its output blocked or not, leaves nothing behind."""
    tb = TB(dut)
    tb.sink.pause = blocked
    await tb.reset()
    tb.send(SOURCES)
    await ClockCycles(dut.aclk, cycles)
    await tb.reset()
    tb.sink.pause = False
    tb.send(SOURCES)
    await tb.receive(WANTED)
