"""Save files for GTKWave that open ready to read: states of streams, real numbers, fill levels."""

import math
import mmap
from contextlib import contextmanager
from pathlib import Path

from amaranth.hdl import Shape
from amaranth.lib import data
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import Carry, fixed
from vcd.gtkw import GTKWColor, GTKWFlag, GTKWSave

from sdpaflow_sim.amaranth_engine import streams_of

__all__ = ["save_path", "write_gtkw"]

SCOPE = "bench.top.dut"
"""Where Amaranth's simulator puts a design in its dumps."""

STATES = Path(__file__).with_name("data") / "stream_states.txt"
"""What GTKWave shows for a stream's ``last`` bits (outermost first), valid and ready."""

COLUMN = 230
"""Width of the column of names, in pixels."""

BORDERS = 70
"""Width of what is neither names nor waves, in pixels."""

FRAME = 200
"""Pixels that ``2**-zoom`` units of time take in GTKWave."""

OPENS = "▸"
"""Mark of a signal with others folded away behind it, for which GTKWave has none of its own."""

ROUTING = ("Fork", "Repeat", "Replay")
"""Units that compute nothing: their data is on view elsewhere, and folded away here."""


def save_path(vcd_path):
    """Where the save file of a dump belongs: beside it."""
    return Path(vcd_path).with_suffix(".gtkw")


def write_gtkw(path, vcd_path, dut, *, size=(1600, 1000)):
    """Write a save file for the dump of a :class:`Dataflow` or of a single unit.

    Streams are listed in the order the data flows, inputs first, outputs last. Each has a row for
    its state, by colour: nothing offered (black), a token waits (red), a token moves (green), and
    it closes a group (brighter) or the outermost group (brightest). Rows for its data follow, fixed
    point as real numbers and a vector by its first lane; they hold only where a token is offered.
    The level of a long FIFO is drawn below the stream that goes in, those of the others at the end.

    Rows marked ``▸`` open by a double click: a state on its bits and on the unit's inputs and
    flags, a first lane on the other lanes.

    Parameters
    ----------
    path : path
        Where to write it.
    vcd_path : path
        The dump, as :func:`simulate` writes it.
    dut : :class:`wiring.Component`
        What was simulated.
    size : tuple of :class:`int`
        Width and height of the window, in pixels. The whole run is zoomed to fit it.

    Raises
    ------
    ValueError
        The dump is of another design, or no VCD file.
    """
    dump = _Dump(vcd_path)
    with open(path, "w", encoding="utf-8") as file:
        view = _View(file, dump)
        view.dumpfile(str(vcd_path))
        view.savefile(str(path))
        view.timestart(0)
        view.size(*size)
        waves = max(size[0] - COLUMN - BORDERS, FRAME)
        view.zoom_markers(-math.log2(max(dump.end, 1) * FRAME / waves))
        view.treeopen(SCOPE)
        view.signals_width(COLUMN)
        view.sst_expanded(False)
        for name in ("clk", "rst"):
            if f"{SCOPE}.{name}" in dump.widths:  # a combinational unit has none
                view.bits(f"{SCOPE}.{name}", 1, name)
        (_dataflow if isinstance(dut, Dataflow) else _unit)(view, dut)


def _unit(view, dut):
    for streams in streams_of(dut):
        for name, stream in streams.items():
            _port(view, f"{SCOPE}.{name}", stream, name, name)
    _flags(view, SCOPE, dut)
    if hasattr(dut, "level"):
        view.level(SCOPE, dut, f"level of {dut.depth}")


def _dataflow(view, dut):
    for name, edge in dut.input_edges.items():
        _port(view, f"{SCOPE}.{edge.name}_fifo.i", edge.fifo.i, f"{name}: input", name)
    for node in dut.nodes:
        for port, edge in node.outputs.items():
            _result(view, node, port, edge)
            if _is_long(edge):
                fifo = f"{SCOPE}.{edge.name}_fifo"
                view.level(fifo, edge.fifo, f"{edge.name} level of {edge.depth}")
                _port(view, f"{fifo}.o", edge.fifo.o, f"{edge.name}: out of its FIFO", edge.name)
    for name, edge in dut.output_edges.items():
        _port(view, f"{SCOPE}.{edge.name}_fifo.o", edge.fifo.o, f"{name}: output", name)
    with view.group("levels of short FIFOs"):
        for edge in dut.edges:
            if not _is_long(edge):
                view.level(f"{SCOPE}.{edge.name}_fifo", edge.fifo, f"{edge.name} of {edge.depth}")


def _port(view, scope, stream, title, name):
    """A stream at a border, with nothing but its bits behind it."""
    with view.state(scope, stream, title):
        view.handshake(scope, stream)
    view.data(scope, stream, name)


def _result(view, node, port, edge):
    """What a unit gives, and behind it what it is given."""
    scope, unit = f"{SCOPE}.{node.name}", node.unit
    given, stream = f"{scope}.{port}", getattr(unit, port)
    with view.state(given, stream, f"{edge.name}: {_what(unit)}"):
        view.handshake(given, stream)
        if node.kind in ROUTING:
            view.data(given, stream, edge.name)
        for name, source in node.inputs.items():
            _port(view, f"{scope}.{name}", getattr(unit, name), f"in: {source.name}", source.name)
        _flags(view, scope, unit)
    if node.kind not in ROUTING:
        view.data(given, stream, edge.name)


def _flags(view, scope, unit):
    for flag in unit.events:
        view.bits(f"{scope}.{flag}", 1, flag)


def _is_long(edge):
    return edge.depth > 2


