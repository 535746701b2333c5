"""Compiled designs: built by Verilator and a C++ compiler."""

import os
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from sdpaflow_sim.engines.compiled.cache import (
    PURPOSE,
    folder,
    is_sound,
    keep,
    key,
    workshop,
)
from sdpaflow_sim.engines.compiled.compiler import (
    SLOW,
    call,
    compile_all,
    compiler,
    fast,
    identified,
)
from sdpaflow_sim.engines.compiled.cpp import TOP, glue
from sdpaflow_sim.engines.compiled.harness import Harness
from sdpaflow_sim.verilog import verilator
from sdpaflow_sim.verilog.convert import PASSES as READABLE
from sdpaflow_sim.verilog.convert import from_rtlil
from sdpaflow_sim.verilog.names import rename
from sdpaflow_sim.verilog.yosys import yosys

__all__ = ["build", "path_of", "replicated"]

# Registers get their enables (`opt_dff`), so that what waits is not copied in every cycle: 1.2
# times as fast. Plain `opt` finds no more, and takes a minute for a design of 64 lanes.
PASSES = """
proc
opt_clean
opt_expr
opt_merge
opt_dff
opt_clean
opt_expr
opt_merge
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
RUNTIME = ["verilated", "verilated_threads"]
TRACED = ["--trace-vcd"]
TRACER = ["verilated_vcd_c"]

RUN = re.compile(r"(?<=[{,] )([^{},]+)((?:, \1(?=, | \})){2,})")
"""Three or more times the same within a concatenation."""


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
    if is_sound(path):
        return path
    runtime = _runtime(traced)
    with workshop() as work:
        source = work / "top.v"
        written = from_rtlil(PURPOSE, text, "top") if traced else yosys(PURPOSE, text, PASSES)
        source.write_text(replicated(written), encoding="utf-8")
        _verilate(source, work, TRACED if traced else [])
        (work / "glue.cpp").write_text(joined, encoding="utf-8")
        made = sorted(work.glob(f"{TOP}*.cpp"))
        slow = [file for file in made if "Slow" in file.name]
        includes = [f'#include "{file.name}"\n' for file in slow]
        (work / "slow.cpp").write_text("".join(includes), encoding="utf-8")
        often = [file for file in made if file not in slow and file.stem != TOP]
        often.sort(key=lambda file: -file.stat().st_size)
        flags = fast(sum(file.stat().st_size for file in often))
        files = [*((file, flags) for file in often), (work / "slow.cpp", SLOW)]
        objects = _compile([*files, (work / "glue.cpp", flags)], work, traced)
        library = work / "library.so"
        call(
            work,
            [*compiler(), "-shared", *map(str, objects), *map(str, runtime), "-o", str(library)],
        )
        keep(library, path)
    return path


def path_of(harness: Harness, *, traced: bool = False) -> Path:
    """Where the library of a :class:`Harness` is, or is going to be."""
    return _path(_rtlil(harness, traced), glue(harness), traced)


def replicated(text: str) -> str:
    """Verilog in which equal parts of a concatenation, one after another, are counted.

    ``{ s[7], s[7], s[7], s }`` becomes ``{ {3{s[7]}}, s }``. Yosys writes sign extensions out, of
    which Verilator makes so much C++ that it takes the compiler four times as long.
    """
    return RUN.sub(lambda m: f"{{{1 + m[2].count(f', {m[1]}')}{{{m[1]}}}}}", text)


def _rtlil(harness: Harness, traced: bool) -> str:
    """The design as RTLIL, with names that can be read where they are going to be."""
    return rename(harness.rtlil) if traced else harness.rtlil


def _tools() -> list[str]:
    """What a library depends on beside its design."""
    verilator.home(PURPOSE)
    versions = [verilator.version(), metadata.version("amaranth")]
    return [*identified(), *versions, PASSES, RUN.pattern, *VERILATOR_FLAGS]


def _path(text: str, joined: str, traced: bool = False) -> Path:
    more = [*TRACED, READABLE] if traced else []
    return folder() / f"{key(*_tools(), text, joined, *more)}.so"


def _runtime(traced: bool = False) -> list[Path]:
    """Verilator's own part of every library, compiled once."""
    include = verilator.home(PURPOSE) / "include"
    names = RUNTIME + (TRACER if traced else [])
    paths = {name: folder() / f"{name}-{key(*_tools(), name)}.o" for name in names}
    missing = [name for name, path in paths.items() if not is_sound(path)]
    if missing:
        with workshop() as work:
            objects = _compile([(include / f"{name}.cpp", ["-O2"]) for name in missing], work)
            for name, made in zip(missing, objects, strict=True):
                keep(made, paths[name])
    return list(paths.values())


def _verilate(source: Path, work: Path, more: Sequence[str]) -> None:
    home = verilator.home(PURPOSE)
    flags = [*VERILATOR_FLAGS, *more]
    call(
        work,
        [str(home / "bin" / "verilator_bin"), *flags, "--Mdir", str(work), str(source)],
        env={**os.environ, "VERILATOR_ROOT": str(home)},
    )


def _compile(
    files: Sequence[tuple[Path, Sequence[str]]], work: Path, traced: bool = False
) -> list[Path]:
    include = verilator.home(PURPOSE) / "include"
    options = [f"-DVM_TRACE={int(traced)}", f"-I{include}", f"-I{include / 'vltstd'}"]
    return compile_all(files, work, *options)
