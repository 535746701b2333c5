"""Pieces of SVG: lines with round corners, arrowheads, frames and text."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias
from xml.sax.saxutils import escape, quoteattr

from sdpaflow_sim.drawing.layout import Box

__all__ = ["arrowhead", "frame", "group", "path", "tag", "text", "tooltip", "width_of"]

Point: TypeAlias = tuple[float, float]
"""Across and down, in pixels."""

RADIUS = 10
"""Of a line's corners, in pixels, where there is room."""


def path(points: Sequence[Point], shorten: float) -> str:
    """Path data of a line with round corners that ends a bit before its last point."""
    before, end = points[-2:]
    points = [*points[:-1], _towards(end, before, min(shorten, math.dist(before, end)))]
    drawn = [f"M{_at(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(RADIUS, math.dist(before, corner) / 2, math.dist(corner, after) / 2)
        start, end = _towards(corner, before, radius), _towards(corner, after, radius)
        drawn.append(f"L{_at(start)}Q{_at(corner)} {_at(end)}")
    return "".join([*drawn, f"L{_at(points[-1])}"])


def arrowhead(points: Sequence[Point], length: float, half: float) -> str:
    """Path data of an arrowhead at the end of a line, twice ``half`` wide."""
    before, tip = points[-2:]
    back_x, back_y = _towards(tip, before, length)
    across_x, across_y = (tip[1] - back_y) / length * half, (back_x - tip[0]) / length * half
    corners = [(back_x + across_x, back_y + across_y), (back_x - across_x, back_y - across_y)]
    return f"M{_at(tip)}" + "".join(f"L{_at(corner)}" for corner in corners) + "Z"


def _towards(start: Point, end: Point, distance: float) -> Point:
    part = distance / (math.dist(start, end) or 1)
    (x, y), (to_x, to_y) = start, end
    return x + (to_x - x) * part, y + (to_y - y) * part


def _at(point: Point) -> str:
    return " ".join(f"{value:.1f}" for value in point)


def width_of(words: str, size: float, bold: bool = False) -> float:
    """About how wide a text is in DejaVu Sans, the widest of the usual fonts, in pixels."""
    ems = sum(
        0.39 if c in " .,:;'|!()[]{}ijltfrI/·" else 0.97 if c in "mwMW—" else 0.64 for c in words
    )
    return ems * size * (1.1 if bold else 1)


def text(
    x: float,
    y: float,
    words: str,
    size: float,
    colour: str,
    bold: bool = False,
    anchor: str = "middle",
) -> str:
    """A line of text at its baseline; nothing where there are no words."""
    if not words:
        return ""
    weight: dict[str, Any] = {"font_weight": "bold"} if bold else {}
    style: dict[str, Any] = {"font_size": size, "fill": colour, "text_anchor": anchor, **weight}
    return tag("text", [escape(words)], x=x, y=y, **style)


def tooltip(words: str) -> str:
    """What is shown when the pointer is over the group that this is in."""
    return tag("title", [escape(words)])


def frame(box: Box, radius: float, fill: str, stroke: str) -> str:
    """A rectangle with round corners around a box's centre."""
    x, y = box.x - box.width / 2, box.y - box.height / 2
    size: dict[str, Any] = {"width": box.width, "height": box.height}
    return tag("rect", x=x, y=y, **size, rx=radius, fill=fill, stroke=stroke)


def group(parts: Iterable[str], **attributes: str | float) -> str:
    """Parts that belong together."""
    return tag("g", filter(None, parts), **attributes)


def tag(name: str, content: Iterable[str] = (), **attributes: str | float) -> str:
    """An element; an underscore in an attribute's name is a hyphen, and at its end nothing."""
    written = "".join(
        f" {key.removesuffix('_').replace('_', '-')}={quoteattr(_value(value))}"
        for key, value in attributes.items()
    )
    lines = list(content)
    if not lines:
        return f"<{name}{written}/>"
    inside = lines[0] if name in {"text", "title"} else "\n" + "\n".join(lines) + "\n"
    return f"<{name}{written}>{inside}</{name}>"


def _value(value: str | float) -> str:
    return f"{round(value, 1):g}" if isinstance(value, float) else str(value)
