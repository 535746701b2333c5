"""Drawings: all that is in the graph, once, legible, and the long FIFOs loud."""

import functools
import itertools
import re
import shutil
import subprocess
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
from sdpaflow_sim.drawing import describe, draw

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


# What is drawn.


@every_graph
@with_and_without_peaks
def test_svg_has_every_unit_and_fifo_once(build, with_peaks):
    """Groups of the picture are the graph's nodes and edges, the tooltips name them."""
    dut = build()
    picture = Picture(draw.to_svg(dut, peaks_of(dut) if with_peaks else None))
    assert list(picture.units) == [node.name for node in dut.nodes]
    assert sorted(picture.fifos) == sorted(edge.name for edge in dut.edges)
    for node in dut.nodes:
        tip = picture.units[node.name].find(f"{SVG}title").text
        assert tip.startswith(f"{node.name}: {node.kind}")
    terminals = [words(g) for g in picture.graph if g.get("class") == "terminal"]
    assert terminals == [[port] for port in (*dut.input_edges, *dut.output_edges)]


@every_pipeline
def test_units_show_kind_function_and_name(name, beats):
    """Three lines, or two where a unit computes nothing; a fork is a point with its kind."""
    dut = pipeline(name, beats)
    picture = Picture(draw.to_svg(dut))
    shown = {name: words(unit) for name, unit in picture.units.items()}
    for node in dut.nodes:
        if node.kind == "Fork":
            assert shown[node.name] == ["Fork"]
        elif hasattr(node.unit, "fn"):
            assert shown[node.name] == [node.kind, describe.function(node), node.name]
        else:
            assert shown[node.name] == [node.kind, node.name]


def test_functions_read_well():
    """A function in a few letters, also where it is wrapped to carry something along."""
    functions = {
        node.name: describe.function(node)
        for name in PIPELINES
        for node in pipeline(name, beats=4).nodes
    }
    assert functions["part_ij"] == "dot"
    assert functions["w_ij"] == "exp2"
    assert functions["wv_ij"] == "multiply"
    assert functions["m_ij"] == "running max"
    assert functions["x_ij"] == "rescaling"
    assert functions["o_i"] == "divide"
    assert functions["qk_ij"] == ""


@pytest.mark.parametrize("drawer", [draw.to_mermaid, draw.to_dot], ids=["mermaid", "dot"])
@every_pipeline
def test_text_has_every_unit_and_edge_once(drawer, name, beats):
    """One line per unit, one arrow per edge, between the right ends."""
    dut = pipeline(name, beats)
    text = drawer(dut)
    for node in dut.nodes:
        assert len(re.findall(rf"^ +unit_{node.name}(?=[\[(]| \[)", text, re.MULTILINE)) == 1
    expected = [
        (
            f"unit_{edge.source.name}" if edge.source else f"in_{edge.source_port}",
            f"unit_{edge.target.name}" if edge.target else f"out_{edge.target_port}",
        )
        for edge in dut.edges
    ]
    assert [ends[:2] for ends in arrows(text, dut, drawer)] == expected


@every_drawing
def test_a_name_that_differs_is_written(drawer):
    """Branches of a fork are named along their FIFOs; others are called like the unit before."""
    text = drawer(pipeline("memory-free", beats=4))
    for label in ("w_sum 2", "w_num 2", "a_beats 4 words"):
        assert text.count(label) == 1
    assert "l_i 2" not in text


@every_pipeline
def test_heading(name, beats):
    """The pipeline's name and configuration, and what its FIFOs hold."""
    dut = pipeline(name, beats)
    texts = [text.text for text in Picture(draw.to_svg(dut)).root.findall(f"{SVG}text")]
    assert texts[0] == name
    assert texts[1].startswith(f"{sum(edge.depth for edge in dut.edges)} words in FIFOs")
    assert texts[2] == str(dut.config)


# The difference at a glance.


