"""Tokens on their way into a design: in batches, as words, without a copy for every row."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Feed", "Rows", "batches", "from_words", "to_words"]

BATCH = 1 << 14
"""Tokens of an iterator that are made into words at once."""


@dataclass
class Rows:
    """Rows of tokens which all start with the same one.

    Attributes
    ----------
    tokens : numpy.ndarray
        Bits of the tokens of the longest row, uint32 words, (tokens, words), the lowest first.
    lengths : numpy.ndarray
        Tokens of each row.
    close : :class:`int`
        Bit that is up in the last token of each row, and down in ``tokens``; None for none.
    """

    tokens: np.ndarray
    lengths: np.ndarray
    close: int | None = None

    def __iter__(self) -> Iterator[int]:
        """The tokens' bits, one by one, as integers."""
        bits = from_words(self.tokens)
        mark = 0 if self.close is None else 1 << self.close
        for length in self.lengths.tolist():
            yield from bits[: length - 1]
            yield bits[length - 1] | mark


class Feed:
    """A stream of tokens as a few :class:`Rows`, one after another; iterating gives integers.

    Parameters
    ----------
    parts : callable
        Gives an iterator of :class:`Rows`, each made when it is due.
    """

    def __init__(self, parts: Callable[[], Iterator[Rows]]):
        self.parts = parts

    def __iter__(self) -> Iterator[int]:
        return itertools.chain.from_iterable(self.parts())


def batches(tokens: Iterable[int], width: int) -> Iterator[Rows]:
    """Any source of tokens as :class:`Rows`.

    Parameters
    ----------
    tokens : iterable of :class:`int` or :class:`Feed`
        Bits of the tokens.
    width : :class:`int`
        Bits of each.
    """
    if isinstance(tokens, Feed):
        yield from tokens.parts()
        return
    tokens = iter(tokens)
    while batch := list(itertools.islice(tokens, BATCH)):
        yield Rows(to_words(batch, width), np.array([len(batch)]))


def to_words(tokens: Sequence[int], width: int) -> np.ndarray:
    """Integers of ``width`` bits as uint32 words, (tokens, words), the lowest first."""
    words = -(-width // 32)
    if words == 1:
        return np.array(tokens, dtype=np.uint32).reshape(-1, 1)
    octets = b"".join(token.to_bytes(4 * words, "little") for token in tokens)
    return np.frombuffer(octets, dtype="<u4").reshape(-1, words)


def from_words(words: np.ndarray) -> list[int]:
    """The integers whose words these are."""
    if words.shape[1] == 1:
        return words[:, 0].tolist()
    octets = words.astype("<u4", copy=False).tobytes()
    size = 4 * words.shape[1]
    return [int.from_bytes(octets[at : at + size], "little") for at in range(0, len(octets), size)]
