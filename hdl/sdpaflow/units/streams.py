"""All tokens of a stream at once, as the models of units take and give them."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from sdpaflow.errors import FramingError
from sdpaflow.numerics.aliases import Raw

__all__ = [
    "FramingError",
    "ModelResult",
    "Raw",
    "ShapeLike",
    "Stream",
    "agree",
    "count_of",
    "group_lengths",
    "groups",
    "positions",
    "starts",
]

ShapeLike: TypeAlias = Any
"""What Amaranth casts to a shape and a stream can be made of, callable to cast values to it."""


@dataclass
class Stream:
    """All tokens of a stream, in order.

    Attributes
    ----------
    data
        Raw values (:mod:`sdpaflow.numerics.raw`), token index first.
    last : numpy.ndarray
        Bools, tokens × rank. ``last[:, 0]`` marks the tokens that close the innermost groups.
    """

    data: Raw
    last: np.ndarray

    def __len__(self) -> int:
        return len(self.last)


ModelResult: TypeAlias = (
    Stream | dict[str, Stream] | tuple[Stream | dict[str, Stream], dict[str, int]]
)
"""What a unit's model gives: its output or outputs, and how many tokens raised which flag."""


# Groups, from one column of ``last``.


def starts(ends: np.ndarray) -> np.ndarray:
    """Where each group starts. ``ends`` marks the last token of each; the last token of all is."""
    return np.append(0, np.flatnonzero(ends) + 1)[:-1]


def groups(ends: np.ndarray) -> np.ndarray:
    """Number of the group that each token is in."""
    return np.cumsum(ends) - ends


def positions(ends: np.ndarray) -> np.ndarray:
    """Place of each token within its group."""
    return np.arange(len(ends)) - starts(ends)[groups(ends)]


def group_lengths(ends: np.ndarray) -> np.ndarray:
    """Tokens of each group."""
    return np.flatnonzero(ends) + 1 - starts(ends)


def agree(
    ports: tuple[str, str],
    one: np.ndarray,
    other: np.ndarray,
    words: tuple[str, str] = ("token", "token"),
) -> None:
    """Insist that two streams end their groups alike.

    Parameters
    ----------
    ports : pair of :class:`str`
        Whose they are, for the message.
    one, other : numpy.ndarray
        Bits ``last``, of what has to come in step: tokens × rank.
    words : pair of :class:`str`
        What is counted in each of them, for the message.

    Raises
    ------
    FramingError
        They differ; from where on is said.
    """
    common = min(len(one), len(other))
    differ = (one[:common] != other[:common]).any(axis=1)
    here, there = words
    if differ.any():
        at = int(np.argmax(differ))
        place = f"{here} {at} on" if here == there else f"{here} {at} of {{0}} on"
        raise FramingError(f"{{0}} and {{1}} disagree on where groups end, from {place}", *ports)
    if len(one) != len(other):
        raise FramingError(
            f"{{0}} and {{1}} disagree: {count_of(len(one), here)} of {{0}} against "
            f"{count_of(len(other), there)} of {{1}}",
            *ports,
        )


def count_of(number: int, word: str) -> str:
    """A number of things: ``1 token``, ``2 tokens``."""
    return f"{number} {word}{'' if number == 1 else 's'}"
