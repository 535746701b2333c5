"""``sdpaflow depths``: a line for every FIFO."""

import json
from pathlib import Path

import pytest
from helpers.cli import refused, sdpaflow


def rows(text):
    """Cells of the table's lines, by the first."""
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}


def test_command(folder, capsys):
    """A line per FIFO, and all of it in JSON."""
    assert sdpaflow("depths", "--pipeline", "naive", "--n", 5, "--d", 1, "--json", "d.json") == 0
    out = capsys.readouterr().out
    assert out.startswith("naive, 5 queries, 5 keys, d = 1, 1 lanes: 99 cycles as built\n")
    assert rows(out)["row"] == ["e_ij_fork", "el_ij", "19", "4", "159", "19"]
    found = json.loads(Path("d.json").read_text())
    assert found["cycles"] == 99
    assert len(found["fifos"]) == 17
    assert next(f for f in found["fifos"] if f["name"] == "row")["full_rate"] == 19


def test_an_attention_of_ones_own(own, capsys):
    """It is measured as those of the package are: Naive by another name, with the same depths."""
    words = ["--n", 5, "--d", 1, "--json", "d.json"]
    assert sdpaflow("depths", "--pipeline", "twice.py:Stored", *words) == 0
    out = capsys.readouterr().out
    assert out.startswith("twice.py:Stored, 5 queries, 5 keys, d = 1, 1 lanes: 99 cycles as built")
    assert rows(out)["row"] == ["e_ij_fork", "el_ij", "19", "4", "159", "19"]


def test_a_pipeline_of_ones_own(own, capsys):
    """Any other is run with random tokens, or with those of files: N − 1 words complete."""
    made = ["depths", "--pipeline", "normalise.py:Normalise", "--arg", "row_max=9"]
    assert sdpaflow(*made, "--n", 6) == 0
    out = capsys.readouterr().out
    assert out.startswith("normalise, 36 tokens at x: ")
    assert rows(out)["row"][2:4] == ["12", "5"]
    Path("x.json").write_text("[[1, 2, 3, 4], [1, 2]]")
    assert sdpaflow(*made, "--input", "x=x.json", "--json", "d.json") == 0
    assert rows(capsys.readouterr().out)["row"][2:4] == ["12", "3"]
    found = json.loads(Path("d.json").read_text())
    assert found["pipeline"], found["inputs"] == ("normalise", {"x": 6})
    assert [fifo["name"] for fifo in found["fifos"]][:2] == ["x", "x_sum"]


NORMALISE = ["--pipeline", "normalise.py:Normalise", "--arg", "row_max=9"]


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("pipeline must be one of naive", ["--pipeline", "nive"]),
        ("must be at least 1, not 0", ["--pipeline", "naive", "--n", 0]),
        ("must be at least 1, not 0", ["--pipeline", "naive", "--d", 0]),
        ("must be at least 1, not 0", ["--pipeline", "naive", "--lanes", 0]),
        ("must be at least 0, not -1", ["--pipeline", "naive", "--seed", -1]),
        (
            "lanes must divide d = 4; none of 3 does",
            ["--pipeline", "naive", "--d", 4, "--lanes", 3],
        ),
        ("rows may have up to 65536 keys, not 65537", ["--pipeline", "naive", "--n", 65537]),
        ("no/such: there is no folder no", ["--pipeline", "naive", "--json", "no/such"]),
        (
            "naive is an attention, which takes --n and --d, not --input",
            ["--pipeline", "naive", "--input", "q=q.npy"],
        ),
        (
            "--d is for a class of Attention, which normalise.py:Normalise is not",
            [*NORMALISE, "--d", 4],
        ),
        (
            "--lanes is for a class of Attention, which normalise.py:Normalise is not",
            [*NORMALISE, "--lanes", 4],
        ),
        (
            "--n counts random tokens; leave it out with --input",
            [*NORMALISE, "--n", 4, "--input", "x=x.json"],
        ),
    ],
)
def test_refusals(own, capsys, message, arguments):
    """One line, exit code 2."""
    refused(capsys, message, "depths", *arguments)


def test_rows_that_are_longer_than_it_is_built_for(own, capsys):
    """A deadlock as built is no riddle: the default rows of 16 may be too long."""
    words = ["--pipeline", "normalise.py:Normalise", "--arg", "row_max=4", "--engine", "amaranth"]
    assert sdpaflow("depths", *words) == 1
    assert capsys.readouterr().err.endswith(
        "; as it is built it may be for shorter rows than these: give --n, or --input\n"
    )
    assert sdpaflow("depths", *words, "--n", 4) == 0
