"""The C++ compiler: which one, what it is told, and how it is run."""

import contextlib
import functools
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from sdpaflow_sim.engines.compiled.cache import PURPOSE
from sdpaflow_sim.errors import ToolError, killed

__all__ = ["SLOW", "call", "compile_all", "compiler", "fast", "identified", "machine"]

FLAGS = [
    "-std=c++17",
    "-fPIC",
    "-fvisibility=hidden",
    "-DVM_COVERAGE=0",
    "-DVM_SC=0",
    "-DVL_IGNORE_UNKNOWN_ARCH",
    "-DNDEBUG",  # Verilator's own assertions take a library that clang++ does not link
    "-w",
]
SLOW = ("-O1",)
"""For what runs once."""

LARGE = 1 << 20
"""Bytes of C++ from which on g++ gains by more than ``-O2``."""

POLL = 0.01


def compiler() -> list[str]:
    """The C++ compiler as a list of arguments: ``CXX``, or the first of the usual ones.

    clang++ goes first: what it makes of memory-free runs 1.25 times as fast with one lane and 1.4
    times with 64, and it takes two thirds of the time.

    Raises
    ------
    ToolError
        There is none.
    """
    given = shlex.split(os.environ.get("CXX", ""))
    names = [given[0]] if given else ["clang++", "g++", "c++"]
    for name in names:
        if found := shutil.which(name):
            return [found, *given[1:]]
    if given:
        raise ToolError(f"{PURPOSE} takes a C++ compiler, but there is no CXX = {given[0]}")
    raise ToolError(
        f"{PURPOSE} takes a C++ compiler (apt-get install g++, or set CXX); "
        "the engine amaranth takes none"
    )


@functools.cache
def machine() -> str | None:
    """What native code of this machine takes: its processor's features; None where not known."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None
    lines = (line for line in text.splitlines() if line.startswith(("flags", "model name")))
    found = sorted(set(lines))
    return "\n".join(found) if any(line.startswith("flags") for line in found) else None


@functools.cache
def _version(path: str) -> str:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return said.stdout


def identified() -> list[str]:
    """What the compiler's output depends on, beside its input."""
    command = compiler()
    return [_version(command[0]), *command, machine() or "", *FLAGS, *SLOW, *fast(0), *fast(LARGE)]


def fast(size: int) -> tuple[str, ...]:
    """How a design is optimized that is so many bytes of C++.

    Measured on memory-free, against ``-O2``: native code by g++ is 5 % slower with one lane and
    18 % faster with 64; by clang++ 8 and 33 % faster.
    """
    native = ("-O3", "-march=native") if machine() else ("-O3",)
    clang = "clang" in _version(compiler()[0])
    return native if clang or size >= LARGE else ("-O2",)


def compile_all(
    files: Sequence[tuple[Path, Sequence[str]]], work: Path, *options: str
) -> list[Path]:
    """Objects of C++ files, each with its own flags, one process per core.

    Raises
    ------
    ToolError
        There is no compiler, or it failed.
    """
    objects = [work / f"{file.stem}.o" for file, _ in files]
    program, *given = compiler()  # whose own flags come last, and so have the last word
    commands = [
        [program, *flags, *FLAGS, *options, f"-I{work}", *given, "-c", str(file), "-o", str(made)]
        for (file, flags), made in zip(files, objects, strict=True)
    ]
    call(work, *commands)
    return objects


def call(work: Path, *commands: list[str], env: Mapping[str, str] | None = None) -> None:
    """Run programs, one per core at a time; however this ends, none is left running.

    Their temporary files are in the folder ``work``, and go with it.

    Raises
    ------
    ToolError
        One of them failed; the message is its own.
    """
    waiting = list(commands)
    env = {**(os.environ if env is None else env), "TMPDIR": str(work)}
    running: dict[subprocess.Popen[bytes], Any] = {}
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
    if process.returncode < 0:
        return f"{Path(program[0]).name} {killed(-process.returncode)}"
    return f"{Path(program[0]).name} failed: {line.strip()}"
