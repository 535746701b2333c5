"""The figure of a comparison: what waits in FIFOs, and for how long."""

import itertools
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from sdpaflow_sim.places import prepare_matplotlib

__all__ = ["COLOURS", "SPARE", "colours", "comparison"]

COLOURS = {
    "naive": "#c8403a",
    "reordered": "#8a8f98",
    "scaled": "#d98a29",
    "scaled-reordered": "#7b5ea7",
    "memory-free": "#1f7a8c",
}
"""One colour per pipeline, in every figure."""

SPARE = ("#2f6fb3", "#a8457d", "#55883b", "#7a6650")
"""Colours of other pipelines, in turn."""

ROWS_SHOWN = 4
"""How many rows' worth of cycles the figure shows."""


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each pipeline, by its name: those of :data:`COLOURS`, others in turn."""
    spare = itertools.cycle(SPARE)
    return {n: COLOURS[n] if n in COLOURS else next(spare) for n in dict.fromkeys(names)}


def comparison(path: str | PathLike[str], reports: Sequence[Any], kind: str = "") -> None:
    """Draw pipelines that ran on the same data.

    Above, the words that wait in FIFOs, cycle by cycle; below, the words at peak, split into the
    long FIFOs and all others, and the cycles per score.

    Parameters
    ----------
    path : path
        A ``.png`` or ``.svg`` file.
    reports : list of :class:`Report`
        With their ``fill``.
    kind : :class:`str`
        ``png`` or ``svg``, where the name of the file does not say it.
    """
    prepare_matplotlib()
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    style: dict[Any, Any] = {
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "sdpaflow",
    }
    with plt.rc_context(style):
        figure = plt.figure(
            figsize=(10, 6.2), layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.08)
        )
        grid = figure.add_gridspec(2, 2, height_ratios=[1.55, 1])
        _over_time(figure.add_subplot(grid[0, :]), reports)
        _peaks(figure.add_subplot(grid[1, 0]), reports)
        _rates(figure.add_subplot(grid[1, 1]), reports)
        first = reports[0]
        figure.suptitle(
            f"Attention over {first.n_k} keys, {first.n_q} queries, d = {first.d}, "
            f"{first.lanes} lanes",
            x=0.01,
            ha="left",
            fontweight="bold",
        )
        kind = kind or Path(path).suffix[1:]
        metadata = {"Date": None} if kind == "svg" else None
        figure.savefig(path, format=kind, dpi=150, metadata=metadata)
        plt.close(figure)


def _over_time(axes: Any, reports: Sequence[Any]) -> None:
    first, tallest = reports[0], max(max(report.fill) for report in reports)
    row = first.n_k * first.d // first.lanes
    shown = min(max(report.cycles for report in reports), ROWS_SHOWN * row)
    chosen = colours(report.pipeline for report in reports)
    place = -np.inf
    for report in sorted(reports, key=lambda report: np.mean(report.fill[:shown])):
        fill = np.asarray(report.fill[:shown])
        colour, time = chosen[report.pipeline], np.arange(len(fill))
        axes.plot(time, fill, color=colour, linewidth=1.8, drawstyle="steps-post")
        axes.fill_between(time, fill, color=colour, alpha=0.1, step="post", linewidth=0)
        place = max(fill[-1], place + 0.085 * tallest)  # labels keep clear of each other
        axes.annotate(
            report.pipeline,
            (shown, place),
            xytext=(6, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            fontweight="bold",
            annotation_clip=False,
        )
    axes.set_xlim(0, shown)
    axes.set_ylim(0, tallest * 1.12)
    axes.set_xlabel("cycle")
    axes.set_ylabel("words")
    axes.set_title(f"Words waiting in FIFOs, first {ROWS_SHOWN} rows", loc="left", fontsize=10)


def _peaks(axes: Any, reports: Sequence[Any]) -> None:
    names = [report.pipeline for report in reports]
    long = [sum(f.peak for f in report.fifos if f.depth > 2) for report in reports]
    short = [sum(f.peak for f in report.fifos if f.depth <= 2) for report in reports]
    chosen = colours(names)
    fill = [chosen[name] for name in names]
    axes.barh(names, short, color=fill, alpha=0.45, height=0.6)
    axes.barh(names, long, left=short, color=fill, height=0.6)
    for row, (a, b) in enumerate(zip(short, long, strict=True)):
        note = f" {a + b:,}" + (f", {b:,} of them in long FIFOs" if b else ", no long FIFO")
        axes.text(a + b, row, note, va="center", fontsize=9)
    axes.set_xlim(0, 1.75 * max(a + b for a, b in zip(short, long, strict=True)))
    axes.invert_yaxis()
    axes.tick_params(left=False)
    axes.set_title("FIFO words at peak", loc="left", fontsize=10)


def _rates(axes: Any, reports: Sequence[Any]) -> None:
    names = [report.pipeline for report in reports]
    rates = [report.cycles_per_score for report in reports]
    axes.barh(names, rates, color=[*colours(names).values()], height=0.6)
    for row, rate in enumerate(rates):
        axes.text(rate, row, f" {rate:.3f}", va="center", fontsize=9)
    floor = reports[0].d / reports[0].lanes
    axes.axvline(floor, color="black", linewidth=0.8, linestyle=":")
    axes.set_xlim(0, 1.25 * max(rates))
    axes.set_yticks([])
    axes.invert_yaxis()
    axes.set_title(f"Cycles per score; the floor is d / lanes = {floor:g}", loc="left", fontsize=10)
