"""The figures of a study: memory over N, rate over N, and rows waiting one after another."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from sdpaflow_sim.drawing.comparison import COLOURS, colours
from sdpaflow_sim.outputs import replacing
from sdpaflow_sim.places import prepare_matplotlib
from sdpaflow_sim.study.points import PUBLISHED, label

__all__ = ["INK", "MUTED", "draw_all"]

INK, MUTED, FAINT = "#24292f", "#6a737d", "#d8dee4"
MARKERS = dict(zip(COLOURS, "osD^v", strict=True))
SPARE = "P*X<"
"""Markers of other pipelines, in turn."""

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "svg.hashsalt": "sdpaflow",
}
Series = dict[str, list[dict[str, Any]]]
"""Results by name of the pipeline."""

End = tuple[float, str, str]
"""Where a line ends, and its label and colour."""

WIDTH, HEIGHT = 9.6, 4.6
"""Of a figure with one panel, in inches."""


def draw_all(
    folder: Path,
    results: Sequence[dict[str, Any]],
    fills: Mapping[str, Mapping[str, Sequence[int]]],
) -> dict[str, str]:
    """Write each figure as ``.png`` and ``.svg``.

    Parameters
    ----------
    folder : :class:`pathlib.Path`
        Where.
    results : list of dict
        From :func:`sdpaflow_sim.study.points.measure`.
    fills : dict of dict
        From :func:`sdpaflow_sim.study.fills.fills`, by the pipelines' labels.

    Returns
    -------
    dict of :class:`str`
        The SVG texts, by name of the figure.
    """
    prepare_matplotlib()
    import matplotlib as mpl

    mpl.use("Agg")
    with mpl.rc_context(STYLE):
        figures = {
            "memory": _over_n(results, _memory),
            "rate": _over_n(results, _rate),
            "rows": _rows(fills),
        }
        return {name: _save(folder, name, figure) for name, figure in figures.items()}


def _save(folder: Path, name: str, figure: Any) -> str:
    import matplotlib.pyplot as plt

    with replacing(folder / f"{name}.png") as path:
        figure.savefig(path, format="png", dpi=160, facecolor="white")
    with replacing(folder / f"{name}.svg") as path:
        figure.savefig(
            path, format="svg", metadata={"Date": None, "Creator": None}, transparent=True
        )
        text = path.read_text(encoding="utf-8")
        path.write_text(text := re.sub(r"[ \t]+\n", "\n", text), encoding="utf-8")
    plt.close(figure)
    return text


def _over_n(results: Sequence[dict[str, Any]], draw: Callable[[Any, Series], str]) -> Any:
    """A panel for each d and lanes, in each a line per pipeline."""
    import matplotlib.pyplot as plt

    panels: dict[tuple[int, int], Series] = {}
    for result in results:
        point = result["point"]
        lines = panels.setdefault((point["d"], point["lanes"]), {})
        lines.setdefault(label(point["pipeline"]), []).append(result)
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        squeeze=False,
        figsize=(WIDTH + 4.4 * (columns - 1), HEIGHT * (0.15 + 0.85 * rows)),
        layout="constrained",
    )
    layout: Any = figure.get_layout_engine()
    layout.set(w_pad=0.12, h_pad=0.1, wspace=0.04, hspace=0.06)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, ((d, lanes), series) in zip(axes.flat, sorted(panels.items()), strict=False):
        sizes = sorted({result["point"]["n"] for line in series.values() for result in line})
        _sizes(ax, sizes)
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        what = draw(ax, series)
        ax.set_title(f"{what}, d = {d}, {lanes} lane{'s' * (lanes > 1)}", pad=12)
    return figure


def _sizes(ax: Any, sizes: Sequence[int]) -> None:
    """The x axis: N, at most nine of them labelled."""
    ax.set_xscale("log", base=2)
    step = -(-len(sizes) // 9)
    shown = sizes[::-1][::step]
    ax.set_xticks(shown, [f"{n:,}" for n in shown])
    ax.tick_params(axis="x", which="minor", bottom=False)
    room = max(sizes) / min(sizes)
    pad = 1.1 if room == 1 else room**0.03
    ax.set_xlim(min(sizes) / pad, max(sizes) * pad)
    ax.set_xlabel("N, queries and keys (tokens)")


def _memory(ax: Any, series: Series) -> str:
    ends: list[End] = []
    chosen = colours(series)
    ax.set_yscale("log", base=10)
    for name in series:
        words = _line(ax, name, series, "intermediate_words")
        ends.append((words[-1], f"{name}, {words[-1]:,}", chosen[name]))
    known = next((results for results in series.values() if results[0]["published_words"]), None)
    if known:
        sizes = [result["point"]["n"] for result in known]
        words = [result["published_words"] for result in known]
        ax.plot(sizes, words, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        ends.append((words[-1], f"published row FIFO, N + 2: {words[-1]:,}", MUTED))
    low = min(result["intermediate_words"] for line in series.values() for result in line)
    low = min([low, *(result["published_words"] for result in known or ())])
    ax.set_ylim(10 ** np.floor(np.log10(low)), 10 ** np.ceil(np.log10(max(ends)[0] + 1)))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.set_ylabel("words (tokens)")
    _label(ax, ends)
    return "Words between inputs and output, in FIFOs and units"


def _rate(ax: Any, series: Series) -> str:
    ends: list[End] = []
    chosen, highest = colours(series), 0.0
    for name in series:
        rates = _line(ax, name, series, "cycles_per_score")
        ends.append((rates[-1], f"{name}, {rates[-1]:.3f}", chosen[name]))
        highest = max(highest, *rates)
    for name, results in series.items():
        if results[0]["published"]:
            sizes = np.array([result["point"]["n"] for result in results])
            rates = [PUBLISHED[name](int(n)) / n**2 for n in sizes]
            ax.plot(sizes, rates, color=chosen[name], linewidth=1, linestyle=(0, (4, 3)))
            ends.append((rates[-1], f"{name} published, {rates[-1]:.3f}", chosen[name]))
            highest = max(highest, *rates)
    ax.set_ylim(0, 1.08 * highest)
    ax.set_ylabel("cycles per score")
    _label(ax, ends)
    return "Cycles per score"


def _line(ax: Any, name: str, series: Series, column: str) -> list[float]:
    """A pipeline's line; returns its values."""
    results, spare = series[name], cycle(SPARE)
    markers = {n: MARKERS[n] if n in MARKERS else next(spare) for n in series}
    results.sort(key=lambda result: result["point"]["n"])
    values = [result[column] for result in results]
    ax.plot(
        [result["point"]["n"] for result in results],
        values,
        color=colours(series)[name],
        marker=markers[name],
        markersize=5.5,
        markerfacecolor="none",
        markeredgewidth=1.4,
        linewidth=1.7,
        clip_on=False,
    )
    return values


