"""Shares of a sum: a normalised sum, and quotients with an exponent."""

import numpy as np
import pytest
from amaranth.lib import data
from helpers.bench import apply, raises
from sdpaflow.numerics import SQ, UQ, Normalise, Places, Share, raw

PART = data.StructLayout({"weight": UQ(0, 5), "down": UQ(5, 0)})
WHOLE = UQ(4, 6)
BITS = 8


@pytest.mark.parametrize("bits", [4, 8, 12])
@pytest.mark.parametrize("source", [UQ(4, 6), UQ(0, 7), UQ(5, 0), UQ(3, 5)], ids=repr)
def test_a_number_is_a_mantissa_and_an_exponent(source, bits):
    """All numbers: the mantissa from a half to 1, rounded down; small ones are marked."""
    fn = Normalise(source, bits, least=-1)
    given = np.arange(source.raw_max + 1)
    found, trace = apply(fn, given)
    assert raw.equal(found, fn.model(given)).all()
    assert trace.times["o"][0] == fn.latency == (source.width - 1).bit_length() + 1
    mantissa, exponent = np.frexp(raw.to_float(given, source))
    some = given > 0
    assert (found["exponent"] == exponent)[some].all()
    assert (found["mantissa"] == np.floor(np.ldexp(mantissa, bits)))[some].all()
    assert (found["small"] == (raw.to_float(given, source) < 2.0**-2)).all()
    assert (found["mantissa"] >> (bits - 1) == 1).all()


def drawn(n, seed):
    """Parts of a sum, and the sum; some parts are too large, as if the sum had lost bits."""
    rng = np.random.default_rng(seed)
    part = {
        "weight": rng.integers(0, 32, n),
        "down": rng.integers(0, 32, n),
    }
    return part, rng.integers(0, WHOLE.raw_max + 1, n)


def test_shares_are_quotients_with_places():
    """To half a unit of a number of at least a half; hardware and model agree on all bits."""
    whole = Normalise(WHOLE, BITS, least=-4)
    fn = Share(PART, whole.shape, UQ(1, 7))
    part, total = drawn(600, 4)
    sums = whole.model(total)
    found, trace = apply(fn, part, sums)
    model, clamped = fn.evaluate(part, sums)
    assert raw.equal(found, model).all()
    assert trace.saturations == {"unit": int(clamped.sum())}
    assert (clamped == (raw.to_float(total, WHOLE) < 2.0**-5)).all()
    divisor = raw.to_float(sums["mantissa"], UQ(0, BITS)) * 2.0 ** sums["exponent"]
    exact = part["weight"] / 32 * 2.0 ** -part["down"] / divisor
    places = part["down"] + sums["exponent"]
    size = raw.to_float(found["weight"], UQ(1, 7)) * 2.0 ** -found["down"].astype(float)
    known = (places >= 0) & (places <= 31) & ~clamped
    assert known.sum() > 300
    unit = 2.0**-7 * 2.0 ** -found["down"].astype(float)
    assert (np.abs(size - exact) <= unit / 2)[known].all()
    assert (found["down"] == np.clip(places, 0, 31)).all()


def test_shares_beyond_the_last_place_lose_bits_and_no_more():
    """Each is off by less than three units, however far below."""
    whole = Normalise(UQ(20, 0), BITS, least=0)
    fn = Share(PART, whole.shape, UQ(1, 7))
    given = np.array([
        (w, d, s) for w in (16, 31) for d in (20, 31) for s in (1 << 12, (1 << 20) - 1)
    ])
    part = {"weight": given[:, 0], "down": given[:, 1]}
    sums = whole.model(given[:, 2])
    found, _ = apply(fn, part, sums)
    assert raw.equal(found, fn.model(part, sums)).all()
    exact = given[:, 0] / 32 * 2.0 ** -given[:, 1] / given[:, 2]
    size = raw.to_float(found["weight"], UQ(1, 7)) * 2.0 ** -found["down"].astype(float)
    assert (found["down"] == 31).sum() > 4
    assert (np.abs(size - exact) <= 2.0 ** -(7 + 31) * np.where(exact < 2.0**-31, 9, 1)).all()


def test_a_share_has_the_places_of_single_steps():
    whole = Normalise(WHOLE, BITS, least=-4)
    fn = Share(PART, whole.shape, UQ(1, 7))
    assert fn.shape.members["down"] == Places(1).down
    assert fn.latency == 2 + fn.divide.latency


def test_misuse_is_refused():
    with raises(ValueError, "What is normalised must be unsigned, not SQ(4,6)"):
        Normalise(SQ(4, 6), 8, least=0)
