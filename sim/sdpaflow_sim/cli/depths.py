"""The command ``sdpaflow depths``."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sdpaflow_sim.cli import arguments as shared
from sdpaflow_sim.cli.values import at_least, file

if TYPE_CHECKING:
    from sdpaflow_sim.sizing import Depths

__all__ = ["add_parser"]

N = 16
D = 4


def add_parser(commands: shared.Commands) -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "depths",
        help="find how deep each FIFO has to be",
        description="For each FIFO by itself, find the least depth with which a run of N random "
        "queries over N keys completes, and the least that costs no cycle, by simulation.",
    )
    parser.set_defaults(command=_depths)
    shared.add_pipeline(parser)
    parser.add_argument(
        "--n",
        type=at_least(1),
        help=f"queries, and keys; or random tokens in every dimension (default: {N})",
    )
    parser.add_argument("--d", type=at_least(1), help=f"elements of a vector (default: {D})")
    parser.add_argument("--lanes", type=at_least(1), help="elements per token (default: d)")
    shared.add_seed(parser, "the random data")
    shared.add_engine(parser)
    parser.add_argument("--json", type=file, metavar="F", help="write what was found")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def _depths(arguments: argparse.Namespace) -> int:
    """The least depths of every FIFO of a pipeline, beside what it is built with."""
    from sdpaflow_sim.cli import pipelines, tables
    from sdpaflow_sim.cli.progress import Progress
    from sdpaflow_sim.errors import DeadlockError
    from sdpaflow_sim.outputs import check_outputs, write_json
    from sdpaflow_sim.sizing import search

    spec, json, engine = shared.spec_of(arguments), arguments.json, arguments.engine
    n, d, lanes, seed = arguments.n, arguments.d, arguments.lanes, arguments.seed

    check_outputs([json], shared.reads(spec))
    attention = pipelines.is_attention(pipelines.resolve(spec.text))
    if attention:
        make, run, title, known = _attention(spec, n or N, d or D, lanes, seed, engine)
    else:
        make, run, title, known = _graph(spec, n, d, lanes, seed, engine)
    edges = make().edges
    with Progress({"depths": len(edges)}, quiet=arguments.quiet, unit="FIFOs") as progress:
        try:
            found: list[Depths] = search(make, run, progress=progress.counter("depths"))
        except DeadlockError as error:
            raise DeadlockError(
                f"{error}; as it is built it may be for shorter rows than these: give --n"
                + ("" if attention else ", or --input")
            ) from None
    full = found[0].cycles[found[0].built]
    title = f"{title}: {full:,} cycles as built"
    print(tables.render(tables.depths(found, edges, title)), end="")
    if json:
        fifos = [asdict(fifo) for fifo in found]
        write_json(json, {**known, "cycles": full, "fifos": fifos})
    return 0


Search = tuple[Callable[[], Any], Callable[[Any], Any], str, dict[str, object]]
"""What makes a pipeline, what runs it, a title, and what is known of both as plain data."""


def _attention(
    spec: shared.Spec, n: int, d: int, lanes: int | None, seed: int, engine: str
) -> Search:
    """A class of attentions, with random data."""
    from sdpaflow_sim.attention.run import Report, run
    from sdpaflow_sim.errors import InputError, MismatchError
    from sdpaflow_sim.study.points import grid

    if spec.inputs:
        raise InputError(f"{spec.text} is an attention, which takes --n and --d, not --input")
    (point,) = grid(
        [spec.text], [d], None if lanes is None else [lanes], [n], seed, engine, spec.arguments
    )
    q, k, v = point.data()

    def measured(pipeline: Any) -> Report:
        report = run(pipeline, q, k, v, engine=engine)
        if not report.bit_exact:
            raise MismatchError("the outputs differ from the bit-exact model's")
        return report

    title = f"{point.label}, {n} queries, {n} keys, d = {d}, {point.lanes} lanes"
    return point.build, measured, title, {"point": asdict(point)}


def _graph(
    spec: shared.Spec, n: int | None, d: int | None, lanes: int | None, seed: int, engine: str
) -> Search:
    """Any other pipeline, with tokens from files or at random."""
    from sdpaflow_sim.checking import check
    from sdpaflow_sim.cli import pipelines
    from sdpaflow_sim.cli.chosen import streams_for
    from sdpaflow_sim.errors import InputError

    for name, value in {"d": d, "lanes": lanes}.items():
        if value is not None:
            raise InputError(f"--{name} is for a class of Attention, which {spec.text} is not")
    if n is not None and spec.inputs:
        raise InputError("--n counts random tokens; leave it out with --input")
    found, arguments = pipelines.resolve(spec.text), pipelines.values(spec.arguments)

    def make() -> Any:
        return pipelines.made(spec.text, found, arguments)

    pipeline = make()
    streams = streams_for(pipeline, spec.inputs, n, seed)
    tokens = ", ".join(f"{len(stream)} tokens at {port}" for port, stream in streams.items())
    name = pipeline.name

    def run(made: Any) -> Any:
        return check(made, streams, engine=engine)[1]

    return (
        make,
        run,
        f"{name}, {tokens}",
        {
            "pipeline": name,
            "arguments": list(spec.arguments),
            "inputs": {port: len(stream) for port, stream in streams.items()},
        },
    )
