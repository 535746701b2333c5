"""The source files of a pipeline of one's own: that of its class, and all that it imports."""

import ast
import hashlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import amaranth
import sdpaflow

__all__ = ["own_sources"]


def own_sources(kind: type) -> list[str]:
    """Hashes of the files that a class and those above it are from, and of what these import.

    Installed packages are left out: they have versions. What a file imports is read from its text,
    so that it is the same in every process, imported yet or not.
    """
    found: dict[str, str] = {}
    waiting = [each.__module__ for each in kind.__mro__]
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if name in found or path is None or _is_installed(path):
            continue
        text = path.read_bytes()
        found[name] = hashlib.sha256(text).hexdigest()
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        with suppress(SyntaxError, ValueError):
            waiting += _imported(ast.parse(text), package)
    return [found[name] for name in sorted(found)]


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Names of modules that a file may import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(start, package) if node.level else start
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _file(name: str) -> Path | None:
    """The Python file of a module; None if it has none, or there is no such module."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None and name not in sys.modules:
        with suppress(Exception):  # what finding a module may run into
            spec = importlib.util.find_spec(name)
            file = None if spec is None else spec.origin
    return Path(file) if file and file.endswith(".py") and Path(file).is_file() else None


def _is_installed(path: Path) -> bool:
    places = {Path(place).resolve() for place in sysconfig.get_paths().values()}
    places |= {Path(package.__file__ or "").resolve().parent for package in (sdpaflow, amaranth)}
    places.add(Path(__file__).resolve().parents[1])
    return any(place in path.resolve().parents for place in places)
