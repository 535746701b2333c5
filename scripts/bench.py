"""Measure how fast the engines are, and what building and starting takes; keep it in docs/.

Every figure comes from a process of its own, which runs ``memory-free`` with lanes = d and compares
every bit. Speed is the cycles by which a long run exceeds a short one over the time by which it
does, so that what both need to start does not count. Ratios are of figures of one run of this
program; machines that do other work as well give others.
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

import numpy as np
from rich.progress import track
from sdpaflow_sim.attention.run import run

KEPT = Path(__file__).parents[1] / "docs" / "bench.json"
QUERIES = 8
"""Of the short run."""

SIZES = {  # keys, and queries of the long run, by d and engine
    1: {"amaranth": 96, "verilator": 4096},
    16: {"amaranth": 56, "verilator": 1536},
    64: {"amaranth": 32, "verilator": 640},
}
REPEATS = 3


def main():
    """Measure everything, or, in a process of its own, one thing."""
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
    kept = {"cores": os.cpu_count(), "machine": platform.machine(), "results": results}
    arguments.out.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    print(table(kept))


def measure(d, engine):
    """All figures of an engine at one size."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CACHE_HOME": folder}

        def child(what):
            command = [sys.executable, __file__, "--one", what, str(d), engine]
            done = subprocess.run(command, env=environment, capture_output=True, check=True)
            return json.loads(done.stdout)

        found = {"d": d, "engine": engine}
        if engine == "verilator":
            found["build_cold_s"] = child("start")["seconds"]
            for path in Path(folder).glob("sdpaflow/*.so"):  # the design, not the runtime
                path.unlink()
            found["build_s"] = child("start")["seconds"]
        found["start_s"] = statistics.median(child("start")["seconds"] for _ in range(REPEATS))
        runs = [child("speed") for _ in range(REPEATS)]
        for figure in ("cycles_per_second", "scores_per_second"):
            found[figure] = statistics.median(one[figure] for one in runs)
        found["all_cycles_per_second"] = [round(one["cycles_per_second"]) for one in runs]
        found["peak_memory_mb"] = max(one["peak_memory_mb"] for one in runs)
        return found


def attention(d, queries, keys, engine):
    """Seconds and cycles of a run on random data."""
    rng = np.random.default_rng(d)
    q, k, v = rng.normal(size=(3, max(queries, keys), d)).clip(-3, 3)
    begun = time.perf_counter()
    report = run("memory-free", q[:queries], k[:keys], v[:keys], engine=engine)
    if not report.bit_exact:
        sys.exit(f"{engine} at d = {d} gave wrong bits")
    return time.perf_counter() - begun, report.cycles


def start(d, engine):
    """Seconds until a run of a single score is over."""
    return {"seconds": attention(d, 1, 1, engine)[0]}


def speed(d, engine):
    """Cycles per second, the start left out, and the most memory that was in use."""
    size = SIZES[d][engine]
    (first, few), (second, many) = (
        attention(d, queries, size, engine) for queries in (QUERIES, size)
    )
    return {
        "cycles_per_second": (many - few) / (second - first),
        "scores_per_second": size * (size - QUERIES) / (second - first),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def table(kept):
    """The results as Markdown."""
    header = ["d", "engine", "cycles/s", "scores/s", "times `amaranth`"]
    header += ["build, all anew (s)", "build (s)", "start (s)", "peak memory (MB)"]
    lines = [header, ["---:"] * len(header)]
    for one in kept["results"]:
        cycles, scores = (
            f"{_digits(one[f'{what}_per_second']):,}" for what in ("cycles", "scores")
        )
        times = f"{one['times_amaranth']:,.0f}" if one["engine"] != "amaranth" else ""
        builds = [f"{one[key]:.1f}" if key in one else "" for key in ("build_cold_s", "build_s")]
        rest = [f"{one['start_s']:.1f}", f"{one['peak_memory_mb']:.0f}"]
        lines.append([one["d"], f"`{one['engine']}`", cycles, scores, times, *builds, *rest])
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def _digits(value):
    """Two digits of a number, which is what repeating it leaves of them."""
    return round(float(f"{value:.2g}"))


if __name__ == "__main__":
    main()
