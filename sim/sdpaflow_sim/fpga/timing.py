"""The slowest path, from nextpnr's report, told in the names of the graph."""

import re

from sdpaflow_sim.fpga.netlist import OTHER

__all__ = ["critical_path", "fmax"]


def fmax(report, netlist, product_ns=0.0):
    """The highest frequency of the clock in MHz, to a hundredth."""
    limits = [c["achieved"] for name, c in report["fmax"].items() if _is_clock(name)]
    limits += [1000 / product_ns for _ in _products(netlist, product_ns)]
    return round(min(limits), 2)


def critical_path(report, netlist, product_ns=0.0):
    """The path that limits the frequency.

    Only paths from a register to a register: those from and to ports end in a neighbour. Those from
    a register to another of the same DSP block are none of nextpnr's, and are added here.

    Parameters
    ----------
    report : :class:`dict`
        What nextpnr writes.
    netlist : :class:`Netlist`
        What it was given.
    product_ns : :class:`float`
        How long a multiplication takes between registers of its block.

    Returns
    -------
    :class:`dict`
        ``from`` and ``to``, each with ``unit`` and ``register``; ``units`` on the way, in order;
        ``delay_ns``, of which ``logic_ns`` and ``routing_ns``, where the logic includes what the
        registers take; ``luts``, ``carries`` and ``dsps`` passed.
    """
    found = [p["path"] for p in report["critical_paths"] if _between_registers(p)]
    found += _products(netlist, product_ns)
    steps = max(found, key=lambda path: sum(step["delay"] for step in path))
    start, end = steps[0]["from"], steps[-1]["to"]
    passed = [step["from"] for step in steps if step["type"] == "logic"]
    ways = [_kind(netlist, **step) for step in passed]
    cells = [start["cell"], *(step["cell"] for step in passed), end["cell"]]
    units = [_unit(netlist, cell) for cell in cells]
    known = [unit for unit in units if unit]
    routing = sum(step["delay"] for step in steps if step["type"] == "routing")
    total = sum(step["delay"] for step in steps)
    return {
        "from": _end(netlist, **start),
        "to": _end(netlist, **end),
        "units": [u for u, before in zip(known, [None, *known], strict=False) if u != before],
        "delay_ns": round(total, 2),
        "logic_ns": round(total - routing, 2),
        "routing_ns": round(routing, 2),
        "luts": ways.count("lut"),
        "carries": ways.count("carry"),
        "dsps": ways.count("dsp"),
    }


def _between_registers(path):
    ends = [path[end].split(" ", 1) for end in ("from", "to")]
    return all(end[0] != "<async>" and _is_clock(end[-1]) for end in ends)


def _is_clock(name):
    """Not the ground at the clock pin of a DSP block without registers."""
    return "$PACKER_GND" not in name


def _products(netlist, delay):
    """Paths inside DSP blocks, from an operand's register to the next."""
    for block, ranks in netlist.moved.items():
        behind = ranks.get("M", ranks.get("P"))
        if "A" in ranks and behind:
            ends = ({"cell": block, "port": next(iter(rank))} for rank in (ranks["A"], behind))
            yield [dict(zip(("from", "to"), ends, strict=True), type="logic", delay=delay)]


def _own(netlist, name):
    """The cell as synthesis called it: packing adds to names, or makes its own."""
    for plain in (name, re.sub(r"(_LC|_DFFLC|_CARRY|\$.*)+$", "", name)):
        if plain in netlist.cells:
            return plain
    return None


def _unit(netlist, name):
    own = _own(netlist, name)
    return netlist.units[own] if own else None


def _end(netlist, cell, port, **_):
    own = _own(netlist, cell)
    if own is None:
        return {"unit": OTHER, "register": cell}
    if inside := netlist.register_inside(own, port):
        return dict(zip(("unit", "register"), inside, strict=True))
    return {"unit": netlist.units[own], "register": netlist.register(own)}


def _kind(netlist, cell, port, **_):
    """What a step through a cell is, by the cell."""
    own = _own(netlist, cell)
    kind = netlist.cells[own]["type"] if own else ""
    if "MULT" in kind or "MAC" in kind:
        return "dsp"
    if "CCU2" in cell or port in {"CI", "CIN", "I3_CARRY"} or "CARRY" in kind:
        return "carry"
    return "lut"
