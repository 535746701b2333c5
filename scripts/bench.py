"""Measure how fast the engines run, build and start; the results are in docs/bench.json.

Each figure comes from a separate process, which runs ``memory-free`` with lanes = d and compares
every bit. Speed is the difference in cycles between a long and a short run, divided by their
difference in time, so that the start of a run does not count. Ratios are between figures of one run
of this program, and differ on a machine that does other work at the same time.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
from rich.progress import track
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.engines.compiled.compiler import compiler

KEPT = Path(__file__).parents[1] / "docs" / "bench.json"
QUERIES = 8
"""Queries of the short run."""

SIZES = {  # by d and engine: keys, which is also the number of queries of the long run
    1: {"amaranth": 96, "verilator": 4096},
    16: {"amaranth": 56, "verilator": 1536},
    64: {"amaranth": 32, "verilator": 640},
}
REPEATS = 3

RUNS = [(1, 2**n) for n in range(8, 14)] + [(16, 1024), (64, 512)]
"""d = lanes and N = keys = queries of whole runs."""

DAM = {512: (0.29, 0.13), 4096: (16.7, 7.7)}
"""CPU seconds that the simulator of the paper takes, by N: with FIFOs of depth 2, and at its best.

Measured by others, on a machine on which sdpaflow then took 1.11 and 8.4 s, for memory-free at
d = 1, both as whole processes (arXiv 2404.16629; github.com/stanford-ppl/DAM-RS).
"""


class Builds(TypedDict, total=False):
    """Seconds until a run with a build is over; only of an engine that builds something."""

    build_cold_s: float
    build_s: float


class Result(Builds):
    """The figures of an engine at one size: medians over the repeats, except for the memory."""

    d: int
    engine: str
    start_s: float
    cycles_per_second: float
    scores_per_second: float
    all_cycles_per_second: list[int]
    peak_memory_mb: float
    times_amaranth: NotRequired[float]


class Whole(TypedDict):
    """A whole run of the command with its design built: medians over the repeats."""

    d: int
    n: int
    wall_s: float
    cpu_s: float


class Kept(TypedDict):
    """What the file has: all results, and the machine."""

    cores: int | None
    machine: str
    compiler: str
    results: list[Result]
    runs: list[Whole]


def main() -> None:
    """Measure everything, or with ``--one`` a single figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=KEPT, help="default: docs/bench.json")
    arguments = parser.parse_args()
    if arguments.one:
        what, d, engine = arguments.one
        print(json.dumps({"speed": speed, "start": start}[what](int(d), engine)))
        return
    points = [(d, engine) for d, engines in SIZES.items() for engine in engines]
    results = [measure(d, engine) for d, engine in track(points, "engines", transient=True)]
    for result in results:
        (slow,) = (r for r in results if r["d"] == result["d"] and r["engine"] == "amaranth")
        result["times_amaranth"] = result["cycles_per_second"] / slow["cycles_per_second"]
    runs = [whole(d, n) for d, n in track(RUNS, "whole runs", transient=True)]
    kept: Kept = {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "compiler": Path(compiler()[0]).name,
        "results": results,
        "runs": runs,
    }
    arguments.out.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    print(table(kept), runs_table(kept), sep="\n")


