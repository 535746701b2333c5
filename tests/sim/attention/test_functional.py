"""The call of machine learning: its arguments one by one, against float64."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from attention import NAMES
from sdpaflow_sim import InputError, MismatchError
from sdpaflow_sim import scaled_dot_product_attention as attention

RNG = np.random.default_rng(1)
Q, K, V = (RNG.normal(size=(2, 4, n, d)) for n, d in ((5, 8), (7, 8), (7, 6)))
QUERY, KEY = np.arange(5)[:, None], np.arange(7)
KEEP = RNG.integers(0, 2, (5, 7)).astype(bool)
KEEP[2] = False
BIAS = RNG.normal(size=(4, 5, 7))
HOLES = np.where(KEEP, BIAS, -np.inf)
SINKS = RNG.normal(size=4)


def softmax(q, k, v, bias=0.0, keep=True, scale=8**-0.5, cap=None):
    """The same in float64; 0 where no key counts."""
    scores = q @ np.swapaxes(k, -1, -2) * scale
    scores = scores if cap is None else cap * np.tanh(scores / cap)
    scores = np.where(keep, scores + bias, -np.inf)
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isfinite(top), top, 0))
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total, total, 1) @ v


def with_sink():
    """A key of no length and no value, whose score is the sink's."""
    k, v = (np.concatenate([x, np.zeros_like(x[..., :1, :])], axis=-2) for x in (K, V))
    bias = np.zeros((4, 5, 8))
    bias[..., 7] = SINKS[:, None]
    return softmax(Q, k, v, bias)


TWICE = [np.repeat(x[:, :2], 2, axis=1) for x in (K, V)]
PAST = {"past_key": K[..., :3, :], "past_value": V[..., :3, :]}
NEW = Q, K[..., 3:, :], V[..., 3:, :]
CASES = {
    "plain": (lambda: attention(Q, K, V), lambda: softmax(Q, K, V)),
    "causal": (
        lambda: attention(Q, K, V, is_causal=True),
        lambda: softmax(Q, K, V, keep=KEY <= QUERY),
    ),
    "a mask": (lambda: attention(Q, K, V, KEEP), lambda: softmax(Q, K, V, keep=KEEP)),
    "a bias": (lambda: attention(Q, K, V, BIAS), lambda: softmax(Q, K, V, BIAS)),
    "both": (lambda: attention(Q, K, V, HOLES), lambda: softmax(Q, K, V, BIAS, KEEP)),
    "groups": (
        lambda: attention(Q, K[:, :2], V[:, :2], enable_gqa=True),
        lambda: softmax(Q, *TWICE),
    ),
    "a cap and a scale": (
        lambda: attention(Q, K, V, softcap=3.0, scale=2.0),
        lambda: softmax(Q, K, V, scale=2.0, cap=3.0),
    ),
    "a window": (
        lambda: attention(Q, K, V, window=(2, 1)),
        lambda: softmax(Q, K, V, keep=(KEY >= QUERY - 2) & (KEY <= QUERY + 1)),
    ),
    "keys kept before": (
        lambda: attention(*NEW, is_causal=True, window=(2, None), **PAST),
        lambda: softmax(Q, K, V, keep=(KEY <= QUERY + 3) & (KEY >= QUERY + 1)),
    ),
    "lengths": (
        lambda: attention(Q, K, V, lengths=[3, 7]),
        lambda: softmax(Q, K, V, keep=np.array([3, 7])[:, None, None, None] > KEY),
    ),
    "sinks": (lambda: attention(Q, K, V, sinks=SINKS), with_sink),
    "no heads": (lambda: attention(Q[0, 0], K[0, 0], V[0, 0]), lambda: softmax(Q, K, V)[0, 0]),
}


@pytest.mark.parametrize("case", CASES)
def test_near_float64(case):
    """Of 16-bit formats that fit the data: within 16 units of their last place."""
    found, right = (make() for make in CASES[case])
    assert found.shape == right.shape
    assert found.dtype == np.float64
    assert np.abs(found - right).max() < 16 * 2**-13


@pytest.mark.parametrize("name", NAMES)
def test_on_hardware(name):
    """Simulated, it gives what the model gives, on every pipeline."""
    given = Q[:1, :1, :3], K[:1, :1, :4], V[:1, :1, :4], HOLES[:1, :3, :4]
    options = {"is_causal": True, "softcap": 4.0, "pipeline": name}
    assert (attention(*given, **options, engine="amaranth") == attention(*given, **options)).all()


@pytest.mark.parametrize("engine", ["model", "amaranth"])
def test_what_is_not_attention_warns(engine):
    """Clamped scores make results wrong, on the model as on hardware."""
    with pytest.warns(RuntimeWarning, match=r"^naive: not attention: off by \S+ ulp; .*at e_ij$"):
        attention(6 * Q[0, 0], 6 * K[0, 0], V[0, 0], pipeline="naive", engine=engine)


def test_bits_that_differ_are_an_error(monkeypatch):
    """What is simulated is not returned unless it is what the model gives."""
    monkeypatch.setattr(
        "sdpaflow_sim.attention.functional.run", lambda *_, **__: SimpleNamespace(bit_exact=False)
    )
    with pytest.raises(MismatchError, match=r"^memory-free on amaranth differs from its model$"):
        attention(Q[0, 0], K[0, 0], V[0, 0], engine="amaranth")


def test_the_query_tells_the_type():
    """Half precision in, half precision out; of integers, float64."""
    assert attention(Q.astype(np.float16), K, V).dtype == np.float16
    assert attention(np.ones((2, 8), int), K[0, 0], V[0, 0]).dtype == np.float64


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: attention(Q[0, 0, 0], K, V), "query must have at least two dimensions, not 1"),
        (lambda: attention(Q, K[:, :2], V[:, :2]),
         "key and value must have what query has in front, (2, 4), not (2, 2) and (2, 2)"),
        (lambda: attention(Q, K[:, :3], V[:, :3], enable_gqa=True),
         "heads of query must be a multiple of those of key: shapes (2, 4, 5, 8), (2, 3, 7, 8)"),
        (lambda: attention(Q, K, V, KEEP[:3]),
         "attn_mask must go with (2, 4, 5, 7), not be (3, 7)"),
        (lambda: attention(Q, K, V, lengths=[1.0, 2.0]),
         "lengths must be integers of shape (2,), not array([1., 2.])"),
        (lambda: attention(Q, K, V, sinks=[1.0]),
         "sinks must have a number per head, (4,), not shape (1,)"),
        (lambda: attention(Q, K, V, sinks=SINKS, is_causal=True),
         "sinks go with masks alone, not with is_causal, window or softcap"),
        (lambda: attention(*NEW, past_key=K[0], past_value=V),
         "past_key must go with (2, 4, 4, 8), not be of shape (4, 7, 8)"),
    ],
)  # fmt: skip
def test_what_does_not_go_together(make, message):
    """One line says what was given, and what would be right."""
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        make()
