"""``sdpaflow export``: what is handed on, and what is refused."""

import pytest
from helpers.cli import DATA, refused, sdpaflow
from sdpaflow_sim.exporting import write


@pytest.fixture
def asked(monkeypatch):
    """What the command asks the library for, in place of files."""
    calls = []
    monkeypatch.setattr(write, "export", lambda *a, **options: calls.append((*a, options)) or [])
    return calls


def test_an_attention(own, asked):
    """The package's own go with their heads; one's own with the words that name it, too."""
    assert sdpaflow("export", "--pipeline", "naive", *DATA, "--out", "out", "--ports", "axi") == 0
    assert sdpaflow("export", "--unit", "Scan", "--d", 4, "--out", "out", "--test-tokens", 5) == 0
    words = ["--pipeline", "twice.py:Twice", "--arg", "times=3.5", "--lanes", 2, *DATA]
    assert sdpaflow("export", *words, "--out", "out") == 0
    (naive, _, first), (free, _, unit), (twice, out, last) = asked
    assert (naive.name, free.name, twice.name, out) == ("naive", "memory-free", "twice", "out")
    assert (first["ports"], first["command"], first["inputs"]) == ("axi", None, None)
    assert [len(array) for array in first["heads"][0]] == [3, 5, 5]
    assert (unit["unit"], unit["tokens"], unit["command"]) == ("Scan", 5, None)
    assert (twice.times, twice.config.lanes) == (3.5, 2)
    assert last["command"] == "--pipeline twice.py:Twice --arg times=3.5"


def test_any_other_pipeline(own, asked):
    """It goes with its streams: random ones, or those of files."""
    words = ["export", "--pipeline", "normalise.py:Normalise", "--arg", "row_max=9", "--out", "out"]
    assert sdpaflow(*words, "--test-tokens", 3) == 0
    (own / "x.json").write_text("[[1, 2, 3, 4], [1, 2]]")
    assert sdpaflow(*words, "--input", "x=x.json") == 0
    (pipeline, _, at_random), (_, _, from_file) = asked
    assert (type(pipeline).__name__, at_random["tokens"]) == ("Normalise", 3)
    assert (at_random["heads"], at_random["inputs"]) == (None, None)
    assert {port: len(stream) for port, stream in from_file["inputs"].items()} == {"x": 6}
    assert from_file["command"] == "--pipeline normalise.py:Normalise --arg row_max=9"


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("--pipeline says what to export, or --unit", ["--d", 4]),
        ("must be at least 1, not 0", ["--pipeline", "naive", "--test-tokens", 0]),
        ("must be at least 1, not 0", ["--pipeline", "naive", "--d", 0]),
        ("must be at least 1, not -1", ["--pipeline", "naive", "--d", 4, "--dv", -1]),
        ("invalid choice: 'axe'", ["--pipeline", "naive", "--ports", "axe"]),
        ("unrecognized arguments: --po axi", ["--pipeline", "naive", "--po", "axi"]),
    ],
)
def test_refusals(folder, capsys, message, arguments):
    """One line, and no folder."""
    refused(capsys, message, "export", "--out", "out", *arguments)
