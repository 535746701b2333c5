"""Output files: checked before the work starts, and never left half written."""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path

from sdpaflow_sim.errors import InputError

__all__ = ["FilePath", "check_outputs", "replacing", "write_json"]

FilePath = str | PathLike[str]


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
        if real in taken:
            raise InputError(f"{path}: stands for two files, of which one would be lost")
        taken.add(real)


def _real(path: FilePath) -> Path:
    """Where a path leads, its links followed as far as they go."""
    if not os.fspath(path):
        raise InputError("a file name must not be empty")
    try:
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            os.stat(path)
        return Path(os.path.realpath(path))
    except OSError as error:  # a loop of links, a name too long
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{path}: no file name has a NUL in it") from None


def _check(path: Path) -> None:
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder; a file name is needed")
        if not path.parent.is_dir():
            raise InputError(f"{path}: there is no folder {path.parent}")
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is not a regular file")
        if path.exists() and not os.access(path, os.W_OK):
            raise InputError(f"{path}: is not writable")
        with replacing(path, keep=False):
            pass
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


@contextmanager
def replacing(path: FilePath, *, keep: bool = True) -> Iterator[Path]:
    """Name of a temporary file beside ``path``, which takes its place if all goes well.

    A link is followed. With ``keep`` false the temporary file is only tried, and removed.
    """
    path = _real(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".sdpaflow-", suffix=path.suffix)
    os.close(handle)
    try:
        yield Path(name)
        if keep:
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(name, 0o666 & ~umask)
            os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def write_json(path: FilePath, plain: object) -> None:
    """Write plain data as JSON."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")
