"""The ``sdpaflow`` command: its arguments, and how it fails."""

import argparse
import os
import re
import signal
import sys

from sdpaflow import __version__
from sdpaflow.numerics.fixed import parse
from sdpaflow.pipelines import PIPELINES

from sdpaflow_sim.cli import depths, verbs
from sdpaflow_sim.cli import fpga as fpga
from sdpaflow_sim.cli import study as study
from sdpaflow_sim.engines.choose import AUTO, ENGINES
from sdpaflow_sim.errors import DoesNotFitError, InputError, SimulationError, ToolError
from sdpaflow_sim.exporting.write import PORTS
from sdpaflow_sim.waves.window import parse as parse_window

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def main(argv=None):
    """Run the command; returns its exit code.

    0: done, and every output equals the bit-exact model. 1: a run ended wrongly, bits differ, or
    a design does not fit.
    2: bad input or a missing tool; nothing was written.
    """
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended the same way as by Ctrl-C
    try:
        code = arguments.command(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # who reads has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(f"{error.filename or 'output'}: {error.strerror}", 2)
    except (InputError, ToolError) as error:
        return _fail(error, 2)
    except (SimulationError, DoesNotFitError) as error:
        return _fail(error, 1)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)


def _fail(message, code):
    print(f"sdpaflow: error: {message}", file=sys.stderr)
    return code


def _parser():
    parser = _Parser(
        prog="sdpaflow",
        description="Attention as streaming hardware: simulated, checked, drawn and counted.",
    )
    parser.add_argument("--version", action="version", version=f"sdpaflow {__version__}")
    commands_ = parser.add_subparsers(required=True, metavar="COMMAND")

    compare = commands_.add_parser(
        "compare",
        help="run pipelines on the same data and compare them",
        description="Run pipelines on the same data; print a table and draw a figure.",
    )
    compare.set_defaults(command=verbs.compare)
    compare.add_argument(
        "--pipelines",
        type=_names,
        default=["naive", "memory-free"],
        metavar="A,B",
        help=f"of {', '.join(PIPELINES)}, or all (default: naive,memory-free)",
    )
    _data(compare)
    _shape(compare)
    compare.add_argument(
        "--figure", default="compare.png", metavar="F", help=".png or .svg (default: compare.png)"
    )
    compare.add_argument("--json", metavar="F", help="write the reports")
    compare.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    compare.add_argument("--jobs", type=int, metavar="J", help="processes (default: one per core)")
    compare.add_argument("--quiet", action="store_true", help="show no progress")

    run = commands_.add_parser(
        "run",
        help="run one pipeline",
        description="Run one pipeline, check every bit of its output, and report.",
    )
    run.set_defaults(command=verbs.run)
    _pipeline(run)
    _data(run)
    _shape(run)
    run.add_argument(
        "--stalls",
        metavar="SPEC",
        help="a pattern for all ports (1101), or by port (q=1101,o=random:0.3)",
    )
    run.add_argument("--seed", type=int, default=0, help="seed of random stalls (default: 0)")
    run.add_argument("--limit", type=int, metavar="CYCLES", help="give up after so many cycles")
    run.add_argument(
        "--engine",
        choices=[AUTO, *ENGINES],
        default=AUTO,
        help="simulator (default: auto, the one sooner done)",
    )
    run.add_argument("--vcd", metavar="F", help="write a waveform, and a .gtkw file beside it")
    run.add_argument(
        "--window",
        type=_window,
        metavar="FIRST:LAST",
        help="cycles that the waveform shows, both included, counted from the start of the run: 0 "
        "is the one in which the first input token is accepted, unless all inputs stall at first "
        "(engine verilator; default: all)",
    )
    run.add_argument("--out", metavar="F", help="write the outputs as .npy")
    run.add_argument("--json", metavar="F", help="write the report")
    run.add_argument("--quiet", action="store_true", help="print nothing but errors")

    graph = commands_.add_parser(
        "graph",
        help="draw a pipeline",
        description="Draw a pipeline with the depths of its FIFOs; with --run, also their peaks.",
    )
    graph.set_defaults(command=verbs.graph)
    _pipeline(graph)
    graph.add_argument("--run", action="store_true", help="run it on the data first, for the peaks")
    graph.add_argument("--format", choices=["mermaid", "dot", "svg"], help="default: by --out")
    graph.add_argument("--out", metavar="F", help="default: print")
    _data(graph)
    _shape(graph)

    count = commands_.add_parser(
        "count",
        help="count flip-flops and memory bits",
        description="Count flip-flops, memory bits and words of every unit, from the netlist.",
    )
    count.set_defaults(command=verbs.count)
    _pipeline(count)
    _data(count)
    _shape(count)
    count.add_argument("--json", metavar="F", help="write the counts")

    export = commands_.add_parser(
        "export",
        help="write Verilog and a testbench for it",
        description="Write a pipeline, or a unit of it, as Verilog, with a testbench that needs no "
        "Python.",
    )
    export.set_defaults(command=verbs.export)
    export.add_argument(
        "--pipeline", metavar="P", help=f"{', '.join(PIPELINES)} (with --unit: memory-free)"
    )
    export.add_argument(
        "--unit", metavar="U", help="one unit of it: a node, a FIFO (k_fifo), or a kind (Scan)"
    )
    export.add_argument("--d", type=int, help="elements of a query, instead of data")
    export.add_argument("--dv", type=int, help="elements of a value (default: d)")
    export.add_argument("--ports", choices=PORTS, default="native", help="default: native")
    export.add_argument("--out", required=True, metavar="DIR", help="folder, made if needed")
    export.add_argument(
        "--test-tokens",
        type=int,
        default=16,
        metavar="N",
        help="queries and keys in the testbench (default: 16)",
    )
    _data(export)
    _shape(export)

    study.add_parser(commands_, _names)
    depths.add_parser(commands_)
    fpga.add_parser(commands_, _pipeline, _data, _shape)
    return parser


