"""``sdpaflow graph``: drawings."""

import re
from pathlib import Path

import pytest
from helpers.cli import DATA, refused, sdpaflow


@pytest.mark.parametrize(
    ("name", "start"), [("g.svg", "<"), ("g.dot", "digraph"), ("g.mmd", "flowchart")]
)
def test_graph(folder, name, start):
    """A drawing's form follows the name of its file; after a run it has the peaks."""
    assert sdpaflow("graph", "--pipeline", "naive", *DATA, "--out", name) == 0
    assert start in Path(name).read_text()[:200]
    quiet = Path(name).read_text()
    assert sdpaflow("graph", "--pipeline", "naive", *DATA, "--run", "--out", name) == 0
    assert Path(name).read_text() != quiet


def test_graph_prints_mermaid(folder, capsys):
    """Without a file the drawing is printed, as Mermaid."""
    assert sdpaflow("graph", "--pipeline", "memory-free", "--tokens", 4) == 0
    assert "flowchart" in capsys.readouterr().out


def test_graph_of_ones_own(own, capsys):
    """Any pipeline is drawn; after a run it has the peaks."""
    made = ["graph", "--pipeline", "normalise.py:Normalise", "--arg", "row_max=16"]
    assert sdpaflow(*made) == 0
    drawn = capsys.readouterr().out
    assert "row 19 words" in drawn
    assert sdpaflow(*made, "--run", "--tokens", 5) == 0
    assert re.search(r"row 19 words<br/>peak ([5-9]|1[0-9]) of 19", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("format must be one of mermaid, dot, svg, not 'pdf'", ["--out", "g.pdf"]),
        ("invalid choice: 'pdf'", ["--format", "pdf"]),
        ("no/g.svg: there is no folder no", ["--out", "no/g.svg"]),
        ("unrecognized arguments: --form svg", ["--form", "svg"]),
    ],
)
def test_refusals(folder, capsys, message, arguments):
    """One line, and no drawing."""
    refused(capsys, message, "graph", "--pipeline", "naive", *arguments)
