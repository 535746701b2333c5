"""Finished points on disk: one file each, used again only whole and as it was measured."""

import hashlib
import json
from pathlib import Path
from typing import Any

from sdpaflow_sim.errors import InputError
from sdpaflow_sim.outputs import finite, make_folder, replacing, to_json
from sdpaflow_sim.study.points import FIELDS, Point

__all__ = ["Store"]

DIGEST = "sha256"
"""The field that holds a digest of all others."""


class _AmissError(Exception):
    """A file is not a result as it was measured."""


class Store:
    """Results in a folder, made with the first of them.

    Parameters
    ----------
    folder : :class:`pathlib.Path`
        Where.

    Attributes
    ----------
    amiss : dict of :class:`str`
        What is wrong with files that were found and not taken, by name of the file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.amiss: dict[str, str] = {}

    def path(self, point: Point) -> Path:
        """File of a point: its name, and enough of its key to keep others apart."""
        return self.folder / f"{point.name}-{point.key[:10]}.json"

    def load(self, point: Point) -> dict[str, Any] | None:
        """Result of a point; None if there is none, or it is not what was measured."""
        path = self.path(point)
        try:
            return _checked(json.loads(path.read_text(encoding="utf-8")), point.key)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        except _AmissError as error:
            self.amiss[path.name] = str(error)
        except (ValueError, RecursionError):
            self.amiss[path.name] = "is no JSON"
        return None

    def save(self, point: Point, result: dict[str, Any]) -> None:
        """Keep a result."""
        make_folder(self.folder, parents=True)
        with replacing(self.path(point)) as path:
            kept = {**result, DIGEST: _digest(result)}
            path.write_text(to_json(kept, indent=1) + "\n", encoding="utf-8")


def _checked(found: Any, key: str) -> dict[str, Any]:
    """The result in a file; an error that says what is amiss."""
    if not isinstance(found, dict):
        raise _AmissError("is no result")
    digest = found.pop(DIGEST, None)
    if missing := [name for name in FIELDS if name not in found]:
        raise _AmissError(f"has no {missing[0]}")
    if found["key"] != key:
        raise _AmissError("is of another point")
    if digest != _digest(found):
        raise _AmissError("is not as it was measured: its digest differs")
    return found


def _digest(result: dict[str, Any]) -> str:
    plain = json.dumps(finite(result), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()
