"""Resources and speed of a pipeline on an FPGA."""

import statistics
from dataclasses import dataclass, field
from typing import Any

from sdpaflow_sim.fpga.formats import Counts, Run, Usage

__all__ = ["PACKING", "FpgaReport"]

PACKING = "(packing)"
"""Entry for the cells that packing adds to those of synthesis, or saves; they are in no unit."""


@dataclass
class FpgaReport:
    """Resources and speed of a pipeline on an FPGA.

    Resources are cells of the netlist after synthesis, counted for the unit that each belongs to
    (:mod:`sdpaflow_sim.fpga.netlist`). ``lut`` is the logic: a carry cell of an ECP5 counts as two
    LUTs, a LUT RAM as the LUTs that hold it, a multiplexer between LUTs as none. If the design was
    placed, the totals are those of nextpnr after packing, for each resource that it counts the same
    way, and an entry ``(packing)`` has the difference. So the units always add up to the totals.

    Attributes
    ----------
    pipeline, device : :class:`str`
        Their names.
    config, formats : :class:`dict`
        Parameters of the pipeline, and the number formats of its streams.
    cycles_per_score : :class:`int`
        Cycles between two scores at full rate; None for a pipeline that is no attention.
    resources : :class:`dict`
        Totals of ``lut``, ``ff``, ``dsp`` and ``bram``, without ``ports``.
    units : dict of :class:`dict`
        The same for each node and FIFO.
    cells : dict of :class:`int`
        How many cells of each type synthesis made.
    products : :class:`int`
        DSP blocks that multiply by K and by V.
    multiplications : :class:`int`
        Multiplications by K and by V per score: d + dv.
    dsp_registers : :class:`int`
        Flip-flops that have moved into DSP blocks, and no longer count as ``ff``.
    ports : :class:`dict`
        Resources of the shift registers at the ports of a design with few pins; None without them.
    utilisation : :class:`dict`
        ``used`` and ``available`` of everything that nextpnr counts; empty if only synthesized.
    seeds : list of :class:`dict`
        ``seed``, ``fmax_mhz`` and ``critical_path`` of each run, in the order of the seeds.
    logs : :class:`str`
        Folder with the logs of the tools.
    verilog_sha256 : :class:`str`
        SHA-256 of the Verilog that was synthesized.
    tools : dict of :class:`str`
        Versions of the tools, by package.
    """

    pipeline: str
    device: str
    config: dict[str, Any]
    formats: dict[str, Any]
    cycles_per_score: int | None
    resources: Counts
    units: dict[str, Counts]
    cells: dict[str, int]
    products: int
    multiplications: int
    dsp_registers: int = 0
    ports: Counts | None = None
    utilisation: dict[str, Usage] = field(default_factory=dict)
    seeds: list[Run] = field(default_factory=list)
    logs: str = ""
    verilog_sha256: str = ""
    tools: dict[str, str] = field(default_factory=dict)

    @property
    def multipliers(self) -> dict[str, int]:
        """DSP blocks by unit, of the units that have any."""
        return {name: unit["dsp"] for name, unit in self.units.items() if unit["dsp"]}

    @property
    def multiplier_use(self) -> float | None:
        """Multiplications per score, divided by what the DSP blocks of both products could do.

        A block could do one multiplication in each cycle of a score. The value is above 1 if LUTs
        do some multiplications, and below 1 also if a multiplication takes several blocks. None
        without such blocks.
        """
        if not self.products or self.cycles_per_score is None:
            return None
        return round(self.multiplications / (self.products * self.cycles_per_score), 4)

    @property
    def best(self) -> Run | None:
        """The fastest run; None if only synthesized."""
        return max(self.seeds, key=lambda run: run["fmax_mhz"], default=None)

    @property
    def fmax_mhz_median(self) -> float | None:
        """The median over the seeds, in MHz; None if only synthesized."""
        rates = [run["fmax_mhz"] for run in self.seeds]
        return round(statistics.median(rates), 2) if rates else None

    @property
    def scores_per_second(self) -> float | None:
        """Scores per second at the best frequency; None if only synthesized, or without scores."""
        if self.cycles_per_score is None or self.best is None:
            return None
        return self.best["fmax_mhz"] * 1e6 / self.cycles_per_score

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, for JSON."""
        best = self.best
        return {
            "pipeline": self.pipeline,
            "device": self.device,
            "config": self.config,
            "formats": self.formats,
            "cycles_per_score": self.cycles_per_score,
            "fmax_mhz": best["fmax_mhz"] if best else None,
            "fmax_mhz_median": self.fmax_mhz_median,
            "scores_per_second": self.scores_per_second,
            "seeds": self.seeds,
            "critical_path": best["critical_path"] if best else None,
            "resources": self.resources,
            "units": self.units,
            "ports": self.ports,
            "multipliers": self.multipliers,
            "multiplier_use": self.multiplier_use,
            "dsp_registers": self.dsp_registers,
            "utilisation": self.utilisation,
            "cells": self.cells,
            "verilog_sha256": self.verilog_sha256,
            "tools": self.tools,
        }
