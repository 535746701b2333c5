"""A report on a pipeline on an FPGA as tables and text."""

from collections.abc import Mapping

from rich import box
from rich.table import Table

from sdpaflow_sim.fpga.devices import DEVICES
from sdpaflow_sim.fpga.formats import CriticalPath
from sdpaflow_sim.fpga.report import FpgaReport

__all__ = ["listed", "path_line", "summary", "units"]

HEADS = {"lut": "LUTs", "ff": "flip-flops", "dsp": "DSP", "bram": "block\nRAMs"}


def units(report: FpgaReport, title: str | None = None) -> Table:
    """Table of the resources of every unit and FIFO."""
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("unit")
    for head in HEADS.values():
        table.add_column(head, justify="right")
    rows = dict(report.units)
    for name, counts in rows.items():
        table.add_row(name, *(f"{counts[resource]:,}" for resource in HEADS))
    table.add_section()
    table.add_row("total", *(f"{report.resources[resource]:,}" for resource in HEADS))
    return table


def summary(report: FpgaReport) -> str:
    """Everything that is not in the table of units, a line for each figure."""
    device = DEVICES[report.device]
    lines = [f"device: {device.title}"]
    best, cycles, rate = report.best, report.cycles_per_score, report.scores_per_second
    if best is not None:
        several = (
            f" with the best of {len(report.seeds)} seeds, median {report.fmax_mhz_median:.2f} MHz"
        )
        lines += [
            f"maximum frequency: {best['fmax_mhz']:.2f} MHz{several * (len(report.seeds) > 1)}",
        ]
        if cycles and rate:
            lines.append(
                f"scores per second: {rate / 1e6:.1f} million, one in "
                f"{cycles} cycle{'s' * (cycles > 1)}"
            )
        lines += [
            f"critical path: {path_line(best['critical_path'])}",
            "used: " + ", ".join(
                f"{counts['used']:,} of {counts['available']:,} {device.kinds[kind]}"
                for kind, counts in report.utilisation.items()
                if kind in device.kinds and counts["used"]
            ),
        ]  # fmt: skip
    else:
        why = "" if device.tool else "; there is no tool here to place and route on this device"
        lines.append(f"only synthesized: no frequency{why}")
    if report.ports:
        lines.append(
            "shift registers at the ports, not counted above: "
            f"{report.ports['lut']:,} LUTs, {report.ports['ff']:,} flip-flops"
        )
    if report.multipliers:
        lines.append(f"DSP blocks: {listed(report.multipliers)}")
    if report.dsp_registers:
        lines.append(f"flip-flops in DSP blocks, not counted above: {report.dsp_registers:,}")
    if report.multiplier_use is not None:
        lines.append(
            f"multiplier use: {report.multiplier_use:.1%}, {report.multiplications} "
            f"multiplications per score by {report.products} DSP blocks"
        )
    if device.note and report.seeds:
        lines.append(f"note: {device.note}")
    lines.append(f"logs: {report.logs}")
    return "\n".join(lines) + "\n"


def listed(multipliers: Mapping[str, int]) -> str:
    """DSP blocks by unit, in one line."""
    return ", ".join(f"{count} in {unit}" for unit, count in multipliers.items())


def path_line(path: CriticalPath) -> str:
    """A slowest path in one line."""
    start, end = path["from"], path["to"]
    via = [unit for unit in path["units"] if unit not in {start["unit"], end["unit"]}]
    counts = {
        "LUTs": path["luts"],
        "bits of carry": path["carries"],
        "DSP blocks": path["dsps"],
    }
    passed = [f"{count} {kind}" for kind, count in counts.items() if count]
    return (
        f"{start['unit']}.{start['register']} to {end['unit']}.{end['register']}"
        + (f" by way of {', '.join(via)}" if via else "")
        + f": {path['delay_ns']:.2f} ns, {path['logic_ns']:.2f} of it logic and "
        f"{path['routing_ns']:.2f} routing" + (f", through {', '.join(passed)}" if passed else "")
    )
