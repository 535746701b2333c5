"""Where compiled designs are kept, under which names, and whether they are still what was built.

What is kept here is run as it is, so a file is taken only if it is the user's own, if nobody else
can write it, and if its content has the digest at its end; else it is built anew.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sdpaflow_sim.errors import ToolError
from sdpaflow_sim.places import NAME, caches

__all__ = ["DAYS", "MEGABYTES", "PURPOSE", "Kept", "check", "contents", "folder", "is_sound",
           "keep", "key", "prune", "workshop"]  # fmt: skip

PURPOSE = "The compiled engine"
"""What takes all this, for messages."""

MEGABYTES, DAYS = 2000, 90
"""How much is kept, and how long after it was used last."""

SEAL = b"\nsdpaflow sha256 "
"""Before the digest at the end of a file, which loaders and linkers do not look at."""

ENDINGS = {".so", ".o", ".library"}
BUILDING = "build-"
OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Kept:
    """A file in the cache: its size in octets, and when it was used last, in seconds."""

    path: Path
    size: int
    used: float


def folder() -> Path:
    """The folder in which compiled designs are kept, be it there or not.

    Raises
    ------
    ToolError
        There is no place for it.
    """
    return caches(PURPOSE) / NAME


def check() -> None:
    """Refuse a folder in which another user could put something to be run.

    Raises
    ------
    ToolError
        It is another user's, or can be written by others.
    """
    with contextlib.suppress(FileNotFoundError):
        found = folder().stat()
        if hasattr(os, "getuid") and found.st_uid != os.getuid():
            raise ToolError(
                f"{PURPOSE} keeps what it builds in {folder()}, which is another user's: set "
                "XDG_CACHE_HOME to a folder of your own"
            )
        if found.st_mode & OTHERS:
            raise ToolError(
                f"{PURPOSE} keeps what it builds in {folder()}, which others can write: "
                f"chmod go-w {folder()}"
            )


def key(*parts: str) -> str:
    """A name for what depends on these texts: another one wherever one of them differs."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def keep(made: Path, path: Path) -> None:
    """Put a finished file into its place in the cache, with its digest."""
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    with open(made, "ab") as file:
        file.write(SEAL + digest.encode())
    made.chmod(0o600)
    os.replace(made, path)


def is_sound(path: Path) -> bool:
    """Whether a file of the cache is there, the user's own, and as it was built."""
    try:
        found = path.lstat()
    except OSError:
        return False
    own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    if not (stat.S_ISREG(found.st_mode) and own) or found.st_mode & OTHERS:
        return False
    check()
    return _is_whole(path, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache
def _is_whole(path: Path, *_identity: int) -> bool:
    """Whether the digest at a file's end is that of the rest; looked at once for each file."""
    try:
        content, _, digest = path.read_bytes().rpartition(SEAL)
    except OSError:
        return False
    return digest == hashlib.sha256(content).hexdigest().encode()


@contextlib.contextmanager
def workshop() -> Iterator[Path]:
    """A temporary folder beside the finished libraries, so that moving one there is one step.

    What a killed process has left is removed, and so is what is too old or too much.

    Raises
    ------
    ToolError
        Nothing can be written there, or others can.
    """
    check()
    try:
        folder().mkdir(mode=0o700, exist_ok=True)
        made = tempfile.TemporaryDirectory(dir=folder(), prefix=BUILDING)
    except OSError as error:
        raise ToolError(
            f"{PURPOSE} keeps what it builds in {folder()}, which cannot be written: "
            f"{error.strerror}; set XDG_CACHE_HOME to another folder"
        ) from None
    with made as name:
        lock = os.open(name, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            _remove_left()
            yield Path(name)
            prune()
        finally:
            os.close(lock)


def contents() -> list[Kept]:
    """Finished files, those used last first."""
    found = []
    if folder().is_dir():
        for path in folder().iterdir():
            with contextlib.suppress(OSError):
                seen = path.lstat()
                if path.suffix in ENDINGS and stat.S_ISREG(seen.st_mode):
                    found.append(Kept(path, seen.st_size, max(seen.st_atime, seen.st_mtime)))
    return sorted(found, key=lambda kept: -kept.used)


def prune(megabytes: float = MEGABYTES, days: float = DAYS) -> list[Kept]:
    """Remove what was used last the longest ago: beyond so many days, and beyond so much.

    Returns
    -------
    list of :class:`Kept`
        What was removed.
    """
    removed, total, begun = [], 0.0, time.time()
    for kept in contents():
        total += kept.size
        if total > megabytes * 1e6 or begun - kept.used > days * 86_400:
            with contextlib.suppress(OSError):
                kept.path.unlink()
                removed.append(kept)
    return removed


def _remove_left() -> None:
    """Remove the workshops of processes that are no more, which hold no lock."""
    for path in folder().glob(f"{BUILDING}*"):
        with contextlib.suppress(OSError):
            lock = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - os.fstat(lock).st_mtime > 1:  # or it is not yet locked
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
