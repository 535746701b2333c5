"""Which engine runs a design."""

import sys
from os import PathLike
from typing import Any

from sdpaflow_sim.engines import amaranth
from sdpaflow_sim.engines.compiled import engine, lookup
from sdpaflow_sim.engines.compiled.harness import Harness
from sdpaflow_sim.engines.cycle import Driver
from sdpaflow_sim.errors import InputError

__all__ = ["AUTO", "ENGINES", "choose"]

ENGINES = {"amaranth": amaranth.simulate, "verilator": engine.simulate}
"""Functions like :func:`sdpaflow_sim.engines.amaranth.simulate`, by name."""

AUTO = "auto"
"""In place of an engine's name: the one that is sooner done."""

CYCLE = 200e-6, 30e-9
"""Seconds that Amaranth's simulator takes for a cycle: for any design, and for each bit in it."""

BUILD = 2, 0.8e-3
"""Seconds that building a design takes: for any, and for each bit in it."""

SHORT = 2
"""Seconds of Amaranth's simulator for which it is not worth asking what is built already."""


LONG = 60
"""Seconds of Amaranth's simulator for which its waveform is waited for: it has every signal."""


def choose(
    engine: str,
    dut: Any,
    cycles: int,
    *,
    watch: bool = False,
    vcd: str | PathLike[str] | None = None,
    window: tuple[int, int | None] | None = None,
) -> str:
    """Name of the engine to use: the one that is named, or for ``auto`` the one sooner done.

    That is the compiled engine where a run takes Amaranth's simulator longer than the build takes,
    or where the design has been built before. Amaranth's simulator stands in where nothing can be
    compiled, which is said on standard error. It also writes the waveforms, in which it has every
    signal, of runs that take it no longer than a minute; those of longer runs, and of some cycles
    alone, are for the compiled engine.

    Parameters
    ----------
    engine : :class:`str`
        A key of :data:`ENGINES`, or ``auto``.
    dut : :class:`wiring.Component`
        The design.
    cycles : :class:`int`
        How many it is expected to run for.
    watch, vcd, window
        As for the engine.

    Raises
    ------
    InputError
        There is no such engine.
    """
    if engine != AUTO:
        if not isinstance(engine, str) or engine not in ENGINES:
            names = ", ".join([AUTO, *ENGINES])
            raise InputError(f"engine must be one of {names}, not {engine!r}")
        return engine
    if window is not None:
        return "verilator"
    bits = _bits(dut)
    simulating = cycles * (CYCLE[0] + CYCLE[1] * bits)
    if simulating < (SHORT if vcd is None else LONG):
        return "amaranth"
    missing = lookup.unavailable()
    pays = simulating > BUILD[0] + BUILD[1] * bits
    if missing is None:
        built = pays or lookup.is_built(Harness(Driver(dut, {}, watch)), traced=vcd is not None)
        return "verilator" if built else "amaranth"
    if pays:
        print(f"sdpaflow: using the engine amaranth, which is slow. {missing}", file=sys.stderr)
    return "amaranth"


def _bits(dut: Any) -> int:
    """Size of a design: bits that its streams and units hold, FIFOs counted as one word."""
    edges = [edge.fifo.bits // edge.depth for edge in getattr(dut, "edges", ())]
    units = [node.unit.bits for node in getattr(dut, "nodes", ())]
    return sum(edges) + sum(units)
