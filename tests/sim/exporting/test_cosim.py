# amaranth: UnusedElaboratable=no
"""cocotb on exported Verilog: what a failure says, and when something is built anew."""

import re
import shutil

import pytest
from amaranth.hdl import unsigned
from helpers.bench import raises
from helpers.cosim import FOLDER
from sdpaflow.units import Fifo
from sdpaflow_sim.errors import CosimulationError, ToolError
from sdpaflow_sim.exporting import cosim
from sdpaflow_sim.exporting.cosim import cosimulate

pytestmark = pytest.mark.slow

BENCH = """
import cocotb
from cocotb.triggers import Timer

@cocotb.test()
async def right(dut):
    await Timer(1, "ns")

@cocotb.test()
async def wrong(dut):
    await Timer(1, "ns")
    assert int(dut.o__valid.value) == 1, "nothing is offered"
"""


@pytest.fixture
def fifo(tmp_path):
    """Runs a bench on a FIFO."""
    bench = tmp_path / "bench.py"
    bench.write_text(BENCH, encoding="ascii")

    def run(depth=2, folder=FOLDER, **options):
        fifo = Fifo(unsigned(8), 0, depth)
        return cosimulate(fifo, "fifo", bench, folder=folder, run=tmp_path, **options)

    return run


def test_failures_are_told(fifo):
    """By name of the test, with what cocotb said; those that pass are not."""
    with pytest.raises(CosimulationError) as failure:
        fifo()
    said = str(failure.value)
    assert re.match(r"1 of 2 tests failed in fifo on verilator; the log is .*/bench\.log\n", said)
    assert "wrong: " in said
    assert "nothing is offered" in said
    assert "right: " not in said


@pytest.mark.icarus
def test_built_once(fifo, tmp_path):
    """The same design is not built again, another one under the same name is."""
    options = {"folder": tmp_path / "build", "simulator": "icarus", "only": "right"}
    assert fifo(**options).tests == ["right"]
    program = tmp_path / "build" / "icarus" / "fifo" / "sim" / "sim.vvp"
    built = program.stat().st_mtime_ns
    fifo(**options)
    assert program.stat().st_mtime_ns == built
    fifo(depth=1, **options)
    assert program.stat().st_mtime_ns != built


def test_no_tests(fifo):
    """A bench in which nothing is found to run is a failure too."""
    with pytest.raises(CosimulationError, match="fifo on verilator"):
        fifo(only="nowhere")


def test_verilog_that_is_none(tmp_path):
    """What the simulator says of it is handed on."""
    with pytest.raises(ToolError, match=r"verilator did not build x:\n.*syntax error") as failure:
        cosimulate("module x; endmodul", "x", tmp_path / "bench.py", folder=tmp_path)
    assert len(str(failure.value).splitlines()) <= cosim.LINES + 1


def test_missing_tools(tmp_path, monkeypatch):
    """The message says how to get them."""
    found = shutil.which
    monkeypatch.setattr(cosim.shutil, "which", lambda tool: None)
    for simulator, message in [
        ("icarus", "Icarus Verilog is not installed: apt-get install iverilog"),
        ("verilator", "Verilator takes make: apt-get install make g++ perl"),
    ]:
        with raises(ToolError, message):
            cosimulate("", "x", tmp_path / "bench.py", simulator=simulator, folder=tmp_path)
    monkeypatch.setattr(cosim.shutil, "which", found)
    with raises(ValueError, "simulator must be one of verilator, icarus, not 'vcs'"):
        cosimulate("", "x", tmp_path / "bench.py", simulator="vcs", folder=tmp_path)
