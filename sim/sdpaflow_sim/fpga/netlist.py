"""Which unit of the graph each cell of a synthesized netlist belongs to.

Synthesis flattens the design and simplifies logic across the units. It names a cell after any
signal at the cell, often a signal of a neighbour, so that names of cells do not tell the unit.
These facts do:

* A flip-flop, a carry chain or a multiplier keeps the lines of the Verilog it comes from. Each unit
  is a module, so the lines tell the unit. A memory loses its lines, but keeps its name.
* A look-up table or a multiplexer has no lines. If a unit has a name for its output, it belongs to
  that unit; a signal between two units belongs to the unit that drives it.
* Any other cell belongs to the unit of the cells that read its output; if these are in several
  units, to the most frequent one.

What remains, such as logic of the top module, belongs to no unit.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import TypeAlias

from sdpaflow_sim.fpga.devices import Device
from sdpaflow_sim.fpga.formats import Bit, Cell, Counts, Module, Moved, Net
from sdpaflow_sim.fpga.ports import DESIGN, PORTS

__all__ = ["OTHER", "OWN_PORTS", "Netlist"]

OTHER = "(other)"
"""Stands for a unit where a cell belongs to none."""

OWN_PORTS = "(ports)"
"""The shift registers at the ports of a design with few pins; no part of the design."""

MEMORY = re.compile(r"RAM|ROM|DP16|DPR|DPB|DPX")
"""What the types of memory cells have in their names."""

Name: TypeAlias = tuple[str, str]
"""A unit, and a register or signal in it."""


class Netlist:
    """A netlist after synthesis, with the modules that it was made from.

    Parameters
    ----------
    flat : :class:`dict`
        The top module as Yosys writes it to JSON after synthesis.
    modules : :class:`dict`
        All modules as Yosys writes them before, with instances and ports.
    design : :class:`str`
        The module whose instances are the units.
    wrapped : :class:`bool`
        Whether it is in a top with few pins.
    moved : :class:`dict`
        Flip-flops in DSP blocks, as :func:`sdpaflow_sim.fpga.dsp_registers.move_registers` returns.
    """

    def __init__(
        self,
        flat: Module,
        modules: Mapping[str, Module],
        design: str,
        *,
        wrapped: bool = False,
        moved: Moved | None = None,
    ):
        self._modules = modules
        self._design = modules[design]
        self._wrapped = wrapped
        self.moved = moved or {}
        self.cells = {n: c for n, c in flat["cells"].items() if c["type"] != "$scopeinfo"}
        self._lines = self._lines_of_modules()
        self._drivers = self._drivers_at_the_top()
        self._names = self._names_of_bits(flat["netnames"])
        self._sinks: defaultdict[Bit, list[str]] = defaultdict(list)  # cells that read a bit
        for name, cell in self.cells.items():
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] != "output":
                    for bit in bits:
                        self._sinks[bit].append(name)
        self._units: dict[str, str | None] = {}
        for name in self.cells:
            self._find(name)

    @property
    def units(self) -> dict[str, str]:
        """Name of the unit of every cell; :data:`OTHER` for a cell of no unit."""
        return {name: unit or OTHER for name, unit in self._units.items()}

    def count(self, device: Device, units: Collection[str]) -> dict[str, Counts]:
        """Resources of each unit, and of :data:`OTHER` and :data:`OWN_PORTS` where they have any.

        Parameters
        ----------
        device : :class:`Device`
            Tells how many of a resource each cell takes.
        units : list of :class:`str`
            Names of the units; each has an entry, also one without cells.
        """
        counts = {unit: dict.fromkeys(device.cells, 0) for unit in (*units, OTHER)}
        for name, cell in self.cells.items():
            entry = counts.setdefault(self._units[name] or OTHER, dict.fromkeys(device.cells, 0))
            for resource in entry:
                entry[resource] += device.weight(resource, cell["type"])
        return {
            unit: entry for unit, entry in counts.items() if unit in units or any(entry.values())
        }

    def register(self, name: str) -> str | None:
        """Name in the Verilog of the register that a cell is, or that it is packed with.

        The unit's name is not part of it: ``acc[3]``. The type of the cell if it is no register,
        and None if there is no such cell.
        """
        cell = self.cells.get(name)
        if cell is None:
            return None
        outputs = self._outputs(name)
        # An iCE40 has a look-up table and the flip-flop behind it in one logic cell, and nextpnr
        # may call both after the look-up table.
        if _is_logic(cell):
            behind = [self.cells[sink] for bit in outputs for sink in self._sinks[bit]]
            behind = [sink for sink in behind if "DFF" in sink["type"]]
            outputs = [bit for sink in behind[:1] for bit in sink["connections"]["Q"]]
        names = [found for bit in outputs for found in self._names.get(bit, ())]
        names.sort(key=lambda found: found[0] != self._units[name])
        return names[0][1] if names else cell["type"]

    def register_inside(self, name: str, port: str) -> Name | None:
        """Unit and name of the register inside a DSP block that is at a port of the block.

        At a port of all registers, such as a clock enable, any of them; None if the block has no
        registers, or if the register has no name.
        """
        ranks = self.moved.get(name)
        if ranks is None:
            return None
        # The port's first letter is the register: A0, B0, P0. CE0 and CLK0 are of no register.
        bits = ranks.get(port[0]) or next(iter(ranks.values()))
        found = self._names.get(bits.get(port, next(iter(bits.values()))))
        if not found:
            return None
        return min(found, key=lambda pair: pair[0] != self._units[name])

    def _lines_of_modules(self) -> dict[tuple[str, int], str]:
        """Name of the unit by file and line."""
        lines: dict[tuple[str, int], str] = {}
        modules = {cell["type"]: name for name, cell in self._design["cells"].items()}
        for kind, module in self._modules.items():
            unit = OWN_PORTS if kind.endswith(f"_{PORTS}") and self._wrapped else modules.get(kind)
            file, first, last = _place(module["attributes"]["src"])
            if unit:
                lines |= {(file, line): unit for line in range(first, last + 1)}
        return lines

    def _drivers_at_the_top(self) -> dict[Name, list[tuple[str, str, int] | None]]:
        """For each input port of an instance, what drives each bit: instance, port, and index.

        None for a bit that no instance drives: an input of the design, or a constant.
        """
        source: dict[Bit, tuple[str, str, int]] = {}
        for name, cell in self._design["cells"].items():
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] == "output":
                    source |= {bit: (name, port, index) for index, bit in enumerate(bits)}
        return {
            (name, port): [source.get(bit) for bit in bits]
            for name, cell in self._design["cells"].items()
            for port, bits in cell["connections"].items()
            if cell["port_directions"][port] == "input"
        }

    def _names_of_bits(self, netnames: Mapping[str, Net]) -> dict[Bit, list[Name]]:
        """For each bit, pairs of the unit that drives it and its name in that unit."""
        names: defaultdict[Bit, list[Name]] = defaultdict(list)
        for net in netnames.values():
            # Yosys keeps the path of a signal before flattening: "x_ij acc" is acc of unit x_ij.
            path = net["attributes"].get("hdlname", "").split()
            if self._wrapped:
                inside, path = path[:1], path[1:]
                if inside == [PORTS]:
                    path = [OWN_PORTS, *path]
                elif inside != [DESIGN]:
                    continue
            # A path of one name is of the design itself, a longer one of a unit's submodule.
            if len(path) != 2:
                continue
            for index, bit in enumerate(net["bits"]):
                unit, signal, position = path[0], path[1], index
                # An input port of a unit is the output of another: name it after its driver.
                if (unit, signal) in self._drivers:
                    driver = self._drivers[unit, signal][index]
                    if driver is None:  # an input of the design
                        continue
                    unit, signal, position = driver
                width = len(net["bits"])
                names[bit].append((unit, f"{signal}[{position}]" if width > 1 else signal))
        return names

    def _outputs(self, name: str) -> list[Bit]:
        cell = self.cells[name]
        return [
            bit
            for port, bits in cell["connections"].items()
            if cell["port_directions"][port] == "output"
            for bit in bits
        ]

    def _find(self, name: str) -> str | None:
        """The unit of a cell, by the rules of this module in their order; None if none applies.

        Keeps what it finds in ``_units``. The last rule asks the same of the cells that read the
        output, so that the search follows the logic forwards to the next register.
        """
        if name in self._units:
            return self._units[name]
        self._units[name] = None  # ends the search in a loop of logic
        cell = self.cells[name]
        for file, first, _ in map(_place, cell["attributes"].get("src", "").split("|")):
            if (file, first) in self._lines:
                self._units[name] = self._lines[file, first]
                return self._units[name]
        if MEMORY.search(cell["type"]):
            # The path of the memory in the design: the unit is its first part.
            unit, *_ = name.removeprefix(f"{DESIGN}." * self._wrapped).split(".")
            if unit in self._design["cells"]:
                self._units[name] = unit
                return unit
        outputs = self._outputs(name)
        named = Counter(unit for bit in outputs for unit, _ in self._names.get(bit, ()))
        if not named:
            sinks = {sink for bit in outputs for sink in self._sinks[bit]}
            named = Counter(filter(None, map(self._find, sorted(sinks))))
        if named:  # the most frequent one; of several, the first by name, so that runs agree
            self._units[name] = min(named, key=lambda unit: (-named[unit], unit))
        return self._units[name]


def _is_logic(cell: Cell) -> bool:
    return re.search(r"LUT|MUX|CARRY|CCU|ALU", cell["type"]) is not None


def _place(source: str) -> tuple[str, int, int]:
    """File, first and last line of a source location of Yosys, ``file.v:3.1-5.9``."""
    match = re.fullmatch(r"(.*):(\d+)\.\d+-(\d+)\.\d+", source)
    return (match[1], int(match[2]), int(match[3])) if match else (source, 0, 0)
