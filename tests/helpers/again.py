"""Amaranth's simulator for designs that are run several times: each is prepared once.

To prepare a design, elaborated and compiled to Python, takes longer than to run it for a few
hundred cycles. The design must stay as it is from run to run.
"""

from unittest import mock

from amaranth import sim
from amaranth.hdl import ClockDomain
from sdpaflow_sim.engines import amaranth

__all__ = ["simulate"]

KEPT = 40
"""Designs that are kept prepared, those that were run last."""

CLOCK = ClockDomain("sync")
"""Of all designs; in each simulator its signals have values of their own."""

Simulator = sim.Simulator


class Prepared:
    """A design in a simulator that runs one testbench after another, from the initial state on."""

    designs = {}

    def __init__(self, top):
        self.simulator, self.used = Simulator(top), False
        self.simulator.add_clock(amaranth.PERIOD)

        async def testbench(ctx):
            await self.testbench(ctx)

        self.simulator.add_testbench(testbench)

    @classmethod
    def of(cls, top):
        """The one that there is of a design, or a new one."""
        dut = top.submodules.dut
        top._MustUse__used = True  # though another may stand in for it
        cls.designs[dut] = prepared = cls.designs.pop(dut, None) or cls(top)
        if len(cls.designs) > KEPT:
            del cls.designs[next(iter(cls.designs))]
        return prepared

    def add_clock(self, period):
        """There is one already."""

    def add_testbench(self, testbench):
        self.testbench = testbench

    def write_vcd(self, file):
        self._restart()
        return self.simulator.write_vcd(file)

    def run(self):
        self._restart()
        self.used = True
        self.simulator.run()

    def _restart(self):
        if self.used:
            self.simulator.reset()
        self.used = False


def simulate(*arguments, **options):
    """What the engine does, with a simulator that may have been prepared before."""
    with (
        mock.patch.object(sim, "Simulator", Prepared.of),
        mock.patch.object(amaranth, "ClockDomain", return_value=CLOCK),
    ):
        return amaranth.simulate(*arguments, **options)
