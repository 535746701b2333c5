"""What the loop around a compiled design shares with Python: the structures of ``loop.h``."""

import ctypes
import os
from ctypes import POINTER, c_char_p, c_int, c_int32, c_int64, c_uint8, c_uint32, c_uint64, c_void_p
from os import PathLike
from typing import Any

import numpy as np

from sdpaflow_sim.errors import ToolError

__all__ = [
    "BROKEN",
    "DONE",
    "FEED",
    "LIMIT",
    "MISFRAMED",
    "RUNNING",
    "STUCK",
    "Model",
    "Sink",
    "Source",
    "pointer",
    "run_of",
]

RUNNING, FEED, DONE, STUCK, LIMIT, MISFRAMED, BROKEN = range(7)
"""Why the loop came back: it ran for as long as it was told, or what was found."""


class Source(ctypes.Structure):
    """An input of the design."""

    _fields_ = [
        ("tokens", POINTER(c_uint32)),
        ("lengths", POINTER(c_int64)),
        ("rows", c_int64),
        ("place", c_int64),
        ("close", c_int64),
        ("schedule", POINTER(c_uint8)),
        ("ended", c_int32),
        ("offering", c_int32),
    ]


class Sink(ctypes.Structure):
    """An output of the design."""

    _fields_ = [
        ("tokens", POINTER(c_uint32)),
        ("times", POINTER(c_int64)),
        ("count", c_int64),
        ("wanted", c_int64),
        ("schedule", POINTER(c_uint8)),
        ("filled", c_int64),
    ]


RESULTS: dict[str, Any] = {"run": c_int, "dumped": c_int64, "dump_error": c_int}
DUMPING: dict[str, list[Any]] = {
    "dump": [c_void_p, c_char_p, c_int64, c_int64],
    "dumped": [c_void_p],
    "dump_error": [c_void_p],
}
"""Functions of a library, and what they take, where it was built for waveforms."""


def run_of(words: int) -> Any:
    """Class of the state of a run, for a design with so many words of levels."""

    class Run(ctypes.Structure):
        _fields_ = [
            *((name, c_int64) for name in ("cycle", "start", "limit", "still", "quiet")),
            *((name, c_int64) for name in ("patience", "cycles", "words")),
            ("awaited", c_uint64),
            ("counted", c_int64),
            ("place", c_int64),
            ("peaks", POINTER(c_int64)),
            ("flags", POINTER(c_int64)),
            ("fill", POINTER(c_uint32)),
            ("filled", c_int64),
            ("room", c_int64),
            ("asked", c_int64),
            ("which", POINTER(c_int64)),
            ("histories", POINTER(c_uint32)),
            ("levels", c_uint64 * (words + 1)),
        ]

    return Run


def pointer(array: np.ndarray) -> Any:
    """Where an array's elements are; it must outlive this."""
    kinds = {"uint8": c_uint8, "bool": c_uint8, "uint32": c_uint32, "int64": c_int64}
    return array.ctypes.data_as(POINTER(kinds[array.dtype.name]))


class Model:
    """A design in a compiled library; to be closed.

    Parameters
    ----------
    path : path
        The library.
    traced : :class:`bool`
        Whether it was built for waveforms.
    """

    def __init__(self, path: str | PathLike[str], *, traced: bool = False):
        try:
            library = ctypes.CDLL(str(path))
        except OSError as error:  # its only text says which file and what is the matter with it
            raise ToolError(f"A compiled design cannot be loaded: {error}") from None
        library.sdpaflow_create.restype = c_void_p
        for name, arguments in {
            "destroy": [c_void_p],
            "reset": [c_void_p],
            "look": [c_void_p, POINTER(c_uint64)],
            "run": [c_void_p, c_void_p, c_void_p, c_void_p, c_int64, c_int64],
            **(DUMPING if traced else {}),
        }.items():
            function = getattr(library, f"sdpaflow_{name}")
            function.argtypes = arguments
            function.restype = RESULTS.get(name)
        self._library = library
        self._model = library.sdpaflow_create()
        self._dump: str | PathLike[str] | None = None

    def run(self, state: ctypes.Structure, sources: Any, sinks: Any, now: int, end: int) -> int:
        """Run from one cycle of the schedules to another; why it came back.

        Raises
        ------
        OSError
            The waveform cannot be written.
        """
        reason = self._library.sdpaflow_run(
            self._model, ctypes.addressof(state), sources, sinks, now, end
        )
        self._check()
        return reason

    def dump(self, path: str | PathLike[str], first: int, last: int) -> None:
        """Write a waveform of the cycles from ``first`` to ``last``, both shown."""
        self._dump = path
        self._library.sdpaflow_dump(self._model, os.fsencode(path), first, last)
        self._check()

    def dumped(self) -> int:
        """Finish the waveform; the last cycle that it shows, or -1."""
        shown = self._library.sdpaflow_dumped(self._model)
        self._check()
        return shown

    def _check(self) -> None:
        if self._dump and (error := self._library.sdpaflow_dump_error(self._model)):
            raise OSError(error, os.strerror(error), str(self._dump))

    def reset(self) -> None:
        """One cycle with reset up and nothing offered or accepted."""
        self._library.sdpaflow_reset(self._model)

    def look(self, count: int) -> list[int]:
        """The words of a probe's ``state``."""
        words = np.zeros(count + 1, dtype=np.uint64)
        self._library.sdpaflow_look(self._model, words.ctypes.data_as(POINTER(c_uint64)))
        return words[:count].tolist()

    def close(self) -> None:
        """Forget the design's state."""
        self._library.sdpaflow_destroy(self._model)
