"""From columns and rows to points: the last step of :mod:`sdpaflow_sim.drawing.layout`."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

__all__ = ["Chains", "Columns", "place"]

Columns: TypeAlias = list[list[Any]]
"""Spots of the layout by column, from top to bottom."""

Chains: TypeAlias = dict[Any, list[Any]]
"""By link, its spots from source to target."""

GAP = 27
"""Least distance between columns of boxes."""

INDENT = 24
"""Room on either side of a band, for the link to or from another one."""

BAND = 48
"""Distance between bands."""

SPREAD = 22
"""Distance between links that come to a box from the same side, where it is wide enough."""


def place(
    columns: Columns, chains: Chains, rows: Mapping[Any, float], limit: float
) -> tuple[float, float]:
    """Give all boxes and links their points; returns width and height of the whole.

    Parameters
    ----------
    columns : list of list
        Spots, from top to bottom; boxes are in the even columns.
    chains : dict of list
        By link, its spots from source to target.
    rows : dict of :class:`float`
        Height, by the head of a line of spots.
    limit : :class:`float`
        Width of a band.
    """
    widths = _widths(columns, chains)
    cuts = _cuts(columns, chains, widths, limit)
    spots: dict[Any, tuple[float, float]] = {}
    ends: list[float] = []
    tops: dict[int, float] = {}
    bottom = 0.0
    for start, stop in pairwise([0, *(cut + 1 for cut in cuts), len(columns)]):
        band = [spot for column in columns[start:stop] for spot in column]
        shift = bottom - min(rows[spot.head] - spot.height / 2 for spot in band)
        tops[start - 1] = bottom
        left = INDENT if start else 0.0
        for width, column in zip(widths[start:stop], columns[start:stop], strict=True):
            spots |= {spot: (left + width / 2, rows[spot.head] + shift) for spot in column}
            left += width
            ends.append(left)
        bottom = max(spots[spot][1] + spot.height / 2 for spot in band) + BAND
    for spot, at in spots.items():
        if spot.box:
            spot.box.x, spot.box.y = at
    for link, chain in chains.items():
        bends = _bends(chain)
        first, last = bends[0].column, bends[-1 if link.wide else 0].column
        begin, end = ends[first] - widths[first], ends[last]
        link.label = ((begin + end) / 2, spots[bends[0]][1])
        link.points = _line(chain, spots, columns)
        if first in cuts:
            link.points = _around(link, end, tops[first] - BAND / 2)
    return max(ends) + (INDENT if cuts else 0), bottom - BAND


def _bends(chain: Sequence[Any]) -> list[Any]:
    """The spots of a link in the gaps and columns that it passes."""
    return [spot for spot in chain if not spot.box and not spot.corner_of]


def _widths(columns: Columns, chains: Chains) -> list[float]:
    """Widths of the columns, gaps included."""
    widths = [max((spot.box.width for spot in c if spot.box), default=0.0) for c in columns]
    widths[1::2] = [GAP for _ in widths[1::2]]
    for link, chain in chains.items():
        bends = _bends(chain)
        first, last = bends[0].column, bends[-1 if link.wide else 0].column
        widths[first] += max(0, link.width - sum(widths[first : last + 1]))
    return widths


def _cuts(columns: Columns, chains: Chains, widths: Sequence[float], limit: float) -> list[int]:
    """Gaps after which to start another band: as few as will do, the bands about equally wide."""
    direct = {chain[1] for link, chain in chains.items() if len(chain) == 3 and not link.wide}
    possible = [n for n, column in enumerate(columns) if len(column) == 1 and column[0] in direct]
    if sum(widths) <= limit:
        return []
    limit = round(limit - 2 * INDENT)
    best = _fill(widths, possible, limit)
    for narrower in range(limit, 0, -10):
        cuts = _fill(widths, possible, narrower)
        if len(cuts) > len(best):
            break
        best = cuts
    return best


def _fill(widths: Sequence[float], possible: Sequence[int], limit: float) -> list[int]:
    """Cuts, each as late as a band of at most ``limit`` allows."""
    cuts: list[int] = []
    start: int = 0
    latest: int | None = None
    for n in range(len(widths)):
        if sum(widths[start : n + 1]) > limit and latest is not None:
            cuts.append(latest)
            start, latest = latest + 1, None
        if n in possible:
            latest = n
    return cuts


def _line(
    chain: Sequence[Any], spots: Mapping[Any, tuple[float, float]], columns: Columns
) -> list[tuple[float, float]]:
    """Points of a link, from the border of its source to that of its target."""
    source, target = chain[0].box, chain[-1].box
    x, y = spots[chain[1]]
    if chain[1].corner_of:
        points = [(x, _border(source, y)), (x, y)]
    else:
        points = [(source.x + source.width / 2, source.y)]
    for a, b in pairwise(chain):
        (_, y), (_, next_y) = spots[a], spots[b]
        if a.column != b.column and y != next_y:
            x, _ = spots[a if a.column % 2 else b]
            port = 0 if b is not chain[-1] else target.height / 4
            points += [(x, y), (x, next_y + math.copysign(port, y - next_y))]
    x, y = spots[chain[-2]]
    if chain[-2].corner_of:
        x += _offset(chain[-2], columns)
        return [*points, (x, y), (x, _border(target, y))]
    return [*points, (target.x - target.width / 2, points[-1][1])]


def _around(link: Any, right: float, between: float) -> list[tuple[float, float]]:
    """Points of a link from the end of a band to the start of the next."""
    out = link.source.x + link.source.width / 2
    into = link.target.x - link.target.width / 2
    y, below = link.source.y, link.target.y
    return [(out, y), (right, y), (right, between), (0, between), (0, below), (into, below)]


def _border(box: Any, y: float) -> float:
    """The upper or lower border of a box, whichever is towards ``y``."""
    return box.y + math.copysign(box.height / 2, y - box.y)


def _offset(corner: Any, columns: Columns) -> float:
    """Pixels from the middle of a box; among links from one side, the furthest off turns last."""
    column, box = columns[corner.column], corner.corner_of
    above = column.index(corner) < column.index(box)
    beside = column[: column.index(box)] if above else column[column.index(box) :]
    same = [spot for spot in beside if spot.corner_of is box and spot.before]
    offset = same.index(corner) - (len(same) - 1) / 2
    return (-offset if above else offset) * min(SPREAD, box.box.width / (len(same) + 1))
