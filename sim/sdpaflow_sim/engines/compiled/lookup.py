"""Which library a design has: found without making its netlist, where that has been done before.

A library is called by a digest of the netlist and of all else that it depends on. Beside it lie
small files, called by a digest of what the design is made of (see :mod:`.identity`), each of which
holds the name of a library. So a design whose sources have changed and whose netlist has not is not
built anew.
"""

import sys
from pathlib import Path

import amaranth

from sdpaflow_sim.engines.compiled.cache import (
    PURPOSE,
    check,
    folder,
    is_sound,
    keep,
    key,
    workshop,
)
from sdpaflow_sim.engines.compiled.compiler import compiler, machine
from sdpaflow_sim.engines.compiled.harness import Harness
from sdpaflow_sim.engines.compiled.identity import identity, sources
from sdpaflow_sim.errors import ToolError
from sdpaflow_sim.verilog import verilator

__all__ = ["is_built", "library", "unavailable"]


def unavailable() -> str | None:
    """Why no design can be compiled here, in one sentence; None if one can."""
    try:
        compiler()
        verilator.home(PURPOSE)
        check()
    except ToolError as error:
        return str(error)
    return None


def is_built(harness: Harness, *, traced: bool = False) -> bool:
    """Whether the library of a :class:`Harness` is there already."""
    if _known(_note(harness, traced)) is not None:
        return True
    from sdpaflow_sim.engines.compiled.build import path_of

    return is_sound(path_of(harness, traced=traced))


def library(harness: Harness, *, traced: bool = False) -> Path:
    """Path of the library of a :class:`Harness`, built if it is not there.

    Raises
    ------
    ToolError
        It has to be built, and cannot be.
    """
    note = _note(harness, traced)
    known = _known(note)
    if known is None:
        from sdpaflow_sim.engines.compiled.build import build

        known = build(harness, traced=traced)
        if note is not None:
            with workshop() as work:
                (work / "note").write_text(known.name, encoding="ascii")
                keep(work / "note", note)
    return known


def _note(harness: Harness, traced: bool) -> Path | None:
    """The file that holds the library's name, be it there or not; None without an identity."""
    design, project = identity(harness.driver.dut), sources()
    if design is None or project is None:
        return None
    path, *arguments = compiler()
    real = Path(path).resolve()
    program = [str(real), str(real.stat().st_size), str(real.stat().st_mtime_ns), *arguments]
    tools = [sys.version, amaranth.__version__, str(verilator.home(PURPOSE)), verilator.version()]
    watched = sorted(harness.driver.watched)
    digest = key(design, project, str(traced), *watched, machine() or "", *program, *tools)
    return folder() / f"{digest}.library"


def _known(note: Path | None) -> Path | None:
    """The library that a file names; None where either is missing."""
    if note is None or not is_sound(note):
        return None
    name = note.read_bytes().partition(b"\n")[0].decode("ascii")
    path = folder() / name
    return path if is_sound(path) else None
