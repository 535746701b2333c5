"""The command ``sdpaflow compare``."""

import argparse
import re
from pathlib import Path

from sdpaflow_sim.cli import arguments as shared
from sdpaflow_sim.cli.values import file

__all__ = ["add_parser"]


def add_parser(commands: shared.Commands) -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "compare",
        help="run pipelines on the same data and compare them",
        description="Run pipelines on the same data; print a table and draw a figure.",
    )
    parser.set_defaults(command=_compare)
    shared.add_pipelines(parser)
    shared.add_data(parser)
    shared.add_config(parser)
    parser.add_argument(
        "--figure",
        type=_figure,
        default="compare.png",
        metavar="F",
        help=".png or .svg (default: compare.png)",
    )
    parser.add_argument("--json", type=file, metavar="F", help="write the reports")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    shared.add_jobs(parser, "processes (default: one per core)")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def _figure(text: str) -> str:
    if not re.search(r"\.(png|svg)$", text):
        raise argparse.ArgumentTypeError(f"figure must be a .png or .svg file, not {text}")
    return text


def _compare(arguments: argparse.Namespace) -> int:
    """Several pipelines on the same data: a table, and a figure."""
    from sdpaflow_sim.attention.verdict import verdict
    from sdpaflow_sim.cli import tables
    from sdpaflow_sim.cli.chosen import heads_of
    from sdpaflow_sim.cli.measure import measure_all
    from sdpaflow_sim.drawing.comparison import comparison
    from sdpaflow_sim.outputs import check_outputs, replacing, together, write_json

    names, config, data = (
        arguments.pipelines,
        shared.config_of(arguments),
        shared.data_of(arguments),
    )
    figure, json, jobs, quiet = arguments.figure, arguments.json, arguments.jobs, arguments.quiet
    own = shared.texts(arguments.arg)

    check_outputs([figure, json], shared.reads(None, data, *names))
    reports, counts = measure_all(
        names, heads_of(data)[0], config, jobs, arguments=own, quiet=quiet
    )
    first = reports[0]
    title = (
        f"{first.n_q} queries, {first.n_k} keys, d = {first.d}, {first.lanes} lanes, formats "
        + " ".join(f"{name} {shape}" for name, shape in first.formats.items())
    )
    if wrong := [report.pipeline for report in reports if not report.is_attention]:
        title = f"NOT ATTENTION: {', '.join(wrong)} (*). {title}"
    table = tables.comparison(reports, counts, title)
    print(tables.render(table, markdown=arguments.markdown))
    for report in reports:
        if said := verdict(report):
            print(f"* {said}")
    with together():
        with replacing(figure) as path:
            comparison(path, reports, Path(figure).suffix[1:])
        if json:
            write_json(json, [report.to_dict() for report in reports])
    print(f"figure: {figure}")
    return 0 if all(report.bit_exact for report in reports) else 1
