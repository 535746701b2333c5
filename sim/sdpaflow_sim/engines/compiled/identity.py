"""What a design is, as text that is found without elaborating it: for the key of the cache.

The hardware of a component follows from its attributes and from the source of its classes, unless
it looks elsewhere. So equal attributes and equal sources are taken for equal hardware; where an
attribute cannot be described, or a class has no source, there is no such text, and the netlist has
to be made.
"""

import enum
import functools
import hashlib
import sys
import sysconfig
import time
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sdpaflow
from amaranth.hdl import Const, Signal, ValueCastable
from amaranth.lib import wiring

__all__ = ["identity", "sources"]

PLAIN = (type(None), bool, int, float, complex, str, bytes, range, slice, np.generic)
"""Kinds whose ``repr`` tells everything."""

OURS = ("sdpaflow", "sdpaflow_sim", "amaranth", "numpy", "builtins")
"""Packages whose classes are told by their versions, or by :func:`sources`."""

BEGUN = time.time()
"""A file that is younger than this is not what was imported."""


class _UnknownError(Exception):
    """Something that cannot be described."""


def identity(component: wiring.Component) -> str | None:
    """A text that is equal only for equal designs; None where there is none.

    Parameters
    ----------
    component : :class:`wiring.Component`
        The design, complete and not changed by hand in a way that its attributes do not show.
    """
    described = _Described()
    try:
        parts = list(described.of(component))
        if described.foreign:
            parts += _foreign_sources()
    except (_UnknownError, OSError):
        return None
    return "\n".join(parts)


def sources() -> str | None:
    """A digest of this project's own files that a compiled design depends on.

    None where one of them has changed since this process began, which then runs what it was.
    """
    here = Path(__file__).parents[2]
    hdl = Path(sdpaflow.__file__).parent
    files = [*hdl.rglob("*.py"), *(here / "engines").rglob("*.*"), *(here / "verilog").glob("*.py")]
    try:
        return _digest(path for path in files if path.suffix in {".py", ".h"})
    except _UnknownError:
        return None


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        if path.stat().st_mtime > BEGUN:
            raise _UnknownError(f"{path} has changed")
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()


class _Described:
    """A walk over the attributes of an object, each object once.

    Attributes
    ----------
    foreign : :class:`bool`
        Whether a class or function of neither this project nor its libraries was met.
    """

    def __init__(self) -> None:
        self.foreign = False
        self._seen: dict[int, int] = {}
        self._kept: list[object] = []  # else another object may get the same id

    def of(self, value: Any) -> Iterator[str]:
        if isinstance(value, PLAIN) and not isinstance(value, enum.Enum):
            yield f"{type(value).__name__} {value!r}"
        elif id(value) in self._seen:
            yield f"again {self._seen[id(value)]}"
        else:
            self._seen[id(value)] = len(self._seen)
            self._kept.append(value)
            yield from self._new(value)

    def _new(self, value: Any) -> Iterator[str]:
        if isinstance(value, (tuple, list)):
            yield f"{type(value).__name__} of {len(value)}"
            for part in value:
                yield from self.of(part)
        elif isinstance(value, (dict, types.MappingProxyType)):
            yield from self._pairs("dict", value)
        elif isinstance(value, (set, frozenset)):
            yield (
                f"set {sorted(map(repr, value))}"
                if all(isinstance(part, PLAIN) for part in value)
                else _unknown(value)
            )
        elif isinstance(value, np.ndarray) and value.dtype != object:
            digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            yield f"array {value.dtype} {value.shape} {digest}"
        elif isinstance(value, functools.partial):
            yield "partial"
            for part in (value.func, value.args, value.keywords):
                yield from self.of(part)
        elif isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            yield self._named(value)
        elif isinstance(value, types.MethodType):
            yield f"method {value.__name__}"
            yield from self.of(value.__self__)
        elif isinstance(value, enum.Enum):
            yield f"{self._named(type(value))}.{value.name}"
        elif isinstance(value, Signal):
            yield f"signal {value.name} {value.shape()} {value.init} {value.reset_less}"
        elif isinstance(value, (Const, wiring.Signature)):
            yield repr(value)
        elif isinstance(value, (wiring.PureInterface, wiring.FlippedInterface)):
            yield "interface"  # made of the signature of what has it
        elif isinstance(value, ValueCastable):
            yield self._named(type(value))
            yield from self.of(value.as_value())
        else:
            yield from self._object(value)

    def _object(self, value: Any) -> Iterator[str]:
        attributes = {
            name: attribute
            for name, attribute in getattr(value, "__dict__", {}).items()
            if not name.startswith("_MustUse__")  # where it was made
        }
        slots = [name for kind in type(value).__mro__ for name in _slots(kind)]
        attributes |= {name: getattr(value, name) for name in slots if hasattr(value, name)}
        module = sys.modules.get(type(value).__module__)
        if not str(getattr(module, "__file__", None)).endswith(".py"):
            _unknown(value)  # a file, a generator: what has a state that no attribute shows
        yield from self._pairs(self._named(type(value)), attributes)

    def _pairs(self, kind: str, mapping: Mapping[Any, Any]) -> Iterator[str]:
        yield f"{kind} of {len(mapping)}"
        for key, value in mapping.items():
            yield from self.of(key)
            yield from self.of(value)

    def _named(self, what: Any) -> str:
        """Name of a class or function, which a module must have under that name."""
        module, name = what.__module__, what.__qualname__
        found: Any = sys.modules.get(module or "")
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is not what:
            _unknown(what)  # made within a function, whose variables it may use
        if module == "__main__" and not hasattr(sys.modules[module], "__file__"):
            _unknown(what)  # typed into a session
        self.foreign = self.foreign or module.partition(".")[0] not in OURS
        return f"{module}.{name}"


def _slots(kind: type) -> list[str]:
    slots = kind.__dict__.get("__slots__", ())
    return [slots] if isinstance(slots, str) else list(slots)


def _unknown(value: object) -> str:
    raise _UnknownError(repr(value))


def _foreign_sources() -> list[str]:
    """Digests of all modules that are part of no installation: a class may use any of them."""
    installed = tuple(str(Path(place).resolve()) for place in sysconfig.get_paths().values())
    installed += (str(Path(sdpaflow.__file__).parent), str(Path(__file__).parents[2]))
    found = []
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is not None and not str(Path(file).resolve()).startswith(installed):
            found.append(f"{name} {_digest([Path(file)])}")
    return found
