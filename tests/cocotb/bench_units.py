"""Every unit, all side by side in one design: the streams and results of the other unit tests."""

import cocotb
from cocotb.triggers import ClockCycles
from helpers.cases import CASES
from helpers.side_by_side import slug
from tb import PAUSES, TB, at_random

CYCLES = 5000
REPEATS = 10
NAMES = {slug(name): name for name in CASES}
CASE = [cocotb.Param(name, name=name) for name in NAMES]


def bench(dut, name):
    case = CASES[NAMES[name]]
    sources = {port: stream.tokens for port, stream in case.inputs.items()}
    wanted = {port: stream.tokens for port, stream in case.outputs.items()}
    return TB(dut, sources, wanted, f"{name}__"), sources, wanted


@cocotb.test()
@cocotb.parametrize(case=CASE, idle=PAUSES, backpressure=PAUSES)
async def run(dut, case, idle, backpressure):
    """Every bit comes out, whatever the rhythm."""
    tb, sources, wanted = bench(dut, case)
    tb.set_idle_generator(idle)
    tb.set_backpressure_generator(backpressure)
    await tb.reset()
    tb.send(sources)
    await tb.receive(wanted, CYCLES)


@cocotb.test()
@cocotb.parametrize(case=CASE)
async def stress(dut, case):
    """The streams many times over, with pauses at random on all ports."""
    tb, sources, wanted = bench(dut, case)
    tb.set_idle_generator(at_random)
    tb.set_backpressure_generator(at_random)
    await tb.reset()
    tb.send({port: tokens * REPEATS for port, tokens in sources.items()})
    await tb.receive({port: tokens * REPEATS for port, tokens in wanted.items()}, CYCLES)


@cocotb.test()
@cocotb.parametrize(case=CASE, blocked=[False, True], cycles=[2, 3, 5, 9])
async def reset_while_busy(dut, case, blocked, cycles):
    """A job abandoned in the middle, its outputs blocked or not, leaves nothing behind."""
    tb, sources, wanted = bench(dut, case)
    for sink in tb.sinks.values():
        sink.pause = blocked
    await tb.reset()
    tb.send(sources)
    await ClockCycles(dut.clk, cycles)
    await tb.reset()
    for sink in tb.sinks.values():
        sink.pause = False
    tb.send(sources)
    await tb.receive(wanted, CYCLES)
