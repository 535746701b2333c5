"""Graphs to draw, and an SVG measured: where its boxes, texts and lines are."""

import functools
import re
from dataclasses import dataclass
from xml.etree import ElementTree

import matplotlib.font_manager
import pytest
from amaranth.hdl import unsigned
from helpers.functions import Mix
from matplotlib.ft2font import FT2Font
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import SQ, Add, Narrow
from sdpaflow.pipelines import PIPELINES, Config
from sdpaflow_sim.drawing import draw

__all__ = [
    "BEATS", "DRAWERS", "SVG", "Chain", "Nest", "Picture", "Rect", "Square", "Tangle", "Wire", "X",
    "arrows", "duts", "every_drawing", "every_graph", "every_pipeline", "peaks_of", "pipeline",
    "with_and_without_peaks", "words",
]  # fmt: skip

SVG = "{http://www.w3.org/2000/svg}"
DRAWERS = {"mermaid": draw.to_mermaid, "dot": draw.to_dot, "svg": draw.to_svg}
BEATS = [1, 4]
X = SQ(4, 4)


@functools.cache
def pipeline(name, beats=1, d=32):
    """Drawing changes nothing in a graph, so one of each is enough."""
    kind = PIPELINES[name]
    return kind(Config(d=d, lanes=d // beats, row_max=145 if kind.stores_rows else None))


def peaks_of(dut):
    """Peaks that can be told apart from each other and from depths."""
    return {edge.name: 1000 + n for n, edge in enumerate(dut.edges)}


every_pipeline = pytest.mark.parametrize(
    ("name", "beats"), [(name, beats) for name in PIPELINES for beats in BEATS]
)
with_and_without_peaks = pytest.mark.parametrize("with_peaks", [False, True], ids=["", "peaks"])
every_drawing = pytest.mark.parametrize("drawer", DRAWERS.values(), ids=list(DRAWERS))


class Tangle(Dataflow):
    """Three forks, each joined with both others: cannot be drawn without lines that cross."""

    def __init__(self):
        super().__init__()
        x = self.input(X)
        y = self.input(X)
        z = self.input(X)
        x0, x1, x2 = self.fork(x)
        y0, y1, y2 = self.fork(y)
        z0, z1, z2 = self.fork(z)
        add = Add(X, X)
        xy = self.map(add, x0, y0)
        yx = self.map(add, y1, x1)
        zx = self.map(add, z0, x2)
        z2_late = z2.fifo(40)
        yz = self.map(add, y2, z2_late)
        zxy = self.map(add, self.map(Narrow(xy.shape, X), xy, name="narrowed"), z1)
        self.output(yx=yx, zx=zx, yz=yz, zxy=zxy)


class Square(Dataflow):
    """Both branches of a fork lead to one unit, and its name is as bad as names can be."""

    def __init__(self):
        super().__init__()
        x = self.input(X)
        a, b = self.fork(x)
        sum_ = self.map(Add(X, X), a, b, name='2·x "<b>" & #35; \\')
        self.output(y=sum_)


class Nest(Dataflow):
    """Two long FIFOs into one unit, from the same side; then a diamond."""

    def __init__(self):
        super().__init__()
        x = self.input(unsigned(8))
        outer, x1 = self.fork(x)
        x2 = self.map(Mix(), x1)
        inner, x3 = self.fork(x2)
        x4 = self.map(Mix(), x3)
        outer_late = outer.fifo(40)
        inner_late = inner.fifo(20)
        y = self.map(Mix(3), outer_late, inner_late, x4)
        a, b = self.fork(y)
        a1 = self.map(Mix(), a)
        b1 = self.map(Mix(), b)
        b2 = self.map(Mix(), b1)
        z = self.map(Mix(2), a1, b2)
        self.output(z=z)


class Wire(Dataflow):
    """No unit at all."""

    def __init__(self):
        super().__init__()
        x = self.input(X)
        self.output(y=x)


class Chain(Dataflow):
    """Many units in a row."""

    def __init__(self):
        super().__init__()
        x = self.input(X)
        for n in range(40):
            x = self.map(Narrow(X, X), x, name=f"narrowed_{n}")
        self.output(y=x)


def duts():
    """Graphs of all kinds, with ids."""
    return [
        *(
            pytest.param(lambda n=n, b=b: pipeline(n, b), id=f"{n}-{b}")
            for n in PIPELINES
            for b in BEATS
        ),
        *(pytest.param(kind, id=kind.__name__) for kind in (Tangle, Square, Nest, Wire, Chain)),
    ]


every_graph = pytest.mark.parametrize("build", duts())


@dataclass
class Rect:
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, a, b):
        """A line from one point to another, just over a pixel thick."""
        (left, right), (top, bottom) = (sorted(pair) for pair in zip(a, b, strict=True))
        return cls(left - 0.6, top - 0.6, right + 0.6, bottom + 0.6)

    def overlaps(self, other):
        return (
            min(self.right, other.right) - max(self.left, other.left) > 0.5
            and min(self.bottom, other.bottom) - max(self.top, other.top) > 0.5
        )

    def holds(self, other):
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )


