"""A first evening: the wheel, an empty folder, one file of one's own, the command line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PIPELINE = ["--pipeline", "my.py:Ramp", "--arg", "longest=2"]


@pytest.fixture(scope="module")
def evening(tmp_path_factory):
    """A folder with one file and its rows, and a function that runs a command in it."""
    site, folder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("evening")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--target", str(site), str(ROOT)]
    subprocess.run([*pip, *options], check=True)
    shutil.copy(Path(__file__).with_name("my.py"), folder)
    (folder / "rows.json").write_text("[[1, 2, 3.5], [4, 5, 6, 7, 8], [9]]", encoding="ascii")

    def run(*words, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "sdpaflow_sim", *map(str, words)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert done.stderr == ""
        return done.stdout

    where = subprocess.run(
        [sys.executable, "-c", "import sdpaflow_sim; print(sdpaflow_sim.__file__)"],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(site))
    return folder, run


def test_run(evening):
    """Every bit checked; outputs, report, waveform and its save file are there."""
    folder, run = evening
    files = ["--vcd", "w.vcd", "--out", "o.npz", "--json", "r.json"]
    said = run("run", *PIPELINE, "--input", "x=rows.json", *files)
    assert "bit-exact      yes" in said
    assert "long: 2 at place" in said
    outputs = np.load(folder / "o.npz")
    # Halves have 4 fraction bits: 0.5 + 1 + 1.75, 2 + 2.5 + 3 + 3.5 + 4, 4.5
    assert outputs["total"].tolist() == [3.25, 15.0, 4.5]
    assert json.loads((folder / "r.json").read_text())["bit_exact"] is True
    assert "bench.top.dut" in (folder / "w.gtkw").read_text()


def test_drawn_counted_sized(evening):
    """The figure names the units; all flip-flops are counted; every FIFO has its least depth."""
    _, run = evening
    drawing = run("graph", *PIPELINE)
    assert all(name in drawing for name in ("half", "total", "place", "Count"))
    assert "Count" in run("count", *PIPELINE)
    assert "words to" in run("depths", *PIPELINE, "--input", "x=rows.json")


@pytest.mark.icarus
@pytest.mark.parametrize("ports", ["native", "axi"])
def test_exported(evening, ports):
    """Icarus says PASS, and the command in the header makes the same Verilog again."""
    folder, run = evening
    out = folder / ports
    run("export", *PIPELINE, "--input", "x=rows.json", "--ports", ports, "--out", out)
    (core,) = out.glob("*.core")
    name = core.stem
    build = ["iverilog", "-g2005-sv", "-o", "tb.vvp", f"{name}.v", f"{name}_tb.v"]
    subprocess.run(build, cwd=out, check=True)
    done = subprocess.run(["vvp", "-n", "tb.vvp"], cwd=out, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()[-1]) == (0, "PASS")
    command = json.loads((out / f"{name}.json").read_text())["command"].split()
    assert command[:2] == ["sdpaflow", "export"]
    run(*command[1:])
    assert (folder / f"{name}.v").read_bytes() == (out / f"{name}.v").read_bytes()


def test_synthesized(evening):
    """The open flow takes it as it is, and every unit has its resources."""
    folder, run = evening
    said = run("fpga", *PIPELINE, "--synth-only", "--json", "f.json", "--logs", "logs")
    assert "only synthesized: no frequency" in said
    report = json.loads((folder / "f.json").read_text())
    assert report["pipeline"] == "ramp"
    assert {"half", "total", "place", "x_fifo"} <= report["units"].keys()
