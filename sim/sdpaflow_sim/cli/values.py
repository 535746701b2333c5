"""What a text on the command line may be, and what it stands for.

Nothing heavy is imported here: ``--help`` and what a parser refuses are quick.
"""

import argparse
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdpaflow.numerics import fixed

__all__ = [
    "ALL",
    "AUTO",
    "ENGINES",
    "NAMES",
    "OWN",
    "PORTS",
    "Pairs",
    "at_least",
    "formats",
    "head",
    "named",
    "numbers",
    "pipeline",
    "pipelines",
    "positive",
]

NAMES = ("naive", "reordered", "scaled", "scaled-reordered", "memory-free")
"""Keys of :data:`sdpaflow.pipelines.PIPELINES`."""

AUTO = "auto"
ENGINES = (AUTO, "amaranth", "verilator")
"""``auto``, and the keys of :data:`sdpaflow_sim.engines.choose.ENGINES`."""

PORTS = ("native", "axi")
"""As :data:`sdpaflow_sim.exporting.design.PORTS`."""

ALL = "all"
"""In place of a head's number, or of a list of pipelines."""

OWN = "module:Class or file.py:Class"
"""How a pipeline of one's own is written."""


def at_least(least: int) -> Callable[[str], int]:
    """A type of arguments: whole numbers from ``least`` on."""

    def number(text: str) -> int:
        if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
            raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}")
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, not {int(text)}")
        return int(text)

    return number


def numbers(text: str) -> list[int]:
    """A type of arguments: different whole numbers from 1 on, with commas between."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be numbers like 1,2,4, not {text!r}") from None
    if min(found) < 1 or len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"must be at least 1, and differ, not {text}")
    return found


def positive(text: str) -> float:
    """A type of arguments: a number greater than zero."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, not {text}")
    return number


def pipeline(text: str) -> str:
    """A type of arguments: the name of a pipeline, or where one's own is."""
    text = text.strip()
    if text not in NAMES and not re.fullmatch(r".+:.+", text):
        raise argparse.ArgumentTypeError(
            f"pipeline must be one of {', '.join(NAMES)}, or {OWN}, not {text!r}"
        )
    return text


def pipelines(text: str) -> list[str]:
    """A type of arguments: several of them with commas between, or all that are here."""
    names = list(NAMES) if text == ALL else [pipeline(name) for name in text.split(",")]
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"pipelines must differ, not be {text}")
    return names


def named(what: str) -> Callable[[str], tuple[str, str]]:
    """A type of arguments: a name and something else, as ``NAME=`` and whatever is said here."""

    def pair(text: str) -> tuple[str, str]:
        name, equals, rest = text.partition("=")
        if not (name.strip().isidentifier() and equals and rest):
            raise argparse.ArgumentTypeError(f"must be {what}, not {text!r}")
        return name.strip(), rest

    return pair


class Pairs(argparse.Action):
    """Collects pairs of a name and something else in a dict; refuses a name that comes twice."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        name, rest = values
        found = getattr(namespace, self.dest)
        if name in found:
            raise argparse.ArgumentError(self, f"{name} is given twice")
        setattr(namespace, self.dest, {**found, name: rest})


def head(text: str) -> int | str:
    """A type of arguments: the number of a head, or all."""
    if text != ALL and not re.fullmatch(r"\d+", text):
        raise argparse.ArgumentTypeError(f"head must be 0 to 11, or all, not {text!r}")
    return text if text == ALL else int(text)


def formats(text: str) -> "dict[str, fixed.Shape]":
    """A type of arguments: formats by name, as ``q=SQ(4,12),v=SQ(6,10)``."""
    from sdpaflow.numerics.fixed import parse

    found: dict[str, fixed.Shape] = {}
    for part in text.replace("),", ")\n").split("\n"):
        name, _, shape = part.partition("=")
        if name.strip() not in {"q", "k", "v", "o"}:
            raise argparse.ArgumentTypeError(f"formats are of q, k, v and o, not {name.strip()!r}")
        if name.strip() in found:
            raise argparse.ArgumentTypeError(f"there are two formats of {name.strip()}")
        try:
            found[name.strip()] = parse(shape)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    return found
