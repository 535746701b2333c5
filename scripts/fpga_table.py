"""All pipelines on an FPGA: a table, and a JSON file per design.

What is finished is kept in the folder: the same command goes on where it was ended, and measures
again only what has changed, that is, what has other Verilog or fewer seeds. 16 lanes take some
minutes per design and seed. The table has what is in the folder by the end.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from sdpaflow.pipelines import PIPELINES, Config
from sdpaflow_sim.commands import write_json
from sdpaflow_sim.fpga.devices import DEVICES
from sdpaflow_sim.fpga.flow import implement, sha256, verilog_of
from sdpaflow_sim.fpga.place import DoesNotFitError

ROOT = Path(__file__).parents[1]
HEADS = ("LUTs", "flip-flops", "DSP blocks", "block RAMs", "MHz", "million scores / s")


def designs(names, d, row_maxes):
    """Name and pipeline of every row of the table."""
    for name in names:
        for row_max in row_maxes if PIPELINES[name].stores_rows else [None]:
            rows = "" if row_max is None else f"_r{row_max}"
            yield f"{name}_d{d}{rows}", PIPELINES[name](Config(d=d, row_max=row_max))


def measure(path, pipeline, device, seeds, jobs):
    """Measure a design unless it was; returns what the file holds."""
    fingerprint = sha256(verilog_of(pipeline))
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        tried = known["seeds"] is None or len(known["seeds"]) >= seeds
        if known["verilog_sha256"] == fingerprint and tried:
            return known
    with tempfile.TemporaryDirectory() as logs:
        try:
            report = implement(
                pipeline,
                device,
                logs,
                seeds=seeds,
                jobs=jobs,
                tell=lambda text: print(f"{path.stem}: {text}", file=sys.stderr),
            ).to_dict()
        except DoesNotFitError as error:
            report = {"verilog_sha256": fingerprint, "seeds": None, "does_not_fit": str(error)}
    write_json(path, report)
    return report


def row(name, pipeline, report):
    """A line of the table."""
    label = [f"`{name.partition('_')[0]}`", pipeline.config.row_max or "any"]
    if "does_not_fit" in report:
        return [*label, "does not fit", *[""] * (len(HEADS) - 1)]
    rates = ["", ""]
    if report["fmax_mhz"]:
        rates = [f"{report['fmax_mhz']:.1f}", f"{report['scores_per_second'] / 1e6:.1f}"]
    return [*label, *(f"{count:,}" for count in report["resources"].values()), *rates]


def main():
    """Measure what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pipelines", default=",".join(PIPELINES), help="default: all")
    parser.add_argument("--d", type=int, default=16, help="elements and lanes (default: 16)")
    parser.add_argument("--row-max", default="256,1024,4096", help="default: 256,1024,4096")
    parser.add_argument("--device", default="ecp5-85f", choices=DEVICES)
    parser.add_argument("--seeds", type=int, default=3, help="default: 3")
    parser.add_argument("--jobs", type=int, default=1, help="seeds at a time (default: 1)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/fpga", help="default: docs/fpga")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    row_maxes = [int(text) for text in arguments.row_max.split(",")]
    lines = [["pipeline", "longest row", *HEADS], ["---"] * (2 + len(HEADS))]
    device = DEVICES[arguments.device]
    for name, pipeline in designs(arguments.pipelines.split(","), arguments.d, row_maxes):
        path = arguments.out / f"{arguments.device}_{name}.json"
        report = measure(path, pipeline, device, arguments.seeds, arguments.jobs)
        lines.append(row(name, pipeline, report))
    print("".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines), end="")


if __name__ == "__main__":
    main()
