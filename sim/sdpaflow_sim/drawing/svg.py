"""A graph as a picture that stands alone: SVG without scripts, style sheets or fonts of its own."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sdpaflow.graph import Dataflow, Edge, Node

from sdpaflow_sim.drawing import describe
from sdpaflow_sim.drawing.layout import Box, Link, arrange
from sdpaflow_sim.drawing.shapes import arrowhead, frame, group, path, tag, text, tooltip, width_of

__all__ = ["to_svg"]

WIDTH = 1237
"""Pixels, the margins included, that a graph may take before it goes on below."""

MARGIN, HEAD, FOOT = 24, 96, 46
"""Pixels beside, above and below the graph."""

INK, GREY = "#1f2328", "#656d76"

FILLS = {
    "Map": ("#eef4fb", "#86a5c8"),
    "Reduce": ("#eaf5ee", "#7fb394"),
    "MemReduce": ("#eaf5ee", "#7fb394"),
    "Scan": ("#eaf5ee", "#7fb394"),
    "Repeat": ("#f4f0fa", "#a994cb"),
    "Replay": ("#f4f0fa", "#a994cb"),
}
"""Fill and border by kind of unit: functions blue, folds green, repetitions violet."""


def to_svg(dataflow: Dataflow, peaks: Mapping[str, int] | None = None) -> str:
    """A graph as SVG, from left to right.

    A long FIFO stands out, the more the deeper it is. Where the graph is too wide for a page it
    goes on below, like text. Hovering shows shapes, latencies and memories.

    Parameters
    ----------
    dataflow : :class:`Dataflow`
        The graph.
    peaks : dict of :class:`int`
        Greatest fill of each FIFO in words, by name of the edge, where it is known.

    Returns
    -------
    svg : :class:`str`
    """
    peaks = describe.check_peaks(dataflow, peaks)
    inputs = {edge: _terminal_box(port, side=1) for port, edge in dataflow.input_edges.items()}
    units = {node: _unit_box(node) for node in dataflow.nodes}
    outputs = {edge: _terminal_box(port) for port, edge in dataflow.output_edges.items()}
    links = {
        edge: _link(
            edge,
            units[edge.source] if edge.source else inputs[edge],
            units[edge.target] if edge.target else outputs[edge],
            peaks,
        )
        for edge in dataflow.edges
    }
    boxes = [*inputs.values(), *units.values(), *outputs.values()]
    width, height = arrange(boxes, list(links.values()), WIDTH - 2 * MARGIN)
    drawn = [
        *(_edge(edge, link, peaks) for edge, link in links.items()),
        *(_unit(node, box, peaks) for node, box in units.items()),
        *(_terminal(edge.source_port, box) for edge, box in inputs.items()),
        *(_terminal(edge.target_port, box) for edge, box in outputs.items()),
    ]
    return _page(dataflow, bool(peaks), drawn, width, height)


def _page(
    dataflow: Dataflow, peaks: bool, drawn: Sequence[str], width: float, height: float
) -> str:
    """The drawing on white ground, with a heading above and a legend below."""
    name, config = describe.heading(dataflow)
    deepest = max(dataflow.edges, key=lambda edge: edge.depth)
    loudest = describe.colour(deepest) if deepest.is_long else INK
    legend = f"lines are FIFOs, numbers their {'peak/depth' if peaks else 'depth'} in words"
    height = math.ceil(height) + HEAD + FOOT
    lines = [
        (38, name, 22, INK, True),
        (60, describe.capacity(dataflow), 14, loudest, True),
        (79, config, 12, GREY, False),
        (height - 18, legend, 12, GREY, False),
    ]
    width = max(width, *(width_of(words, size, bold) for _, words, size, _, bold in lines))
    width = math.ceil(width) + 2 * MARGIN
    content = [
        tooltip(name),
        tag("rect", width=width, height=height, rx=8, fill="#ffffff"),
        *(text(MARGIN, *line, anchor="start") for line in lines),
        group(drawn, transform=f"translate({MARGIN} {HEAD})"),
    ]
    page: dict[str, Any] = {
        "viewBox": f"0 0 {width} {height}",
        "width": width,
        "height": height,
        "role": "img",
    }
    fonts = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
    return tag("svg", content, xmlns="http://www.w3.org/2000/svg", **page, font_family=fonts) + "\n"


def _terminal_box(port: str, side: int = 0) -> Box:
    return Box(width_of(port, 14, bold=True) + 24, 30, side)


def _terminal(port: str, box: Box) -> str:
    outline = frame(box, box.height / 2, "#ffffff", INK)
    return group([outline, text(box.x, box.y + 5, port, 14, INK, bold=True)], class_="terminal")


def _unit_lines(node: Node) -> list[tuple[str, int, str, bool]]:
    """What is written in a unit: text, size, colour, boldness."""
    function = describe.function(node)
    name = (node.name, 11, GREY, False)
    if not function:
        return [(node.kind, 14, INK, True), name]
    return [(node.kind, 11, GREY, False), (function, 14, INK, True), name]


def _unit_box(node: Node) -> Box:
    if node.kind == "Fork":
        return Box(12, 12)
    widest = max(width_of(words, size, bold) for words, size, _, bold in _unit_lines(node))
    return Box(widest + 11, 56)


def _unit(node: Node, box: Box, peaks: Mapping[str, int]) -> str:
    parts = [tooltip(describe.tooltip(node, peaks))]
    if node.kind == "Fork":
        parts.append(frame(box, box.height / 2, INK, INK))
        # Below the line that comes in, where no branch ever leaves.
        parts.append(text(box.x - 8, box.y + 15, node.kind, 11, GREY, anchor="end"))
    else:
        parts.append(frame(box, 6, *FILLS.get(node.kind, ("#f6f8fa", "#8c959f"))))
        lines = _unit_lines(node)
        top = box.y + 4 - 8 * (len(lines) - 1)
        parts += [text(box.x, top + 16 * n, *line) for n, line in enumerate(lines)]
    return group(parts, class_="unit", data_name=node.name)


def _link(edge: Edge, source: Box, target: Box, peaks: Mapping[str, int]) -> Link:
    long = edge.is_long
    above, below = describe.label(edge, peaks), describe.peak_label(edge, peaks)
    if long:
        width = max(width_of(words, 13, bold=True) for words in (above, below)) + 34
        return Link(source, target, width, 60 if below else 46, wide=True, side=-1)
    return Link(source, target, width_of(above, 11) + 9, 28, side=0 if edge.source else 1)


def _edge(edge: Edge, link: Link, peaks: Mapping[str, int]) -> str:
    long, colour, thick = edge.is_long, describe.colour(edge), describe.thickness(edge)
    above, below = describe.label(edge, peaks), describe.peak_label(edge, peaks)
    head = 6 + 0.8 * thick
    line: dict[str, Any] = {"d": path(link.points, shorten=head - 1), "fill": "none"}
    x, y = link.label
    parts = [
        tooltip(describe.tooltip(edge, peaks)),
        tag("path", **line, stroke=colour, stroke_width=thick),
        tag("path", d=arrowhead(link.points, head, 2.8 + 0.75 * thick), fill=colour),
    ]
    if long:
        cells: dict[str, Any] = {"stroke_dasharray": "1.5 5", "stroke_opacity": 0.45}
        parts += [
            tag("path", **line, stroke="#ffffff", stroke_width=thick - 2, **cells),
            text(x, y - thick / 2 - 6, above, 13, colour, bold=True),
            text(x, y + thick / 2 + 16, below, 13, colour, bold=True),
        ]
    else:
        parts.append(text(x - 2, y - 5, above, 11, GREY))
    return group(parts, class_="fifo long" if long else "fifo", data_name=edge.name)
