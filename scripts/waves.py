#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Dump waveforms of a small run on real data, to be opened with GTKWave.

Takes the first queries and keys of a head of the sentence encoder shipped with the project, runs
each pipeline in Amaranth's simulator, and writes a dump and a save file for each.
"""

import argparse
import shlex
from pathlib import Path

from sdpaflow.pipelines import PIPELINES
from sdpaflow_sim.attention.inputs import build, sample
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.waves.view import save_path, save_view


def main() -> None:
    """Run the pipelines that the arguments name, and write their waveforms."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "pipelines",
        nargs="*",
        metavar="PIPELINE",
        help=f"of {', '.join(PIPELINES)}; memory-free and naive unless given",
    )
    parser.add_argument("--layer", type=int, default=0, help="0, 2 or 5 (default: 0)")
    parser.add_argument("--head", type=int, default=3, help="0 to 11 (default: 3)")
    parser.add_argument("--queries", type=int, default=5, help="how many (default: 5)")
    parser.add_argument("--keys", type=int, default=10, help="how many (default: 10)")
    parser.add_argument("--lanes", type=int, default=16, help="1 to 32 (default: 16)")
    parser.add_argument(
        "--out", type=Path, default=Path("build/waves"), help="folder for the files"
    )
    parser.add_argument(
        "--size", type=int, nargs=2, default=(1600, 1000), help="of the window, in pixels"
    )
    arguments = parser.parse_args()
    try:
        q, k, v = sample(arguments.layer, arguments.head)
        head = q[: arguments.queries], k[: arguments.keys], v[: arguments.keys]
        pipelines = {
            name: build(name, [head], lanes=arguments.lanes)
            for name in arguments.pipelines or ["memory-free", "naive"]
        }
    except InputError as error:
        parser.error(str(error))
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, pipeline in pipelines.items():
        vcd = arguments.out / f"{name}.vcd"
        report = run(pipeline, *head, vcd=vcd)
        save_view(save_path(vcd), vcd, pipeline, size=arguments.size)
        print(f"{name}, {report.cycles} cycles: gtkwave {shlex.quote(str(save_path(vcd)))}")


if __name__ == "__main__":
    main()
