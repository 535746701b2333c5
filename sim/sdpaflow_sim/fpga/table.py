"""What is found out about a pipeline on an FPGA, for people."""

from rich import box
from rich.table import Table

from sdpaflow_sim.fpga.devices import DEVICES

__all__ = ["listed", "path_line", "summary", "units"]

HEADS = {"lut": "LUTs", "ff": "flip-flops", "dsp": "DSP", "bram": "block\nRAMs"}


def units(report, title=None):
    """Resources of every unit and FIFO."""
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


def summary(report):
    """All that is no table, a line per figure."""
    device = DEVICES[report.device]
    lines = [f"device: {device.title}"]
    if report.seeds:
        best, cycles = report.best, report.cycles_per_score
        several = (
            f" with the best of {len(report.seeds)} seeds, median {report.fmax_mhz_median:.2f} MHz"
        )
        lines += [
            f"maximum frequency: {best['fmax_mhz']:.2f} MHz{several * (len(report.seeds) > 1)}",
        ]
        if cycles:
            lines.append(
                f"scores per second: {report.scores_per_second / 1e6:.1f} million, one in "
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


def listed(multipliers):
    """DSP blocks by unit, in one line."""
    return ", ".join(f"{count} in {unit}" for unit, count in multipliers.items())


def path_line(path):
    """A slowest path in one line."""
    start, end = path["from"], path["to"]
    via = [unit for unit in path["units"] if unit not in {start["unit"], end["unit"]}]
    kinds = {"luts": "LUTs", "carries": "bits of carry", "dsps": "DSP blocks"}
    passed = [f"{path[key]} {kind}" for key, kind in kinds.items() if path[key]]
    return (
        f"{start['unit']}.{start['register']} to {end['unit']}.{end['register']}"
        + (f" by way of {', '.join(via)}" if via else "")
        + f": {path['delay_ns']:.2f} ns, {path['logic_ns']:.2f} of it logic and "
        f"{path['routing_ns']:.2f} routing" + (f", through {', '.join(passed)}" if passed else "")
    )
