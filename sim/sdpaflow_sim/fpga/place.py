"""Place and route, and its errors for a design that is too large."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from sdpaflow_sim.errors import DoesNotFitError, ToolError
from sdpaflow_sim.fpga.devices import Device
from sdpaflow_sim.fpga.formats import Run, TimingReport
from sdpaflow_sim.fpga.netlist import Netlist
from sdpaflow_sim.fpga.timing import critical_path, fmax
from sdpaflow_sim.fpga.tools import Tools

__all__ = ["place_and_route", "utilisation"]

STAGES = {
    r"Info: Packing ": "packing",
    r"Info: Creating initial|Info: Running (main )?analytical|Info: Running.*placer": "placing",
    r"Info: Routing|Info: Running router": "routing",
}
"""By the start of a line in nextpnr's log, the stage that begins there."""


def place_and_route(
    tools: Tools, device: Device, netlist: Netlist, seed: int, tell: Callable[[str], None]
) -> Run:
    """Place and route the netlist in ``netlist.json`` of the tools' folder.

    Parameters
    ----------
    tools : :class:`Tools`
        The file is in their folder.
    device : :class:`Device`
        The FPGA.
    netlist : :class:`Netlist`
        The same netlist, for the names on the slowest path.
    seed : :class:`int`
        Seed of the placer.
    tell : callable
        Called with the name of each stage.

    Returns
    -------
    :class:`dict`
        ``seed``, ``fmax_mhz``, ``critical_path`` and ``utilisation``.

    Raises
    ------
    DoesNotFitError
        The design takes more than the device has, or the placer found no place for all of it.
    ToolError
        The tool failed otherwise.
    """
    said: list[str] = []
    stages = ["loading"]
    tell("loading")

    def heard(line: str) -> None:
        said.append(line)
        for pattern, stage in STAGES.items():
            if re.match(pattern, line) and stage not in stages:
                stages.append(stage)
                tell(stage)

    name = f"seed{seed}"
    arguments = [*device.options, "--json", "netlist.json", "--report", f"{name}.json"]
    if tools.run(device.tool, [*arguments, "--seed", str(seed)], name, heard):
        raise _failure(device, "".join(said), tools.log(name))
    report: TimingReport = json.loads((tools.folder / f"{name}.json").read_text(encoding="utf-8"))
    return {
        "seed": seed,
        "fmax_mhz": fmax(report, netlist, device.product_ns),
        "critical_path": critical_path(report, netlist, device.product_ns),
        "utilisation": report["utilization"],
    }


def utilisation(log: str) -> dict[str, tuple[int, int]]:
    """Cells used and available, by kind, from a log of nextpnr."""
    found = re.findall(r"^Info:\s+(\w+): +(\d+)/ *(\d+) +\d+%$", log, re.MULTILINE)
    return {kind: (int(used), int(available)) for kind, used, available in found}


def _failure(device: Device, log: str, path: Path) -> DoesNotFitError | ToolError:
    """The error for a run that failed, from its log."""
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
