"""Numbers with an exponent: how places are shared out, and what is made of them."""

import itertools

import numpy as np
import pytest
from amaranth.hdl import Cat
from amaranth.lib import data
from helpers.bench import apply, evaluate, raises
from sdpaflow.numerics import SQ, UQ, Exp2, Place, Placement, Places, Weigh, raw

STEPS = [1, 2, 4, 8]
WEIGHT = UQ(0, 5)


@pytest.mark.parametrize("step", STEPS)
def test_places_are_whole_steps_and_a_rest(step):
    """Together they are all places, up to 31 beyond the last step; hardware and model agree."""
    places, e = Places(step), np.arange(130)
    down, rest = places.share_raw(e)
    near = e < 32
    assert (down == np.where(near, e // step, 32 // step - 1)).all()
    assert (step * down + rest == e)[e <= places.most + 31].all()
    assert (rest[near] < step).all()
    assert (rest[e > places.most + 31] == 31).all()
    assert down.max() == places.down.raw_max
    (both,) = zip(
        *evaluate([UQ(8, 0)], lambda x: [Cat(places.share(x.as_value()))], [[int(n)] for n in e]),
        strict=True,
    )
    assert list(both) == (down | rest << places.down.width).tolist()


@pytest.mark.parametrize("bits", [1, 3, 5])
@pytest.mark.parametrize("step", STEPS)
def test_few_places_take_few_bits(step, bits):
    """Places that are told in fewer bits than can be shared out."""
    places, e = Places(step), np.arange(1 << bits)
    down, rest = places.share_raw(e)
    (both,) = zip(
        *evaluate(
            [UQ(bits, 0)], lambda x: [Cat(places.share(x.as_value()))], [[int(n)] for n in e]
        ),
        strict=True,
    )
    assert list(both) == (down | rest << places.down.width).tolist()


@pytest.mark.parametrize("unit", [SQ(6, 0), 8], ids=["a maximum", "a constant"])
@pytest.mark.parametrize("step", [1, 2])
def test_a_weight_and_its_places_are_the_power_of_two(step, unit):
    """``2**x · 2**-(step·down)`` is ``2**(s − u)`` as long as there is anything of it."""
    score, places = SQ(6, 3), Places(step)
    fn = Placement(score, unit, places)
    scores = np.arange(score.raw_min, 8 << 3)
    given = [scores] if unit == 8 else [scores, (scores >> 3) + 1 + np.arange(len(scores)) % 7]
    found, trace = apply(fn, *given)
    model, clamped = fn.evaluate(*given)
    assert raw.equal(found, model).all()
    assert clamped is None
    assert trace.saturations == {}
    top = 8 if unit == 8 else given[1]
    exponent = raw.to_float(found["x"], places.x(score)) - step * found["down"]
    assert (exponent == scores / 8 - top)[top - scores / 8 < 60].all()
    assert (found["x"] < 0).all()


def test_a_score_that_is_not_below_a_constant_leaves_the_range_of_weights():
    """``2**0`` is no weight: it is clamped, where 2**x is computed."""
    fn = Placement(SQ(6, 3), 8, Places(1))
    given = np.arange(SQ(6, 3).raw_min, SQ(6, 3).raw_max + 1)
    found, _ = apply(fn, given)
    assert raw.equal(found, fn.model(given)).all()
    weights, clamped = Exp2(fn.shape.members["x"], UQ(0, 9), 4).evaluate(found["x"])
    assert (clamped == (given >= 64)).all()
    assert (weights[clamped] == 511).all()
    assert (found["down"][clamped] == 0).all()


def weighed(number, down_bits):
    return data.StructLayout({"weight": number, "down": UQ(down_bits, 0), "tag": UQ(3, 0)})


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("v", [SQ(2, 3), data.ArrayLayout(SQ(2, 3), 3)], ids=repr)
def test_weighing_takes_the_first_step(v, step):
    """``v`` is shifted before the product, exactly; the steps that are left are double."""
    token = weighed(WEIGHT, 4)
    fn = Weigh(v, token, step)
    rng, n = np.random.default_rng(3), 200
    lanes = (v.length,) if isinstance(v, data.ArrayLayout) else ()
    values = rng.integers(-16, 16, (n, *lanes))
    values[:2] = -16
    given = {
        "weight": rng.integers(0, 32, n),
        "down": rng.integers(0, 16, n),
        "tag": rng.integers(0, 8, n),
    }
    given["weight"][:2], given["down"][:2] = 31, [0, 1]
    found, trace = apply(fn, values, given)
    assert raw.equal(found, fn.model(values, given)).all()
    assert list(found) == ["weight", "down", "tag"]
    assert trace.times["o"][0] == fn.latency == 3
    shape = (-1, *[1] * len(lanes))
    exact = values / 8 * (given["weight"] / 32 * 2.0 ** -(step * given["down"])).reshape(shape)
    element = fn.product.elem_shape if lanes else fn.product
    rest = 2.0 ** -(2 * step * found["down"])
    assert (raw.to_float(found["weight"], element) * rest.reshape(shape) == exact).all()
    assert (found["tag"] == given["tag"]).all()


@pytest.mark.parametrize(("step", "bits"), [(1, 5), (2, 4), (2, 3), (4, 1)])
@pytest.mark.parametrize("number", [SQ(2, 3), UQ(1, 4), data.ArrayLayout(SQ(2, 3), 2)], ids=repr)
def test_placing_rounds_down(number, step, bits):
    """In two stages, one binary point for all."""
    fn = Place(weighed(number, bits), "weight", step, 6)
    element = number.elem_shape if isinstance(number, data.ArrayLayout) else number
    rows = list(itertools.product(range(element.raw_min, element.raw_max + 1), range(1 << bits)))
    numbers, down = np.array(rows).T
    lanes = np.stack([numbers, numbers[::-1]], axis=1) if number is not element else numbers
    given = {"weight": lanes, "down": down, "tag": np.zeros_like(down)}
    found, trace = apply(fn, given)
    assert np.array_equal(found, fn.model(given))
    places = (step * down).reshape(-1, *[1] * (lanes.ndim - 1))
    assert np.array_equal(found, np.floor(lanes * 2.0 ** (6 - element.f_bits - places)))
    assert trace.times["o"][0] == fn.latency == 2


def test_misuse_is_refused():
    with raises(ValueError, "Places of a step must be 1, 2, 4 or 8, not 3"):
        Places(3)
    with raises(ValueError, "Result of SQ(2,3) must not lose fraction bits, to 2"):
        Place(weighed(SQ(2, 3), 4), "weight", 1, 2)
