"""Streams that are given: what fits a port is taken, what does not is refused by its name."""

import numpy as np
import pytest
from amaranth.hdl import signed, unsigned
from amaranth.lib import data
from helpers.bench import raises
from sdpaflow.numerics import SQ, UQ
from sdpaflow.units import FramingError, Stream, check_stream
from sdpaflow.units.streams import group_lengths, groups, positions, starts

X = SQ(4, 8)
VECTOR = data.ArrayLayout(SQ(4, 4), 2)
TOKEN = data.StructLayout({"x": SQ(4, 4), "v": VECTOR})


def last(*lasts):
    """Last bits, a string of 0 and 1 for each level."""
    return np.array([[c == "1" for c in bits] for bits in lasts], dtype=bool).T


def flat(values):
    return Stream(values, np.zeros((len(values), 0), dtype=bool))


@pytest.mark.parametrize(
    "values",
    [[1, -2], np.array([1, -2], dtype=np.int8), np.array([1, -2]), [np.int16(1), np.int16(-2)]],
)
def test_any_integers_are_taken(values):
    """They become int64, so that no model overflows a narrower type."""
    checked = check_stream("x", flat(values), X, 0)
    assert checked.data.dtype == np.int64
    assert checked.data.tolist() == [1, -2]


def test_what_fits_is_not_copied():
    """Heads of a megabyte pass untouched."""
    values = np.arange(4)
    assert check_stream("x", flat(values), X, 0).data is values


def test_structures_vectors_bits_and_nothing():
    """Layouts of any depth; the extremes of a format; one bit as bools; an empty stream."""
    given = {"x": [-128, 127], "v": [[-128, 127], [0, 1]]}
    checked = check_stream("x", Stream(given, last("01")), TOKEN, 1)
    assert checked.data["v"].tolist() == given["v"]
    assert check_stream("x", flat([True, False]), 1, 0).data.tolist() == [1, 0]
    assert check_stream("x", flat([255, 0]), unsigned(8), 0).data.tolist() == [255, 0]
    assert check_stream("x", Stream([], np.zeros((0, 1), dtype=bool)), X, 1).data.shape == (0,)


@pytest.mark.parametrize(
    ("stream", "shape", "rank", "kind", "message"),
    [
        ([1, 2], X, 0, TypeError, "x must be a Stream, not [1, 2]"),
        (
            flat(np.array([0.5, 1])),
            X,
            0,
            TypeError,
            "x must hold raw integers, not floats: quantise them, as stream_of does",
        ),
        (flat(["1"]), X, 0, TypeError, "x must hold raw integers, not <U1"),
        (
            flat([0, 99999]),
            X,
            0,
            ValueError,
            "Token 1 of x is 99999, but raw values of SQ(4,8) are -2048 to 2047",
        ),
        (
            flat([0, -1]),
            UQ(4, 4),
            0,
            ValueError,
            "Token 1 of x is -1, but raw values of UQ(4,4) are 0 to 255",
        ),
        (
            flat([-5]),
            signed(3),
            0,
            ValueError,
            "Token 0 of x is -5, but raw values of signed(3) are -4 to 3",
        ),
        (
            flat([[0, 1], [2, 128]]),
            VECTOR,
            0,
            ValueError,
            "Token 1 of x, lane 1, is 128, but raw values of SQ(4,4) are -128 to 127",
        ),
        (
            Stream([1, 2], np.zeros((3, 0), dtype=bool)),
            X,
            0,
            ValueError,
            "x must be an array of 3 numbers for as many bits last, not of 2",
        ),
        (
            flat([1, 2]),
            VECTOR,
            0,
            ValueError,
            "x must be an array of 2 × 2, tokens × lanes, for as many bits last, not of 2",
        ),
        (
            flat([[1, 2, 3]]),
            VECTOR,
            0,
            ValueError,
            "x must be an array of 1 × 2, tokens × lanes, for as many bits last, not of 1 × 3",
        ),
        (
            Stream({"x": [1], "w": [2]}, last("1")),
            TOKEN,
            1,
            ValueError,
            "x must be a dict of x, v, not of x, w",
        ),
        (
            Stream([1], last("1")),
            TOKEN,
            1,
            ValueError,
            "x must be a dict of x, v, not of list",
        ),
        (
            Stream({"x": [1], "v": [[0, -129]]}, last("1")),
            TOKEN,
            1,
            ValueError,
            "Token 0 of x.v, lane 1, is -129, but raw values of SQ(4,4) are -128 to 127",
        ),
        (Stream([1], last("1")), X, 0, ValueError, "x must be of rank 0, not 1"),
        (
            Stream([1], np.array([[1]])),
            X,
            1,
            TypeError,
            "last of x must be an array of bools, tokens × rank, not of int64 (1, 1)",
        ),
        (
            Stream([1], np.array([True])),
            X,
            1,
            TypeError,
            "last of x must be an array of bools, tokens × rank, not of bool (1,)",
        ),
        (
            Stream([1, 2], last("10")),
            X,
            1,
            ValueError,
            "x ends within a group: its last token, 1, must have last[0]",
        ),
        (
            Stream([1, 2], last("11", "10")),
            X,
            2,
            ValueError,
            "x ends within a group: its last token, 1, must have last[1]",
        ),
        (
            Stream([1, 2], last("01", "11")),
            X,
            2,
            ValueError,
            "Token 0 of x has last[1] but not last[0]: what closes a group of groups closes the "
            "group within",
        ),
    ],
)
def test_what_does_not_fit_is_refused(stream, shape, rank, kind, message):
    """One sentence: which port, which token, what it is and what would be right."""
    with raises(kind, message):
        check_stream("x", stream, shape, rank)


def test_groups():
    """Of three tokens, one and two."""
    ends = last("001101")[:, 0]
    assert starts(ends).tolist() == [0, 3, 4]
    assert groups(ends).tolist() == [0, 0, 0, 1, 2, 2]
    assert positions(ends).tolist() == [0, 1, 2, 0, 0, 1]
    assert group_lengths(ends).tolist() == [3, 1, 2]
    none = np.zeros(0, dtype=bool)
    assert [f(none).tolist() for f in (starts, groups, positions, group_lengths)] == [[]] * 4


def test_a_framing_error_is_renamed():
    """Ports become what a graph calls their streams; without ports, the message stays."""
    error = FramingError("{0} and {1} disagree", "a", "b")
    assert str(error) == "a and b disagree"
    assert str(error.renamed("z (Map)", {"a": "x_ij"})) == "z (Map): x_ij and b disagree"
    assert str(FramingError("{odd}").renamed("z (Map)", {})) == "z (Map): {odd}"