def _what(unit):
    """Kind of a unit, and of its function."""
    kind, fn = type(unit).__name__, getattr(unit, "fn", None)
    while isinstance(fn, Carry):
        fn = fn.fn
    return f"{kind} {type(fn).__name__}" if fn else kind


class _View(GTKWSave):
    """A save file being written, each row checked against the dump."""

    def __init__(self, file, dump):
        super().__init__(file)
        self.dump = dump

    def bits(self, name, width, alias):
        """Plain bits."""
        self.trace(self.dump.spell(name, width), alias, datafmt="bin")

    def handshake(self, scope, stream):
        """Valid, ready and the ends of groups."""
        for bit in ("valid", "ready"):
            self.bits(f"{scope}__{bit}", 1, bit)
        if rank := len(stream.payload.last):
            self.bits(_member(scope, "last"), rank, "last")

    @contextmanager
    def state(self, scope, stream, alias):
        """The state of a stream, which opens on the rows written in this context."""
        rank = len(stream.payload.last)
        last = self.dump.spell(_member(scope, "last"), rank) if rank else ""
        # A vector within a vector counts as one bit, so that its bits are named one by one.
        names = [f"({bit}){last}" for bit in range(rank)] if rank > 1 else [last] * rank
        names += [self.dump.spell(f"{scope}__{bit}", 1) for bit in ("valid", "ready")]
        flags = GTKWFlag.bin | GTKWFlag.rjustify | GTKWFlag.ftranslated
        self._set_flags(flags | GTKWFlag.grp_begin | GTKWFlag.closed)
        self._set_translate_filter_file(str(STATES))
        self._p(f"#{{{alias} {OPENS}}}", *names)
        yield
        self._close()

    def data(self, scope, stream, alias):
        """The data of a stream, number by number."""
        self._numbers(_member(scope, "data"), stream.payload.shape()["data"].shape, alias)

    def _numbers(self, name, shape, alias):
        if isinstance(shape, data.StructLayout):
            for field, member in shape.members.items():
                self._numbers(f"{name}.{field}", member, f"{alias} {field}")
        elif isinstance(shape, data.ArrayLayout) and shape.length > 1:
            (first, scalar), *others = _scalars(shape)
            self._number(name + first, scalar, f"{alias}{first} of {shape.length}", opens=True)
            for rest, scalar in others:
                self._number(name + rest, scalar, alias + rest)
            self._close()
        else:
            for rest, scalar in _scalars(shape):
                self._number(name + rest, scalar, alias + rest)

    def _number(self, name, shape, alias, *, opens=False):
        storage = Shape.cast(shape)
        flags = GTKWFlag.grp_begin | GTKWFlag.closed if opens else GTKWFlag(0)
        if isinstance(shape, fixed.Shape):
            flags |= GTKWFlag.fpdecshift
            self._p(f"[fpshift_count] {shape.f_bits}")
        # GTKWave shows only what follows the last dot of an alias.
        alias = alias.replace(".", " ")
        self.trace(
            self.dump.spell(name, storage.width),
            f"{alias} {OPENS}" if opens else alias,
            color=GTKWColor.yellow,
            datafmt="signed" if storage.signed else "dec",
            extraflags=flags,
        )

    def level(self, scope, fifo, alias):
        """How full a FIFO is, drawn the higher the more it holds."""
        self.trace(
            self.dump.spell(f"{scope}.level", len(fifo.level)),
            alias,
            color=GTKWColor.orange,
            datafmt="dec",
            extraflags=GTKWFlag.analog_step | GTKWFlag.analog_fullscale,
        )
        for _ in range(min(4, fifo.depth.bit_length() - 2)):
            self.blank(analog_extend=True)

    def _close(self):
        self._set_flags(GTKWFlag.grp_end | GTKWFlag.closed | GTKWFlag.collapsed | GTKWFlag.blank)
        self._p("-group_end")


class _Dump:
    """Widths of the variables that a VCD file declares, by full name, and its last time."""

    def __init__(self, path):
        self.path, self.widths, scopes = path, {}, []
        with open(path, "rb") as file:
            for line in file:
                match line.decode("ascii", "replace").split():
                    case ["$scope", _, scope, "$end"]:
                        scopes.append(scope)
                    case ["$upscope", "$end"]:
                        scopes.pop()
                    case ["$var", _, width, _, name, "$end"]:
                        self.widths[".".join((*scopes, name))] = int(width)
                    case ["$enddefinitions", "$end"]:
                        break
            else:
                raise ValueError(f"{path} is no VCD file: it has no header")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
                start = text.rfind(b"\n#")
                self.end = int(text[start + 2 :].split()[0]) if start >= 0 else 0

    def spell(self, name, width):
        """The name as GTKWave wants it; ``ValueError`` if there is no such variable."""
        if self.widths.get(name) != width:
            raise ValueError(f"{self.path} is of another design: it has no {name} of {width} bits")
        return f"{name}[{width - 1}:0]" if width > 1 else name


def _member(scope, name):
    """A member of a stream's payload, escaped because of the dot in its own name."""
    path, _, port = scope.rpartition(".")
    return f"{path}.\\{port}__payload.{name}"


def _scalars(shape):
    """Scalars in a layout: what follows the layout's name in theirs, and their shapes."""
    if isinstance(shape, data.StructLayout):
        parts = [(f".{name}", member) for name, member in shape.members.items()]
    elif isinstance(shape, data.ArrayLayout):
        parts = [(f"[{index}]", shape.elem_shape) for index in range(shape.length)]
    else:
        return [("", shape)]
    return [(part + rest, scalar) for part, member in parts for rest, scalar in _scalars(member)]
