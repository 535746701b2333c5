"""Every unit, all side by side in one design: the streams and results of the other unit tests.

All units run at once, each on a bench of its own: the simulator simulates them all in any case.
"""

import cocotb
from cocotb.triggers import ClockCycles
from helpers.cases import CASES
from helpers.side_by_side import slug
from tb import PAUSES, TB, at_random, never, reset

CYCLES = 5000
REPEATS = 10


class All:
    """A bench for each unit."""

    def __init__(self, dut):
        self.dut, self.sources, self.wanted, self.benches = dut, [], [], []
        for case, prefix in ((case, f"{slug(name)}__") for name, case in CASES.items()):
            self.sources.append({port: s.tokens for port, s in case.inputs.items()})
            self.wanted.append({port: s.tokens for port, s in case.outputs.items()})
            first = not self.benches
            self.benches.append(TB(dut, case.inputs, case.outputs, prefix, clock=first))

    async def run(self, idle, backpressure, repeats=1):
        """Send all streams, so many times over, and receive what is wanted."""
        for tb, sources in zip(self.benches, self.sources, strict=True):
            tb.set_idle_generator(idle)
            tb.set_backpressure_generator(backpressure)
            tb.send({port: tokens * repeats for port, tokens in sources.items()})
        receiving = [
            cocotb.start_soon(
                tb.receive({port: tokens * repeats for port, tokens in wanted.items()}, CYCLES)
            )
            for tb, wanted in zip(self.benches, self.wanted, strict=True)
        ]
        for task in receiving:
            await task


@cocotb.test()
@cocotb.parametrize(idle=PAUSES, backpressure=PAUSES)
async def run(dut, idle, backpressure):
    """Every bit comes out, whatever the rhythm."""
    units = All(dut)
    await reset(units.benches)
    await units.run(idle, backpressure)


@cocotb.test()
async def stress(dut):
    """The streams many times over, with pauses at random on all ports."""
    units = All(dut)
    await reset(units.benches)
    await units.run(at_random, at_random, REPEATS)


@cocotb.test()
@cocotb.parametrize(blocked=[False, True], cycles=[2, 3, 5, 9])
async def reset_while_busy(dut, blocked, cycles):
    """A job abandoned in the middle, its outputs blocked or not, leaves nothing behind."""
    units = All(dut)
    for tb in units.benches:
        for sink in tb.sinks.values():
            sink.pause = blocked
    await reset(units.benches)
    for tb, sources in zip(units.benches, units.sources, strict=True):
        tb.send(sources)
    await ClockCycles(dut.clk, cycles)
    await reset(units.benches)
    for tb in units.benches:
        for sink in tb.sinks.values():
            sink.pause = False
    await units.run(never, never)
