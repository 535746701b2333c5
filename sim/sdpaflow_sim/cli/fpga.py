"""The command ``sdpaflow fpga``."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from sdpaflow_sim.cli import tables
from sdpaflow_sim.cli.verbs import chosen, write_json
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.fpga import table
from sdpaflow_sim.fpga.devices import DEVICES
from sdpaflow_sim.fpga.flow import implement, packages_for
from sdpaflow_sim.fpga.tools import need
from sdpaflow_sim.outputs import check_outputs

__all__ = ["add_parser", "fpga"]


def add_parser(commands, pipeline, data, shape):
    """Add the command to a parser's; the others add arguments that it shares with those."""
    parser = commands.add_parser(
        "fpga",
        help="synthesize, place and route",
        description="Synthesize a pipeline for an FPGA, place and route it: resources of every "
        "unit, highest frequency, slowest path. The tools are pip's: sdpaflow[fpga].",
    )
    parser.set_defaults(command=fpga)
    pipeline(parser)
    parser.add_argument("--d", type=int, help="elements of a query, instead of data")
    parser.add_argument("--dv", type=int, help="elements of a value (default: d)")
    parser.add_argument(
        "--device",
        default="ecp5-85f",
        metavar="DEV",
        help=f"{', '.join(DEVICES)} (default: ecp5-85f); "
        f"{' and '.join(n for n, device in DEVICES.items() if not device.tool)} synthesis only",
    )
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="K", help="place and route K times (default: 1)"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="J", help="so many at a time (default: 1)"
    )
    parser.add_argument("--synth-only", action="store_true", help="resources only, in seconds")
    parser.add_argument("--json", metavar="F", help="write the report")
    parser.add_argument(
        "--logs", metavar="DIR", help="folder for what the tools say (default: a new one in tmp)"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    data(parser)
    shape(parser)


def fpga(arguments):
    """A pipeline on an FPGA: its resources, its frequency, its slowest path."""
    check_outputs([arguments.json])
    if arguments.device not in DEVICES:
        listed = ", ".join(DEVICES)
        raise InputError(f"device must be one of {listed}, not {arguments.device!r}")
    for name in ("seeds", "jobs"):
        if getattr(arguments, name) < 1:
            raise InputError(f"{name} must be at least 1, not {getattr(arguments, name)}")
    pipeline, _ = chosen(arguments, arguments.pipeline)
    need(*packages_for(DEVICES[arguments.device], synth_only=arguments.synth_only))
    logs = _folder(arguments.logs)
    with _progress(quiet=arguments.quiet) as tell:
        report = implement(
            pipeline,
            DEVICES[arguments.device],
            logs,
            seeds=arguments.seeds,
            jobs=arguments.jobs,
            synth_only=arguments.synth_only,
            tell=tell,
        )
    title = f"{arguments.pipeline}, {pipeline.config}"
    print(tables.render(table.units(report, title)), end="")
    print(table.summary(report), end="")
    if arguments.json:
        write_json(arguments.json, report.to_dict())
    return 0


def _folder(path):
    """The folder for logs, made if its parent is there."""
    if path is None:
        return Path(tempfile.mkdtemp(prefix="sdpaflow-fpga-"))
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file; a folder is needed")
    check_outputs([path / "any" if path.is_dir() else path])
    path.mkdir(exist_ok=True)
    return path


@contextmanager
def _progress(*, quiet):
    """A function that shows a line of text on a terminal; nothing of it when that is none."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda text: None
        return
    with console.status("starting; a tool's first start takes half a minute") as status:
        yield status.update
