"""``sdpaflow compare``: one table, one figure."""

import json
import re
from pathlib import Path

import pytest
from helpers.cli import DATA, refused, sdpaflow


@pytest.mark.slow
def test_compare(folder, capsys):
    """One table with a row per pipeline, one figure, and the reports."""
    assert sdpaflow("compare", *DATA, "--pipelines", "all", "--json", "c.json") == 0
    printed = capsys.readouterr()
    for name in ("naive", "reordered", "scaled", "scaled-reordered", "memory-free"):
        (row,) = re.findall(rf"^ *{name} +(.*)$", printed.out, re.MULTILINE)
        assert len(row.split()) == 12
        assert row.split()[10] == "yes"
    assert Path("compare.png").read_bytes().startswith(b"\x89PNG")
    assert [report["pipeline"] for report in json.loads(Path("c.json").read_text())][
        -1
    ] == "memory-free"
    assert printed.err == ""


@pytest.mark.slow
def test_compare_ones_own(own, capsys):
    """Attentions of one's own stand beside the others; each is given the arguments it takes.

    The figure may be an SVG, the table Markdown.
    """
    names = "naive,twice.py:Twice,twice.py:Stored"
    words = [*DATA, "--pipelines", names, "--arg", "times=1.0", "--json", "c.json"]
    assert sdpaflow("compare", *words, "--figure", "f.svg", "--markdown") == 0
    reports = json.loads(Path("c.json").read_text())
    assert [report["pipeline"] for report in reports] == ["naive", "twice", "stored"]
    assert all(report["bit_exact"] for report in reports)
    assert all(report["max_abs_error"] < 2 * report["output_ulp"] for report in reports)
    assert reports[0]["cycles"] == reports[2]["cycles"]
    assert "<svg" in Path("f.svg").read_text()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    assert [line.split()[1] for line in lines[2:]] == ["naive", "twice", "stored"]


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("pipeline must be one of naive, ", ["--pipelines", "naive,x"]),
        ("pipelines must differ, not be naive,naive", ["--pipelines", "naive,naive"]),
        (
            "none of these pipelines stores rows: leave out row_max",
            ["--pipelines", "reordered", "--row-max", 9],
        ),
        ("figure must be a .png or .svg file, not a.jpg", ["--figure", "a.jpg"]),
        ("must be at least 1, not 0", ["--jobs", 0]),
        ("none of naive, memory-free takes an argument times", ["--arg", "times=2"]),
        (
            "normalise.py:Normalise is no class of Attention: only those can be compared",
            ["--pipelines", "naive,normalise.py:Normalise"],
        ),
        (
            "twice.py:whole is no class of Attention: only those can be compared",
            ["--pipelines", "naive,twice.py:whole"],
        ),
        (
            "Times must be above 0, not -1",
            ["--pipelines", "naive,twice.py:Twice", "--arg", "times=-1"],
        ),
        ("unrecognized arguments: --mark", ["--mark"]),
    ],
)
def test_refusals(own, capsys, message, arguments):
    """One line, and nothing is started."""
    refused(capsys, message, "compare", *arguments)
