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
    "file",
    "formats",
    "head",
    "named",
    "numbers",
    "pipeline",
    "pipelines",
    "positive",
    "word",
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


MOST = 1 << 62
"""No count is larger: cycles, tokens and seeds are handed on in 64 bits."""

JOBS = 1024
"""Most processes at a time."""

LONG = 60
"""Characters of what was given that a message quotes."""


def quoted(text: str) -> str:
    """What was given, as a message quotes it."""
    if len(text) <= LONG:
        return repr(text)
    return f"{text[:LONG]!r}… of {len(text)} characters"


def at_least(least: int, most: int = MOST) -> Callable[[str], int]:
    """A type of arguments: whole numbers from ``least`` to ``most``."""

    def number(text: str) -> int:
        if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text, re.ASCII):
            raise argparse.ArgumentTypeError(f"must be a whole number, not {quoted(text)}")
        if len(text) > LONG:
            raise argparse.ArgumentTypeError(f"must be {least} to {most}, not {quoted(text)}")
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, not {int(text)}")
        if int(text) > most:
            raise argparse.ArgumentTypeError(f"must be at most {most}, not {int(text)}")
        return int(text)

    return number


def numbers(text: str) -> list[int]:
    """A type of arguments: different whole numbers from 1 on, with commas between."""
    parts = text.split(",")
    if not all(re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", part, re.ASCII) for part in parts):
        raise argparse.ArgumentTypeError(f"must be numbers like 1,2,4, not {quoted(text)}")
    found = [int(part) for part in parts]
    if min(found) < 1 or len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"must be at least 1, and differ, not {text}")
    return found


def positive(text: str) -> float:
    """A type of arguments: a number greater than zero."""
    plain = re.fullmatch(r"\s*[+-]?([0-9]+\.?|[0-9]*\.[0-9]+)(e[+-]?[0-9]+)?\s*", text.lower())
    number = float(text) if plain else math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, not {text or quoted(text)}")
    return number


def word(text: str) -> str:
    """A type of arguments: any text but none."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"must not be empty, as {text!r} is")
    return text


def file(text: str) -> str:
    """A type of arguments: what may be the name of a file or of a folder."""
    if not text:
        raise argparse.ArgumentTypeError("a file name must not be empty")
    if "\0" in text:
        raise argparse.ArgumentTypeError(f"{text}: no file name has a NUL in it")
    return text


def pipeline(text: str) -> str:
    """A type of arguments: the name of a pipeline, or where one's own is."""
    text = text.strip()
    if text not in NAMES and (not re.fullmatch(r".+:.+", text) or "\0" in text):
        raise argparse.ArgumentTypeError(
            f"pipeline must be one of {', '.join(NAMES)}, or {OWN}, not {quoted(text)}"
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
            raise argparse.ArgumentTypeError(f"must be {what}, not {quoted(text)}")
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
    if text != ALL and not re.fullmatch(r"[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"head must be 0 to 11, or all, not {quoted(text)}")
    return text if text == ALL else int(text)


def formats(text: str) -> "dict[str, fixed.Shape]":
    """A type of arguments: formats by name, as ``q=SQ(4,12),v=SQ(6,10)``."""
    from sdpaflow.numerics.fixed import parse

    found: dict[str, fixed.Shape] = {}
    for part in text.replace("),", ")\n").split("\n"):
        name, _, shape = part.partition("=")
        if name.strip() not in {"q", "k", "v", "o"}:
            raise argparse.ArgumentTypeError(
                f"formats are of q, k, v and o, not {quoted(name.strip())}"
            )
        if name.strip() in found:
            raise argparse.ArgumentTypeError(f"there are two formats of {name.strip()}")
        try:
            found[name.strip()] = parse(shape)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    return found
