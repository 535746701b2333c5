"""The command ``sdpaflow count``."""

import argparse
from dataclasses import asdict

from sdpaflow_sim.cli import arguments as shared
from sdpaflow_sim.cli.values import file

__all__ = ["add_parser"]


def add_parser(commands: shared.Commands) -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "count",
        help="count flip-flops and memory bits",
        description="Count flip-flops, memory bits and words of every unit, from the netlist.",
    )
    parser.set_defaults(command=_count)
    shared.add_pipeline(parser)
    shared.add_data(parser)
    shared.add_config(parser)
    parser.add_argument("--json", type=file, metavar="F", help="write the counts")


def _count(arguments: argparse.Namespace) -> int:
    """Flip-flops, memory bits and words of a pipeline, unit by unit."""
    from sdpaflow_sim.cli import tables
    from sdpaflow_sim.cli.chosen import choose
    from sdpaflow_sim.outputs import check_outputs, write_json
    from sdpaflow_sim.verilog.count import count

    spec, json = shared.spec_of(arguments), arguments.json
    config, data = shared.config_of(arguments), shared.data_of(arguments)

    check_outputs([json], shared.reads(spec, data))
    chosen = choose(spec, data, config)
    counted = count(chosen.pipeline)
    print(tables.render(tables.counts(counted, chosen.title)), end="")
    if json:
        write_json(json, asdict(counted))
    return 0
