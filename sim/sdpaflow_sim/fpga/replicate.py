"""Copies of what drives too much: registers and look-up tables with many loads.

A signal that enables or selects all lanes of a vector has its loads all over the device, and the
way there takes longer than any logic. Synthesis for vendors' tools makes copies of such drivers;
Yosys makes one of any two that are equal. This is done after it.
"""

import re
from collections import defaultdict

__all__ = ["LIMIT", "replicate"]

LIMIT = 64
"""Loads of one driver."""

OUTPUTS = {"TRELLIS_FF": "Q", "LUT4": "Z"}
"""Kinds of cells that are copied, and their output."""


def replicate(flat, limit=LIMIT):
    """Copy drivers until none has more than ``limit`` loads.

    Each copy drives loads that lead to neighbouring registers: those of one lane come one after
    another in the order of their names.

    Parameters
    ----------
    flat : :class:`dict`
        The top module as Yosys writes it to JSON after synthesis; it is changed.
    limit : :class:`int`
        Loads of one driver.

    Returns
    -------
    :class:`int`
        How many copies were made.
    """
    cells, made = flat["cells"], 0
    ports = {bit for port in flat["ports"].values() for bit in port["bits"]}
    named = _names(flat)
    loads = _loads(cells)
    order = _Order(cells, loads, named)
    fresh = 1 + max(bit for bit in loads if isinstance(bit, int))
    for name, cell in list(cells.items()):
        if cell["type"] not in OUTPUTS:
            continue
        output = OUTPUTS[cell["type"]]
        (bit,) = cell["connections"][output]
        sinks = loads.get(bit, [])
        if len(sinks) <= limit or bit in ports:
            continue
        sinks = sorted(sinks, key=lambda sink: (order.of(sink[0]), sink))
        copies = -(-len(sinks) // limit)
        share = -(-len(sinks) // copies)
        for number in range(1, copies):
            connections = {**cell["connections"], output: [fresh]}
            cells[f"{name}_copy{number}"] = {**cell, "connections": connections}
            for sink, port, index in sinks[number * share : (number + 1) * share]:
                bits = list(cells[sink]["connections"][port])
                bits[index] = fresh
                cells[sink]["connections"] = {**cells[sink]["connections"], port: bits}
            if bit in named:
                path = {"hide_name": 1, "bits": [fresh], "attributes": {"hdlname": named[bit]}}
                flat["netnames"][f"{name}_copy{number}"] = path
            for port, bits in connections.items():
                if port != output:
                    for index, driven in enumerate(bits):
                        loads[driven].append((f"{name}_copy{number}", port, index))
            fresh, made = fresh + 1, made + 1
    return made


def _loads(cells):
    """By bit, the cell, port and index of every load."""
    loads = defaultdict(list)
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] != "output":
                for index, bit in enumerate(bits):
                    loads[bit].append((name, port, index))
    return loads


def _names(flat):
    """By bit, the path of its name in the Verilog."""
    names = {}
    for net in flat["netnames"].values():
        if path := net["attributes"].get("hdlname"):
            names |= dict.fromkeys(net["bits"], path)
    return names


class _Order:
    """Where cells stand in the order of the registers that they lead to."""

    def __init__(self, cells, loads, named):
        self._cells, self._loads, self._named = cells, loads, named
        self._known = {}

    def of(self, name):
        """A key to sort by: the name of the first register or product behind a cell, and a bit."""
        if name not in self._known:
            self._known[name] = ()  # ends the search where logic drives itself
            cell = self._cells[name]
            bits = [
                bit
                for port, bits in cell["connections"].items()
                if cell["port_directions"][port] == "output"
                for bit in bits
            ]
            if cell["type"] == "TRELLIS_FF" or not bits:
                keys = [(_natural(self._named.get(bit, "")), bit) for bit in bits]
            else:
                sinks = {sink for bit in bits for sink, *_ in self._loads.get(bit, ())}
                keys = [key for key in map(self.of, sinks) if key]
            self._known[name] = min(keys, default=())
        return self._known[name]


def _natural(text):
    """A name's parts, with numbers by their size."""
    parts = re.split(r"(\d+)", text)
    return tuple((part, 0) if n % 2 == 0 else ("", int(part)) for n, part in enumerate(parts))
