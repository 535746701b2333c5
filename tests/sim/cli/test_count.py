"""``sdpaflow count``: flip-flops and memory bits."""

import json
import re
from pathlib import Path

from helpers.cli import DATA, refused, sdpaflow


def test_count(folder, capsys):
    """Every unit and FIFO has a line, and the totals are their sums."""
    assert sdpaflow("count", "--pipeline", "naive", *DATA, "--json", "c.json") == 0
    counted = json.loads(Path("c.json").read_text())
    assert sum(entry["flip_flops"] for entry in counted["entries"]) == counted["flip_flops"]
    out = capsys.readouterr().out
    for entry in counted["entries"]:
        assert re.search(rf"^ *{entry['name']} ", out, re.MULTILINE)


def test_count_of_ones_own(own, capsys):
    """Any pipeline is counted; its line says what it was made with."""
    made = ["--pipeline", "normalise.py:Normalise", "--arg", "row_max=9", "--arg", "spare=4"]
    assert sdpaflow("count", *made) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "normalise, row_max=9, spare=4"
    (row,) = [line.split() for line in lines if line.split()[:1] == ["row_fifo"]]
    assert row[1] == "16"


def test_refusals(folder, capsys):
    """One line."""
    refused(capsys, "the following arguments are required: --pipeline", "count")
    refused(
        capsys,
        "no/c.json: there is no folder no",
        "count",
        "--pipeline",
        "naive",
        "--json",
        "no/c.json",
    )
