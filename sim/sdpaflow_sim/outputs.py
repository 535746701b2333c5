"""Output files: checked before the work starts, and never left half written.

A file is written where it has no name yet, and takes its place when it is whole: whatever ends the
program, the old file is there or none. Within :func:`together` several take their places at once.
"""

import json
import math
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from os import PathLike
from pathlib import Path
from typing import Any

from sdpaflow_sim.errors import InputError, OutputError

__all__ = [
    "FilePath",
    "Written",
    "check_folder",
    "check_outputs",
    "finite",
    "make_folder",
    "replacing",
    "staged",
    "to_json",
    "together",
    "write_json",
]

FilePath = str | PathLike[str]

PREFIX = ".sdpaflow-"
"""Of the names of files without a place, where they must have one."""


class Written:
    """Whether anything has been written: what ends a command then is no longer a bad input."""

    anything = False


class _Staged:
    """A file on its way to its place.

    On Linux it has no name before, so that nothing is left of it even after SIGKILL.
    """

    def __init__(self, asked: FilePath) -> None:
        self.asked, self.real = asked, _real(asked)
        self._name: str | None = None
        try:
            flags = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC
            self._number = os.open(self.real.parent, flags, 0o600)
            self.path = Path(f"/proc/self/fd/{self._number}")
            if not self.path.exists():
                os.close(self._number)
                raise FileNotFoundError
        except (AttributeError, OSError):  # not Linux, or a file system without them
            self._number, self._name = tempfile.mkstemp(
                dir=self.real.parent, prefix=PREFIX, suffix=self.real.suffix
            )
            self.path = Path(self._name)

    def place(self) -> None:
        """Put it into its place, with the permissions that were there, or the usual ones."""
        os.chmod(self.path, _mode(self.real))
        if self._name is None:
            name = tempfile.mktemp(dir=self.real.parent, prefix=PREFIX)  # free, or os.link fails
            # With a descriptor, however unused, Python follows the link to the file without a name.
            os.link(self.path, name, src_dir_fd=self._number, follow_symlinks=True)
            self._name = name
        os.replace(self._name, self.real)
        self._name, Written.anything = None, True

    def discard(self) -> None:
        """Let go of it; what has not been placed is gone."""
        os.close(self._number)
        if self._name is not None:
            Path(self._name).unlink(missing_ok=True)


class _Group:
    """Files and folders that are kept together or not at all."""

    def __init__(self) -> None:
        self.files: list[_Staged] = []
        self.folders: list[Path] = []

    def place(self) -> None:
        for file in self.files:
            with _told(file.asked):
                file.place()
        Written.anything |= bool(self.folders)
        self.folders.clear()

    def discard(self) -> None:
        for file in self.files:
            file.discard()
        for folder in reversed(self.folders):
            with suppress(OSError):  # something else is in it by now
                folder.rmdir()


