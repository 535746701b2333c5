"""Boxes and links, laid out from left to right in columns.

The usual steps for layered graphs: longest-path layers; a bend in every column that a link passes;
barycentres to put each column in order; then straight lines, the longest path first, as many as do
not cross. What is left comes from above or below and turns a corner at its box. Where the whole is
too wide it goes on in another band, like text, cut where a single link crosses.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

from sdpaflow_sim.drawing.routes import Chains, Columns, place

__all__ = ["Box", "Link", "arrange"]

MARGIN = 10
"""Least distance between what lies on top of each other."""


@dataclass(eq=False)
class Box:
    """What is to be placed: its size; once placed, its centre.

    ``side`` says where to put it in its column when nothing else decides, the least on top.
    """

    width: float
    height: float
    side: int = 0
    x: float = 0
    y: float = 0


@dataclass(eq=False)
class Link:
    """A line between boxes: the room for its label; once placed, its corners and label's centre.

    A ``wide`` label may take the whole length of the link, others stay in the first gap.
    """

    source: Box
    target: Box
    width: float
    height: float
    wide: bool = False
    side: int = 0
    points: list[tuple[float, float]] = field(default_factory=list)
    label: tuple[float, float] = (0, 0)


@dataclass(eq=False)
class _Spot:
    """A box, a bend or a corner in a column; ``before`` and ``after`` are in line with it."""

    column: int
    height: float
    side: int = 0
    box: Box | None = None
    corner_of: "_Spot | None" = None
    before: "_Spot | None" = None
    after: "_Spot | None" = None

    @property
    def head(self) -> "_Spot":
        """First of all that are in line."""
        return self if self.before is None else self.before.head


def arrange(boxes: Sequence[Box], links: Sequence[Link], limit: float) -> tuple[float, float]:
    """Place boxes and links.

    Parameters
    ----------
    boxes : list of :class:`Box`
        Sources before targets.
    links : list of :class:`Link`
        What is placed lies right and below of (0, 0).
    limit : :class:`float`
        Width of a band.

    Returns
    -------
    width, height : :class:`float`
        Of the whole.
    """
    depths, layers = _layers(boxes, links)
    columns, chains = _columns(boxes, links, layers)
    _order(columns, chains)
    _straighten(columns, chains, _main_path(boxes, links, depths))
    _corners(columns, chains)
    return place(columns, chains, _rows(columns, chains), limit)


def _layers(boxes: Sequence[Box], links: Sequence[Link]) -> tuple[dict[Box, int], dict[Box, int]]:
    """Longest paths from the inputs; and layers, where inputs are next to where they are used."""
    into: dict[Box, list[Box]] = defaultdict(list)
    out: dict[Box, list[Box]] = defaultdict(list)
    for link in links:
        into[link.target].append(link.source)
        out[link.source].append(link.target)
    depths: dict[Box, int] = {}
    movable = set()
    for box in boxes:
        depths[box] = max((depths[source] + 1 for source in into[box]), default=0)
        if all(source in movable and len(out[source]) == 1 for source in into[box]):
            movable.add(box)
    layers = dict(depths)
    for box in reversed(boxes):
        if box in movable and out[box]:
            layers[box] = min(layers[target] for target in out[box]) - 1
    return depths, layers


def _columns(
    boxes: Sequence[Box], links: Sequence[Link], layers: Mapping[Box, int]
) -> tuple[Columns, Chains]:
    """Spots by column, boxes in the even ones; and each link's, from its source to its target."""
    columns: Columns = [[] for _ in range(2 * max(layers.values(), default=0) + 1)]
    spots = {box: _Spot(2 * layers[box], box.height, box.side, box) for box in boxes}
    chains = {}
    for link in links:
        between = range(2 * layers[link.source] + 1, 2 * layers[link.target])
        bends = [_Spot(column, link.height, link.side) for column in between]
        chains[link] = [spots[link.source], *bends, spots[link.target]]
    for spot in [*spots.values(), *(bend for chain in chains.values() for bend in chain[1:-1])]:
        columns[spot.column].append(spot)
    return columns, chains


