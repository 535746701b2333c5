"""The ``sdpaflow`` command: its parser, its exit codes, and how it fails."""

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence

from sdpaflow import __version__

from sdpaflow_sim.cli import cache, compare, count, depths, export, fpga, graph, run, study
from sdpaflow_sim.cli.arguments import Parser
from sdpaflow_sim.cli.hasten import hasten
from sdpaflow_sim.cli.terminal import let_go, printable
from sdpaflow_sim.errors import one_line
from sdpaflow_sim.outputs import Written

__all__ = ["main"]

COMMANDS = (compare, run, graph, count, export, study, depths, fpga, cache)
"""Modules of the commands, in the order of the help. Each imports what it runs when it runs."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code.

    0: done, and every output equals the bit-exact model. 1: a run ended wrongly, bits differ, or
    a design does not fit; or something was written before what is bad showed. 2: bad input or a
    missing tool; nothing was written. 130: interrupted.
    """
    hasten()
    printable()
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as end:  # help, the version, or a refusal
        return int(end.code or 0)
    Written.anything = False
    try:
        with _ended_alike():
            return _guarded(arguments)
    except KeyboardInterrupt:
        from sdpaflow_sim.processes import hush

        hush()
        return _fail("interrupted", 130)


@contextlib.contextmanager
def _ended_alike() -> Iterator[None]:
    """Have a termination and a closed terminal end a command as Ctrl-C does, not what is ignored.

    ``nohup`` has a closed terminal ignored, and so it stays.
    """
    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            with contextlib.suppress(ValueError):  # in a thread
                before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _guarded(arguments: argparse.Namespace) -> int:
    """Run a command that was parsed; what it raises, in one line."""
    from sdpaflow_sim.errors import DoesNotFitError, InputError, SimulationError, ToolError

    try:
        code: int = arguments.command(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # who reads has had enough
        let_go()
        return 1
    except (InputError, ToolError) as error:
        return _fail(error, _refusal())
    except OSError as error:
        if error.filename is None:  # of the printed text: files have names
            let_go()
        return _fail(f"{error.filename or 'output'}: {error.strerror or error}", _refusal())
    except MemoryError:
        return _fail("there is not enough memory for this", _refusal())
    except (SimulationError, DoesNotFitError) as error:
        return _fail(error, 1)


def _refusal() -> int:
    """Exit code of what cannot be done: 2, if it left no trace."""
    return 1 if Written.anything else 2


def _fail(message: object, code: int) -> int:
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(f"sdpaflow: error: {one_line(message)}", file=sys.stderr)
    return code


def _parser() -> Parser:
    parser = Parser(
        prog="sdpaflow",
        description="Attention as streaming hardware: simulated, checked, drawn and counted.",
    )
    parser.add_argument("--version", action="version", version=f"sdpaflow {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser
