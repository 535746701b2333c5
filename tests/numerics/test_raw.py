"""Raw values: numpy integers to bits and back, for every layout that a token can have."""

import numpy as np
import pytest
from amaranth.hdl import signed, unsigned
from amaranth.lib import data
from helpers.streams import encode
from sdpaflow.numerics import raw
from sdpaflow.numerics.fixed import SQ, UQ

NESTED = data.StructLayout({
    "weight": UQ(0, 3),
    "vector": data.ArrayLayout(SQ(2, 3), 3),
    "pair": data.StructLayout({
        "score": SQ(4, 13),
        "more": data.StructLayout({"flags": data.ArrayLayout(unsigned(1), 2), "level": signed(9)}),
    }),
})
LAYOUTS = {
    "unsigned fixed": UQ(1, 16),
    "signed fixed": SQ(4, 12),
    "unsigned": unsigned(7),
    "signed": signed(7),
    "one bit": unsigned(1),
    "widest signed": SQ(30, 32),
    "widest unsigned": UQ(30, 32),
    "vector": data.ArrayLayout(SQ(2, 3), 5),
    "matrix": data.ArrayLayout(data.ArrayLayout(SQ(2, 3), 5), 2),
    "structure": data.StructLayout({"x": SQ(5, 2), "shift": UQ(6, 0)}),
    "nested": NESTED,
}


def random(rng, shape, n):
    """Random raw values and, the same as plain Python, the data that they stand for."""
    if isinstance(shape, data.StructLayout):
        fields = {name: random(rng, field, n) for name, field in shape.members.items()}
        columns = [data for _, data in fields.values()]
        return {name: raw for name, (raw, _) in fields.items()}, list(zip(*columns, strict=True))
    if isinstance(shape, data.ArrayLayout):
        columns = [random(rng, shape.elem_shape, n) for _ in range(shape.length)]
        return np.stack([raw for raw, _ in columns], axis=1), list(
            zip(*(data for _, data in columns), strict=True)
        )
    storage = shape if isinstance(shape, type(unsigned(1))) else shape.as_shape()
    low = -(1 << (storage.width - 1)) if storage.signed else 0
    values = rng.integers(low, low + (1 << storage.width), n)
    values[:2] = low, low + (1 << storage.width) - 1
    return values, values.tolist()


@pytest.mark.parametrize("shape", LAYOUTS.values(), ids=LAYOUTS)
def test_pack_lays_bits_out_as_amaranth_does(shape):
    """The first field, the first element, lowest; two's complement."""
    values, plain = random(np.random.default_rng(1), shape, 20)
    assert raw.pack(shape, values) == [encode(shape, datum) for datum in plain]


def test_pack_agrees_with_a_layout_of_amaranth():
    """Not only with the tests' own idea of a layout."""
    constant = NESTED.const({
        "weight": 0.625,
        "vector": [-2.0, 0.125, 1.875],
        "pair": {"score": -1.0, "more": {"flags": [1, 0], "level": -200}},
    })
    values = {
        "weight": np.array([5]),
        "vector": np.array([[-16, 1, 15]]),
        "pair": {
            "score": np.array([-8192]),
            "more": {"flags": np.array([[1, 0]]), "level": np.array([-200])},
        },
    }
    assert raw.pack(NESTED, values) == [constant.as_bits()]


@pytest.mark.parametrize("shape", LAYOUTS.values(), ids=LAYOUTS)
def test_unpack_undoes_pack(shape):
    values, _ = random(np.random.default_rng(2), shape, 20)
    again = raw.unpack(shape, raw.pack(shape, values))
    np.testing.assert_equal(again, values)
    assert raw.equal(again, values).all()
    assert raw.count(again) == 20


@pytest.mark.parametrize("shape", LAYOUTS.values(), ids=LAYOUTS)
def test_no_tokens_are_no_tokens(shape):
    none = raw.unpack(shape, [])
    assert raw.count(none) == 0
    assert raw.pack(shape, none) == []
    np.testing.assert_equal(none, raw.zeros(shape, 0))


@pytest.mark.parametrize("shape", LAYOUTS.values(), ids=LAYOUTS)
def test_zeros_are_zero_bits(shape):
    assert raw.pack(shape, raw.zeros(shape, 3)) == [0, 0, 0]


def test_take_and_put_reach_into_structures():
    values, _ = random(np.random.default_rng(3), NESTED, 6)
    copy = raw.zeros(NESTED, 6)
    raw.put(copy, np.array([1, 4]), raw.take(values, np.array([1, 4])))
    assert raw.equal(copy, values).tolist() == [False, True, False, False, True, False]


@pytest.mark.parametrize("field", ["weight", "vector"])
def test_equal_compares_every_bit_of_a_token(field):
    values, _ = random(np.random.default_rng(4), NESTED, 4)
    other = raw.take(values, np.arange(4))
    other[field][2] ^= 1
    assert raw.equal(values, other).tolist() == [True, True, False, True]


def test_width_counts_bits():
    assert raw.width(NESTED) == 3 + 15 + 17 + 2 + 9
    assert raw.width(unsigned(5)) == 5


def test_quantise_rounds_to_even_and_counts_what_it_clamps():
    shape = SQ(3, 1)
    given = [0.25, 0.75, -0.25, 1.3, 3.5, 3.74, 3.75, 9.0, -4.0, -4.25, -4.3]
    values, clamped = raw.quantise(given, shape)
    assert values.tolist() == [0, 2, 0, 3, 7, 7, 7, 7, -8, -8, -8]
    assert clamped == 3


def test_to_float_is_exact_up_to_53_bits():
    shape = SQ(21, 32)
    values = np.array([shape.raw_min, -1, 0, 1, shape.raw_max])
    assert raw.to_float(values, shape).tolist() == [
        shape.from_bits(value) for value in values.tolist()
    ]


def test_words_are_the_bits_of_the_integers():
    """The lowest word first; the same however many tokens are packed at once."""
    shape = data.ArrayLayout(SQ(4, 9), 7)
    values = np.random.default_rng(0).integers(-4096, 4096, (50, 7))
    words = raw.pack_words(shape, values)
    assert words.shape == (50, 3)
    integers = [sum(int(word) << 32 * n for n, word in enumerate(row)) for row in words]
    assert integers == raw.pack(shape, values)
    assert np.array_equal(raw.unpack(shape, integers), values)


def test_many_words_are_packed_in_parts(monkeypatch):
    shape, values = SQ(4, 9), np.arange(-100, 100)
    words = raw.pack_words(shape, values)
    monkeypatch.setattr(raw, "CHUNK", 40)
    assert np.array_equal(raw.pack_words(shape, values), words)
