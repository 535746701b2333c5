"""Pipelines on FPGAs: tables, and a JSON file per design.

The folder keeps each report when it is finished, so that the command can be stopped and started
again. It measures only designs that have no report, or one of other Verilog or of fewer seeds. A
seed takes some minutes at 16 lanes, and an hour at 64 lanes. The tables show all reports in the
folder.
"""

import argparse
import functools
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from sdpaflow.numerics.fixed import SQ
from sdpaflow.pipelines import PIPELINES, Attention, Config
from sdpaflow_sim.errors import DoesNotFitError
from sdpaflow_sim.exporting.naming import module_name
from sdpaflow_sim.fpga.devices import DEVICES
from sdpaflow_sim.fpga.flow import implement, sha256, verilog_of
from sdpaflow_sim.fpga.table import listed
from sdpaflow_sim.outputs import write_json

FOLDER = Path(__file__).parents[1] / "docs/fpga"
D = 16
ROW_MAXES = (256, 1024, 4096)
PIPELINE_TITLES = ("pipeline", "longest row")
SIZE_TITLES = ("`memory-free`", "device")
COUNTS = ("LUTs", "flip-flops", "DSP blocks", "block RAMs")
RATES = ("multiplier use", "MHz", "median", "seeds", "million scores / s")
OLD = " *"
"""Mark of a design that was measured with other Verilog than today's."""


class Precision(TypedDict, total=False):
    """Fields of a configuration that the table of sizes changes."""

    score_bits: int
    weight_bits: int
    digits: int


@dataclass(frozen=True)
class Design:
    """A pipeline and its device, with the first cells of its row in the table."""

    pipeline: Attention
    label: tuple[object, ...]
    device: str = "ecp5-85f"

    @property
    def name(self) -> str:
        return f"{self.device}_{module_name(self.pipeline)}"

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the Verilog that would be synthesized today."""
        return sha256(verilog_of(self.pipeline))


def pipelines(
    names: Iterable[str] = tuple(PIPELINES), d: int = D, row_maxes: Sequence[int] = ROW_MAXES
) -> Iterator[Design]:
    """All pipelines; those that store rows once for each length of rows."""
    for name in names:
        for row_max in row_maxes if PIPELINES[name].stores_rows else [None]:
            pipeline = PIPELINES[name](Config(d=d, row_max=row_max))
            yield Design(pipeline, (f"`{name}`", row_max or "any"))


def sizes() -> Iterator[Design]:
    """``memory-free`` with fewer and with more lanes, and on a small device with fewer bits."""
    cases: tuple[tuple[str, int, int, Precision], ...] = (
        ("ecp5-85f", 4, 16, {}),
        ("ecp5-85f", 64, 16, {}),
        ("ice40-up5k", 4, 16, {}),
        ("ice40-up5k", 4, 8, {"score_bits": 6, "weight_bits": 11, "digits": 4}),
        ("ice40-up5k", 3, 8, {"weight_bits": 11, "digits": 4}),
    )
    for device, d, bits, options in cases:
        shape = SQ(4, bits - 4)
        words = [f"`--{n.replace('_', '-')} {value}`" for n, value in options.items()]
        pipeline = PIPELINES["memory-free"](Config(d=d, q=shape, k=shape, v=shape, **options))
        label = ", ".join([f"{d} lanes of {bits} bits", *words])
        yield Design(pipeline, (label, device), device)


def known(folder: Path, design: Design) -> tuple[dict[str, Any] | None, bool]:
    """The report of a design in a folder, if any, and whether it is of today's Verilog."""
    path = folder / f"{design.name}.json"
    if not path.exists():
        return None, False
    report = json.loads(path.read_text(encoding="utf-8"))
    return report, report["verilog_sha256"] == design.fingerprint


