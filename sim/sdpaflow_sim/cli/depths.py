"""The command ``sdpaflow depths``."""

from dataclasses import asdict

from sdpaflow.pipelines import PIPELINES

from sdpaflow_sim.attention.run import run
from sdpaflow_sim.cli import tables
from sdpaflow_sim.cli.progress import Progress
from sdpaflow_sim.cli.study import add_engine
from sdpaflow_sim.cli.verbs import write_json
from sdpaflow_sim.errors import InputError, MismatchError
from sdpaflow_sim.outputs import check_outputs
from sdpaflow_sim.sizing import search
from sdpaflow_sim.study.points import grid

__all__ = ["add_parser", "depths"]


def add_parser(commands):
    """Add the command to a parser's."""
    parser = commands.add_parser(
        "depths",
        help="find how deep each FIFO has to be",
        description="For each FIFO by itself, find the least depth with which a run of N random "
        "queries over N keys completes, and the least that costs no cycle, by simulation.",
    )
    parser.set_defaults(command=depths)
    parser.add_argument("--pipeline", required=True, metavar="P", help=", ".join(PIPELINES))
    parser.add_argument("--n", type=int, default=16, help="queries, and keys (default: 16)")
    parser.add_argument("--d", type=int, default=4, help="elements of a vector (default: 4)")
    parser.add_argument("--lanes", type=int, help="elements per token (default: d)")
    parser.add_argument("--seed", type=int, default=0, help="of the random data (default: 0)")
    add_engine(parser)
    parser.add_argument("--json", metavar="F", help="write what was found")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def depths(arguments):
    """The least depths of every FIFO of a pipeline, beside what it is built with."""
    check_outputs([arguments.json])
    if arguments.pipeline not in PIPELINES:
        listed = ", ".join(PIPELINES)
        raise InputError(f"pipeline must be one of {listed}, not {arguments.pipeline!r}")
    for name, least in {"n": 1, "d": 1, "lanes": 1, "seed": 0}.items():
        value = getattr(arguments, name)
        if value is not None and value < least:
            raise InputError(f"{name} must be at least {least}, not {value}")
    lanes = None if arguments.lanes is None else [arguments.lanes]
    (point,) = grid(
        [arguments.pipeline], [arguments.d], lanes, [arguments.n], arguments.seed, arguments.engine
    )
    q, k, v = point.data()

    def measured(pipeline):
        report = run(pipeline, q, k, v, engine=point.engine)
        if not report.bit_exact:
            raise MismatchError("the outputs differ from the bit-exact model's")
        return report

    edges = point.build().edges
    with Progress({point.pipeline: len(edges)}, quiet=arguments.quiet, unit="FIFOs") as progress:
        found = search(point.build, measured, progress=progress.counter(point.pipeline))
    full = found[0].cycles[found[0].built]
    title = (
        f"{point.pipeline}, {point.n} queries, {point.n} keys, d = {point.d}, "
        f"{point.lanes} lanes: {full:,} cycles as built"
    )
    print(tables.render(tables.depths(found, edges, title)), end="")
    if arguments.json:
        write_json(arguments.json, {"point": asdict(point), "cycles": full,
                                    "fifos": [asdict(fifo) for fifo in found]})  # fmt: skip
    return 0
