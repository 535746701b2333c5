"""The table of all pipelines: what is finished is kept, what has changed is measured again."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from sdpaflow_sim.errors import DoesNotFitError
from sdpaflow_sim.fpga.report import FpgaReport

SCRIPT = Path(__file__).parents[3] / "scripts/fpga_table.py"


@pytest.fixture
def script(monkeypatch):
    """The script as a module, for designs whose Verilog is told quickly."""
    spec = importlib.util.spec_from_file_location("fpga_table", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fpga_table", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "verilog_of", lambda pipeline: repr(pipeline.config))
    return module


@pytest.fixture
def table(script, monkeypatch, tmp_path, capsys):
    """Runs the script with tools that take no time; returns the rows, and what was measured."""
    measured = []

    def implement(pipeline, device, logs, *, seeds, jobs, tell):
        measured.append((type(pipeline).__name__, pipeline.config.row_max, seeds))
        if pipeline.config.row_max == 64:
            raise DoesNotFitError("The design does not fit: it takes 2 of 1")
        counts = {"lut": 1234, "ff": 5, "dsp": 2, "bram": 0}
        runs = [{"seed": s + 1, "fmax_mhz": 50.0 + s, "critical_path": {}} for s in range(seeds)]
        sha = script.sha256(script.verilog_of(pipeline))
        return FpgaReport(
            "p", device.name, {}, {}, 2, counts, {}, {}, 2, 2, seeds=runs, verilog_sha256=sha
        )

    monkeypatch.setattr(script, "implement", implement)

    def run(*options):
        measured.clear()
        words = ["fpga_table", "--d", "1", "--row-max", "32,64", "--out", tmp_path, *options]
        monkeypatch.setattr(sys, "argv", [str(word) for word in words])
        script.main()
        lines = capsys.readouterr().out.splitlines()[2:]
        rows = [[word.strip() for word in line.strip("|").split("|")] for line in lines]
        return rows, list(measured)

    return run


def test_resumed(table, tmp_path):
    """Each design is measured once, and again if it was with fewer seeds or other Verilog."""
    options = ["--pipelines", "memory-free,naive", "--seeds", "2"]
    rows, measured = table(*options)
    figures = ["1,234", "5", "2", "0", "50%", "51.0", "50.5", "2", "25.5"]
    assert rows == [
        ["`memory-free`", "any", *figures],
        ["`naive`", "32", *figures],
        ["`naive`", "64", "does not fit: it takes 2 of 1", *[""] * 8],
    ]
    assert measured == [("MemoryFree", None, 2), ("Naive", 32, 2), ("Naive", 64, 2)]
    kinds = ("memory_free_d1_l1", "naive_d1_l1_r32", "naive_d1_l1_r64")
    names = [f"ecp5-85f_{kind}_q4_12_k4_12_v4_12" for kind in kinds]
    assert sorted(path.stem for path in tmp_path.iterdir()) == names

    assert table(*options) == (rows, [])
    assert table(*options[:3], "1") == (rows, [])
    assert table(*options[:3], "3")[1] == [("MemoryFree", None, 3), ("Naive", 32, 3)]

    file = tmp_path / f"{names[0]}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "verilog_sha256": "other"}))
    assert table(*options)[1] == [("MemoryFree", None, 2)]


def test_old_and_missing(script, table, tmp_path):
    """A figure of other Verilog than today's is marked; one that is not there is not made up."""
    table("--pipelines", "naive")
    (file,) = tmp_path.glob("*_r32_*.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "verilog_sha256": "other"}))
    designs = list(script.pipelines(["naive", "scaled"], 1, [32]))
    old, missing, _, note = script.table(tmp_path, designs, ["a", "b"]).splitlines()[2:]
    assert old.startswith("| `naive` | 32 * | 1,234 | ")
    assert missing.startswith("| `scaled` | 32 | not measured | ")
    assert note == "\\* Of an earlier version of this design."
    assert "earlier" not in script.table(tmp_path, designs[1:], ["a", "b"])


def test_best_and_median():
    """Of several seeds the fastest counts; the median is told beside it."""
    runs = [{"seed": s, "fmax_mhz": f, "critical_path": {}} for s, f in ((1, 40), (2, 60), (3, 47))]
    report = FpgaReport("p", "ecp5-85f", {}, {}, 2, {}, {}, {}, 2, 2, seeds=runs)
    found = report.to_dict()
    assert (found["fmax_mhz"], found["fmax_mhz_median"]) == (60, 47)
    assert (report.best["seed"], report.scores_per_second) == (2, 30e6)
