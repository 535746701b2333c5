"""Drawings of a graph: Mermaid for Markdown, DOT for Graphviz, SVG for a picture as it is.

All show the same: units by kind, function and name, and FIFOs by depth, loud where that is more
than the least. A FIFO's name is written where it is not that of the unit before it.
"""

import re
from collections.abc import Callable, Mapping

from sdpaflow.graph import Dataflow, Edge, Node

from sdpaflow_sim.drawing import describe
from sdpaflow_sim.drawing.svg import to_svg
from sdpaflow_sim.errors import InputError

__all__ = ["draw", "to_dot", "to_mermaid", "to_svg"]

_MERMAID_SPACING = '%%{init: {"flowchart": {"nodeSpacing": 24, "rankSpacing": 24, "padding": 8}}}%%'
_FONT = 'fontname="Helvetica,Arial,sans-serif"'


def draw(dataflow: Dataflow, kind: str = "mermaid", peaks: Mapping[str, int] | None = None) -> str:
    """A graph as a drawing.

    Parameters
    ----------
    dataflow : :class:`Dataflow`
        The graph.
    kind : :class:`str`
        ``mermaid``, which GitHub draws within Markdown; ``dot``, for Graphviz; or ``svg``, a
        picture that stands alone.
    peaks : dict of :class:`int`
        Greatest fill of each FIFO in words, by name of the edge, where it is known: the ``peaks``
        of a :class:`Trace`.

    Returns
    -------
    :class:`str`

    Raises
    ------
    TypeError
        That is no graph.
    ValueError
        There is no such kind, or a peak is of no FIFO of the graph.
    """
    if not isinstance(dataflow, Dataflow):
        raise TypeError(f"draw takes a Dataflow, not {dataflow!r}")
    drawers: dict[str, Callable[[Dataflow, Mapping[str, int] | None], str]]
    drawers = {"mermaid": to_mermaid, "dot": to_dot, "svg": to_svg}
    if not isinstance(kind, str) or kind not in drawers:
        raise InputError(f"kind must be one of {', '.join(drawers)}, not {kind!r}")
    return drawers[kind](dataflow, peaks)


def to_mermaid(dataflow: Dataflow, peaks: Mapping[str, int] | None = None) -> str:
    """A graph as a Mermaid flowchart, which GitHub draws within Markdown.

    Parameters
    ----------
    dataflow : :class:`Dataflow`
        The graph.
    peaks : dict of :class:`int`
        Greatest fill of each FIFO in words, by name of the edge, where it is known.

    Returns
    -------
    mermaid : :class:`str`
    """
    peaks = describe.check_peaks(dataflow, peaks)
    ends, units = _names(dataflow)
    lines = [_MERMAID_SPACING, "flowchart LR"]
    lines += [f"    {name}([{_mermaid(port)}])" for (_, port), name in ends.items()]
    for node, name in units.items():
        text = _mermaid(*_unit_lines(node))
        lines.append(f"    {name}([{text}])" if node.kind == "Fork" else f"    {name}[{text}]")
    styles = []
    for number, edge in enumerate(dataflow.edges):
        source, target = _source_and_target(edge, ends, units)
        arrow = "==>" if edge.is_long else "-->"
        lines.append(f"    {source} {arrow}|{_mermaid(*_edge_lines(edge, peaks))}| {target}")
        if edge.is_long:
            # The label lies on the line, so the line is thinner and the label not in its colour.
            stroke = f"stroke:{describe.colour(edge)}"
            width = f"stroke-width:{0.7 * describe.thickness(edge):.1f}px"
            styles.append(f"    linkStyle {number} {stroke},{width}")
    return "\n".join([*lines, *styles]) + "\n"


