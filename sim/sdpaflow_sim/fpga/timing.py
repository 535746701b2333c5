"""The slowest path, from nextpnr's report, in the names of the graph."""

import re
from collections.abc import Iterator

from sdpaflow_sim.fpga.formats import CriticalPath, End, Pin, Step, TimedPath, TimingReport
from sdpaflow_sim.fpga.netlist import OTHER, Netlist

__all__ = ["critical_path", "fmax"]


def fmax(report: TimingReport, netlist: Netlist, product_ns: float = 0.0) -> float:
    """The highest frequency of the clock in MHz, to two decimals.

    Parameters are those of :func:`critical_path`.
    """
    limits = [clock["achieved"] for name, clock in report["fmax"].items() if _is_clock(name)]
    limits += [1000 / product_ns for _ in _products(netlist, product_ns)]
    return round(min(limits), 2)


def critical_path(report: TimingReport, netlist: Netlist, product_ns: float = 0.0) -> CriticalPath:
    """The path that limits the frequency.

    Only paths from a register to a register count: a path at a port continues in a neighbour on
    the chip. nextpnr does not time the path between two registers of one DSP block, so that path
    is added here.

    Parameters
    ----------
    report : :class:`dict`
        The JSON report of nextpnr.
    netlist : :class:`Netlist`
        The netlist that nextpnr was given.
    product_ns : :class:`float`
        Time of a multiplication between registers of its block, in ns.

    Returns
    -------
    :class:`dict`
        ``from`` and ``to``, each with ``unit`` and ``register``; ``units`` that the path passes,
        in order; ``delay_ns``, which is ``logic_ns`` (setup and clock-to-output times included)
        plus ``routing_ns``; and how many ``luts``, ``carries`` and ``dsps`` it passes.
    """
    found = [p["path"] for p in report["critical_paths"] if _between_registers(p)]
    found += _products(netlist, product_ns)
    steps = max(found, key=lambda path: sum(step["delay"] for step in path))
    start, end = steps[0]["from"], steps[-1]["to"]
    # A logic step starts and ends in the same cell; the other steps leave one or enter one.
    passed = [step["from"] for step in steps if step["type"] == "logic"]
    kinds = [_kind(netlist, pin) for pin in passed]
    cells = [start["cell"], *(pin["cell"] for pin in passed), end["cell"]]
    units = [_unit(netlist, cell) for cell in cells]
    known = [unit for unit in units if unit]
    routing = sum(step["delay"] for step in steps if step["type"] == "routing")
    total = sum(step["delay"] for step in steps)
    return {
        "from": _end(netlist, start),
        "to": _end(netlist, end),
        # A unit is listed once for all its cells in a row, and again if the path comes back.
        "units": [u for u, before in zip(known, [None, *known], strict=False) if u != before],
        "delay_ns": round(total, 2),
        "logic_ns": round(total - routing, 2),
        "routing_ns": round(routing, 2),
        "luts": kinds.count("lut"),
        "carries": kinds.count("carry"),
        "dsps": kinds.count("dsp"),
    }


def _between_registers(path: TimedPath) -> bool:
    """Whether both ends of a path are clocked: nextpnr writes ``posedge clk`` or ``<async>``."""
    ends = [path["from"].split(" ", 1), path["to"].split(" ", 1)]
    return all(end[0] != "<async>" and _is_clock(end[-1]) for end in ends)


def _is_clock(name: str) -> bool:
    """False for the constant 0 at the clock pin of a DSP block without registers."""
    return "$PACKER_GND" not in name


def _products(netlist: Netlist, delay: float) -> Iterator[list[Step]]:
    """Paths inside DSP blocks, from an operand's register to the next register."""
    for block, ranks in netlist.moved.items():
        # The multiplication ends in the pipeline register if that is in use. There is no figure
        # for that register; the time to the output register is an upper bound for it.
        behind = ranks.get("M", ranks.get("P"))
        if "A" in ranks and behind:
            start: Pin = {"cell": block, "port": next(iter(ranks["A"]))}
            end: Pin = {"cell": block, "port": next(iter(behind))}
            yield [{"from": start, "to": end, "type": "logic", "delay": delay}]


def _own(netlist: Netlist, name: str) -> str | None:
    """The name that synthesis gave a cell; None for a cell that packing has made.

    Packing adds ``_LC``, ``_DFFLC``, ``_CARRY`` or ``$…`` to the names of cells.
    """
    for plain in (name, re.sub(r"(_LC|_DFFLC|_CARRY|\$.*)+$", "", name)):
        if plain in netlist.cells:
            return plain
    return None


def _unit(netlist: Netlist, name: str) -> str | None:
    own = _own(netlist, name)
    return netlist.units[own] if own else None


def _end(netlist: Netlist, pin: Pin) -> End:
    """Unit and register at an end of a path."""
    own = _own(netlist, pin["cell"])
    if own is None:
        return {"unit": OTHER, "register": pin["cell"]}
    # First the registers inside DSP blocks: the block is a multiplier, and may be in another unit.
    if inside := netlist.register_inside(own, pin["port"]):
        return {"unit": inside[0], "register": inside[1]}
    return {"unit": netlist.units[own], "register": netlist.register(own)}


def _kind(netlist: Netlist, pin: Pin) -> str:
    """What a path passes at this pin: ``dsp``, ``carry`` or ``lut``."""
    own = _own(netlist, pin["cell"])
    kind = netlist.cells[own]["type"] if own else ""
    if "MULT" in kind or "MAC" in kind:
        return "dsp"
    # Long carry chains have cells that packing made: those are known only by name or port.
    if "CCU2" in pin["cell"] or pin["port"] in {"CI", "CIN", "I3_CARRY"} or "CARRY" in kind:
        return "carry"
    return "lut"