def measure(d: int, engine: str) -> Result:
    """All figures of an engine at one size."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CACHE_HOME": folder}

        def child(what: str) -> dict[str, Any]:
            command = [sys.executable, __file__, "--one", what, str(d), engine]
            done = subprocess.run(command, env=environment, capture_output=True, check=True)
            return json.loads(done.stdout)

        builds: Builds = {}
        if engine == "verilator":
            builds["build_cold_s"] = child("start")["seconds"]
            for path in Path(folder).glob("sdpaflow/*.so"):  # the design, not the runtime
                path.unlink()
            builds["build_s"] = child("start")["seconds"]
        start_s = statistics.median(child("start")["seconds"] for _ in range(REPEATS))
        runs = [child("speed") for _ in range(REPEATS)]
        return {
            "d": d,
            "engine": engine,
            **builds,
            "start_s": start_s,
            "cycles_per_second": statistics.median(one["cycles_per_second"] for one in runs),
            "scores_per_second": statistics.median(one["scores_per_second"] for one in runs),
            "all_cycles_per_second": [round(one["cycles_per_second"]) for one in runs],
            "peak_memory_mb": max(one["peak_memory_mb"] for one in runs),
        }


def whole(d: int, n: int) -> Whole:
    """Seconds of ``sdpaflow run`` from its start to its end, every bit compared."""
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{name}.npy" for name in "qkv"]
        for file, array in zip(files, inputs(d, n, n), strict=True):
            np.save(file, array)
        data = [word for pair in zip(("--q", "--k", "--v"), files, strict=True) for word in pair]
        words = ["run", "--pipeline", "memory-free", "--engine", "verilator", "--quiet", *data]
        command = [sys.executable, "-m", "sdpaflow_sim", *words]
        subprocess.run(command, check=True)  # which builds the design, if need be
        wall, cpu = [], []
        for _ in range(REPEATS):
            begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            wall.append(time.perf_counter() - begun)
            cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {"d": d, "n": n, "wall_s": statistics.median(wall), "cpu_s": statistics.median(cpu)}


def inputs(d: int, queries: int, keys: int) -> tuple[np.ndarray, ...]:
    """Random q, k, v."""
    rng = np.random.default_rng(d)
    q, k, v = rng.normal(size=(3, max(queries, keys), d)).clip(-3, 3)
    return q[:queries], k[:keys], v[:keys]


def attention(d: int, queries: int, keys: int, engine: str) -> tuple[float, int]:
    """Seconds and cycles of a run on random data."""
    begun = time.perf_counter()
    report = run("memory-free", *inputs(d, queries, keys), engine=engine, processes=1)
    if not report.bit_exact:
        sys.exit(f"{engine} at d = {d} gave wrong bits")
    return time.perf_counter() - begun, report.cycles


def start(d: int, engine: str) -> dict[str, float]:
    """Seconds that a run of a single score takes."""
    return {"seconds": attention(d, 1, 1, engine)[0]}


def speed(d: int, engine: str) -> dict[str, float]:
    """Cycles and scores per second without the start, and peak memory in MB."""
    size = SIZES[d][engine]
    (first, few), (second, many) = (
        attention(d, queries, size, engine) for queries in (QUERIES, size)
    )
    return {
        "cycles_per_second": (many - few) / (second - first),
        "scores_per_second": size * (size - QUERIES) / (second - first),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def table(kept: Kept) -> str:
    """The results as Markdown."""
    header = ["d", "engine", "cycles/s", "scores/s", "times `amaranth`"]
    header += ["build, all anew (s)", "build (s)", "start (s)", "peak memory (MB)"]
    lines: list[list[object]] = [[*header], ["---:"] * len(header)]
    for one in kept["results"]:
        cycles, scores = (
            f"{_digits(rate):,}" for rate in (one["cycles_per_second"], one["scores_per_second"])
        )
        times = f"{one['times_amaranth']:,.0f}" if one["engine"] != "amaranth" else ""
        times_s = (one.get("build_cold_s"), one.get("build_s"))
        builds = ["" if seconds is None else f"{seconds:.1f}" for seconds in times_s]
        rest = [f"{one['start_s']:.1f}", f"{one['peak_memory_mb']:.0f}"]
        lines.append([one["d"], f"`{one['engine']}`", cycles, scores, times, *builds, *rest])
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def runs_table(kept: Kept) -> str:
    """Whole runs as Markdown, beside the paper's simulator where that has been measured."""
    header = ["d", "N", "seconds", "CPU seconds", "scores per CPU second"]
    header += ["DAM, depth 2 (CPU s)", "DAM, best (CPU s)"]
    lines: list[list[object]] = [[*header], ["---:"] * len(header)]
    for one in kept["runs"]:
        scores = f"{_digits(one['n'] ** 2 / one['cpu_s']):,}"
        others = DAM.get(one["n"], ("", "")) if one["d"] == 1 else ("", "")
        times = f"{one['wall_s']:.2f}", f"{one['cpu_s']:.2f}"
        lines.append([one["d"], f"{one['n']:,}", *times, scores, *others])
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def _digits(value: float) -> int:
    """A figure rounded to two digits: the others differ from run to run."""
    return round(float(f"{value:.2g}"))


if __name__ == "__main__":
    main()