def _pipeline(parser):
    parser.add_argument("--pipeline", required=True, metavar="P", help=", ".join(PIPELINES))


def _data(parser):
    group = parser.add_argument_group("data", "by default a head of a real sentence encoder")
    group.add_argument("--q", metavar="F", help=".npy of (N_q, d) or (heads, N_q, d)")
    group.add_argument("--k", metavar="F", help=".npy of (N_k, d) or (heads, N_k, d)")
    group.add_argument("--v", metavar="F", help=".npy of (N_k, dv) or (heads, N_k, dv)")
    group.add_argument("--layer", type=int, help="of the shipped encoder: 0, 2 or 5 (default: 5)")
    group.add_argument("--head", type=_head, help="of that layer: 0 to 11, or all (default: 0)")
    group.add_argument("--tokens", type=int, metavar="N", help="only the first N queries and keys")


def _shape(parser):
    group = parser.add_argument_group("pipeline", "by default fitted to the data")
    group.add_argument("--lanes", type=int, metavar="L", help="elements per token (default: d)")
    group.add_argument(
        "--formats", type=_formats, default={}, metavar="q=SQ(4,12),…", help="of q, k, v, o"
    )
    group.add_argument("--scale", type=float, help="of the scores (default: 1/√d)")
    group.add_argument("--row-max", type=int, metavar="R", help="keys of the longest row")
    group.add_argument("--segments", type=int, help="lines in the table of exp2 (default: 64)")
    group.add_argument("--score-bits", type=int, help="fraction bits of a score (default: 13)")
    group.add_argument("--weight-bits", type=int, help="and of its exponential (default: 17)")
    group.add_argument("--digits", type=int, help="bits per stage of a division (default: 1)")


def _head(text):
    if text != verbs.ALL and not re.fullmatch(r"-?\d+", text):
        raise argparse.ArgumentTypeError(f"head must be 0 to 11, or all, not {text!r}")
    return text if text == verbs.ALL else int(text)


def _names(text):
    names = list(PIPELINES) if text == "all" else [name.strip() for name in text.split(",")]
    for name in names:
        if name not in PIPELINES:
            raise argparse.ArgumentTypeError(
                f"pipeline must be one of {', '.join(PIPELINES)}, not {name!r}"
            )
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"pipelines must differ, not be {text}")
    return names


def _window(text):
    try:
        return parse_window(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _formats(text):
    formats = {}
    for part in text.replace("),", ")\n").split("\n"):
        name, _, shape = part.partition("=")
        if name.strip() not in {"q", "k", "v", "o"}:
            raise argparse.ArgumentTypeError(f"formats are of q, k, v and o, not {name.strip()!r}")
        if name.strip() in formats:
            raise argparse.ArgumentTypeError(f"there are two formats of {name.strip()}")
        try:
            formats[name.strip()] = parse(shape)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    return formats
