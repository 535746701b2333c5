"""Where compiled designs are kept, and under which names."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sdpaflow_sim.errors import ToolError

__all__ = ["PURPOSE", "folder", "key", "workshop"]

PURPOSE = "The compiled engine"
"""What takes all this, for messages."""


def folder() -> Path:
    """The folder in which compiled designs are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sdpaflow"


def key(*parts: str) -> str:
    """A name for what depends on these texts: another one wherever one of them differs."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


@contextlib.contextmanager
def workshop() -> Iterator[Path]:
    """A temporary folder beside the finished libraries, so that moving one there is one step.

    Raises
    ------
    ToolError
        Nothing can be written there.
    """
    try:
        folder().mkdir(parents=True, exist_ok=True)
        made = tempfile.TemporaryDirectory(dir=folder(), prefix="build-")
    except OSError as error:
        raise ToolError(
            f"{PURPOSE} keeps what it builds in {folder()}, which cannot be written: "
            f"{error.strerror}; set XDG_CACHE_HOME to another folder"
        ) from None
    with made as name:
        yield Path(name)
