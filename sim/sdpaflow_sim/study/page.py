"""A study as one HTML page that needs nothing else."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from sdpaflow_sim.drawing.comparison import COLOURS, SPARE
from sdpaflow_sim.study import table
from sdpaflow_sim.study.figures import FAINT, INK, MUTED
from sdpaflow_sim.study.points import Point, label

__all__ = ["page"]

CAPTIONS = {
    "memory": "What is held between inputs and output, in words, as built: every FIFO at its full "
    "depth, and what units hold. Both axes are logarithmic.",
    "rate": "Cycles from the first token accepted to the last token given, over the number of "
    "scores. Dashed: by the published formulas, for d = 1.",
    "rows": "Words in the long FIFOs, cycle by cycle, from a small run: while one row is being "
    "read, the next takes its place.",
}

DARK = {
    INK: "#e6edf3",
    MUTED: "#9198a1",
    FAINT: "#30363d",
    COLOURS["naive"]: "#ff7b72",
    COLOURS["reordered"]: "#a5abb3",
    COLOURS["scaled"]: "#e3a04a",
    COLOURS["scaled-reordered"]: "#b08fe0",
    COLOURS["memory-free"]: "#4fb3c4",
    **dict(zip(SPARE, ("#6ca4e0", "#d67fb0", "#8fbf74", "#b8a48c"), strict=True)),
}
"""Colours on a dark ground, by those on a light one."""

STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --band: #f6f8fa; %s }
@media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --band: #161b22; %s } }
body { background: var(--ground); color: var(--ink); margin: 0 auto; max-width: 72rem;
  padding: 2rem 1.5rem 4rem; font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2.6rem 0 .6rem; }
p { max-width: 46rem; margin: .4rem 0; }
figure { margin: 1rem 0 0; } figcaption { color: var(--muted); max-width: 46rem; }
svg { display: block; width: 100%%; height: auto; }
pre { background: var(--band); padding: .8rem 1rem; border-radius: 6px; white-space: pre-wrap; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .82rem; }
th, td { padding: .3rem .6rem; text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
th { white-space: normal; vertical-align: bottom; border-bottom: 2px solid var(--muted); }
td { border-bottom: 1px solid var(--faint); }
td:first-child, th:first-child { text-align: left; }
tr:hover td { background: var(--band); } .bad { font-weight: bold; color: var(--naive); }
"""


def page(
    results: Sequence[dict[str, Any]],
    failures: Mapping[Point, str],
    figures: Mapping[str, str],
    command: str,
) -> str:
    """The page's text.

    Parameters
    ----------
    results : list of dict
        From :func:`sdpaflow_sim.study.points.measure`.
    failures : dict of :class:`str`
        Reasons, by :class:`Point`.
    figures : dict of :class:`str`
        SVG texts, by name.
    command : :class:`str`
        What made the study.
    """
    points = [result["point"] for result in results]
    pipelines = [*dict.fromkeys(label(point["pipeline"]) for point in points)]
    sizes = sorted({point["n"] for point in points})
    span = f"{sizes[0]:,}" + (f" to {sizes[-1]:,}" if len(sizes) > 1 else "")
    exact = sum(result["bit_exact"] for result in results)
    scores = sum(point["n"] ** 2 for point in points)
    titles = {"memory": "Memory", "rate": "Rate", "rows": "Rows, one after another"}
    parts = [
        "<h1>Attention as streaming hardware: a study over N</h1>",
        f"<p>{_listed(pipelines)}; N queries over N "
        f"keys, N = {span}: {scores:,} scores, simulated clock cycle by clock cycle. In {exact} of "
        f"{len(results)} runs, every bit of the output is that of the numpy model.</p>",
    ]
    if failures:
        parts.append("<h2>What failed</h2><ul>")
        parts += [
            f'<li class="bad">{escape(f"{point.name}: {reason}")}</li>'
            for point, reason in failures.items()
        ]
        parts.append("</ul>")
    for name, svg in figures.items():
        parts.append(
            f"<h2>{titles[name]}</h2>\n<figure>{_inline(svg, name)}\n"
            f"<figcaption>{CAPTIONS[name]}</figcaption></figure>"
        )
    parts += ["<h2>All numbers</h2>", _table(results), _notes()]
    parts += ["<h2>How it was made</h2>", f"<pre>{escape(command)}</pre>", _versions(results)]
    variables = {dark: f"--{_variable(light)}" for light, dark in DARK.items()}
    light = "; ".join(f"--{_variable(colour)}: {colour}" for colour in DARK)
    dark = "; ".join(f"{name}: {colour}" for colour, name in variables.items())
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>sdpaflow: a study over N</title>\n<style>{STYLE % (light, dark)}</style>\n"
        "</head>\n<body>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )


def _variable(colour: str) -> str:
    named = {INK: "ink", MUTED: "muted", FAINT: "faint"}
    named |= {colour: name for name, colour in COLOURS.items()}
    named |= {colour: f"own{number}" for number, colour in enumerate(SPARE)}
    return named[colour]


def _inline(svg: str, name: str) -> str:
    """A figure as part of the page: its names its own, its colours those of the page."""
    svg = svg[svg.index("<svg ") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg)
    svg = svg.replace(' id="', f' id="{name}-').replace("url(#", f"url(#{name}-")
    svg = svg.replace('xlink:href="#', f'href="#{name}-')
    for colour in DARK:
        svg = svg.replace(colour, f"var(--{_variable(colour)})")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(CAPTIONS[name])}" ', 1)


def _table(results: Sequence[dict[str, Any]]) -> str:
    head = "".join(
        f"<th>{escape(title).replace(' / ', ' /&nbsp;')}</th>" for title in table.COLUMNS.values()
    )
    lines = []
    for cells in table.texts(results):
        bad = ['<td class="bad">' if cell == "NO" else "<td>" for cell in cells]
        lines.append(
            "<tr>"
            + "".join(f"{tag}{escape(c)}</td>" for tag, c in zip(bad, cells, strict=True))
            + "</tr>"
        )
    body = "\n".join(lines)
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n'
        "</tbody></table></div>"
    )


def _notes() -> str:
    return (
        "<p>Cycles count from the first input token accepted to the last output token accepted, "
        "inclusive. “By the graph”: what the latencies of units and FIFOs add up to, known where "
        "lanes = d. “Published”: arXiv:2404.16629, at d = 1; its scores take two cycles each. "
        "Words are tokens: a word of a row FIFO is one score. “All words” and bits: every FIFO as "
        "configured, those at the ports included, and what units hold.</p>"
    )


def _versions(results: Sequence[dict[str, Any]]) -> str:
    kinds: dict[str, list[str]] = {}
    for result in results:
        kinds.setdefault(", ".join(f"{n} {v}" for n, v in result["versions"].items()), []).append(
            result["engine"]
        )
    lines = [f"{kind}; engine {_listed(sorted(set(e)))}" for kind, e in kinds.items()]
    return "".join(f"<p>{escape(line)}.</p>" for line in lines)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
