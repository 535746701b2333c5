# amaranth: UnusedElaboratable=no
"""What constructors refuse, and how they say so."""

import pytest
from amaranth.hdl import unsigned
from helpers.bench import raises
from helpers.functions import Horner, Mix
from sdpaflow.units import Fifo, Fork, Map, MemReduce, Reduce, Repeat, Replay, Scan, token

BYTE = unsigned(8)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: token(BYTE, -1), ValueError, "Rank must be at least 0, not -1"),
        (lambda: Fifo(BYTE, 0, 0), ValueError, "Depth must be at least 1, not 0"),
        (lambda: Fifo(BYTE, 0, 2.0), TypeError, "Depth must be an int, not 2.0"),
        (lambda: Fifo(BYTE, -1), ValueError, "Rank must be at least 0, not -1"),
        (
            lambda: Fork(BYTE, 0, 1),
            ValueError,
            "A fork must have at least 2 branches, not 1",
        ),
        (
            lambda: Map(Mix),
            TypeError,
            f"Function of a Map must be an Operator, not {Mix!r}",
        ),
        (
            lambda: Map(Horner()),
            TypeError,
            "Function of a Map must be an Operator, not Horner(unsigned(8) -> unsigned(16))",
        ),
        (
            lambda: Reduce(Mix()),
            TypeError,
            "Function of a Reduce must be a Fold, not Mix(unsigned(8) -> unsigned(8))",
        ),
        (
            lambda: Reduce(Horner(), 0),
            ValueError,
            "A Reduce folds groups, so its rank must be at least 1, not 0",
        ),
        (
            lambda: Scan(Mix()),
            TypeError,
            "Function of a Scan must be a Fold of one cycle, not Mix(unsigned(8) -> unsigned(8))",
        ),
        (
            lambda: Scan(Horner(), 0),
            ValueError,
            "A Scan folds groups, so its rank must be at least 1, not 0",
        ),
        (
            lambda: MemReduce(Mix(), 4),
            TypeError,
            "Function of a MemReduce must be a Fold, not Mix(unsigned(8) -> unsigned(8))",
        ),
        (
            lambda: MemReduce(Horner(), 4, 1),
            ValueError,
            "A MemReduce folds groups of groups: rank must be 2 or more, not 1",
        ),
        (
            lambda: MemReduce(Horner(), 0),
            ValueError,
            "Memory size must be at least 1 word, not 0",
        ),
        (
            lambda: MemReduce(Horner(), "4"),
            TypeError,
            "Memory size must be an int, not '4'",
        ),
        (
            lambda: Repeat(BYTE, BYTE, 0),
            ValueError,
            "A companion has groups, so its rank must be at least 1, not 0",
        ),
        (
            lambda: Replay(BYTE, BYTE, 4, 1),
            ValueError,
            "A companion has groups of groups: rank must be 2 or more, not 1",
        ),
        (
            lambda: Replay(BYTE, BYTE, 0),
            ValueError,
            "Memory size must be at least 1 word, not 0",
        ),
        (
            lambda: Replay(BYTE, BYTE, 4.0),
            TypeError,
            "Memory size must be an int, not 4.0",
        ),
    ],
)
def test_misuse_is_refused(make, kind, message):
    with raises(kind, message):
        make()