class Picture:
    """An SVG, measured: boxes, texts as wide as they are in DejaVu Sans, and lines."""

    fonts = {
        bold: FT2Font(
            matplotlib.font_manager.findfont(
                matplotlib.font_manager.FontProperties(
                    family="DejaVu Sans", weight="bold" if bold else "normal"
                )
            )
        )
        for bold in (False, True)
    }

    def __init__(self, svg):
        self.root = ElementTree.fromstring(svg)
        self.page = Rect(*map(float, self.root.get("viewBox").split()))
        (self.graph,) = self.root.findall(f"{SVG}g")
        shift = re.fullmatch(r"translate\((\d+) (\d+)\)", self.graph.get("transform"))
        self.shift = tuple(map(int, shift.groups()))
        self.units = self._groups("unit")
        self.fifos = self._groups("fifo") | self._groups("fifo long")
        self.boxes = [self.rect(element) for element in self.graph.iter(f"{SVG}rect")]
        self.texts = [
            *(self._text(element, (0, 0)) for element in self.root.findall(f"{SVG}text")),
            *(self._text(element, self.shift) for element in self.graph.iter(f"{SVG}text")),
        ]

    def _groups(self, kind):
        found = [g for g in self.graph if g.get("class") == kind]
        groups = {g.get("data-name"): g for g in found}
        assert len(groups) == len(found)
        return groups

    def rect(self, element):
        x, y, width, height = (float(element.get(n)) for n in ("x", "y", "width", "height"))
        x, y = x + self.shift[0], y + self.shift[1]
        return Rect(x, y, x + width, y + height)

    def _text(self, element, shift):
        size = float(element.get("font-size"))
        font = self.fonts[element.get("font-weight") == "bold"]
        font.set_size(size, 72)
        font.set_text(element.text)
        width = font.get_width_height()[0] / 64
        part = {"start": 0, "middle": 0.5, "end": 1}[element.get("text-anchor")]
        left = float(element.get("x")) + shift[0] - part * width
        baseline = float(element.get("y")) + shift[1]
        return Rect(left, baseline - 0.73 * size, left + width, baseline + 0.2 * size)

    def lines(self):
        """Corners of every FIFO's line, by name; the arrowhead's tip is the last."""
        found = {}
        for name, group in self.fifos.items():
            line, head = group.findall(f"{SVG}path")[:2]
            tip, *_ = self._points(head)
            found[name] = [*self._points(line), tip]
        return found

    def _points(self, path):
        return [
            (float(x) + self.shift[0], float(y) + self.shift[1])
            for x, y in re.findall(r"([-\d.]+) ([-\d.]+)", path.get("d"))
        ]


def words(element):
    return [text.text for text in element.iter(f"{SVG}text")]


def arrows(text, dut, drawer):
    """Source, target and label of every arrow in Mermaid or DOT; ports and units by their names."""
    arrow = {
        draw.to_mermaid: r'^ +(\w+) [=-]+>\|"(.*)"\| (\w+)$',
        draw.to_dot: r'^ +(\w+) -> (\w+) \[label="(.*?)", tooltip',
    }[drawer]
    found = re.findall(arrow, text, re.MULTILINE)
    if drawer is draw.to_mermaid:
        found = [(source, target, label) for source, label, target in found]
    return found
