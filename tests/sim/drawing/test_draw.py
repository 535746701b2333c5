"""Drawings as files: the same bytes again, fit for who reads them; one call for each kind."""

import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest
from helpers.bench import raises
from helpers.drawings import (
    DRAWERS,
    SVG,
    Square,
    every_drawing,
    every_graph,
    every_pipeline,
    peaks_of,
    pipeline,
    with_and_without_peaks,
)
from sdpaflow_sim.drawing import draw
from sdpaflow_sim.errors import InputError


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


@pytest.mark.parametrize("kind", DRAWERS)
def test_one_call_draws_every_kind(kind):
    """Peaks included."""
    dut = pipeline("naive")
    assert draw.draw(dut, kind) == DRAWERS[kind](dut)
    assert draw.draw(dut, kind, peaks=peaks_of(dut)) == DRAWERS[kind](dut, peaks_of(dut))
    assert draw.draw(dut) == draw.to_mermaid(dut)


@pytest.mark.parametrize("kind", ["png", "", None, ["svg"]])
def test_other_kinds_are_refused(kind):
    with raises(InputError, f"kind must be one of mermaid, dot, svg, not {kind!r}"):
        draw.draw(pipeline("naive"), kind)


def test_only_graphs_are_drawn():
    with raises(TypeError, "draw takes a Dataflow, not 'naive'"):
        draw.draw("naive")