def _order(columns: Columns, chains: Chains) -> None:
    """Sort each column by the mean place of its neighbours, to and fro, and keep the best."""
    neighbours: dict[int, dict[Any, list]] = {-1: defaultdict(list), 1: defaultdict(list)}
    for chain in chains.values():
        for a, b in pairwise(chain):
            neighbours[1][a].append(b)
            neighbours[-1][b].append(a)
    for column in columns:
        column.sort(key=lambda spot: spot.side)
    best, fewest = [list(column) for column in columns], _crossings(columns, chains)
    for sweep in range(8):
        towards = -1 if sweep % 2 == 0 else 1
        places = {s: (n + 0.5) / len(column) for column in columns for n, s in enumerate(column)}
        for column in columns[::-towards]:
            means = {}
            for spot in column:
                around = [places[other] for other in neighbours[towards][spot]] or [places[spot]]
                means[spot] = sum(around) / len(around)
            column.sort(key=means.__getitem__)
            places |= {spot: (n + 0.5) / len(column) for n, spot in enumerate(column)}
        crossings = _crossings(columns, chains)
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
    columns[:] = best


def _crossings(columns: Columns, chains: Chains) -> int:
    place = {spot: n for column in columns for n, spot in enumerate(column)}
    by_column: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for chain in chains.values():
        for a, b in pairwise(chain):
            by_column[a.column].append((place[a], place[b]))
    return sum(
        (a - c) * (b - d) < 0
        for segments in by_column.values()
        for (a, b), (c, d) in combinations(segments, 2)
    )


def _main_path(
    boxes: Sequence[Box], links: Sequence[Link], depths: Mapping[Box, int]
) -> list[Link]:
    """The links of the longest path."""
    path: list[Link] = []
    box = max(boxes, key=lambda box: depths[box], default=None)
    while into := [link for link in links if link.target is box]:
        path.append(max(into, key=lambda link: depths[link.source]))
        box = path[-1].source
    return path


def _straighten(columns: Columns, chains: Chains, main: Sequence[Link]) -> None:
    """Put neighbours in line, each with one on either side at most, where no two lines cross."""
    for link in [*main, *(link for link in chains if link not in main)]:
        pairs = list(pairwise(chains[link]))
        for a, b in [*pairs[1:-1], pairs[0], pairs[-1]]:
            if a.after is None and b.before is None and _is_free(columns, a, b):
                a.after, b.before = b, a


def _is_free(columns: Columns, a: _Spot, b: _Spot) -> bool:
    """Whether a line between two neighbours crosses none that is there."""
    left, right = columns[a.column], columns[b.column]
    return all(
        (left.index(a) - left.index(spot)) * (right.index(b) - right.index(spot.after)) > 0
        for spot in left
        if spot.after is not None and spot is not a
    )


def _corners(columns: Columns, chains: Chains) -> None:
    """Let links that are not in line with a box turn a corner above or below it.

    Where there is no way to it, there is none: that link steps aside between the columns.
    """
    wanted = []
    for chain in chains.values():
        (source, first), (last, target) = chain[:2], chain[-2:]
        for box, bend, inline in ((source, first, source.after), (target, last, target.before)):
            if inline not in {None, bend}:
                column = columns[bend.column]
                wanted.append((column.index(bend) - column.index(inline), chain, box, bend))
    for offset, chain, box, bend in sorted(wanted, key=lambda one: abs(one[0])):
        column, step = columns[box.column], 1 if offset > 0 else -1
        corner = _Spot(box.column, bend.height, corner_of=box)
        at = column.index(box) + step
        while 0 <= at < len(column) and column[at].corner_of is box:
            at += step
        column.insert(max(at, at - step), corner)
        a, b = (corner, bend) if box is chain[0] else (bend, corner)
        if _is_free(columns, a, b):
            a.after, b.before = b, a
            chain.insert(1 if box is chain[0] else -1, corner)
        else:
            column.remove(corner)


def _rows(columns: Columns, chains: Chains) -> dict[_Spot, float]:
    """Where each line of spots is, by its head: as high as possible with all apart."""
    apart = [
        (a.head, b.head, (a.height + b.height) / 2 + MARGIN)
        for column in columns
        for a, b in pairwise(column)
    ]
    rows = {spot.head: 0.0 for column in columns for spot in column}
    for _ in rows:
        for above, below, distance in apart:
            rows[below] = max(rows[below], rows[above] + distance)
    # Lines may hang too high, since they were pushed down only: let them sink to what they lead to.
    joined = [(a.head, b.head) for chain in chains.values() for a, b in pairwise(chain)]
    for head in sorted(rows, key=rows.__getitem__, reverse=True):
        ends = [rows[b if a is head else a] for a, b in joined if (a is head) != (b is head)]
        room = [rows[below] - distance for above, below, distance in apart if above is head]
        if ends:
            rows[head] = max(rows[head], min([*ends, *room]))
    return rows
