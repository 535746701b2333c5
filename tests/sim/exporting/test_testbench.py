# amaranth: UnusedElaboratable=no
"""Testbenches in plain Verilog: what they say of a right design, and of a wrong one."""

import os
import re
import subprocess

import numpy as np
import pytest
from helpers.exports import HEADS, SHAPES, exported, simulate
from sdpaflow.numerics import SQ
from sdpaflow_sim.attention.inputs import build, sample_of, split_heads
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.exporting.write import PORTS, export
from sdpaflow_sim.verilog.verilator import home

pytestmark = pytest.mark.slow

UNITS = {
    "memory-free": [
        "s_ij",
        "x_ij",
        "x_ij_fifo",
        "w_ij",
        "w_ij_fork",
        "l_i",
        "a_i",
        "a_beats_fifo",
        "o_i",
    ],
    "naive": ["qk_ij", "row_fifo", "p_ij"],
}


@pytest.mark.icarus
@pytest.mark.parametrize(("name", "lanes", "ports"), SHAPES)
def test_testbench(tmp_path, name, lanes, ports):
    """It passes, in as many cycles as Amaranth's simulator counts."""
    _, top, dut = exported(tmp_path, name, lanes, ports)
    code, said = simulate(tmp_path, top)
    cycles = run(dut, *map(np.array, HEADS[0])).cycles
    tokens = len(HEADS[0][0]) * dut.config.dv_beats
    assert (code, said) == (0, f"{tokens} output tokens in {cycles} cycles\nPASS\n")


@pytest.mark.icarus
def test_odd_formats(tmp_path):
    """Elements that do not fill bytes, values of another length, and clamped results."""
    odd = {"q": SQ(3, 8), "k": SQ(4, 6), "v": SQ(3, 10), "o": SQ(1, 9)}
    heads = split_heads(*sample_of(6, 4, 8))
    for ports in PORTS:
        folder, top, _ = exported(tmp_path, lanes=3, ports=ports, heads=heads, **odd)
        code, said = simulate(folder, top)
        assert (code, said.splitlines()[-1]) == (0, "PASS"), said


@pytest.mark.icarus
@pytest.mark.parametrize("ports", PORTS)
def test_altered_vector(tmp_path, ports):
    """One wrong bit in one vector: it fails, and names the token."""
    _, top, _ = exported(tmp_path, lanes=2, ports=ports)
    path = tmp_path / f"{top}_tb_o.hex"
    lines = path.read_text().splitlines()
    lines[5] = lines[5][:-1] + f"{int(lines[5][-1], 16) ^ 1:x}"
    path.write_text("\n".join(lines))
    code, said = simulate(tmp_path, top)
    assert code == 1
    assert said.startswith("FAIL: token 5 of o (query 2, beat 1), pass 0: expected ")
    assert f"{lines[5]}, got " in said
    assert "PASS" not in said


@pytest.mark.icarus
def test_stuck_design(tmp_path):
    """A design that gives nothing ends the testbench all the same."""
    _, top, _ = exported(tmp_path)
    path = tmp_path / f"{top}.v"
    text = path.read_text()
    path.write_text(text.replace(".o__valid(o__valid)", ".o__valid()"))
    code, said = simulate(tmp_path, top)
    assert code == 1
    assert re.match(r"FAIL: after \d+ cycles, 0 tokens came out\n", said)
    assert "PASS" not in said


@pytest.mark.icarus
@pytest.mark.parametrize(
    ("pipeline", "unit"), [(name, unit) for name, units in UNITS.items() for unit in units]
)
def test_units(tmp_path, pipeline, unit):
    """A unit passes on the streams that go through it in its pipeline; one bit less, and not."""
    dut = build(pipeline, HEADS, lanes=2)
    written = export(dut, tmp_path, heads=HEADS, unit=unit)
    top = written[0].stem
    code, said = simulate(tmp_path, top)
    assert (code, said.splitlines()[-1]) == (0, "PASS"), said
    vectors = [path for path in written if re.search(r"_tb_o\d?\.hex", path.name)][-1]
    *lines, last = vectors.read_text().splitlines()
    vectors.write_text("\n".join([*lines, last[:-1] + f"{int(last[-1], 16) ^ 1:x}"]))
    code, said = simulate(tmp_path, top)
    assert code == 1
    assert f"FAIL: token {len(lines)} of o" in said


def test_verilator(tmp_path):
    """The same testbench compiles with Verilator, and passes."""
    _, top, _ = exported(tmp_path, lanes=2)
    root = home("This test")
    command = (
        f"--binary --timing -Wno-fatal -O0 -CFLAGS -fcoroutines -CFLAGS -O0 {top}.v {top}_tb.v"
    )
    subprocess.run(
        [root / "bin" / "verilator_bin", *command.split(), "--top-module", f"{top}_tb"],
        cwd=tmp_path,
        env=os.environ | {"VERILATOR_ROOT": str(root)},
        check=True,
        capture_output=True,
    )
    done = subprocess.run(
        [f"obj_dir/V{top}_tb"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "PASS\n" in done.stdout