@every_graph
def test_long_fifos_are_loud_in_svg(build):
    """Thick, coloured and in words; all others thin, grey and just a number."""
    dut = build()
    picture = Picture(draw.to_svg(dut))
    for edge in dut.edges:
        group = picture.fifos[edge.name]
        line = group.find(f"{SVG}path")
        width, colour = float(line.get("stroke-width")), line.get("stroke")
        red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
        if edge.depth > 2:
            assert group.get("class") == "fifo long"
            assert width >= 4
            assert red > 1.4 * green > 1.4 * blue
            assert words(group) == [f"{edge.name} {edge.depth} words"]
        else:
            assert group.get("class") == "fifo"
            assert width < 2
            assert max(red, green, blue) - min(red, green, blue) < 30
            assert re.fullmatch(r"(\w+ )?\d", *words(group))


def test_the_deeper_the_louder():
    """A row is drawn thicker than the few beats of a vector."""
    dut = pipeline("scaled-reordered", beats=4)
    depths = {edge.name: edge.depth for edge in dut.edges}
    lines = {n: g.find(f"{SVG}path") for n, g in Picture(draw.to_svg(dut)).fifos.items()}
    widths = {name: float(line.get("stroke-width")) for name, line in lines.items()}
    assert depths["row"] > depths["a_beats"] > depths["x_ij"]
    assert widths["row"] > 1.5 * widths["a_beats"] > 1.5 * widths["x_ij"]


@pytest.mark.parametrize(
    ("name", "loud"),
    [("naive", 1), ("reordered", 0), ("scaled", 2), ("scaled-reordered", 1), ("memory-free", 0)],
)
def test_loud_edges(name, loud):
    """As many as the pipeline has rows to store, in every kind of drawing."""
    dut = pipeline(name)
    assert draw.to_mermaid(dut).count("==>") == draw.to_mermaid(dut).count("linkStyle") == loud
    assert draw.to_dot(dut).count("penwidth") == loud
    assert draw.to_svg(dut).count('class="fifo long"') == loud


def test_mermaid_styles_the_right_link():
    """Mermaid counts links from 0, in the order in which they are written."""
    lines = draw.to_mermaid(pipeline("naive")).splitlines()
    links = [line for line in lines if "-->" in line or "==>" in line]
    (number,) = re.findall(r"linkStyle (\d+) ", "\n".join(lines))
    assert '"row 148 words"' in links[int(number)]


@every_drawing
@every_pipeline
def test_peaks_are_shown(drawer, name, beats):
    """``peak/depth`` along short FIFOs, ``peak 147 of 148`` along long ones."""
    dut = pipeline(name, beats)
    peaks = peaks_of(dut)
    text = drawer(dut, peaks)
    for edge in dut.edges:
        if edge.depth > 2:
            assert text.count(f"peak {peaks[edge.name]} of {edge.depth}") == 1
        else:
            assert text.count(f"{peaks[edge.name]}/{edge.depth}") == 1


@every_drawing
def test_peaks_of_some(drawer):
    """Where a peak is not known the depth stands alone."""
    text = drawer(pipeline("naive"), {"e_sum": 1})
    assert "e_sum 1/2" in text
    assert "row 148 words" in text
    assert "peak " not in text.replace("peak/depth", "").replace("peak 1;", "")


@every_drawing
def test_peaks_of_strangers(drawer):
    """A peak that belongs to no edge is a mistake, not ignored."""
    with pytest.raises(
        ValueError, match=r"^Peaks must be of the graph's FIFOs, not of e_wait, s_wait$"
    ):
        drawer(pipeline("naive"), {"row": 3, "s_wait": 1, "e_wait": 2})


def test_shapes_are_read_aloud():
    """Tooltips give elements as one would say them."""
    dut = pipeline("memory-free", beats=4)
    shapes = {
        edge.name: describe.shape_text(edge.fifo.o.payload.shape().members["data"])
        for edge in dut.edges
    }
    assert shapes["k"] == "8 × SQ(4,12)"
    assert shapes["w_sum"] == "{weight: UQ(0,17), down: UQ(3,0), shift: UQ(5,0)}"
    tip = Picture(draw.to_svg(dut, {"k": 1})).fifos["k"].find(f"{SVG}title").text
    assert tip == "k: FIFO of 2 words, peak 1; 8 × SQ(4,12), rank 2"


