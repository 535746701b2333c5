"""The command ``sdpaflow fpga``."""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sdpaflow_sim.cli import arguments as shared
from sdpaflow_sim.cli.values import at_least, file
from sdpaflow_sim.fpga.devices import DEVICES

__all__ = ["add_parser"]


def add_parser(commands: shared.Commands) -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "fpga",
        help="synthesize, place and route",
        description="Synthesize a pipeline for an FPGA, place and route it: resources of every "
        "unit, highest frequency, slowest path. The tools are pip's: sdpaflow[fpga].",
    )
    parser.set_defaults(command=_fpga)
    shared.add_pipeline(parser)
    shared.add_dimensions(parser)
    parser.add_argument(
        "--device",
        type=_device,
        default="ecp5-85f",
        metavar="DEV",
        help=f"{', '.join(DEVICES)} (default: ecp5-85f); "
        f"{' and '.join(n for n, device in DEVICES.items() if not device.tool)} synthesis only",
    )
    parser.add_argument(
        "--seeds",
        type=at_least(1, 1000),
        default=1,
        metavar="K",
        help="place and route K times (default: 1)",
    )
    shared.add_jobs(parser, "so many at a time (default: 1)", 1)
    parser.add_argument("--synth-only", action="store_true", help="resources only, in seconds")
    parser.add_argument("--json", type=file, metavar="F", help="write the report")
    parser.add_argument(
        "--logs",
        type=file,
        metavar="DIR",
        help="folder for what the tools say (default: a new one in tmp)",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    shared.add_data(parser)
    shared.add_config(parser)


def _device(text: str) -> str:
    if text not in DEVICES:
        raise argparse.ArgumentTypeError(
            f"device must be one of {', '.join(DEVICES)}, not {text!r}"
        )
    return text


def _fpga(arguments: argparse.Namespace) -> int:
    """A pipeline on an FPGA: its resources, its frequency, its slowest path."""
    from sdpaflow_sim.cli import tables
    from sdpaflow_sim.cli.chosen import choose
    from sdpaflow_sim.fpga import table
    from sdpaflow_sim.fpga.flow import implement, packages_for
    from sdpaflow_sim.fpga.tools import need
    from sdpaflow_sim.outputs import check_outputs, write_json

    device, seeds, jobs = DEVICES[arguments.device], arguments.seeds, arguments.jobs
    synth_only, json, spec = arguments.synth_only, arguments.json, shared.spec_of(arguments)
    config, data = shared.config_of(arguments), shared.data_of(arguments)

    check_outputs([json], shared.reads(spec, data))
    chosen = choose(spec, data, config)
    need(*packages_for(device, synth_only=synth_only))
    logs = _folder(arguments.logs)
    with _progress(quiet=arguments.quiet) as tell:
        report = implement(
            chosen.pipeline,
            device,
            logs,
            seeds=seeds,
            jobs=jobs,
            synth_only=synth_only,
            tell=tell,
        )
    print(tables.render(table.units(report, chosen.title)), end="")
    print(table.summary(report), end="")
    if json:
        write_json(json, report.to_dict())
    return 0


def _folder(path: str | None) -> Path:
    """The folder for logs, made if its parent is there."""
    from sdpaflow_sim.outputs import check_folder, make_folder

    if path is None:
        return Path(tempfile.mkdtemp(prefix="sdpaflow-fpga-"))
    check_folder(path)
    return make_folder(path)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A function that shows a line of text on a terminal; nothing of it when that is none."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda text: None
        return
    with console.status("starting; a tool's first start takes half a minute") as status:
        yield status.update
