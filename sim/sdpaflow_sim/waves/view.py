"""Save files for GTKWave that open ready to read: states of streams, real numbers, fill levels."""

import hashlib
import io
import math
import os
from os import PathLike
from pathlib import Path
from typing import Any

from sdpaflow.graph import Dataflow, Edge, Node
from sdpaflow.numerics import Carry
from sdpaflow.units import Unit

from sdpaflow_sim.engines.cycle import streams_of
from sdpaflow_sim.outputs import FilePath, replacing, staged
from sdpaflow_sim.waves.gtkwave import STATES, Dump, FlatSaveFile, SaveFile

__all__ = ["is_own", "save_path", "save_view", "states_path"]

MARK = "[sdpaflow]"
"""Begins a save file, with a digest of the rest: one that was edited is told by that."""

SCOPE = "bench.top.dut"
"""Where both engines put a design in their dumps."""

CHARACTER, COLUMN, BORDERS = 8, 50, 70
"""Pixels of a name's character, of the rest of the column of names, of what else is no wave."""

FRAME = 200
"""Pixels that ``2**-zoom`` units of time take in GTKWave."""

ROUTING = ("Fork", "Repeat", "Replay")
"""Units that compute nothing: their data is on view elsewhere, and folded away here."""


def save_path(vcd_path: str | PathLike[str]) -> Path:
    """Where the save file of a dump belongs: beside it."""
    return Path(vcd_path).with_suffix(".gtkw")


def states_path(save_path: str | PathLike[str]) -> Path:
    """Where the names and colours of states belong: beside the save file."""
    return Path(save_path).with_suffix(".states.txt")


def save_view(
    path: str | PathLike[str],
    vcd_path: str | PathLike[str],
    dut: Any,
    *,
    size: tuple[int, int] = (1600, 1000),
    top: str | None = None,
) -> None:
    """Write a save file for the dump of a :class:`Dataflow` or of a single unit.

    Streams are listed in the order the data flows, inputs first, outputs last. Each has a row for
    its state, by colour: nothing offered (black), a token waits (red), a token moves (green), and
    it closes a group (brighter) or the outermost group (brightest). Rows for its data follow, fixed
    point as real numbers and a vector by its first lane; they hold only where a token is offered.
    The level of a long FIFO is drawn below the stream that goes in, those of the others at the end.

    Rows marked ``▸`` open by a double click: a state on its bits and on the unit's inputs and
    flags, a first lane on the other lanes.

    The names of states and their colours are in a file of their own beside it, which GTKWave finds
    there wherever both are moved to.

    Parameters
    ----------
    path : path
        Where to write it.
    vcd_path : path
        The dump, as :func:`simulate` writes it.
    dut : :class:`wiring.Component`
        What was simulated.
    size : tuple of :class:`int`
        Width and height of the window, in pixels. What the dump has is zoomed to fit it.
    top : :class:`str`
        Name of the top module, if the dump is that of the exported Verilog in Verilator. Levels of
        short FIFOs are not in it. Dumps of both engines are told apart without it.

    Raises
    ------
    ValueError
        The dump is of another design, or no VCD file.
    """
    dump = Dump(staged(vcd_path), vcd_path)
    text = io.StringIO()
    flat = top or not any("__payload.data" in name for name in dump.widths)
    states = os.path.abspath(states_path(path))
    view = FlatSaveFile(text, dump, states) if flat else SaveFile(text, dump, states)
    view.scope = top or SCOPE
    view.dumpfile(str(vcd_path))
    view.savefile(str(path))
    for name in ("clk", "rst"):
        if f"{view.scope}.{name}" in dump.widths:  # a combinational unit has none
            view.bits(f"{view.scope}.{name}", 1, name)
    (_dataflow if isinstance(dut, Dataflow) else _unit)(view, dut)
    column = COLUMN + CHARACTER * view.longest
    waves = max(size[0] - column - BORDERS, FRAME)
    view.timestart(dump.start)
    view.size(*size)
    view.zoom_markers(-math.log2(max(dump.end - dump.start, 1) * FRAME / waves))
    view.treeopen(view.scope)
    view.signals_width(column)
    view.sst_expanded(False)
    body = text.getvalue()
    with replacing(path) as file:
        file.write_text(f"{MARK} {_digest(body)}\n{body}", encoding="utf-8")
    with replacing(states_path(path)) as file:
        file.write_text(STATES.read_text(encoding="utf-8"), encoding="utf-8")


