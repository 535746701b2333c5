"""Arrays from outside: the one loader of files, and the one check of what counts as numbers."""

import ast
import errno
import json
import math
import os
import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike

from sdpaflow_sim.errors import InputError
from sdpaflow_sim.outputs import FilePath

__all__ = ["load", "numbers", "opened", "read_tokens"]

MAGIC = b"\x93NUMPY"
ARCHIVE = b"PK"
VERSIONS = {(1, 0): (2, "latin-1"), (2, 0): (4, "latin-1"), (3, 0): (4, "utf-8")}
"""Of the format: octets of the header's length, and the header's encoding."""

MOST = 1 << 16
"""Octets of the longest header that is looked at."""

NEEDED = "an .npy file of numbers is needed"
ENCODINGS = {"V2": "bfloat16", "f1": "float8_e5m2"}
"""Number formats of the package ml_dtypes, by what a header calls them, where that is one only."""


def load(path: FilePath) -> np.ndarray:
    """Array from an ``.npy`` file, or from an ``.npz`` archive of one array.

    The file is taken for what it holds, whatever its name; :func:`numbers` checks the rest.
    bfloat16 and float8_e5m2 are read by the package ml_dtypes, where that is installed; other kinds
    of float8 are not told apart by a file.

    Raises
    ------
    InputError
        The file cannot be read, is none of these, is damaged or cut off, or has more behind its
        end; the message says which.
    """
    with opened(path) as file:
        try:
            size = os.fstat(file.fileno()).st_size
            start = file.read(len(MAGIC))
            file.seek(0)
            if start.startswith(ARCHIVE):
                return _archived(path, file)
            return _array(f"{path}:", file, size)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
        except MemoryError:
            raise InputError(f"{path}: is larger than the memory there is") from None


