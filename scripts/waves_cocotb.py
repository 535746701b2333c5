#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Dump the waveform of a cocotb test on the exported Verilog, to be opened with GTKWave.

Runs the bench of the pipelines' tests on Verilator, with data of the sentence encoder shipped with
the project, and writes the dump and a save file.
"""

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from sdpaflow.pipelines import PIPELINES, Attention
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.attention.inputs import build, sample
from sdpaflow_sim.errors import CosimulationError, InputError, ToolError
from sdpaflow_sim.exporting import vectors
from sdpaflow_sim.exporting.cosim import cosimulate
from sdpaflow_sim.exporting.design import pipeline_design
from sdpaflow_sim.waves.view import save_path, save_view

BENCH = Path(__file__).parents[1] / "tests" / "cocotb" / "bench_pipeline.py"


def main() -> None:
    """Run the bench on the pipeline that the arguments name, and write its waveform."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pipeline", nargs="?", choices=PIPELINES, default="memory-free")
    parser.add_argument("--queries", type=int, default=5, help="how many (default: 5)")
    parser.add_argument("--keys", type=int, default=10, help="how many (default: 10)")
    parser.add_argument("--lanes", type=int, default=16, help="1 to 32 (default: 16)")
    parser.add_argument(
        "--out", type=Path, default=Path("build/waves-cocotb"), help="folder for the files"
    )
    parser.add_argument(
        "--size", type=int, nargs=2, default=(1600, 1000), help="of the window, in pixels"
    )
    arguments = parser.parse_args()
    try:
        q, k, v = sample(0, 3)
        head = q[: arguments.queries], k[: arguments.keys], v[: arguments.keys]
        pipeline = build(arguments.pipeline, [head], lanes=arguments.lanes)
        workload = Workload(pipeline.config, [head])
    except InputError as error:
        parser.error(str(error))
    folder = arguments.out / arguments.pipeline
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "job.json").write_text(json.dumps(job_file(workload, pipeline)), encoding="ascii")
    name = arguments.pipeline.replace("-", "_")
    try:
        cosimulate(
            pipeline,
            name,
            BENCH,
            order=list("qkvo"),
            folder=arguments.out / "build",
            run=folder,
            only="compare",
            waves=True,
        )
    except (CosimulationError, ToolError) as error:
        sys.exit(str(error))
    vcd = folder / "dump.vcd"
    save_view(save_path(vcd), vcd, pipeline, size=arguments.size, top=name)
    print(f"{arguments.pipeline}: gtkwave {shlex.quote(str(save_path(vcd)))}")


def job_file(workload: Workload, pipeline: Attention) -> dict[str, Any]:
    """The job that the bench reads: tokens in, tokens wanted, depths of FIFOs, and a limit."""
    passing = vectors.of_pipeline(pipeline_design(pipeline), pipeline, workload.inputs())
    return {
        "sources": {stream.name: list(map(int, stream.tokens)) for stream in passing.inputs},
        "wanted": {stream.name: list(map(int, stream.tokens)) for stream in passing.outputs},
        "fifos": {edge.name: [edge.depth, 0, 0] for edge in pipeline.edges},
        "stalls": {"none": {}},
        "limit": 1000 + 64 * workload.scores * pipeline.config.beats,
        "repeats": 1,
    }


if __name__ == "__main__":
    main()
