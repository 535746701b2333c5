"""Amaranth's simulator for designs that are run several times: each is prepared once.

To prepare a design, elaborated and compiled to Python, takes longer than a few hundred cycles of it.
"""

import functools

from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator
from sdpaflow_sim.engines.amaranth import PERIOD
from sdpaflow_sim.engines.cycle import Driver
from sdpaflow_sim.engines.trace import Trace

__all__ = ["simulate"]

KEPT = 40
"""Designs that are kept prepared, those that were run last."""


class Prepared:
    """A design in the simulator, and the job that runs next."""

    def __init__(self, dut):
        top = Module()
        top.domains.sync = self.clock = ClockDomain()
        top.submodules.dut = dut
        self.simulator, self.used = Simulator(top), False
        self.simulator.add_clock(PERIOD)

        async def testbench(ctx):
            await self.job(ctx)

        self.simulator.add_testbench(testbench)

    def run(self, job):
        """From the initial state on."""
        self.job = job
        if self.used:
            self.simulator.reset()
        self.used = True
        self.simulator.run()


prepared = functools.lru_cache(KEPT)(Prepared)


def simulate(
    dut,
    sources,
    counts,
    *,
    stalls=None,
    limit=None,
    watch=True,
    vcd=None,
    window=None,
    progress=None,
    abandoned=None,
):
    """As the engine's own :func:`sdpaflow_sim.engines.amaranth.simulate`, without a waveform."""
    assert vcd is window is None
    design, driver, trace = prepared(dut), Driver(dut, stalls, watch), Trace()

    async def job(ctx):
        if abandoned:
            await driver.run(ctx, *abandoned, Trace())
            driver.silence(ctx)
            ctx.set(design.clock.rst, 1)
            await ctx.tick()
            ctx.set(design.clock.rst, 0)
        await driver.run(ctx, sources, limit, trace, counts, progress)

    design.run(job)
    return trace
