"""Place and route, and what it says where a design is too large."""

import json
import re

from sdpaflow_sim.errors import DoesNotFitError, ToolError
from sdpaflow_sim.fpga.timing import critical_path, fmax

__all__ = ["place_and_route", "utilisation"]

STAGES = {
    r"Info: Packing ": "packing",
    r"Info: Creating initial|Info: Running (main )?analytical|Info: Running.*placer": "placing",
    r"Info: Routing|Info: Running router": "routing",
}
"""What a line of nextpnr begins with, and what it is about to do."""


def place_and_route(tools, device, netlist, seed, tell):
    """Place and route the netlist in ``netlist.json`` of the tools' folder.

    Parameters
    ----------
    tools : :class:`Tools`
        In whose folder the file is.
    device : :class:`Device`
        Where to.
    netlist : :class:`Netlist`
        The same netlist, for the names on the slowest path.
    seed : :class:`int`
        Where the placer starts.
    tell : callable
        Called with each stage.

    Returns
    -------
    :class:`dict`
        ``seed``, ``fmax_mhz``, ``critical_path`` and ``utilisation``.

    Raises
    ------
    DoesNotFitError
        The design takes more than there is, or no place was found for all of it.
    ToolError
        The tool failed otherwise.
    """
    said, stages = [], ["loading"]
    tell("loading")

    def heard(line):
        said.append(line)
        for pattern, stage in STAGES.items():
            if re.match(pattern, line) and stage not in stages:
                stages.append(stage)
                tell(stage)

    name = f"seed{seed}"
    arguments = [*device.options, "--json", "netlist.json", "--report", f"{name}.json"]
    if tools.run(device.tool, [*arguments, "--seed", str(seed)], name, heard):
        raise _failure(device, "".join(said), tools.log(name))
    report = json.loads((tools.folder / f"{name}.json").read_text(encoding="utf-8"))
    return {
        "seed": seed,
        "fmax_mhz": fmax(report, netlist, device.product_ns),
        "critical_path": critical_path(report, netlist, device.product_ns),
        "utilisation": report["utilization"],
    }


def utilisation(log):
    """What a design takes of a device, from nextpnr's log: used and available by kind."""
    found = re.findall(r"^Info:\s+(\w+): +(\d+)/ *(\d+) +\d+%$", log, re.MULTILINE)
    return {kind: (int(used), int(available)) for kind, used, available in found}


def _failure(device, log, path):
    """The error that a log ends with."""
    takes = {
        device.kinds.get(kind, kind): counts
        for kind, counts in utilisation(log[log.find("Device utilisation") :]).items()
    }
    over = [
        f"{used:,} {kind} of {available:,}"
        for kind, (used, available) in takes.items()
        if used > available
    ]
    if over:
        return DoesNotFitError(
            f"The design does not fit {device.title}: it takes {', '.join(over)}"
        )
    (error, *_) = re.findall(r"^ERROR: (.*)$", log, re.MULTILINE) or ["it says no reason"]
    if re.match("Unable to (place|find)|Failed to (place|expand)", error):
        kind, (used, available) = max(takes.items(), key=lambda item: item[1][0] / item[1][1])
        return DoesNotFitError(
            f"The design does not fit {device.title}: no place was found for all of it, with "
            f"{used:,} {kind} of {available:,}"
        )
    return ToolError(f"nextpnr failed: {error} (see {path})")
