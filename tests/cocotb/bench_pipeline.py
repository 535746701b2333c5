"""A pipeline, on the streams that ``job.json`` in the working directory holds."""

import json
from pathlib import Path

import cocotb
from cocotb.triggers import ClockCycles
from lockstep import lockstep
from tb import PAUSES, SETTLING, TB, at_random, start

JOB = json.loads(Path("job.json").read_text(encoding="ascii"))
SOURCES, WANTED, LIMIT = JOB["sources"], JOB["wanted"], JOB["limit"]


@cocotb.test()
@cocotb.parametrize(idle=PAUSES, backpressure=PAUSES)
async def run(dut, idle, backpressure):
    """Every bit comes out, whatever the rhythm."""
    tb = TB(dut, SOURCES, WANTED)
    tb.set_idle_generator(idle)
    tb.set_backpressure_generator(backpressure)
    await tb.reset()
    tb.send(SOURCES)
    await tb.receive(WANTED, LIMIT)


@cocotb.test()
async def stress(dut):
    """Many jobs back to back, with pauses at random on all ports."""
    tb = TB(dut, SOURCES, WANTED)
    tb.set_idle_generator(at_random)
    tb.set_backpressure_generator(at_random)
    await tb.reset()
    for _ in range(JOB["repeats"]):
        tb.send(SOURCES)
    await tb.receive({name: tokens * JOB["repeats"] for name, tokens in WANTED.items()}, LIMIT)


@cocotb.test()
@cocotb.parametrize(blocked=[False, True], cycles=[3, 40])
async def reset_while_busy(dut, blocked, cycles):
    """A job abandoned in the middle, its output blocked or not, leaves nothing behind."""
    tb = TB(dut, SOURCES, WANTED)
    for sink in tb.sinks.values():
        sink.pause = blocked
    await tb.reset()
    tb.send(SOURCES)
    await ClockCycles(dut.clk, cycles)
    await tb.reset()
    for sink in tb.sinks.values():
        sink.pause = False
    tb.send(SOURCES)
    await tb.receive(WANTED, LIMIT)


@cocotb.test()
@cocotb.parametrize(stalls=[cocotb.Param(name, name=name) for name in JOB["stalls"]])
async def compare(dut, stalls):
    """Cycle by cycle under a schedule; what it shows is left in a file, to be compared."""
    await start(dut, SOURCES, WANTED)
    counts = {name: len(tokens) for name, tokens in WANTED.items()}
    trace = await lockstep(dut, SOURCES, counts, JOB["fifos"], JOB["stalls"][stalls], LIMIT)
    assert trace["outputs"] == WANTED
    await ClockCycles(dut.clk, SETTLING)
    assert not any(getattr(dut, f"{name}__valid").value for name in WANTED), "a token too many"
    Path(f"{stalls}.json").write_text(json.dumps(trace), encoding="ascii")
    # A table of the FIFOs: depth and bits are what the netlist has, the peak is what was seen.
    dut._log.info(f"{'FIFO':<14}{'depth':>7}{'peak':>7}{'flip-flops':>12}{'memory':>8}")
    for name, (depth, flip_flops, memory) in JOB["fifos"].items():
        peak = trace["peaks"][name]
        dut._log.info(f"{name:<14}{depth:>7}{peak:>7}{flip_flops:>12}{memory:>8}")
