"""The table of a study, for programs and for people."""

import csv
from collections.abc import Iterable
from typing import Any

from rich.table import Table

from sdpaflow_sim.cli import tables
from sdpaflow_sim.outputs import FilePath
from sdpaflow_sim.study.points import label

__all__ = ["COLUMNS", "rows", "texts", "to_markdown", "write_csv"]

COLUMNS = {
    "pipeline": "pipeline",
    "d": "d",
    "lanes": "lanes",
    "n": "N",
    "cycles": "cycles",
    "cycles_per_score": "cycles / score",
    "formula": "cycles by the graph",
    "published": "cycles published",
    "long_words": "long-FIFO words",
    "long_peak": "of them at peak",
    "published_words": "words published",
    "intermediate_words": "all words",
    "peak_words": "all at peak",
    "intermediate_bits": "all bits",
    "bit_exact": "bit-exact",
    "max_error": "max error (ulp)",
    "max_error_total": "max, inputs as given",
    "is_attention": "attention",
    "engine": "engine",
    "seconds": "seconds",
}
"""Names of the columns, for programs and for people."""


def rows(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One dict per result, by the keys of :data:`COLUMNS`; None where a figure is not known."""
    return [
        {name: result["point"].get(name, result.get(name)) for name in COLUMNS}
        | {"engine": result["engine"], "pipeline": label(result["point"]["pipeline"])}
        for result in results
    ]


def write_csv(path: FilePath, results: Iterable[dict[str, Any]]) -> None:
    """Write the table with numbers as they are."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows(results):
            said = {name: _text(name, row[name]) for name in ("bit_exact", "is_attention")}
            writer.writerow(row | said)


def to_markdown(results: Iterable[dict[str, Any]], *, markdown: bool = True) -> str:
    """The table as Markdown, or else for a terminal."""
    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=False)
    for name, title in COLUMNS.items():
        left = name in {"pipeline", "engine"}
        table.add_column(title, justify="left" if left else "right", no_wrap=markdown)
    for row in texts(results):
        table.add_row(*row)
    return tables.render(table, markdown=markdown)


def texts(results: Iterable[dict[str, Any]]) -> list[list[str]]:
    """The table's cells, for people."""
    return [[_text(name, value) for name, value in row.items()] for row in rows(results)]


def _text(name: str, value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        digits = {"cycles_per_score": 4, "max_error": 2, "max_error_total": 2}.get(name, 1)
        return f"{value:,.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
