"""How close to float64, on real data; and what happens out of range."""

import numpy as np
import pytest
from attention import NAMES, correct, head, pipeline, shared
from sdpaflow.numerics.fixed import SQ
from sdpaflow_sim.attention.inputs import build, sample, split_heads
from sdpaflow_sim.attention.run import model


@pytest.mark.parametrize("layer", [0, 2, 5])
def test_memory_free_on_every_shipped_head(layer):
    """At most 2 units in the last place anywhere in a layer, and a quarter of one on average."""
    heads = [model("memory-free", *sample(layer, number)) for number in range(12)]
    assert all(head["max_abs_error"] <= 2 * head["output_ulp"] for head in heads)
    assert 0.2 < np.mean([head["mean_abs_error"] / head["output_ulp"] for head in heads]) < 0.3
    assert not any(head["saturations"] for head in heads)


@pytest.mark.parametrize("name", ["scaled", "scaled-reordered", "memory-free"])
def test_scores_of_the_first_layer(name):
    """Scores from −46 to +57 are no trouble where a maximum is subtracted."""
    q, k, v = sample(0, 2)
    scores = q.astype(float) @ k.T / np.sqrt(32)
    assert (scores.min().round(), scores.max().round()) == (-46, 57)
    report = correct(build(name, split_heads(q, k, v), lanes=32), q[40:44], k, v, watch=False)
    assert report.max_abs_error <= 4 * report.output_ulp
    assert report.saturations == {}


@pytest.mark.parametrize("name", ["naive", "reordered"])
def test_naive_reports_its_saturation(name):
    """Where none is, the first layer saturates, and the report says where and how often."""
    q, k, v = sample(0, 2)
    dut = build(name, split_heads(q, k, v))
    report = correct(dut, q[40:44], k, v, watch=False)
    high = (q[40:44].astype(float) @ k.T * dut.config.factor >= 8).sum()
    assert report.saturations["e_ij"] == pytest.approx(high, abs=2)
    assert high > 10


@pytest.mark.parametrize("name", NAMES)
def test_scores_that_are_all_small(name):
    """Where all exponentials of a row vanish the bits still agree, and it is reported."""
    q, k, v = np.full((2, 4), -3.0), np.full((3, 4), 6.0), np.full((3, 4), 7.9)
    report = correct(shared(name), q, k, v)
    if name in {"naive", "reordered"}:
        assert report.saturations["p_ij" if name == "naive" else "o_i"] > 0
    else:
        assert report.saturations == {}
        assert np.abs(report.outputs - 7.9).max() <= 2 * report.output_ulp


@pytest.mark.parametrize("name", NAMES)
def test_sums_have_room(name):
    """Equal scores and values at the end of their range: the output is the value, in any row."""
    q, k = np.zeros((2, 4)), np.ones((60, 4))
    for value in (7.9, -8.0):
        report = correct(shared(name), q, k, np.full((60, 4), value))
        assert report.saturations == {}
        assert np.abs(report.outputs - value).max() <= 16 * report.output_ulp


@pytest.mark.parametrize("name", NAMES)
def test_one_element(name):
    """d = 1, as in the published study, works like any other."""
    correct(pipeline(name, d=1), *head(d=1))


@pytest.mark.parametrize("name", NAMES)
def test_narrow_formats(name):
    """Formats of a few bits work too, and their error stays near their unit."""
    options = {"q": SQ(2, 4), "k": SQ(3, 5), "v": SQ(4, 4), "o": SQ(4, 7)}
    rng = np.random.default_rng(5)
    q, k, v = rng.uniform(-1, 1, (4, 4)), rng.uniform(-2, 2, (7, 4)), rng.uniform(-7, 7, (7, 4))
    report = correct(pipeline(name, **options), q, k, v)
    assert report.max_abs_error <= 2 * report.output_ulp
    assert report.formats["o"] == "SQ(4,7)"


def test_inputs_out_of_their_format_are_counted():
    """An input element that its format cannot hold is clamped, and reported."""
    q, k, v = np.full((1, 4), 0.5), np.full((2, 4), 0.5), np.array([[9.0, 1, -9, 2], [1, 1, 1, 1]])
    report = correct(shared("memory-free"), q, k, v)
    assert report.saturations == {"input v": 2}
    assert report.max_abs_error_total > 0.4 > report.max_abs_error
