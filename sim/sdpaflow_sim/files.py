"""Output files: checked before the work starts, and never left half written."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

from sdpaflow_sim.inputs import InputError

__all__ = ["check_writable", "replacing"]


def check_writable(path):
    """Raise :class:`InputError` if a file could not be written there; writes nothing."""
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; a file name is needed")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"{path}: is not writable")


@contextmanager
def replacing(path):
    """Name of a temporary file beside ``path``, which takes its place if all goes well."""
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    try:
        yield Path(name)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
