"""All that is made of a study's results: a table, figures and a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sdpaflow_sim.outputs import make_folder, replacing, together
from sdpaflow_sim.study import table
from sdpaflow_sim.study.figures import draw_all
from sdpaflow_sim.study.fills import fills
from sdpaflow_sim.study.page import page
from sdpaflow_sim.study.points import Point, label

__all__ = ["FILES", "write"]

FILES = ("study.csv", "study.md", "index.html", *(
    f"{name}{kind}" for name in ("memory", "rate", "rows") for kind in (".png", ".svg")
))  # fmt: skip


def write(
    folder: Path,
    results: Sequence[dict[str, Any]],
    failures: Mapping[Point, str],
    command: str,
) -> None:
    """Write :data:`FILES` into a folder.

    Parameters
    ----------
    folder : :class:`pathlib.Path`
        Where.
    results : list of dict
        From :func:`sdpaflow_sim.study.points.measure`; at least one.
    failures : dict of :class:`str`
        Reasons, by point.
    command : :class:`str`
        What made the study.
    """
    first = {result["point"]["pipeline"]: result["point"] for result in reversed(results)}
    rows = {
        label(name): fills(name, first[name]["seed"], tuple(first[name]["arguments"]))
        for name in dict.fromkeys(result["point"]["pipeline"] for result in results)
    }
    with together():
        make_folder(folder, parents=True)
        figures = draw_all(folder, results, rows)
        with replacing(folder / "study.csv") as path:
            table.write_csv(path, results)
        with replacing(folder / "study.md") as path:
            path.write_text(table.to_markdown(results), encoding="utf-8")
        with replacing(folder / "index.html") as path:
            path.write_text(page(results, failures, figures, command), encoding="utf-8")
