"""Which unit of the graph each cell of a synthesized netlist belongs to.

Synthesis dissolves the units, so that logic is shared and simplified across their borders, and
calls a cell after any signal it touches, often one of a neighbour. What a cell belongs to is found
out instead from what stays certain:

* a flip-flop, a carry chain or a multiplier comes from lines of the Verilog, and each
  unit is a module of its own: the unit is the one that has these lines. A memory has lost them, but
  is still called as it was;
* a look-up table or a multiplexer has no lines. If it computes a signal that a unit has a name for,
  it is that unit's; a signal that passes from one unit to another is the first one's;
* else it belongs to where what it computes goes; to most of them, if that is several.

What is left, such as the top's own logic, is of none.
"""

import re
from collections import Counter, defaultdict

from sdpaflow_sim.fpga.ports import DESIGN, PORTS

__all__ = ["OTHER", "OWN_PORTS", "Netlist"]

OTHER = "(other)"
"""Stands for a unit where there is none."""

OWN_PORTS = "(ports)"
"""The shift registers at the ports of a design with few pins; no part of the design."""

MEMORY = re.compile(r"RAM|ROM|DP16|DPR|DPB|DPX")
"""What the kinds of memory cells are called."""


class Netlist:
    """A netlist after synthesis, beside the modules it was made from.

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

    def __init__(self, flat, modules, design, *, wrapped=False, moved=None):
        self._modules = modules
        self._design = modules[design]
        self._wrapped = wrapped
        self.moved = moved or {}
        self.cells = {n: c for n, c in flat["cells"].items() if c["type"] != "$scopeinfo"}
        self._lines = self._lines_of_modules()
        self._drivers = self._drivers_at_the_top()
        self._names = self._names_of_bits(flat["netnames"])
        self._sinks = defaultdict(list)
        for name, cell in self.cells.items():
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] != "output":
                    for bit in bits:
                        self._sinks[bit].append(name)
        self._units = {}
        for name in self.cells:
            self._find(name)

    @property
    def units(self):
        """Name of the unit of every cell; :data:`OTHER` for those of none."""
        return {name: unit or OTHER for name, unit in self._units.items()}

    def count(self, device, units):
        """Resources of each of ``units``, of the others, and of the shift registers if any."""
        counts = {unit: dict.fromkeys(device.cells, 0) for unit in (*units, OTHER)}
        for name, cell in self.cells.items():
            entry = counts.setdefault(self._units[name] or OTHER, dict.fromkeys(device.cells, 0))
            for resource in entry:
                entry[resource] += device.weight(resource, cell["type"])
        return {
            unit: entry for unit, entry in counts.items() if unit in units or any(entry.values())
        }

    def register(self, name):
        """What the Verilog calls the register that a cell is, or that it is packed with.

        Without the unit's name, ``acc[3]``; the kind of cell where it is no register, and None
        where there is no such cell.
        """
        cell = self.cells.get(name)
        if cell is None:
            return None
        outputs = self._outputs(name)
        if _is_logic(cell):  # the flip-flop behind it is in the same place
            behind = [self.cells[sink] for bit in outputs for sink in self._sinks[bit]]
            behind = [sink for sink in behind if "DFF" in sink["type"]]
            outputs = [bit for sink in behind[:1] for bit in sink["connections"]["Q"]]
        names = [found for bit in outputs for found in self._names.get(bit, ())]
        names.sort(key=lambda found: found[0] != self._units[name])
        return names[0][1] if names else cell["type"]

    def register_inside(self, name, port):
        """Unit and name of the register that has moved into a DSP block, at this port of it.

        That of any, where the port enables it, and None where there is none.
        """
        ranks = self.moved.get(name)
        if ranks is None:
            return None
        bits = ranks.get(port[0]) or next(iter(ranks.values()))
        found = self._names.get(bits.get(port, next(iter(bits.values()))))
        if not found:
            return None
        return min(found, key=lambda pair: pair[0] != self._units[name])

    def _lines_of_modules(self):
        """Name of the unit by file and line."""
        lines = {}
        modules = {cell["type"]: name for name, cell in self._design["cells"].items()}
        for kind, module in self._modules.items():
            unit = OWN_PORTS if kind.endswith(f"_{PORTS}") and self._wrapped else modules.get(kind)
            file, first, last = _place(module["attributes"]["src"])
            if unit:
                lines |= {(file, line): unit for line in range(first, last + 1)}
        return lines

    def _drivers_at_the_top(self):
        """By instance and input port, the instance and port that drive it, bit by bit."""
        source = {}
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

    def _names_of_bits(self, netnames):
        """By bit, pairs of the unit that drives it, and its name there."""
        names = defaultdict(list)
        for net in netnames.values():
            path = net["attributes"].get("hdlname", "").split()
            if self._wrapped:
                inside, path = path[:1], path[1:]
                if inside == [PORTS]:
                    path = [OWN_PORTS, *path]
                elif inside != [DESIGN]:
                    continue
            if len(path) != 2:
                continue
            for index, bit in enumerate(net["bits"]):
                unit, signal, position = path[0], path[1], index
                if (unit, signal) in self._drivers:
                    driver = self._drivers[unit, signal][index]
                    if driver is None:  # an input of the design
                        continue
                    unit, signal, position = driver
                width = len(net["bits"])
                names[bit].append((unit, f"{signal}[{position}]" if width > 1 else signal))
        return names

    def _outputs(self, name):
        cell = self.cells[name]
        return [
            bit
            for port, bits in cell["connections"].items()
            if cell["port_directions"][port] == "output"
            for bit in bits
        ]

    def _find(self, name):
        """The unit of a cell, after those that it drives."""
        if name in self._units:
            return self._units[name]
        self._units[name] = None  # ends the search where logic drives itself
        cell = self.cells[name]
        for file, first, _ in map(_place, cell["attributes"].get("src", "").split("|")):
            if (file, first) in self._lines:
                self._units[name] = self._lines[file, first]
                return self._units[name]
        if MEMORY.search(cell["type"]):
            unit, *_ = name.removeprefix(f"{DESIGN}." * self._wrapped).split(".")
            if unit in self._design["cells"]:
                self._units[name] = unit
                return unit
        outputs = self._outputs(name)
        named = Counter(unit for bit in outputs for unit, _ in self._names.get(bit, ()))
        if not named:
            sinks = {sink for bit in outputs for sink in self._sinks[bit]}
            named = Counter(filter(None, map(self._find, sorted(sinks))))
        if named:
            self._units[name] = min(named, key=lambda unit: (-named[unit], unit))
        return self._units[name]


def _is_logic(cell):
    return re.search(r"LUT|MUX|CARRY|CCU|ALU", cell["type"]) is not None


def _place(source):
    """File, first and last line of what Yosys calls ``file.v:3.1-5.9``."""
    match = re.fullmatch(r"(.*):(\d+)\.\d+-(\d+)\.\d+", source)
    return (match[1], int(match[2]), int(match[3])) if match else (source, 0, 0)
