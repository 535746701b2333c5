"""Where this program, and those that it runs, may keep what can be made again.

The usual place is the user's own: ``XDG_CACHE_HOME``, or what the system has for it. In a container
there may be no home, none that can be written, or no such user: then a private folder among the
temporary files takes its place.
"""

import errno
import getpass
import os
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs

from sdpaflow_sim.errors import ToolError

__all__ = ["NAME", "caches", "environment", "prepare_matplotlib"]

NAME = "sdpaflow"
"""What is this program's own among the caches."""


def caches(purpose: str) -> Path:
    """The folder for caches of all programs, made if needed.

    Raises
    ------
    ToolError
        Nowhere can anything be written; the message names the folder, and the remedy.
    """
    found, reason = _found(os.environ.get("XDG_CACHE_HOME"), os.environ.get("HOME"))
    if found is None:
        raise ToolError(
            f"{purpose} keeps what it builds in {_usual() / NAME}, which cannot be written: "
            f"{reason}; set XDG_CACHE_HOME to another folder"
        )
    return found


def environment(purpose: str) -> dict[str, str]:
    """Environment for a program that keeps a cache: its own place, if that can be written."""
    place = caches(purpose)
    if place == _usual():
        return dict(os.environ)
    return {**os.environ, "XDG_CACHE_HOME": str(place), "YOWASP_CACHE_DIR": str(place / "YoWASP")}


def prepare_matplotlib() -> None:
    """Give matplotlib a place, before it is imported, where it would complain of its own."""
    with suppress(ToolError):
        place = caches("A figure")
        if place != _usual():
            os.environ.setdefault("MPLCONFIGDIR", str(place / "matplotlib"))


def _usual() -> Path:
    """The folder where the user's programs keep their caches."""
    try:
        return Path(platformdirs.user_cache_dir())
    except RuntimeError:  # no home
        return Path("~/.cache")


@cache
def _found(asked: str | None, _home: str | None) -> tuple[Path | None, str]:
    """A folder that can be written, or why the usual one cannot; only that one, if asked for."""
    reason = "it is no absolute path"
    usual = _usual()
    if usual.is_absolute():
        try:
            usual.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=usual).close()
            return usual, ""
        except FileExistsError:
            reason = os.strerror(errno.ENOTDIR)
        except OSError as error:
            reason = error.strerror or str(error)
    if asked:
        return None, reason
    spare = Path(tempfile.gettempdir()) / f"{NAME}-{_user()}"
    with suppress(OSError):
        spare.mkdir(mode=0o700, exist_ok=True)
        found = spare.lstat()
        own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
        if stat.S_ISDIR(found.st_mode) and own and not found.st_mode & 0o022:
            tempfile.TemporaryFile(dir=spare).close()
            return spare, ""
    return None, reason


def _user() -> str:
    """What tells users apart, also those without a name."""
    return str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()
