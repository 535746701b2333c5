"""The command study on pipelines of one's own."""

import csv
import sys
from pathlib import Path

import pytest
from helpers.cli import refused, sdpaflow
from sdpaflow_sim.study.points import Point

OWN = """
from sdpaflow.pipelines import Naive


class Mine(Naive):
    def __init__(self, config, words=1):
        super().__init__(config)
        self.resize({"row": config.row_max + words})
"""


@pytest.mark.slow
def test_pipelines_of_ones_own(tmp_path, monkeypatch, capsys):
    """They are resolved in every process; table, figures and page have them beside the others."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("mine.py").write_text(OWN)
    words = ["--pipelines", "naive,mine.py:Mine", "--arg", "words=40", "--engine", "amaranth"]
    try:
        assert sdpaflow("study", *words, "--n", "8", "--out", "out") == 0
        point = Point("mine.py:Mine", 1, 1, 8, 0, "amaranth", ("words=40",))
        key = point.key
        Path("mine.py").write_text(f"# Another source.{OWN}")
        assert point.key != key
    finally:
        sys.modules.pop("mine")
    assert "page: out/index.html" in capsys.readouterr().out
    with open("out/study.csv", newline="") as file:
        naive, own = csv.DictReader(file)
    assert (own["pipeline"], own["long_words"], own["published"]) == ("mine.py:Mine", "48", "")
    assert own["cycles"] == naive["cycles"]
    html = Path("out/index.html").read_text()
    assert "--pipelines naive,mine.py:Mine --arg words=40" in html
    assert html.count("<td>mine.py:Mine</td>") == 1
    assert [path.name.rsplit("-", 1)[0] for path in sorted(Path("out/points").iterdir())] == [
        "Mine-d1-l1-n8", "naive-d1-l1-n8"
    ]  # fmt: skip


def test_refusals(tmp_path, monkeypatch, capsys):
    """Only attentions have N queries over N keys."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("other.py").write_text("from sdpaflow.graph import Dataflow\nclass Other(Dataflow): pass")
    message = "other.py:Other is no class of Attention: only those can be compared"
    try:
        refused(capsys, message, "study", "--pipelines", "other.py:Other", "--out", "out")
    finally:
        sys.modules.pop("other")
