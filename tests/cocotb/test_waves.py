"""The waveform of a cocotb run, and its save file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.gtkw import Samples, parse
from sdpaflow_sim.attention.inputs import build, sample
from sdpaflow_sim.attention.run import model

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "scripts" / "waves_cocotb.py"


def test_script(tmp_path):
    """Every row is in the dump; the numbers shown for the output are the results, exactly."""
    name = "naive"
    size = ["--queries", "3", "--keys", "4", "--lanes", "4"]
    command = [sys.executable, SCRIPT, name, *size, "--out", tmp_path]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    folder, top = tmp_path / name, name.replace("-", "_")
    assert f"gtkwave {folder / 'dump.gtkw'}" in said
    save, dump = parse(folder / "dump.gtkw"), Samples(folder / "dump.vcd", f"{top}.clk")
    for row in save.rows:
        for plain, width, _ in map(dump.find, row.names):
            assert dump.widths[plain] == width
    assert any(row.alias.startswith("row level") for row in save.rows)

    q, k, v = sample(0, 3)
    head = q[:3], k[:4], v[:4]
    pipeline = build(name, [head], lanes=4)
    (edge,) = pipeline.output_edges.values()
    handshake = [f"{top}.{edge.name}_fifo.o__{bit}" for bit in ("valid", "ready")]
    moves = np.array(dump.bits(handshake)) == "11"
    lanes = [row for row in save.rows if row.alias.startswith("o[")]
    shown = np.array([dump.shown(row) for row in lanes]).T[moves]
    wanted = model(pipeline, *head)["outputs"]
    assert (shown.reshape(wanted.shape) == wanted).all()
