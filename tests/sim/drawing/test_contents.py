"""What is drawn: all that is in the graph, once, and the long FIFOs loud."""

import re

import pytest
from helpers.drawings import (
    SVG,
    Picture,
    arrows,
    every_drawing,
    every_graph,
    every_pipeline,
    peaks_of,
    pipeline,
    with_and_without_peaks,
    words,
)
from sdpaflow.pipelines import PIPELINES
from sdpaflow_sim.drawing import describe, draw


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
    assert functions["wv_ij"] == "weigh"
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
    assert depths["row"] > depths["a_beats"] > depths["e_ij"]
    assert widths["row"] > 1.5 * widths["a_beats"] > 1.5 * widths["e_ij"]


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
    assert '"row 159 words"' in links[int(number)]


@every_drawing
@every_pipeline
def test_peaks_are_shown(drawer, name, beats):
    """``peak/depth`` along short FIFOs, ``peak 158 of 159`` along long ones."""
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
    assert "row 159 words" in text
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
    assert shapes["w_sum"] == "{weight: UQ(0,17), down: UQ(4,0), shift: UQ(5,0)}"
    tip = Picture(draw.to_svg(dut, {"k": 1})).fifos["k"].find(f"{SVG}title").text
    assert tip == "k: FIFO of 2 words, peak 1; 8 × SQ(4,12), rank 2"