_group: ContextVar[_Group | None] = ContextVar("_group", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Files finished in this block take their places at its end; if it fails, none does.

    Folders made in it by :func:`make_folder` are then removed.
    """
    group = _Group()
    token = _group.set(group)
    try:
        yield
        group.place()
    finally:
        _group.reset(token)
        group.discard()


def check_outputs(
    outputs: Iterable[FilePath | None], inputs: Iterable[FilePath | None] = ()
) -> None:
    """Raise :class:`InputError` if a file could not be written, or stands for two things.

    Parameters
    ----------
    outputs : iterable of path
        Files to be written later; None counts as not asked for.
    inputs : iterable of path
        Files that are read, and so must not be written over; None likewise.
    """
    taken = {_real(path) for path in inputs if path is not None}
    for path in outputs:
        if path is None:
            continue
        real = _real(path)
        _check(Path(path))
        if real in taken or _is_running(real):
            raise InputError(f"{path}: stands for two files, of which one would be lost")
        taken.add(real)


def check_folder(path: FilePath, *, parents: bool = False) -> None:
    """Raise :class:`InputError` if a folder is none, or could not be made or written into.

    With ``parents`` those above it may be missing too.
    """
    real, folder = _real(path), Path(path)
    if real.exists() and not real.is_dir():
        raise InputError(f"{path}: is a file; a folder is needed")
    if real.is_dir():
        _check(folder / "any")
        return
    while parents and not real.parent.exists():
        real = real.parent
    if real.parent.exists() and not real.parent.is_dir():
        raise InputError(f"{path}: cannot be made, since {real.parent} is a file")
    _check(folder if not parents else real)


def make_folder(path: FilePath, *, parents: bool = False) -> Path:
    """A folder, made if it is not there."""
    real, made = _real(path), []
    while not real.exists():
        made.append(real)
        if not parents:
            break
        real = real.parent
    group = _group.get()
    for folder in reversed(made):
        with _told(path):
            folder.mkdir()
        if group is None:
            Written.anything = True
        else:
            group.folders.append(folder)
    return Path(path)


@contextmanager
def replacing(path: FilePath) -> Iterator[Path]:
    """Name of a file without a place, which takes that of ``path`` if all goes well.

    A link is followed. What is open for reading, or imported, is not written over.

    Raises
    ------
    InputError
        It cannot be written: the disk is full, the folder is gone.
    """
    with _told(path):
        file, group = _Staged(path), _group.get()
    try:
        if _is_running(file.real):
            raise InputError(f"{path}: stands for two files, of which one would be lost")
        with _told(path):
            yield file.path
        if group is None:
            with _told(path):
                file.place()
        else:
            group.files.append(file)
    finally:
        if group is None or file not in group.files:
            file.discard()


def staged(path: FilePath) -> Path:
    """Where to read a file that was written within :func:`together`, before it has its place."""
    group, real = _group.get(), _real(path)
    files = group.files if group else []
    return next((file.path for file in files if file.real == real), Path(path))


def write_json(path: FilePath, plain: object) -> None:
    """Write plain data as JSON."""
    with replacing(path) as temporary:
        temporary.write_text(to_json(plain) + "\n", encoding="utf-8")


def to_json(plain: object, indent: int = 2) -> str:
    """Plain data as JSON, which has no word for numbers that are none: NaN and infinity are null.

    All JSON is made here.
    """
    return json.dumps(finite(plain), indent=indent, allow_nan=False)


def finite(plain: Any) -> Any:
    """The same plain data with None for every number that is not finite."""
    if isinstance(plain, float):
        return plain if math.isfinite(plain) else None
    if isinstance(plain, dict):
        return {key: finite(value) for key, value in plain.items()}
    if isinstance(plain, (list, tuple)):
        return [finite(value) for value in plain]
    return plain


def _real(path: FilePath) -> Path:
    """Where a path leads, its links followed as far as they go."""
    if not os.fspath(path):
        raise InputError("a file name must not be empty")
    try:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            os.stat(path)
        return Path(os.path.realpath(path))
    except OSError as error:  # a loop of links, a name too long
        raise InputError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{path}: no file name has a NUL in it") from None


def _is_running(real: Path) -> bool:
    """Whether a file is a module that was imported: a pipeline of one's own, or its neighbour."""
    if real.suffix != ".py":
        return False
    files = (getattr(module, "__file__", None) for module in tuple(sys.modules.values()))
    return any(file and os.path.realpath(file) == str(real) for file in files)


def _check(path: Path) -> None:
    with _told(path):
        if path.is_dir():
            raise InputError(f"{path}: is a folder; a file name is needed")
        if not path.parent.is_dir():
            raise InputError(f"{path}: there is no folder {path.parent}")
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is not a regular file")
        if path.exists() and not os.access(path, os.W_OK):
            raise InputError(f"{path}: is not writable")
        _Staged(path).discard()


@contextmanager
def _told(path: FilePath) -> Iterator[None]:
    """Turn what the system says into an error that names the file asked for."""
    try:
        yield
    except OSError as error:
        if isinstance(error, InputError):  # said already
            raise
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None


def _mode(path: Path) -> int:
    """Permissions for a file: those of the one in its place, or the usual ones."""
    with suppress(FileNotFoundError):
        return path.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
