"""The command ``sdpaflow run``."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from sdpaflow_sim.cli import arguments as shared
from sdpaflow_sim.cli.values import at_least, file
from sdpaflow_sim.errors import one_line

__all__ = ["add_parser"]


def add_parser(commands: shared.Commands) -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "run",
        help="run one pipeline",
        description="Run one pipeline, check every bit of its output, and report.",
    )
    parser.set_defaults(command=_run)
    shared.add_pipeline(parser)
    shared.add_data(parser)
    shared.add_config(parser)
    parser.add_argument(
        "--stalls",
        metavar="SPEC",
        help="a pattern for all ports (1101), or by port (q=1101,o=random:0.3)",
    )
    shared.add_seed(parser, "random stalls, and of random tokens")
    parser.add_argument(
        "--limit", type=at_least(1), metavar="CYCLES", help="give up after so many cycles"
    )
    shared.add_engine(parser)
    shared.add_jobs(parser, "processes that a long attention is split over (default: one per core)")
    parser.add_argument(
        "--vcd", type=file, metavar="F", help="write a waveform, and a .gtkw file beside it"
    )
    parser.add_argument(
        "--gtkw",
        type=file,
        metavar="F",
        help="where the .gtkw file goes (default: beside the waveform, unless one that was edited "
        "is there)",
    )
    parser.add_argument(
        "--window",
        type=_window,
        metavar="FIRST:LAST",
        help="cycles that the waveform shows, both included, counted from the start of the run: 0 "
        "is the one in which the first input token is accepted, unless all inputs stall at first "
        "(engine verilator; default: all)",
    )
    parser.add_argument(
        "--out",
        type=file,
        metavar="F",
        help="write the outputs: .npy of an attention, .npz of any other",
    )
    parser.add_argument("--json", type=file, metavar="F", help="write the report")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _window(text: str) -> tuple[int, int | None]:
    from sdpaflow_sim.errors import InputError
    from sdpaflow_sim.waves.window import parse

    try:
        return parse(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _run(arguments: argparse.Namespace) -> int:
    """One pipeline: its outputs and its report."""
    from sdpaflow_sim.cli.chosen import choose
    from sdpaflow_sim.cli.running import run_chosen, save
    from sdpaflow_sim.engines import stalls
    from sdpaflow_sim.errors import InputError, SimulationError
    from sdpaflow_sim.outputs import check_outputs, together, write_json
    from sdpaflow_sim.waves import window

    spec, data = shared.spec_of(arguments), shared.data_of(arguments)
    config, seed, quiet = shared.config_of(arguments), arguments.seed, arguments.quiet
    out, json, vcd = arguments.out, arguments.json, arguments.vcd
    options = {"limit": arguments.limit, "engine": arguments.engine, "vcd": vcd,
               "window": arguments.window, "quiet": quiet}  # fmt: skip
    if arguments.jobs is not None:
        options["processes"] = arguments.jobs

    check_outputs([vcd])
    save_file = _save_file(vcd, arguments.gtkw, quiet=quiet)
    check_outputs([vcd, *_saved(save_file), out, json], shared.reads(spec, data))
    window.check(arguments.window, vcd, arguments.limit)
    chosen = choose(spec, data, config)
    if chosen.heads is None and arguments.jobs is not None:
        raise InputError(f"--jobs splits the queries of an attention, which {spec.text} is not")
    if arguments.stalls is not None:
        edges = {**chosen.pipeline.input_edges, **chosen.pipeline.output_edges}
        try:
            options["stalls"] = stalls.parse(arguments.stalls, list(edges), seed)
        except ValueError as error:
            raise InputError(str(error)) from None
    failure: BaseException | None = None
    with together():
        try:
            report, arrays = run_chosen(chosen, data.tokens, seed, **options)
        except (SimulationError, KeyboardInterrupt) as error:
            failure = error
            if save_file:  # wanted most where a run got stuck
                with suppress(OSError, ValueError):  # no dump if it ended before the window
                    _save(save_file, vcd, chosen.pipeline)
        else:
            if save_file:
                _save(save_file, vcd, chosen.pipeline)
            if out:
                save(out, arrays)
            if json:
                write_json(json, report.to_dict())
    if failure:
        raise failure
    if not quiet:
        from sdpaflow_sim.cli import tables

        print(tables.render(tables.summary(report, fitted=chosen.fitted)), end="")
    return 0 if report.bit_exact else 1


def _save_file(vcd: str | None, asked: str | None, *, quiet: bool) -> Path | None:
    """Where the waveform's save file goes; None if one of the user's own is there."""
    from sdpaflow_sim.errors import InputError

    if vcd is None:
        if asked is not None:
            raise InputError("--gtkw is of a waveform: say with --vcd where that goes")
        return None
    if asked is not None:
        return Path(asked)
    from sdpaflow_sim.waves import view  # takes a while to import

    path = view.save_path(vcd)
    if path != Path(vcd) and path.is_file() and not view.is_own(path):
        if not quiet:
            print(
                f"sdpaflow: note: {one_line(path)} was edited, and is kept as it is; "
                "--gtkw F writes one anew",
                file=sys.stderr,
            )
        return None
    return path


def _saved(save_file: Path | None) -> list[Path]:
    """The save file and what is written beside it."""
    if save_file is None:
        return []
    from sdpaflow_sim.waves.view import states_path

    return [save_file, states_path(save_file)]


def _save(save_file: Path, vcd: str, pipeline: Any) -> None:
    from sdpaflow_sim.waves.view import save_view

    save_view(save_file, vcd, pipeline)
