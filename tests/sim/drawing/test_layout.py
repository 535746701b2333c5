"""How it is drawn: legible, every box and text for itself, no line across another."""

import itertools

import pytest
from helpers.drawings import (
    SVG,
    Chain,
    Nest,
    Picture,
    Rect,
    duts,
    every_graph,
    every_pipeline,
    peaks_of,
    pipeline,
    with_and_without_peaks,
)
from sdpaflow.pipelines import PIPELINES
from sdpaflow_sim.drawing import draw


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
    """Rows pass above and come down on what waits; q goes straight on; k and v too, or come up."""
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
            assert (x == last_x and before > last) or first == before == last
        elif edge.name == "q":
            assert abs(first - last) < 10


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


@pytest.mark.parametrize(("name", "height"), [("naive", 460), ("memory-free", 330)])
def test_compared_pipelines_are_low(name, height):
    """At d = lanes, with and without peaks, memory-free fits one band, and naive two."""
    dut = pipeline(name)
    for peaks in (None, {edge.name: edge.depth for edge in dut.edges}):
        assert Picture(draw.to_svg(dut, peaks)).page.bottom < height


def test_long_chain_goes_on_below():
    """A graph too wide for a page continues in further bands, like text."""
    picture = Picture(draw.to_svg(Chain()))
    assert picture.page.right <= 1237
    bands = {}
    for box in picture.boxes[:40]:
        bands[box.top] = max(bands.get(box.top, 0), box.right)
    assert len(bands) == 5
    assert max(bands.values()) - min(bands.values()) < 200