def read_tokens(path: Path) -> Any:
    """What a file of tokens holds, as nested lists or as an array."""
    if path.suffix in {".npy", ".npz"}:
        return load(path)
    if path.suffix != ".json":
        raise InputError(f"{path}: an input is an .npy, an .npz or a .json file")
    with opened(path) as file:
        try:
            return json.loads(file.read().decode("utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: is no JSON: {error}") from None


@contextmanager
def opened(path: FilePath) -> Iterator[IO[bytes]]:
    """A regular file open for reading; anything else is an :class:`InputError`, and never waits."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not os.fspath(path):
        raise InputError("a file name must not be empty")
    try:
        number = os.open(path, flags)
        mode = os.fstat(number).st_mode
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{path}: no file name has a NUL in it") from None
    if not stat.S_ISREG(mode):
        os.close(number)
        if stat.S_ISDIR(mode):
            raise InputError(f"{path}: cannot be read: {os.strerror(errno.EISDIR)}")
        kind = "pipe" if stat.S_ISFIFO(mode) else "device"
        raise InputError(f"{path}: is a {kind}; a regular file is needed")
    with open(number, "rb") as file:
        yield file


def numbers(name: str, given: ArrayLike, wrong_kind: type[Exception] = InputError) -> np.ndarray:
    """An array of integers or of floats no wider than float64, with the values that were given.

    Parameters
    ----------
    name : :class:`str`
        What messages call it.
    given : array-like
        What stands for numbers.
    wrong_kind : class
        What is raised if they are none.

    Raises
    ------
    InputError
        They are no numbers, some are masked, or some are beyond float64.
    """
    if _masked(given):
        raise InputError(f"{name} has masked numbers, which have no value: fill them first")
    try:
        array = np.asarray(given)
    except (TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise wrong_kind(f"{name} must be an array of numbers: {reason}") from None
    if array.dtype.type.__module__ == "ml_dtypes" and array.dtype.kind in "Vf":
        array = array.astype(np.float32)  # exact: all these formats are narrower
    if array.dtype.kind not in "iuf":
        raise wrong_kind(f"{name} must be an array of numbers, not of {array.dtype}")
    if array.dtype.itemsize > 8:
        with np.errstate(all="ignore"):
            narrow = array.astype(np.float64)
        beyond = np.isinf(narrow) & np.isfinite(array)
        if beyond.any():
            raise InputError(f"{name} has numbers beyond float64, such as {array[beyond][0]!s}")
        array = narrow
    return array


def _masked(given: Any) -> bool:
    """Whether a number is masked, in an array or in lists of them."""
    if isinstance(given, np.ma.MaskedArray):
        return bool(np.ma.is_masked(given))
    return isinstance(given, (list, tuple)) and any(map(_masked, given))


def _archived(path: FilePath, file: IO[bytes]) -> np.ndarray:
    """The array of an archive of one."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            file.seek(-22 - len(archive.comment), os.SEEK_END)
            if file.read(4) != b"PK\5\6":
                raise InputError(f"{path}: has more behind the end of its archive; {NEEDED}")
            if len(names) != 1:
                listed = f": {', '.join(names)}" if names else ""
                raise InputError(
                    f"{path}: is an archive of {len(names)} files{listed}; one array is needed"
                )
            info = archive.getinfo(names[0])
            with archive.open(info) as member:
                return _array(f"{path}: its {names[0]}", member, info.file_size)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # zipfile and zlib have errors of a dozen kinds
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(f"{path}: is a damaged archive ({reason}); {NEEDED}") from None


def _array(name: str, file: IO[bytes], size: int) -> np.ndarray:
    """The array that a stream of so many octets holds."""
    head = file.read(len(MAGIC) + 2)
    if not head:
        raise InputError(f"{name} is empty; {NEEDED}")
    if not head.startswith(MAGIC):
        kind = "is a pickle of Python" if head.startswith(b"\x80") else "is no .npy file"
        raise InputError(f"{name} {kind}; {NEEDED}")
    if tuple(head[6:]) not in VERSIONS:
        raise InputError(f"{name} has a damaged header, of no known version; {NEEDED}")
    octets, encoding = VERSIONS[head[6], head[7]]
    length = int.from_bytes(file.read(octets), "little")
    start = len(head) + octets + length
    text = file.read(min(length, MOST))
    if start > size or len(text) < length:
        raise InputError(f"{name} is cut off within its header, or that is damaged; {NEEDED}")
    dtype, shape, order = _header(name, text, encoding)
    wanted, there = math.prod(shape) * dtype.itemsize, size - start
    if there != wanted:
        what = f"{there:,} octets of numbers where its header says {_brief(wanted)}"
        wrong = "is cut off" if there < wanted else "has more behind its end"
        raise InputError(f"{name} {wrong}: {what}; {NEEDED}")
    content = file.read(wanted)
    if len(content) != wanted or file.read(1):
        raise InputError(f"{name} changed while it was read; {NEEDED}")
    try:
        return np.frombuffer(content, dtype).reshape(shape, order=order)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{name} has a shape that numpy refuses: {error}") from None


def _header(name: str, text: bytes, encoding: str) -> tuple[np.dtype, tuple[int, ...], Any]:
    """What a header says: type, shape and order of the elements."""
    damaged = InputError(f"{name} has a damaged header; {NEEDED}")
    try:
        plain = re.sub(r"(?<=\d)L\b", "", text.decode(encoding))  # as Python 2 wrote it
        match ast.literal_eval(plain.strip()):
            case {"descr": descr, "fortran_order": bool(fortran), "shape": tuple(shape)}:
                pass
            case _:
                raise damaged
    except InputError:
        raise
    except Exception:  # whatever Python's parser finds wrong with it
        raise damaged from None
    if not all(type(length) is int and length >= 0 for length in shape):
        raise damaged
    return _dtype(name, descr, damaged), shape, "F" if fortran else "C"


def _dtype(name: str, descr: Any, damaged: InputError) -> np.dtype:
    """The type of elements that a header names."""
    if isinstance(descr, list):
        raise InputError(f"{name} holds records; {NEEDED}")
    if not isinstance(descr, str):
        raise damaged
    if descr.lstrip("<>|=") in {*ENCODINGS, "V1"}:
        return _narrow(name, descr)
    try:
        dtype = np.dtype(descr)
    except Exception:  # TypeError, SyntaxError, ValueError, …
        raise damaged from None
    if dtype.hasobject:
        raise InputError(f"{name} holds Python objects; {NEEDED}")
    return dtype


def _narrow(name: str, descr: str) -> np.dtype:
    """A number format that numpy itself has not."""
    what = ENCODINGS.get(descr.lstrip("<>|="))
    if what is None:
        raise InputError(
            f"{name} holds items of one octet ({descr}), which may be any of a dozen formats such "
            "as float8_e4m3fn; save them as float32"
        )
    try:
        import ml_dtypes
    except ImportError:
        raise InputError(
            f"{name} holds {descr}, which stands for {what}: pip install ml_dtypes, or save it as "
            "float32"
        ) from None
    return np.dtype(getattr(ml_dtypes, what))


def _brief(count: int) -> str:
    return f"{count:,}" if count < 10**15 else f"{float(min(count, 10**300)):.3g}"