def is_own(path: FilePath) -> bool:
    """Whether a save file is as :func:`save_view` wrote it, or there is none."""
    try:
        head, _, body = Path(path).read_text(encoding="utf-8").partition("\n")
    except FileNotFoundError:
        return True
    except (OSError, UnicodeDecodeError):
        return False
    return head == f"{MARK} {_digest(body)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _unit(view: SaveFile, dut: Any) -> None:
    for streams in streams_of(dut):
        for name, stream in streams.items():
            _port(view, f"{view.scope}.{name}", stream, name, name)
    _flags(view, view.scope, dut)
    if hasattr(dut, "level"):
        view.level(view.scope, dut, f"level of {dut.depth}")


def _dataflow(view: SaveFile, dut: Dataflow) -> None:
    for name, edge in dut.input_edges.items():
        _port(view, f"{view.scope}.{edge.name}_fifo.i", edge.fifo.i, f"{name}: input", name)
    for node in dut.nodes:
        for port, edge in node.outputs.items():
            _result(view, node, port, edge)
            if edge.is_long:
                fifo = f"{view.scope}.{edge.name}_fifo"
                view.level(fifo, edge.fifo, f"{edge.name} level of {edge.depth}")
                _port(view, f"{fifo}.o", edge.fifo.o, f"{edge.name}: out of its FIFO", edge.name)
    for name, edge in dut.output_edges.items():
        _port(view, f"{view.scope}.{edge.name}_fifo.o", edge.fifo.o, f"{name}: output", name)
    levels = {f"{view.scope}.{edge.name}_fifo": edge for edge in dut.edges if not edge.is_long}
    levels = {fifo: edge for fifo, edge in levels.items() if view.has_level(fifo)}
    if levels:
        with view.group("levels of short FIFOs"):
            for fifo, edge in levels.items():
                view.level(fifo, edge.fifo, f"{edge.name} of {edge.depth}")


def _port(view: SaveFile, scope: str, stream: Any, title: str, name: str) -> None:
    """A stream at a border, with nothing but its bits behind it."""
    with view.state(scope, stream, title):
        view.handshake(scope, stream)
    view.data(scope, stream, name)


def _result(view: SaveFile, node: Node, port: str, edge: Edge) -> None:
    """What a unit gives, and behind it what it is given."""
    scope, unit = f"{view.scope}.{node.name}", node.unit
    given, stream = f"{scope}.{port}", getattr(unit, port)
    if view.at_fifos:
        given = f"{view.scope}.{edge.name}_fifo.i"
    with view.state(given, stream, f"{edge.name}: {_what(unit)}"):
        view.handshake(given, stream)
        if node.kind in ROUTING:
            view.data(given, stream, edge.name)
        for name, source in node.inputs.items():
            taken = f"{view.scope}.{source.name}_fifo.o" if view.at_fifos else f"{scope}.{name}"
            _port(view, taken, getattr(unit, name), f"in: {source.name}", source.name)
        _flags(view, scope, unit)
    if node.kind not in ROUTING:
        view.data(given, stream, edge.name)


def _flags(view: SaveFile, scope: str, unit: Any) -> None:
    for flag in unit.events:
        view.bits(f"{scope}.{flag}", 1, flag)


def _what(unit: Unit) -> str:
    """Kind of a unit, and of its function."""
    kind, fn = type(unit).__name__, getattr(unit, "fn", None)
    while isinstance(fn, Carry):
        fn = fn.fn
    return f"{kind} {type(fn).__name__}" if fn else kind
