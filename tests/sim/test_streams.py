"""Streams from nested lists, and back: every rank, every kind of token, every mistake."""

import doctest
import random

import numpy as np
import pytest
from amaranth.hdl import signed, unsigned
from amaranth.lib import data
from helpers.bench import raises
from helpers.streams import nested
from helpers.streams import tokens as bits_of
from sdpaflow.graph import Stream
from sdpaflow.numerics import SQ, UQ
from sdpaflow.units import Pair, token
from sdpaflow_sim import streams as module
from sdpaflow_sim.streams import QuantisedStream, stream_of, tokens_of, values_of

VECTOR = data.ArrayLayout(SQ(4, 4), 2)
PAIR = Pair(UQ(4, 4), unsigned(3))
DEEP = Pair(data.ArrayLayout(data.ArrayLayout(SQ(4, 4), 3), 2), Pair(UQ(4), VECTOR))
SHAPES = [UQ(4, 4), SQ(4, 4), unsigned(5), signed(5), VECTOR, PAIR, DEEP]


def drawn(rng, shape):
    """A token as the lists have it, and as the tests' own encoder takes it: raw integers."""
    if isinstance(shape, data.StructLayout):
        fields = {name: drawn(rng, member) for name, member in shape.members.items()}
        return {n: f[0] for n, f in fields.items()}, [f[1] for f in fields.values()]
    if isinstance(shape, data.ArrayLayout):
        lanes = [drawn(rng, shape.elem_shape) for _ in range(shape.length)]
        return [lane for lane, _ in lanes], [bits for _, bits in lanes]
    if hasattr(shape, "f_bits"):
        bits = rng.randint(shape.raw_min, shape.raw_max)
        return bits / (1 << shape.f_bits), bits
    bits = rng.randrange(1 << shape.width) - (shape.signed << shape.width >> 1)
    return bits, bits


def halves(levels, groups, half):
    """Of pairs that lie so many lists deep, one half."""
    return groups[half] if levels == 0 else [halves(levels - 1, each, half) for each in groups]


@pytest.mark.parametrize("rank", range(4))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_stream_is_its_nested_lists(shape, rank):
    """At every rank, for numbers, vectors and structures: the bits are those of another encoder."""
    rng = random.Random(rank)
    both = nested(rng, rank, 5, lambda: drawn(rng, shape))
    groups, raws = (halves(rank + 1, both, half) for half in (0, 1))
    stream = stream_of(shape, groups, rank)
    assert tokens_of(token(shape, rank), stream) == bits_of(shape, rank, raws)
    assert isinstance(stream, Stream)
    assert stream.clamped == 0
    assert values_of(stream, shape) == groups


@pytest.mark.parametrize("rank", range(3))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_rank_is_how_deep_lists_are(shape, rank):
    """Unless it is given; a vector's own lists do not count."""
    rng = random.Random(rank)
    groups = nested(rng, rank, 3, lambda: drawn(rng, shape)[0])
    assert stream_of(shape, groups).last.shape[1] == rank


@pytest.mark.parametrize("kind", [np.float32, np.int16, np.uint8])
def test_arrays_are_lists(kind):
    """Of any numbers, whole or as members of lists."""
    array = np.arange(24, dtype=kind).reshape(2, 3, 2, 2) % 7
    wanted = stream_of(VECTOR, array.tolist(), 2)
    for given in (array, list(array), [list(part) for part in array]):
        stream = stream_of(VECTOR, given)
        assert np.array_equal(stream.data, wanted.data)
        assert np.array_equal(stream.last, wanted.last)


def test_numbers_are_rounded_to_the_nearest_and_ties_to_even():
    stream = stream_of(SQ(4, 1), [0.2, 0.25, 0.75, -0.3, -0.75])
    assert stream.data.tolist() == [0, 0, 2, -1, -2]


@pytest.mark.parametrize(
    ("shape", "groups", "bits", "clamped"),
    [
        (UQ(4, 4), [15.9375, 15.97, 99, -1, 1e300, 10**400], [255, 255, 255, 0, 255, 255], 5),
        (SQ(2, 2), [[-2, -9], [1.75, 2]], [-8, -8, 7, 7], 2),
        (unsigned(4), [15, 16, -1, 10**30], [15, 15, 0, 15], 3),
        (signed(4), [7, 8, -8, -9], [7, 7, -8, -8], 2),
        (VECTOR, [[0, 100], [100, -100]], [[0, 127], [127, -128]], 3),
        (SQ(31, 31), [2.0**30, -(2.0**31)], [2**61 - 1, -(2**61)], 2),
    ],
)
def test_what_is_clamped_is_counted(shape, groups, bits, clamped):
    """Each number that the format cannot hold, in every lane."""
    stream = stream_of(shape, groups)
    assert stream.data.tolist() == bits
    assert stream.clamped == clamped


def test_what_is_clamped_in_fields_is_added_up():
    stream = stream_of(PAIR, [{"over": 99, "i": 9}, {"over": 1, "i": -1}])
    assert (stream.data["over"].tolist(), stream.data["i"].tolist()) == ([255, 16], [7, 0])
    assert stream.clamped == 3


