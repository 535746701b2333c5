"""The command ``sdpaflow study``."""

import argparse
import inspect
import shlex
import sys
from pathlib import Path

from sdpaflow.pipelines import PIPELINES, ROW_BITS

from sdpaflow_sim.attention.run import ENGINES, run
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.outputs import check_outputs, replacing
from sdpaflow_sim.study import table
from sdpaflow_sim.study.figures import draw_all
from sdpaflow_sim.study.fills import fills
from sdpaflow_sim.study.page import page
from sdpaflow_sim.study.points import grid
from sdpaflow_sim.study.runner import run_points
from sdpaflow_sim.study.store import Store

__all__ = ["ENGINE", "add_engine", "add_parser", "study"]

ENGINE = inspect.signature(run).parameters["engine"].default
"""The engine that a run takes unless told."""

SIZES = [2**power for power in range(9, 16)]
"""Values of N of the published study."""

FILES = ("study.csv", "study.md", "index.html", *(
    f"{name}{kind}" for name in ("memory", "rate", "rows") for kind in (".png", ".svg")
))  # fmt: skip


def add_parser(commands, names):
    """Add the command to a parser's; ``names`` reads a list of pipelines."""
    parser = commands.add_parser(
        "study",
        help="measure pipelines over N",
        description="Run pipelines over N, check every output by bits, and write a table, figures "
        "and a page. What is finished is kept: the same command goes on where it was ended.",
    )
    parser.set_defaults(command=study)
    parser.add_argument(
        "--pipelines",
        type=names,
        default=["naive", "memory-free"],
        metavar="A,B",
        help=f"of {', '.join(PIPELINES)}, or all (default: naive,memory-free)",
    )
    parser.add_argument(
        "--n",
        type=_numbers,
        default=SIZES,
        metavar="N,N",
        help="queries, and keys (default: 512 to 32768, doubling)",
    )
    parser.add_argument(
        "--d", type=_numbers, default=[1], metavar="D,D", help="elements of a vector (default: 1)"
    )
    parser.add_argument(
        "--lanes", type=_numbers, metavar="L,L", help="elements per token (default: d)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random data (default: 0)")
    add_engine(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=int, default=1, metavar="J", help="processes (default: 1)")
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, tcp://…")
    parser.add_argument("--fresh", action="store_true", help="run also what is there already")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder, made if needed")


def add_engine(parser):
    """Add the choice of the engine to a parser."""
    choices = list(dict.fromkeys([ENGINE, *ENGINES]))
    parser.add_argument(
        "--engine", choices=choices, default=ENGINE, help=f"simulator (default: {ENGINE})"
    )


def _numbers(text):
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be numbers like 1,2,4, not {text!r}") from None
    if min(numbers) < 1 or len(set(numbers)) < len(numbers):
        raise argparse.ArgumentTypeError(f"must be at least 1, and differ, not {text}")
    return numbers


def study(arguments):
    """Points run or read, and all that is made of them written."""
    points = _points(arguments)
    folder = Path(arguments.out)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is not a folder")
    store = Store(folder / "points")
    check_outputs([folder / name for name in FILES])
    try:
        return _study(points, store, folder, arguments)
    except KeyboardInterrupt:
        done = sum(store.load(point) is not None for point in points)
        print(
            f"sdpaflow: interrupted: {done} of {len(points)} points are kept in {store.folder}; "
            "the same command goes on from there",
            file=sys.stderr,
        )
        return 130


def _study(points, store, folder, arguments):
    results, failures = run_points(
        points,
        store,
        jobs=arguments.jobs,
        scheduler=arguments.scheduler,
        fresh=arguments.fresh,
        quiet=arguments.quiet,
    )
    kept = [results[point] for point in points if point in results]
    for point, reason in failures.items():
        print(f"sdpaflow: error: {point.name}: {reason}", file=sys.stderr)
    if kept:
        _write(folder, kept, failures, arguments)
        if not arguments.quiet:
            print(table.to_markdown(kept, markdown=False), end="")
            print(f"page: {folder / 'index.html'}")
    return 1 if failures else 0


def _points(arguments):
    if arguments.seed < 0:
        raise InputError(f"seed must be at least 0, not {arguments.seed}")
    if arguments.jobs < 1:
        raise InputError(f"jobs must be at least 1, not {arguments.jobs}")
    if max(arguments.n) > 1 << ROW_BITS:
        raise InputError(f"rows may have up to {1 << ROW_BITS} keys, not {max(arguments.n)}")
    return grid(
        arguments.pipelines,
        arguments.d,
        arguments.lanes,
        arguments.n,
        arguments.seed,
        arguments.engine,
    )


def _write(folder, results, failures, arguments):
    names = dict.fromkeys(result["point"]["pipeline"] for result in results)
    figures = draw_all(folder, results, {name: fills(name, arguments.seed) for name in names})
    with replacing(folder / "study.csv") as path:
        table.write_csv(path, results)
    with replacing(folder / "study.md") as path:
        path.write_text(table.to_markdown(results), encoding="utf-8")
    with replacing(folder / "index.html") as path:
        text = page(results, failures, figures, _command(arguments))
        path.write_text(text, encoding="utf-8")


def _command(arguments):
    """The command that gives the same results, on whatever machines."""
    words = ["sdpaflow", "study", "--pipelines", ",".join(arguments.pipelines)]
    for name in ("n", "d", "lanes"):
        if getattr(arguments, name) is not None:
            words += [f"--{name}", ",".join(map(str, getattr(arguments, name)))]
    words += ["--seed", str(arguments.seed), "--engine", arguments.engine]
    return shlex.join([*words, "--out", Path(arguments.out).name])
