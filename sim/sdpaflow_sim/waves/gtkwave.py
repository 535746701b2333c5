"""How GTKWave wants it: names as a dump declares them, numbers, states and levels as rows."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, TextIO

from amaranth.hdl import Shape, Value
from amaranth.lib import data
from sdpaflow.numerics import fixed
from vcd.gtkw import GTKWColor, GTKWFlag, GTKWSave

__all__ = ["Dump", "FlatSaveFile", "SaveFile"]

STATES = Path(__file__).with_name("stream_states.txt")
"""What GTKWave shows for a stream's ``last`` bits (outermost first), valid and ready."""

OPENS = "▸"
"""Mark of a signal with others folded away behind it, for which GTKWave has none of its own."""


class SaveFile(GTKWSave):
    """A save file being written, each row checked against the dump."""

    at_fifos = False
    """Whether streams are to be looked at where they enter and leave FIFOs, not at units."""

    scope = ""
    """Of the design in the dump."""

    def __init__(self, file: TextIO, dump: "Dump", states: str):
        super().__init__(file)
        self.dump, self.states = dump, states
        self.longest = 0

    def _named(self, alias: str, *, opens: bool = False) -> str:
        """An alias fit to be shown; the longest is remembered."""
        # Of an alias with dots, GTKWave would show what follows the last one.
        alias = alias.replace(".", " ") + (f" {OPENS}" if opens else "")
        self.longest = max(self.longest, len(alias))
        return alias

    def bits(self, name: str, width: int, alias: str) -> None:
        """Plain bits."""
        self.trace(self.dump.spell(name, width), self._named(alias), datafmt="bin")

    def handshake(self, scope: str, stream: Any) -> None:
        """Valid, ready and the ends of groups."""
        for bit in ("valid", "ready"):
            self.bits(f"{scope}__{bit}", 1, bit)
        if rank := len(stream.payload.last):
            self.ends(scope, stream, rank)

    def ends(self, scope: str, stream: Any, rank: int) -> None:
        """The ends of groups as plain bits."""
        self.bits(_member(scope, "last"), rank, "last")

    def _ends(self, scope: str, stream: Any, rank: int) -> list[str]:
        """Their names one by one, the outermost first."""
        last = self.dump.spell(_member(scope, "last"), rank) if rank else ""
        # A vector within a vector counts as one bit, so that its bits are named one by one.
        return [f"({bit}){last}" for bit in range(rank)] if rank > 1 else [last] * rank

    @contextmanager
    def state(self, scope: str, stream: Any, alias: str) -> Iterator[None]:
        """The state of a stream, which opens on the rows written in this context."""
        names = self._ends(scope, stream, len(stream.payload.last))
        names += [self.dump.spell(f"{scope}__{bit}", 1) for bit in ("valid", "ready")]
        flags = GTKWFlag.bin | GTKWFlag.rjustify | GTKWFlag.ftranslated
        self._set_flags(flags | GTKWFlag.grp_begin | GTKWFlag.closed)
        self._set_translate_filter_file(self.states)
        self._p(f"#{{{self._named(alias, opens=True)}}}", *names)
        yield
        self._close()

    def data(self, scope: str, stream: Any, alias: str) -> None:
        """The data of a stream, number by number."""
        self._numbers(_member(scope, "data"), stream.payload.shape()["data"].shape, alias)

    def _numbers(self, name: str, shape: Any, alias: str) -> None:
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

    def _number(self, name: str, shape: Any, alias: str, *, opens: bool = False) -> None:
        storage = Shape.cast(shape)
        flags = GTKWFlag.grp_begin | GTKWFlag.closed if opens else GTKWFlag(0)
        if isinstance(shape, fixed.Shape):
            flags |= GTKWFlag.fpdecshift
            self._p(f"[fpshift_count] {shape.f_bits}")
        datafmt = "signed" if storage.signed else "dec"
        self._scalar(name, storage.width, self._named(alias, opens=opens), datafmt, flags)

    def _scalar(self, name: str, width: int, alias: str, datafmt: str, flags: GTKWFlag) -> None:
        name = self.dump.spell(name, width)
        self.trace(name, alias, color=GTKWColor.yellow, datafmt=datafmt, extraflags=flags)

    def has_level(self, scope: str) -> bool:
        """Whether a FIFO's level is in the dump."""
        return True

    def level(self, scope: str, fifo: Any, alias: str) -> None:
        """How full a FIFO is, drawn the higher the more it holds."""
        self.trace(
            self.dump.spell(f"{scope}.level", len(fifo.level)),
            self._named(alias),
            color=GTKWColor.orange,
            datafmt="dec",
            extraflags=GTKWFlag.analog_step | GTKWFlag.analog_fullscale,
        )
        for _ in range(min(4, fifo.depth.bit_length() - 2)):
            self.blank(analog_extend=True)

    def _close(self) -> None:
        self._set_flags(GTKWFlag.grp_end | GTKWFlag.closed | GTKWFlag.collapsed | GTKWFlag.blank)
        self._p("-group_end")


