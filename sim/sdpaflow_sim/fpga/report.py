"""What is found out about a pipeline on an FPGA."""

import statistics
from dataclasses import dataclass, field

__all__ = ["PACKING", "FpgaReport"]

PACKING = "(packing)"
"""What placing adds to the cells of synthesis, or saves; it is in no unit."""


@dataclass
class FpgaReport:
    """A pipeline on an FPGA.

    Resources are counted in the netlist after synthesis, for each unit those cells that belong to
    it (:mod:`sdpaflow_sim.fpga.netlist`). LUTs are what logic takes: a carry cell of an ECP5 counts
    as the two that it is, LUT RAM as those that hold it, multiplexers between LUTs not at all.
    Where a design was placed, and nextpnr counts the same things, totals are what it reports after
    packing, and the difference is an entry ``(packing)``. The units' resources always add up to
    the totals.

    Attributes
    ----------
    pipeline, device : :class:`str`
        Their names.
    config, formats : :class:`dict`
        What the pipeline is built for.
    cycles_per_score : :class:`int`
        Cycles between two scores at full rate; None for what is no attention.
    resources : :class:`dict`
        ``lut``, ``ff``, ``dsp``, ``bram``: totals, without the shift registers at the ports of a
        design with few pins, which are ``ports``.
    units : dict of :class:`dict`
        The same of each node and FIFO.
    cells : dict of :class:`int`
        How many cells of each kind synthesis made.
    multipliers : dict of :class:`int`
        DSP blocks by unit.
    dsp_registers : :class:`int`
        Flip-flops that have moved into DSP blocks, and are no flip-flops of the fabric any more.
    products : :class:`int`
        Those for the products with K and with V.
    multiplications : :class:`int`
        Of those products, per score: d + dv.
    utilisation : :class:`dict`
        ``used`` and ``available`` of everything that nextpnr counts; empty if only synthesized.
    seeds : list of :class:`dict`
        ``seed``, ``fmax_mhz`` and ``critical_path`` of each run, in the order of the seeds.
    logs : :class:`str`
        Folder with what the tools said.
    verilog_sha256 : :class:`str`
        Of what went in.
    tools : dict of :class:`str`
        Versions of what it went through.
    """

    pipeline: str
    device: str
    config: dict
    formats: dict
    cycles_per_score: int | None
    resources: dict
    units: dict
    cells: dict
    products: int
    multiplications: int
    dsp_registers: int = 0
    ports: dict | None = None
    utilisation: dict = field(default_factory=dict)
    seeds: list = field(default_factory=list)
    logs: str = ""
    verilog_sha256: str = ""
    tools: dict = field(default_factory=dict)

    @property
    def multipliers(self):
        """DSP blocks by unit, where there are any."""
        return {name: unit["dsp"] for name, unit in self.units.items() if unit["dsp"]}

    @property
    def multiplier_use(self):
        """The part of the time that the DSP blocks of both products multiply; None without any.

        Multiplications per score, over what these blocks could do in the cycles of a score. More
        than 1 says that LUTs do some, less also that a multiplication takes several blocks.
        """
        if not self.products:
            return None
        return round(self.multiplications / (self.products * self.cycles_per_score), 4)

    @property
    def best(self):
        """The fastest run; None if only synthesized."""
        return max(self.seeds, key=lambda run: run["fmax_mhz"], default=None)

    @property
    def fmax_mhz_median(self):
        """The median over the seeds; None if only synthesized."""
        rates = [run["fmax_mhz"] for run in self.seeds]
        return round(statistics.median(rates), 2) if rates else None

    @property
    def scores_per_second(self):
        """At the best frequency; None if only synthesized, or if there are no scores."""
        if self.cycles_per_score is None:
            return None
        return self.best and self.best["fmax_mhz"] * 1e6 / self.cycles_per_score

    def to_dict(self):
        """Plain data."""
        best = self.best or {"fmax_mhz": None, "critical_path": None}
        return {
            "pipeline": self.pipeline,
            "device": self.device,
            "config": self.config,
            "formats": self.formats,
            "cycles_per_score": self.cycles_per_score,
            "fmax_mhz": best["fmax_mhz"],
            "fmax_mhz_median": self.fmax_mhz_median,
            "scores_per_second": self.scores_per_second,
            "seeds": self.seeds,
            "critical_path": best["critical_path"],
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
