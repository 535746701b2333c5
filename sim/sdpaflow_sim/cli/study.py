"""The command ``sdpaflow study``."""

import argparse
import shlex
import sys
from pathlib import Path

from sdpaflow_sim.cli import arguments as shared
from sdpaflow_sim.cli.values import file, numbers, word

__all__ = ["add_parser"]

SIZES = [2**power for power in range(9, 16)]
"""Values of N of the published study."""


def add_parser(commands: shared.Commands) -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "study",
        help="measure pipelines over N",
        description="Run pipelines over N, check every output by bits, and write a table, figures "
        "and a page. What is finished is kept: the same command goes on where it was ended.",
    )
    parser.set_defaults(command=_study)
    shared.add_pipelines(parser)
    parser.add_argument(
        "--n",
        type=numbers,
        default=SIZES,
        metavar="N,N",
        help="queries, and keys (default: 512 to 32768, doubling)",
    )
    parser.add_argument(
        "--d", type=numbers, default=[1], metavar="D,D", help="elements of a vector (default: 1)"
    )
    parser.add_argument(
        "--lanes", type=numbers, metavar="L,L", help="elements per token (default: d)"
    )
    shared.add_seed(parser, "the random data")
    shared.add_engine(parser)
    where = parser.add_mutually_exclusive_group()
    shared.add_jobs(where, "processes (default: 1)", 1)
    where.add_argument(
        "--scheduler", type=word, metavar="ADDRESS", help="of a Dask cluster, tcp://…"
    )
    parser.add_argument("--fresh", action="store_true", help="run also what is there already")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument(
        "--out", type=file, required=True, metavar="DIR", help="folder, made if needed"
    )


def _study(arguments: argparse.Namespace) -> int:
    """Points run or read, and all that is made of them written."""
    from sdpaflow_sim.outputs import check_folder, check_outputs
    from sdpaflow_sim.study import table, written
    from sdpaflow_sim.study.points import grid
    from sdpaflow_sim.study.runner import run_points
    from sdpaflow_sim.study.store import Store

    names, own, engine = arguments.pipelines, shared.texts(arguments.arg), arguments.engine
    d, lanes, n, seed = arguments.d, arguments.lanes, arguments.n, arguments.seed
    jobs, scheduler, fresh = arguments.jobs, arguments.scheduler, arguments.fresh
    folder, quiet = Path(arguments.out), arguments.quiet
    command = _command(names, own, {"n": n, "d": d, "lanes": lanes}, seed, engine, folder.name)

    points = grid(names, d, lanes, n, seed, engine, own)
    check_folder(folder, parents=True)
    if folder.is_dir():
        check_outputs((folder / name for name in written.FILES), shared.reads(None, None, *names))
        check_folder(folder / "points")
    store = Store(folder / "points")
    try:
        results, failures = run_points(
            points, store, jobs=jobs, scheduler=scheduler, fresh=fresh, quiet=quiet
        )
        kept = [results[point] for point in points if point in results]
        for point, reason in failures.items():
            print(f"sdpaflow: error: {point.name}: {reason}", file=sys.stderr)
        if kept:
            written.write(folder, kept, failures, command)
            if not quiet:
                print(table.to_markdown(kept, markdown=False), end="")
                print(f"page: {folder / 'index.html'}")
        return 1 if failures else 0
    except KeyboardInterrupt:
        done = sum(store.load(point) is not None for point in points)
        print(
            f"sdpaflow: interrupted: {done} of {len(points)} points are kept in {store.folder}; "
            "the same command goes on from there",
            file=sys.stderr,
        )
        return 130


def _command(
    names: list[str],
    own: tuple[str, ...],
    sizes: dict[str, list[int] | None],
    seed: int,
    engine: str,
    out: str,
) -> str:
    """The command that gives the same results, on whatever machines."""
    words = ["sdpaflow", "study", "--pipelines", ",".join(map(shared.portable, names))]
    for argument in own:
        words += ["--arg", argument]
    for name, chosen in sizes.items():
        if chosen is not None:
            words += [f"--{name}", ",".join(map(str, chosen))]
    words += ["--seed", str(seed), "--engine", engine]
    return shlex.join([*words, "--out", out])
