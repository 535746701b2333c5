# amaranth: UnusedElaboratable=no
"""Both engines on the same design: their traces, or their errors, have to be the same."""

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import connect, flipped
from helpers import again
from helpers.cases import CASES
from sdpaflow_sim.engines import amaranth
from sdpaflow_sim.engines.compiled import engine, structs
from sdpaflow_sim.engines.compiled.harness import Harness
from sdpaflow_sim.engines.compiled.lookup import library
from sdpaflow_sim.engines.cycle import Driver
from sdpaflow_sim.engines.stalls import Stall
from sdpaflow_sim.errors import SimulationError

__all__ = ["BOARDS", "ENGINES", "Board", "Compiled", "agree", "schedules", "streams"]

ENGINES = [amaranth.simulate, engine.simulate]
BOARDS = [list(CASES)[0::2], list(CASES)[1::2]]
"""Names of the units on each board: the engine takes 64 streams."""


class Board(wiring.Component):
    """Many units side by side, so that one build is enough for all of them."""

    def __init__(self, names):
        self.units = {f"u{number}_": CASES[name].unit() for number, name in enumerate(names)}
        members = {
            prefix + port: member
            for prefix, unit in self.units.items()
            for port, member in unit.signature.members.items()
        }
        super().__init__(members)
        self.events = {
            flag: Cat(unit.events[flag] for unit in self.units.values() if flag in unit.events)
            for flag in ("saturated", "misframed")
        }
        self.events = {flag: cause.any() for flag, cause in self.events.items()}

    def elaborate(self, platform):
        m = Module()
        for prefix, unit in self.units.items():
            m.submodules[prefix] = unit
            for port, member in unit.signature.members.items():
                mine, own = getattr(self, prefix + port), getattr(unit, port)
                if member.is_port:
                    m.d.comb += mine.eq(own)
                elif member.flow == wiring.In:
                    connect(m, flipped(mine), own)
                else:
                    connect(m, own, flipped(mine))
        return m


class Compiled:
    """A design compiled for many runs: without looking for its library before each of them."""

    def __init__(self, dut):
        self.driver = Driver(dut, {}, watch=True)
        self.harness = Harness(self.driver)
        self.path = library(self.harness)

    def simulate(self, sources, counts, stalls, limit, abandoned=None):
        """As the engine's."""
        self.driver.stalls = stalls
        model = structs.Model(self.path)
        try:
            if abandoned:
                self._run(model, abandoned[0], None, abandoned[1])
                model.reset()
            return self._run(model, sources, counts, limit)
        finally:
            model.close()

    def _run(self, model, *job):
        return engine._Run(self.driver, self.harness, model, *job).finish()


def streams(names):
    """Tokens and counts of the cases on a board, and all its ports."""
    sources, counts = {}, {}
    for number, name in enumerate(names):
        case = CASES[name]
        sources |= {f"u{number}_{port}": p.tokens for port, p in case.inputs.items()}
        counts |= {f"u{number}_{port}": len(p.tokens) for port, p in case.outputs.items()}
    return sources, counts


def schedules(rng, ports):
    """A pattern or a chance for each port."""
    specs = ["1", "1101", "0001", "01", *[f"random:{chance}" for chance in (0.2, 0.5, 0.8)]]
    return {port: Stall(rng.choice(specs), rng.randrange(1 << 40)) for port in ports}


def agree(dut, sources, counts, **options):
    """Run on both engines; the trace, which is the same, or the error, likewise."""
    results = []
    for simulate in (again.simulate, engine.simulate):
        try:
            results.append(simulate(dut, sources, counts, **options))
        except SimulationError as error:
            results.append((type(error), str(error)))
    one, other = results
    assert other == one
    return one