def measure(folder: Path, design: Design, seeds: int, jobs: int) -> None:
    """Measure a design, unless the folder has its report."""
    report, fresh = known(folder, design)
    if report and fresh and (report["seeds"] is None or len(report["seeds"]) >= seeds):
        return
    with tempfile.TemporaryDirectory() as logs:
        try:
            report = implement(
                design.pipeline,
                DEVICES[design.device],
                logs,
                seeds=seeds,
                jobs=jobs,
                tell=lambda text: print(f"{design.name}: {text}", file=sys.stderr),
            ).to_dict()
        except DoesNotFitError as error:
            report = {"does_not_fit": str(error), "seeds": None}
            report["verilog_sha256"] = design.fingerprint
    write_json(folder / f"{design.name}.json", report)


def table(folder: Path, designs: Iterable[Design], titles: Sequence[str]) -> str:
    """A Markdown table of designs, with a note if a report is of an earlier version."""
    heads = [*titles, *COUNTS, *RATES]
    lines: list[list[object]] = [[*heads], ["---"] * len(heads)]
    lines += [row(folder, design) for design in designs]
    text = "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)
    return text + ("\n\\* Of an earlier version of this design.\n" if OLD + " |" in text else "")


def row(folder: Path, design: Design) -> list[object]:
    """The cells of a design's row in a table."""
    report, fresh = known(folder, design)
    width = len(COUNTS) + len(RATES)
    if report is None:
        return [*design.label, "not measured", *[""] * (width - 1)]
    *first, last = design.label
    label = (*first, f"{last}{'' if fresh else OLD}")
    if "does_not_fit" in report:
        _, _, why = report["does_not_fit"].partition(": ")
        return [*label, f"does not fit: {why}", *[""] * (width - 1)]
    rates: list[object] = ["", "", "", ""]
    if report["seeds"]:
        best, median = report["fmax_mhz"], report["fmax_mhz_median"]
        million = report["scores_per_second"] / 1e6
        rates = [f"{best:.1f}", f"{median:.1f}", len(report["seeds"]), f"{million:.1f}"]
    use = "" if report["multiplier_use"] is None else f"{report['multiplier_use']:.0%}"
    return [*label, *(f"{count:,}" for count in report["resources"].values()), use, *rates]


def blocks(folder: Path = FOLDER, sha_of: Callable[[Design], str] | None = None) -> dict[str, str]:
    """The tables that the README shows, by the name of their block.

    ``sha_of`` gives the fingerprint of a design, if it is known without making the Verilog.
    """
    designs, others = list(pipelines()), list(sizes())
    for design in [*designs, *others] if sha_of else []:
        vars(design)["fingerprint"] = sha_of(design)
    *_, last = designs
    report, _ = known(folder, last)
    assert report is not None, f"{last.name} has not been measured"
    where = f"\nDSP blocks of {last.label[0]}: {listed(report['multipliers'])}.\n"
    return {
        "fpga": table(folder, designs, PIPELINE_TITLES) + where,
        "fpga-sizes": table(folder, others, SIZE_TITLES),
    }


def main() -> None:
    """Measure the designs that have no report of today, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pipelines", default=",".join(PIPELINES), help="default: all")
    parser.add_argument("--d", type=int, default=D, help="elements and lanes (default: 16)")
    parser.add_argument("--row-max", default=",".join(map(str, ROW_MAXES)), help="default: all")
    parser.add_argument("--sizes", action="store_true", help="other sizes and devices instead")
    parser.add_argument("--seeds", type=int, default=3, help="default: 3")
    parser.add_argument("--jobs", type=int, default=1, help="seeds at a time (default: 1)")
    parser.add_argument("--out", type=Path, default=FOLDER, help="default: docs/fpga")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.sizes:
        designs, titles = list(sizes()), SIZE_TITLES
    else:
        row_maxes = [int(text) for text in arguments.row_max.split(",")]
        designs = list(pipelines(arguments.pipelines.split(","), arguments.d, row_maxes))
        titles = PIPELINE_TITLES
    for design in designs:
        measure(arguments.out, design, arguments.seeds, arguments.jobs)
    print(table(arguments.out, designs, titles), end="")


if __name__ == "__main__":
    main()