def to_dot(dataflow: Dataflow, peaks: Mapping[str, int] | None = None) -> str:
    """A graph in DOT, the language of Graphviz.

    Parameters
    ----------
    dataflow : :class:`Dataflow`
        The graph.
    peaks : dict of :class:`int`
        Greatest fill of each FIFO in words, by name of the edge, where it is known.

    Returns
    -------
    dot : :class:`str`
    """
    peaks = describe.check_peaks(dataflow, peaks)
    ends, units = _names(dataflow)
    title, config = describe.heading(dataflow)
    label = _dot(*filter(None, [title, describe.capacity(dataflow), config]))
    quiet = f'color="{describe.QUIET}", fontcolor="{describe.QUIET}"'
    lines = [
        f"digraph {_dot(title)} {{",
        f"    graph [rankdir=LR, ranksep=0.3, bgcolor=white, labelloc=t, {_FONT}, label={label}];",
        f'    node [shape=box, style="rounded,filled", fillcolor="#f6f8fa", {_FONT}, fontsize=12];',
        f"    edge [{quiet}, {_FONT}, fontsize=10, arrowsize=0.6];",
    ]
    for (_, port), name in ends.items():
        lines.append(f"    {name} [label={_dot(port)}, shape=oval, fillcolor=white];")
    for node, name in units.items():
        text, tip = _dot(*_unit_lines(node)), _dot(describe.tooltip(node, peaks))
        dot = f"label={text}, "
        if node.kind == "Fork":
            dot = f'label="", xlabel={_dot(node.kind)}, shape=circle, width=0.12, fillcolor=black, '
        lines.append(f"    {name} [{dot}tooltip={tip}];")
    for edge in dataflow.edges:
        source, target = _source_and_target(edge, ends, units)
        written, tip = _edge_lines(edge, peaks), _dot(describe.tooltip(edge, peaks))
        loud = ""
        if edge.is_long:
            written.append(" ")  # keeps the text above the line
            colour, width = describe.colour(edge), 0.7 * describe.thickness(edge)
            loud = f', color="{colour}", fontcolor="{colour}", penwidth={width:.1f}, fontsize=13'
        lines.append(f"    {source} -> {target} [label={_dot(*written)}, tooltip={tip}{loud}];")
    return "\n".join([*lines, "}"]) + "\n"


def _names(dataflow: Dataflow) -> tuple[dict[tuple[str, str], str], dict[Node, str]]:
    """Names that both languages take as they are: of inputs and outputs, and of units."""
    ends = [
        *(("in", p) for p in dataflow.input_edges),
        *(("out", p) for p in dataflow.output_edges),
    ]
    return (
        {(way, port): _safe(way, number, port) for number, (way, port) in enumerate(ends)},
        {node: _safe("unit", number, node.name) for number, node in enumerate(dataflow.nodes)},
    )


def _safe(prefix: str, number: int, name: str) -> str:
    return f"{prefix}_{name}" if re.fullmatch(r"[A-Za-z0-9_]+", name) else f"{prefix}{number}"


def _source_and_target(
    edge: Edge, ends: Mapping[tuple[str, str], str], units: Mapping[Node, str]
) -> tuple[str, str]:
    return (
        units[edge.source] if edge.source else ends["in", edge.source_port],
        units[edge.target] if edge.target else ends["out", edge.target_port],
    )


def _unit_lines(node: Node) -> list[str]:
    return list(filter(None, [node.kind, describe.function(node), node.name]))


def _edge_lines(edge: Edge, peaks: Mapping[str, int]) -> list[str]:
    return list(filter(None, [describe.label(edge, peaks), describe.peak_label(edge, peaks)]))


def _mermaid(*lines: str) -> str:
    """Quoted text; what might be taken for markup becomes a character's number."""
    text = "<br/>".join(re.sub(r'[#"<>&`]', lambda c: f"#{ord(c[0])};", line) for line in lines)
    return f'"{text}"'


def _dot(*lines: str) -> str:
    """Quoted text."""
    text = r"\n".join(line.replace("\\", r"\\").replace('"', r"\"") for line in lines)
    return f'"{text}"'