def _label(ax: Any, ends: Sequence[End]) -> None:
    """Labels at the right ends of lines, moved apart where they would touch."""
    heights = [ax.transAxes.inverted().transform(ax.transData.transform((1, y)))[1]
               for y, _, _ in ends]  # fmt: skip
    order = np.argsort(heights, kind="stable")
    gap = 0.062
    places = _apart(np.take(heights, order), gap)
    for index, place in zip(order, places, strict=True):
        _, text, colour = ends[index]
        ax.annotate(
            text,
            xy=(1, heights[index]),
            xytext=(1.055, place),
            xycoords="axes fraction",
            color=colour,
            va="center",
            fontsize=9,
            fontweight="normal" if colour == MUTED else "bold",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "relpos": (0, 0.5),
                "color": colour,
                "linewidth": 0.8,
                "shrinkA": 1,
                "shrinkB": 5,
            },
        )


def _apart(heights: Sequence[float] | np.ndarray, gap: float) -> list[float]:
    """The nearest heights, in order, of which no two are closer than ``gap``."""
    groups: list[tuple[list[float], float]] = []
    for height in heights:
        groups.append(([height], height))
        while len(groups) > 1:
            (lower, at), (upper, above) = groups[-2:]
            if above - gap * (len(upper) - 1) / 2 - at - gap * (len(lower) - 1) / 2 >= gap:
                break
            joined = lower + upper
            wanted = [h - gap * i for i, h in enumerate(joined)]
            groups[-2:] = [(joined, float(np.mean(wanted)) + gap * (len(joined) - 1) / 2)]
    return [
        centre + gap * (index - (len(group) - 1) / 2)
        for group, centre in groups
        for index in range(len(group))
    ]


def _rows(fills: Mapping[str, Mapping[str, Sequence[int]]]) -> Any:
    """A panel per pipeline: the fill of its long FIFOs over time."""
    import matplotlib.pyplot as plt

    from sdpaflow_sim.study.fills import KEYS, QUERIES

    chosen = colours(fills)
    cycles = max(len(line) for lines in fills.values() for line in lines.values())
    figure, axes = plt.subplots(
        len(fills),
        1,
        squeeze=False,
        sharex=True,
        figsize=(WIDTH, 0.9 + 1.35 * len(fills)),
        layout="constrained",
    )
    layout: Any = figure.get_layout_engine()
    layout.set(h_pad=0.08, hspace=0.04)
    for ax, (name, lines) in zip(axes.flat, fills.items(), strict=True):
        for words, style in zip(lines.values(), ["-", (0, (5, 2))], strict=False):
            time, fill = np.arange(len(words)), np.asarray(words)
            ax.step(time, fill, where="post", color=chosen[name], linewidth=1.6, linestyle=style)
            ax.fill_between(time, fill, step="post", color=chosen[name], alpha=0.12, linewidth=0)
        listed = " and ".join(f"{fifo}, {max(words)} at peak" for fifo, words in lines.items())
        dashed = f" ({list(lines)[1]} dashed)" if len(lines) > 1 else ""
        peak = max(map(max, lines.values()))
        what = f"{listed}{dashed}" if "" not in lines else f"no long FIFO: fullest of all, {peak}"
        ax.set_title(name, color=chosen[name], fontweight="bold", pad=7)
        ax.set_title(what, loc="right", fontsize=9, color=INK, pad=7)
        ax.set_ylim(0, KEYS * 1.12)
        ax.set_yticks([0, KEYS // 2, KEYS])
        ax.grid(axis="y")
        ax.set_ylabel("words")
    axes[-1, 0].set_xlim(0, cycles)
    axes[-1, 0].set_xticks(range(0, cycles + 1, KEYS))
    axes[-1, 0].set_xlabel(f"cycle; {QUERIES} rows of {KEYS} keys, d = 1")
    return figure