# How it is drawn.


@every_graph
@with_and_without_peaks
def test_everything_is_on_the_page(build, with_peaks):
    """All boxes, texts and lines are in the view box, with a margin."""
    dut = build()
    picture = Picture(draw.to_svg(dut, peaks_of(dut) if with_peaks else None))
    page = Rect(15, 15, picture.page.right - 15, picture.page.bottom - 15)
    for rect in (*picture.boxes, *picture.texts):
        assert page.holds(rect)
    for x, y in itertools.chain(*picture.lines().values()):
        assert page.holds(Rect(x, y, x, y))


@every_graph
@with_and_without_peaks
def test_boxes_do_not_overlap(build, with_peaks):
    """Boxes keep clear of each other."""
    dut = build()
    picture = Picture(draw.to_svg(dut, peaks_of(dut) if with_peaks else None))
    assert len(picture.boxes) == len(dut.nodes) + len(dut.input_edges) + len(dut.output_edges)
    for one, other in itertools.combinations(picture.boxes, 2):
        assert not one.overlaps(other)


@every_graph
@with_and_without_peaks
def test_texts_do_not_overlap(build, with_peaks):
    """Texts keep clear of each other and are within a box or clear of it."""
    dut = build()
    peaks = {edge.name: edge.depth for edge in dut.edges}
    picture = Picture(draw.to_svg(dut, peaks if with_peaks else None))
    for one, other in itertools.combinations(picture.texts, 2):
        assert not one.overlaps(other)
    for text, box in itertools.product(picture.texts, picture.boxes):
        assert box.holds(text) or not box.overlaps(text)


@every_graph
def test_lines_go_around_boxes(build):
    """A FIFO's line touches the boxes it joins, and passes through none."""
    dut = build()
    picture = Picture(draw.to_svg(dut))
    for points in picture.lines().values():
        for (a, b), box in itertools.product(itertools.pairwise(points), picture.boxes):
            inner = Rect(box.left + 1, box.top + 1, box.right - 1, box.bottom - 1)
            assert not Rect.around(a, b).overlaps(inner)


@every_graph
def test_lines_end_apart(build):
    """Every FIFO arrives at a point of its own, on the border of a box."""
    picture = Picture(draw.to_svg(build()))
    ends = [points[-1] for points in picture.lines().values()]
    for (x, y), (other_x, other_y) in itertools.combinations(ends, 2):
        assert abs(x - other_x) + abs(y - other_y) > 5
    for x, y in ends:
        borders = [
            box
            for box in picture.boxes
            if (abs(x - box.left) < 0.2 and box.top <= y <= box.bottom)
            or (min(abs(y - box.top), abs(y - box.bottom)) < 0.2 and box.left <= x <= box.right)
        ]
        assert len(borders) == 1


@pytest.mark.parametrize("build", [p for p in duts() if p.id != "Tangle"])
def test_lines_do_not_cross(build):
    """Where it can be avoided, no two FIFOs cross; branches may share their way out of a fork."""
    dut = build()
    lines = Picture(draw.to_svg(dut)).lines()
    sources = {edge.name: edge.source for edge in dut.edges}
    for one, other in itertools.combinations(lines, 2):
        if sources[one] is None or sources[one] is not sources[other]:
            for a, b in itertools.product(
                itertools.pairwise(lines[one]), itertools.pairwise(lines[other])
            ):
                assert not Rect.around(*a).overlaps(Rect.around(*b))


