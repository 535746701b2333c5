"""Flip-flops and memories, counted in the netlist that a synthesizer starts from.

The design goes to Yosys as RTLIL, the form in which Amaranth hands it to any synthesizer, and is
made into registers, memories and logic, unit by unit. Constants are folded, and registers that are
constant, unused or twice there are dropped, as every synthesizer does; nothing is mapped to the
cells of an FPGA. The same passes on exported Verilog give the same figures.

Counted are, in bits:

* flip-flops: data, handshake and control alike. The register at a synchronous read port of a memory
  is one of them: an FPGA has it inside its block RAM, but it holds a word on top of the memory's,
  and Verilog writes it as a register;
* memories: words times width of what has a write port, whether it becomes block RAM, LUT RAM or
  registers; one of a single word is a register, and counted as that;
* ROMs: the same of what has none, such as a table of constants. To Yosys a table with a handful of
  entries is logic, not a ROM.

Each unit is counted by itself, by numbers rather than by bits. A synthesizer that dissolves the
units finds bits that are unused only because of what a unit is connected to; one that makes gates
of a shifter, bits of its result that are always 0; and of a number that is extended, bits that are
always the same. It leaves those out too.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from amaranth.back import rtlil
from amaranth.lib import wiring
from sdpaflow.graph import Dataflow
from sdpaflow.units import Unit

from sdpaflow_sim.verilog.yosys import yosys

__all__ = ["PASSES", "Count", "Entry", "bits_of", "count", "parts", "passes"]

TOP = "top"
PASSES = """
# Processes to registers and multiplexers, tables to ROMs.
proc
# Until nothing changes: fold constants, merge what is equal, give registers their enables and drop
# those that never change. Narrowing first saves most of the rounds.
opt_expr
opt_clean
opt_dff
opt_expr -fine
wreduce
opt_clean
opt -fast
# Memories with their ports to one cell each.
memory_collect
# Registers to single bits, and away with the unused ones.
simplemap t:$*dff*
opt_clean
"""


@dataclass(frozen=True)
class Entry:
    """What one unit, or one FIFO, consists of.

    Attributes
    ----------
    name, kind : :class:`str`
        The unit's name in the netlist and in waveforms; its class.
    flip_flops, memory_bits, rom_bits : :class:`int`
        Bits of registers, of memories, and of memories that cannot be written.
    words : :class:`int`
        Tokens it can hold, as it says itself: for a FIFO, its depth.
    """

    name: str
    kind: str
    flip_flops: int
    memory_bits: int
    rom_bits: int
    words: int


@dataclass(frozen=True)
class Count:
    """What a design consists of: entries, and their sums.

    Attributes
    ----------
    entries : tuple of :class:`Entry`
        In the order the data flows, each unit after the FIFOs at its inputs.
    flip_flops, memory_bits, rom_bits, words : :class:`int`
        Totals.
    """

    entries: tuple[Entry, ...]
    flip_flops: int = field(init=False)
    memory_bits: int = field(init=False)
    rom_bits: int = field(init=False)
    words: int = field(init=False)

    def __post_init__(self) -> None:
        for name in ("flip_flops", "memory_bits", "rom_bits", "words"):
            object.__setattr__(self, name, sum(getattr(entry, name) for entry in self.entries))


def count(dut: wiring.Component) -> Count:
    """Count flip-flops, memory bits and ROM bits of a design, unit by unit.

    Takes Yosys some seconds for a pipeline of 16 lanes; leaves no files.

    Parameters
    ----------
    dut : :class:`Dataflow` or :class:`wiring.Component`
        A graph, which has an entry for each node and each FIFO, and one for logic of its own if it
        has any; or a component, which is one entry.

    Returns
    -------
    :class:`Count`
        Entries and totals.

    Raises
    ------
    ToolError
        Yosys is not installed.
    """
    if not isinstance(dut, wiring.Component):
        raise TypeError(f"Only a component can be counted, not {dut!r}")
    text = rtlil.convert(dut, name=TOP, emit_src=False)
    names = re.findall(r"^module \\(\S+)", text, re.MULTILINE)
    netlist = json.loads(yosys("Counting", text, f"{passes(names)}\nwrite_json"))
    modules = netlist["modules"]
    instances = {name: cell["type"] for name, cell in modules[TOP]["cells"].items()}
    rest = bits_of(modules, TOP)
    entries = []
    for name, unit in parts(dut):
        # A unit without cells, or without any use, is not in the netlist any more.
        bits = bits_of(modules, instances.get(name))
        rest.subtract(bits)
        entries.append(Entry(name, type(unit).__name__, words=unit.words, **bits))
    if any(rest.values()) or not entries:
        kind = type(dut).__name__
        words = getattr(dut, "words", 0)
        entries.append(Entry(TOP if entries else kind, kind, words=words, **rest))
    return Count(tuple(entries))


def passes(modules: Iterable[str]) -> str:
    """The passes for a design, of which each module is optimised by itself.

    Each takes as many rounds as it needs: in a pipeline a constant gets a stage further in one.
    """
    return PASSES.replace("opt -fast", "\n".join(f"opt -fast {name}" for name in modules))


def parts(dut: wiring.Component) -> Iterator[tuple[str, Unit]]:
    """Name and unit of all that a graph consists of, each node after the FIFOs at its inputs."""
    if isinstance(dut, Dataflow):
        for node in dut.nodes:
            for edge in node.inputs.values():
                yield f"{edge.name}_fifo", edge.fifo
            yield node.name, node.unit
        for edge in dut.output_edges.values():
            yield f"{edge.name}_fifo", edge.fifo


def bits_of(modules: Mapping[str, Any], name: str | None) -> Counter[str]:
    """Bits of a module by kind, those of its submodules included.

    Parameters
    ----------
    modules : :class:`dict`
        ``modules`` of the JSON that Yosys writes after :data:`PASSES`.
    name : :class:`str`
        Of the module; None for one that is not there.

    Returns
    -------
    collections.Counter
        ``flip_flops``, ``memory_bits`` and ``rom_bits``.
    """
    bits = Counter(flip_flops=0, memory_bits=0, rom_bits=0)
    for cell in modules[name]["cells"].values() if name else ():
        kind, parameters = cell["type"], cell["parameters"]
        if kind in modules:
            bits.update(bits_of(modules, kind))
        elif kind == "$mem_v2":
            width, size, writers = (int(parameters[p], 2) for p in ("WIDTH", "SIZE", "WR_PORTS"))
            kind = "flip_flops" if size == 1 else "memory_bits" if writers else "rom_bits"
            bits[kind] += size * width
            bits["flip_flops"] += parameters["RD_CLK_ENABLE"].count("1") * width
        elif re.fullmatch(r"\$_\w*DFF\w*_", kind):
            bits["flip_flops"] += 1
    return bits