@pytest.mark.parametrize("rank", range(3))
def test_no_tokens_are_a_stream(rank):
    """Groups are never empty, but there may be none."""
    stream = stream_of(VECTOR, [], rank)
    assert (len(stream), stream.last.shape, stream.data.shape) == (0, (0, rank), (0, 2))
    assert values_of(stream, VECTOR) == []


@pytest.mark.parametrize(
    ("shape", "groups", "rank", "message"),
    [
        (UQ(4), 3, 0, "groups must be a list of tokens, not 3"),
        (UQ(4), "12", 0, "groups must be a list of tokens, not '12'"),
        (UQ(4), [1, 2], 1, "groups[0] must be a list of tokens, not 1"),
        (UQ(4), [1, 2], 2, "groups[0] must be a list of groups, not 1"),
        (UQ(4), [[[1]], [2]], 2, "groups[1][0] must be a list of tokens, not 2"),
        (UQ(4), [1, [2]], 0, "groups[1] must be a number for UQ(4,0), not a list"),
        (UQ(4), [[1], [2, [3]]], 1, "groups[1][1] must be a number for UQ(4,0), not a list"),
        (UQ(4), [[1], [2, "3"]], 1, "groups[1][1] must be a number for UQ(4,0), not '3'"),
        (UQ(4), [1, True], 0, "groups[1] must be a number for UQ(4,0), not True"),
        (UQ(4), [None], 0, "groups[0] must be a number for UQ(4,0), not None"),
        (UQ(4), [1j], 0, "groups[0] must be a number for UQ(4,0), not 1j"),
        (UQ(4), [{"over": 1}], 0, "groups[0] must be a number for UQ(4,0), not a dict"),
        (unsigned(4), [1, 1.5], 0, "groups[1] must be an integer for unsigned(4), not 1.5"),
        (VECTOR, [1], 0, "groups[0] must be a list of 2, not 1"),
        (VECTOR, [[1, 2], [3, "x"]], 0, "groups[1][1] must be a number for SQ(4,4), not 'x'"),
        (PAIR, [1], 0, "groups[0] must be a dict of over, i, not 1"),
        (PAIR, [[{"over": 1, "i": 2.5}]], 1,
         "groups[0][0]['i'] must be an integer for unsigned(3), not 2.5"),
        (UQ(4), np.array([True]), 0, "groups must be an array of numbers, not of bool"),
        (UQ(4), np.array(["1"]), 0, "groups must be an array of numbers, not of <U1"),
        (UQ(4), [1], "1", "Rank must be an int, not '1'"),
        ("UQ(4)", [1], 0, "Shape must be shape-like, not 'UQ(4)'"),
    ],
)  # fmt: skip
def test_another_kind_is_refused(shape, groups, rank, message):
    """In one sentence that says where."""
    with raises(TypeError, message):
        stream_of(shape, groups, rank)


@pytest.mark.parametrize(
    ("shape", "groups", "rank", "message"),
    [
        (UQ(4), [[1], [], [2]], 1, "groups[1] is empty, but a group has at least one token"),
        (UQ(4), [[[1]], [[2], []]], 2, "groups[1][1] is empty, but a group has at least one token"),
        (UQ(4), [[[1]], []], 2, "groups[1] is empty, but a group has at least one token"),
        (UQ(4), [[1], [2, float("nan")]], 1, "groups[1][1] must be finite, not nan"),
        (UQ(4), np.array([1, -np.inf]), 0, "groups[1] must be finite, not -inf"),
        (VECTOR, [[1, 2], [3, 4, 5]], 0, "groups[1] must have 2 elements, not 3"),
        (VECTOR, [[[1, 2]], [[1, 2], []]], 1, "groups[1][1] must have 2 elements, not 0"),
        (PAIR, [{"over": 1}], 0, "groups[0] must be a dict of over, i, not of over"),
        (PAIR, [{}], 0, "groups[0] must be a dict of over, i, not of nothing"),
        (UQ(4), [1], -1, "Rank must be at least 0, not -1"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(shape, groups, rank, message):
    """In one sentence that says where."""
    with raises(ValueError, message):
        stream_of(shape, groups, rank)


def test_vectors_of_structures_have_no_raw_value():
    with raises(
        TypeError,
        f"A token must not be a vector of structures, such as {PAIR!r}",
    ):
        stream_of(data.ArrayLayout(PAIR, 2), [])


def test_a_stream_that_ends_within_a_group_stands_for_no_lists():
    open_ended = Stream(np.array([1, 2]), np.array([[True, True], [True, False]]))
    with raises(
        ValueError, "The stream ends within a group: its last token has last = [True, False]"
    ):
        values_of(open_ended, UQ(4))


def test_the_example_is_right():
    """The one in the documentation of stream_of."""
    names = {"stream_of": stream_of, "UQ": UQ}
    (example,) = doctest.DocTestFinder().find(stream_of, "stream_of", module, globs=names)
    assert doctest.DocTestRunner().run(example) == (0, 2)
    assert isinstance(stream_of(UQ(4), [1]), QuantisedStream)
