"""Modifiers one by one: hardware and model alike, near what they say, refused when out of range."""

import re

import numpy as np
import pytest
from helpers.bench import apply
from sdpaflow.numerics import SQ, UQ, raw
from sdpaflow.scores import INDEX, Alibi, Bias, Causal, Keep, Modifier, Softcap, Window

SCORE = SQ(7, 6)
SCORES = np.arange(SCORE.raw_min, SCORE.raw_max + 1, 37)
RNG = np.random.default_rng(5)
QUERY, KEY = (RNG.integers(0, 1 << INDEX.width, len(SCORES)) for _ in range(2))


@pytest.mark.parametrize("cap", [1, 3.5, 50])
def test_a_cap(cap):
    """Within what the docstring says, odd, and never beyond the cap."""
    fn = Softcap(cap).operator(SCORE)
    found, _ = apply(fn, SCORES)
    assert (found == fn.evaluate(SCORES)[0]).all()
    exact = Softcap(cap).reference(SCORES * SCORE.ulp * np.log(2)) / np.log(2)
    bound = 2.4e-5 * cap / np.log(2) + SCORE.ulp
    assert np.abs(found * fn.shape.ulp - exact).max() < bound
    assert np.abs(found * fn.shape.ulp).max() <= cap / np.log(2) + SCORE.ulp / 2
    assert (fn.evaluate(-SCORES)[0] == -fn.evaluate(SCORES)[0]).all()


@pytest.mark.parametrize("slope", [1, 0.5, 1 / 256])
def test_a_slope(slope):
    """Right to the last place over all distances."""
    fn = Alibi(slope).operator(SCORE)
    found, _ = apply(fn, SCORES, QUERY, KEY)
    assert (found == fn.evaluate(SCORES, QUERY, KEY)[0]).all()
    exact = SCORES * SCORE.ulp + slope / np.log(2) * (KEY - QUERY)
    assert np.abs(found * fn.shape.ulp - exact).max() < 1.5 * SCORE.ulp
    assert fn.shape.raw_min <= found.min()
    assert found.max() <= fn.shape.raw_max


@pytest.mark.parametrize(
    "window", [Causal(), Causal(-3), Window(2, None), Window(5, 9), Window(None, None)], ids=repr
)
def test_a_window(window):
    """Near its ends, and between indices as far apart as can be."""
    i = np.concatenate([np.arange(40) % 20, QUERY])
    j = np.concatenate([np.arange(40) // 2, KEY])
    scores = np.resize(SCORES, len(i))
    fn = window.operator(SCORE)
    found, _ = apply(fn, scores, i, j)
    assert raw.equal(found, fn.evaluate(scores, i, j)[0]).all()
    assert (found["score"] == scores).all()
    kept = np.isfinite(window.reference(scores * SCORE.ulp, i=i, j=j))
    assert (found["keep"] == kept).all()
    assert kept[:40].any()


def test_a_bias_and_a_mask():
    """A sum that always fits, and a bit that goes along."""
    shape = SQ(3, 8)
    bias = RNG.integers(shape.raw_min, shape.raw_max + 1, len(SCORES))
    fn = Bias(shape).operator(SCORE)
    found, _ = apply(fn, SCORES, bias)
    assert (found * fn.shape.ulp == SCORES * SCORE.ulp + bias * shape.ulp).all()
    keep = RNG.integers(0, 2, len(SCORES))
    found, _ = apply(Keep().operator(SCORE), SCORES, keep)
    assert (found["score"] == SCORES).all()
    assert (found["keep"] == keep).all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Softcap(0.5), ValueError, "cap must be 1 to 4096, not 0.5"),
        (lambda: Softcap(2, 100), ValueError,
         "segments must be a power of two, 16 to 4096, not 100"),
        (lambda: Softcap(2).operator(UQ(4, 4)), ValueError, "Scores must be signed, not UQ(4,4)"),
        (lambda: Alibi(0), ValueError, "slope must be above 0 and at most 1, not 0"),
        (lambda: Bias(3), TypeError, "Format of a bias must be a fixed-point shape, not 3"),
        (lambda: Window(1.5, 2), TypeError, "left must be an integer or None, not 1.5"),
        (lambda: Causal(1 << 16), ValueError, "right must be less than 65536 away, not 65536"),
    ],
)  # fmt: skip
def test_out_of_range(make, error, message):
    """One line says what was given, and what would be right."""
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        make()


def test_of_a_class_that_says_nothing():
    """It is told what to define."""
    with pytest.raises(NotImplementedError, match=r"^Modifier has no operator: define operator"):
        Modifier().operator(SCORE)
    with pytest.raises(NotImplementedError, match=r"^Modifier has no reference: define reference"):
        Modifier().reference(SCORES)
