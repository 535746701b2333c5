"""Finished points on disk: one file each, whole or not there, used again only for the same key."""

import json
from pathlib import Path
from typing import Any

from sdpaflow_sim.outputs import replacing
from sdpaflow_sim.study.points import Point

__all__ = ["Store"]


class Store:
    """Results in a folder, made if needed.

    Parameters
    ----------
    folder : :class:`pathlib.Path`
        Where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

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
        with replacing(self.path(point)) as path:
            path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