class FlatSaveFile(SaveFile):
    """The same for a dump of exported Verilog, where a payload is one vector.

    A unit that hands a payload on as it is has no port for that, but all FIFOs have.
    """

    at_fifos = True

    def _payload(self, scope: str, stream: Any, start: int, width: int) -> list[str]:
        """Names of bits of a payload, from the highest down; GTKWave counts from the left."""
        whole = len(Value.cast(stream.payload))
        name = self.dump.spell(f"{scope}__payload", whole)
        bits = range(whole - start - width, whole - start)
        return [f"({bit}){name}" for bit in bits] if whole > 1 else [name]

    def _ends(self, scope: str, stream: Any, rank: int) -> list[str]:
        return self._payload(scope, stream, len(Value.cast(stream.payload)) - rank, rank)

    def ends(self, scope: str, stream: Any, rank: int) -> None:
        self._set_flags(GTKWFlag.bin | GTKWFlag.rjustify)
        self._p(f"#{{{self._named('last')}}}", *self._ends(scope, stream, rank))

    def data(self, scope: str, stream: Any, alias: str) -> None:
        self._places: dict[str, list[str]] = {}
        start = 0
        for rest, scalar in _scalars(stream.payload.shape()["data"].shape):
            width = Shape.cast(scalar).width
            bits = self._payload(scope, stream, start, width)
            self._places[_member(scope, "data") + rest] = bits
            start += width
        super().data(scope, stream, alias)

    def _scalar(self, name: str, width: int, alias: str, datafmt: str, flags: GTKWFlag) -> None:
        self._set_flags(flags | GTKWFlag.__members__[datafmt] | GTKWFlag.rjustify)
        self._set_color(GTKWColor.yellow)
        self._p(f"#{{{alias}}}", *self._places[name])

    def has_level(self, scope: str) -> bool:
        # In Verilog, short FIFOs have none if nothing reads it.
        return f"{scope}.level" in self.dump.widths


class Dump:
    """Widths of the variables that a VCD file declares, by full name; its first and last time.

    Messages name it as it was ``asked`` for, where it has no name yet.
    """

    def __init__(self, path: str | PathLike[str], asked: str | PathLike[str] | None = None):
        self.path = path if asked is None else asked
        self.widths: dict[str, int] = {}
        scopes: list[str] = []
        with open(path, "rb") as file:
            for line in file:
                match line.decode("ascii", "replace").split():
                    case ["$scope", _, scope, "$end"]:
                        scopes.append(scope)
                    case ["$upscope", "$end"]:
                        scopes.pop()
                    case ["$var", _, width, _, name, *_, "$end"]:
                        self.widths[".".join((*scopes, name))] = int(width)
                    case ["$enddefinitions", "$end"]:
                        break
            else:
                raise ValueError(f"{self.path} is no VCD file: it has no header")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
                times = text.find(b"\n#", file.tell() - 1), text.rfind(b"\n#")
                self.start, self.end = (
                    int(text[place + 2 : place + 32].split()[0]) if place >= 0 else 0
                    for place in times
                )

    def spell(self, name: str, width: int) -> str:
        """The name as GTKWave wants it; ``ValueError`` if there is no such variable."""
        if self.widths.get(name) != width:
            raise ValueError(f"{self.path} is of another design: it has no {name} of {width} bits")
        return f"{name}[{width - 1}:0]" if width > 1 else name


def _member(scope: str, name: str) -> str:
    """A member of a stream's payload, escaped because of the dot in its own name."""
    path, _, port = scope.rpartition(".")
    return f"{path}.\\{port}__payload.{name}"


def _scalars(shape: Any) -> list[tuple[str, Any]]:
    """Scalars in a layout: what follows the layout's name in theirs, and their shapes."""
    if isinstance(shape, data.StructLayout):
        parts = [(f".{name}", member) for name, member in shape.members.items()]
    elif isinstance(shape, data.ArrayLayout):
        parts = [(f"[{index}]", shape.elem_shape) for index in range(shape.length)]
    else:
        return [("", shape)]
    return [(part + rest, scalar) for part, member in parts for rest, scalar in _scalars(member)]