@pytest.mark.parametrize("name", PIPELINES)
def test_reads_like_the_figure_in_the_docstring(name):
    """Rows pass above and come down on what waits, q goes straight on, k and v come from below."""
    dut = pipeline(name)
    picture = Picture(draw.to_svg(dut))
    lines = picture.lines()
    for edge in dut.edges:
        points = lines[edge.name]
        (_, first), *_, (x, before), (last_x, last) = points
        if edge.depth > 2:
            assert min(y for _, y in points) < min(first, last) - 20
            assert x == last_x
            assert before < last
        elif edge.name in {"k", "v"}:
            assert x == last_x
            assert before > last
        elif edge.name == "q":
            assert first == last


def test_branches_keep_close():
    """What does not have to be far off is right above or below what it leads to."""
    dut = Nest()
    picture = Picture(draw.to_svg(dut))
    rects = {name: picture.rect(unit.find(f"{SVG}rect")) for name, unit in picture.units.items()}
    apart = sorted([rects["a1"], rects["b1"]], key=lambda rect: rect.top)
    assert 5 < apart[1].top - apart[0].bottom < 20


@every_pipeline
def test_fits_the_width_of_a_page(name, beats):
    """Shrunk to 900 pixels, the smallest text is still 8 pixels high."""
    picture = Picture(draw.to_svg(pipeline(name, beats)))
    sizes = [float(text.get("font-size")) for text in picture.root.iter(f"{SVG}text")]
    assert min(sizes) * min(1, 900 / picture.page.right) >= 8


@pytest.mark.parametrize("name", ["naive", "memory-free"])
def test_compared_pipelines_are_one_line_each(name):
    """Both fit one band at d = lanes, with and without peaks, so that they can be compared."""
    dut = pipeline(name)
    for peaks in (None, {edge.name: edge.depth for edge in dut.edges}):
        assert Picture(draw.to_svg(dut, peaks)).page.bottom < 330


def test_long_chain_goes_on_below():
    """A graph too wide for a page continues in further bands, like text."""
    picture = Picture(draw.to_svg(Chain()))
    assert picture.page.right <= 1237
    bands = {}
    for box in picture.boxes[:40]:
        bands[box.top] = max(bands.get(box.top, 0), box.right)
    assert len(bands) == 5
    assert max(bands.values()) - min(bands.values()) < 200


@every_drawing
@every_pipeline
def test_deterministic(drawer, name, beats):
    """The same graph gives the same bytes."""
    once, again = (drawer(pipeline.__wrapped__(name, beats, d=8)) for _ in range(2))
    assert once == again


@every_graph
def test_svg_stands_alone(build):
    """No script, no style sheet, nothing fetched, and white ground for dark pages."""
    root = ElementTree.fromstring(draw.to_svg(build()))
    names = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert names <= {"svg", "g", "title", "rect", "path", "text"}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not {a for a in attributes if "href" in a or a == "style" or a.startswith("on")}
    ground = root.find(f"{SVG}rect")
    assert ground.get("fill") == "#ffffff"
    assert (ground.get("width"), ground.get("height")) == (root.get("width"), root.get("height"))


def test_mermaid_quotes_what_would_be_markup():
    """Only characters' numbers of quotes, brackets and the like are left within labels."""
    (label,) = re.findall(
        r'unit0\["Map<br/>add<br/>(.*)"\]', draw.to_mermaid(Square()).replace("unit1", "unit0")
    )
    assert label == "2·x #34;#60;b#62;#34; #38; #35;35; \\"


@pytest.mark.graphviz
@every_graph
@with_and_without_peaks
def test_graphviz_takes_it(build, with_peaks):
    """Graphviz draws it without a word."""
    assert shutil.which("dot"), "Graphviz is missing; on Debian: apt-get install graphviz"
    dut = build()
    text = draw.to_dot(dut, peaks_of(dut) if with_peaks else None)
    done = subprocess.run(
        ["dot", "-Tsvg"], input=text, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stderr == ""
    root = ElementTree.fromstring(done.stdout)
    kinds = [group.get("class") for group in root.iter(f"{SVG}g")]
    ports = len(dut.input_edges) + len(dut.output_edges)
    assert kinds.count("node") == len(dut.nodes) + ports
    assert kinds.count("edge") == len(dut.edges)
