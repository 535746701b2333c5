"""The command ``sdpaflow graph``."""

import argparse
from pathlib import Path

from sdpaflow_sim.cli import arguments as shared
from sdpaflow_sim.cli.values import file

__all__ = ["add_parser"]

FORMATS = ("mermaid", "dot", "svg")
ENDINGS = {"mmd": "mermaid", "md": "mermaid", "gv": "dot"}
"""Formats by endings of files that are called otherwise."""


def add_parser(commands: shared.Commands) -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "graph",
        help="draw a pipeline",
        description="Draw a pipeline with the depths of its FIFOs; with --run, also their peaks.",
    )
    parser.set_defaults(command=_graph)
    shared.add_pipeline(parser)
    parser.add_argument(
        "--run", action="store_true", help="run it on the data first, for the peaks"
    )
    parser.add_argument("--format", choices=FORMATS, help="default: by --out")
    parser.add_argument("--out", type=file, metavar="F", help="default: print")
    shared.add_data(parser)
    shared.add_config(parser)


def _graph(arguments: argparse.Namespace) -> int:
    """A drawing of a pipeline."""
    from sdpaflow_sim.cli.chosen import choose
    from sdpaflow_sim.cli.running import run_chosen
    from sdpaflow_sim.drawing.draw import draw
    from sdpaflow_sim.errors import InputError
    from sdpaflow_sim.outputs import check_outputs, replacing

    spec, out, kind = shared.spec_of(arguments), arguments.out, arguments.format
    config, data = shared.config_of(arguments), shared.data_of(arguments)

    kind = kind or (out and Path(out).suffix[1:]) or "mermaid"
    kind = ENDINGS.get(kind, kind)
    if kind not in FORMATS:
        raise InputError(f"format must be one of {', '.join(FORMATS)}, not {kind!r}")
    check_outputs([out], shared.reads(spec, data))
    chosen = choose(spec, data, config)
    peaks = run_chosen(chosen, data.tokens)[0].peaks if arguments.run else None
    drawing = draw(chosen.pipeline, kind, peaks)
    if out:
        with replacing(out) as path:
            path.write_text(drawing, encoding="utf-8")
    else:
        print(drawing, end="" if drawing.endswith("\n") else "\n")
    return 0
