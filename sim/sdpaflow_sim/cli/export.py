"""The command ``sdpaflow export``."""

import argparse

from sdpaflow_sim.cli import arguments as shared
from sdpaflow_sim.cli.values import PORTS, at_least, file, word

__all__ = ["add_parser"]


def add_parser(commands: shared.Commands) -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "export",
        help="write Verilog",
        description="Write a pipeline, or a unit of it, as Verilog, with a testbench that needs no "
        "Python.",
    )
    parser.set_defaults(command=_export)
    shared.add_pipeline(parser, required=False, note=" (with --unit: memory-free)")
    parser.add_argument(
        "--unit",
        type=word,
        metavar="U",
        help="one unit of it: a node, a FIFO (k_fifo), or a kind (Scan)",
    )
    shared.add_dimensions(parser)
    parser.add_argument("--ports", choices=PORTS, default="native", help="default: native")
    parser.add_argument(
        "--out", type=file, required=True, metavar="DIR", help="folder, made if needed"
    )
    parser.add_argument(
        "--test-tokens",
        type=at_least(1),
        default=16,
        metavar="N",
        help="queries and keys in the testbench, or random tokens in every dimension (default: 16)",
    )
    shared.add_data(parser)
    shared.add_config(parser)


def _export(arguments: argparse.Namespace) -> int:
    """Files for an FPGA flow: Verilog, a testbench, what is known of them."""
    from sdpaflow_sim.cli.chosen import choose, streams_for
    from sdpaflow_sim.errors import InputError
    from sdpaflow_sim.exporting.write import export

    unit, ports, out = arguments.unit, arguments.ports, arguments.out
    tokens, spec = arguments.test_tokens, shared.spec_of(arguments)
    config, data = shared.config_of(arguments), shared.data_of(arguments)

    if not spec.text:
        if unit is None:
            raise InputError("--pipeline says what to export, or --unit")
        spec = shared.Spec("memory-free", spec.arguments, spec.inputs)
    chosen = choose(spec, data, config)
    inputs = streams_for(chosen.pipeline, spec.inputs) if spec.inputs else None
    if chosen.heads is None and data.tokens:
        tokens = data.tokens
    written = export(
        chosen.pipeline,
        out,
        heads=chosen.heads,
        inputs=inputs,
        ports=ports,
        tokens=tokens,
        unit=unit,
        command=chosen.command,
        reads=shared.reads(spec, data),
    )
    for path in written:
        print(path)
    return 0
