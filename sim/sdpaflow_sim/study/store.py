"""Finished points on disk: one file each, whole or not there, used again only for the same key."""

import json
from pathlib import Path
from typing import Any

from sdpaflow_sim.outputs import make_folder, replacing, to_json
from sdpaflow_sim.study.points import Point

__all__ = ["Store"]


class Store:
    """Results in a folder, made with the first of them.

    Parameters
    ----------
    folder : :class:`pathlib.Path`
        Where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, point: Point) -> Path:
        """File of a point: its name, and enough of its key to keep others apart."""
        return self.folder / f"{point.name}-{point.key[:10]}.json"

    def load(self, point: Point) -> dict[str, Any] | None:
        """Result of a point; None if there is none, or of another key, or no longer readable."""
        try:
            result = json.loads(self.path(point).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(result, dict) or result.get("key") != point.key:
            return None
        return result

    def save(self, point: Point, result: dict[str, Any]) -> None:
        """Keep a result."""
        make_folder(self.folder, parents=True)
        with replacing(self.path(point)) as path:
            path.write_text(to_json(result, indent=1) + "\n", encoding="utf-8")
