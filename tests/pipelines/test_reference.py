"""What a pipeline says of itself: its name, its parameters, and what it approximates."""

import doctest
import math

import numpy as np
import pytest
from attention import NAMES, STORING, head, pipeline
from helpers.bench import raises
from sdpaflow.numerics import SQ
from sdpaflow.pipelines import PIPELINES, Config, MemoryFree, reference

REFERENCE = pipeline("memory-free").reference


def softmax(scores):
    """Plain Python, with powers of e."""
    weights = [math.exp(score - max(scores)) for score in scores]
    return [weight / math.fsum(weights) for weight in weights]


@pytest.mark.parametrize("lengths", [None, [1, 8, 3, 2, 5, 8]])
@pytest.mark.parametrize("name", NAMES)
def test_reference(name, lengths):
    """Softmax over the row's own keys, with the scale of the configuration."""
    q, k, v = head(dv=3)
    got = pipeline(name, dv=3, scale=0.3).reference(q, k, v, lengths)
    assert got.shape == (6, 3)
    assert got.dtype == np.float64
    for query, row, length in zip(q, got, lengths or [8] * 6, strict=True):
        scores = [0.3 * math.fsum(query * key) for key in k[:length]]
        wanted = np.array(softmax(scores)) @ v[:length]
        assert row == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_reference_far_out():
    """Scores of any size: nothing overflows, and the greatest takes all."""
    got = REFERENCE([[1e4] * 4], [[-1e4] * 4, [1e4] * 4], [[1, 2, 3, 4], [5, 6, 7, 8]])
    assert got.tolist() == [[5, 6, 7, 8]]


def test_reference_of_ones_own():
    """A subclass says what it approximates, in terms of what it inherits."""

    class Doubled(MemoryFree):
        def reference(self, q, k, v, lengths=None):
            return 2 * super().reference(q, k, v, lengths)

    q, k, v = head()
    assert np.array_equal(Doubled(Config(4)).reference(q, k, v), 2 * REFERENCE(q, k, v))


def test_reference_errors():
    """Sizes that disagree are named."""
    q, k, v = head()
    for message, arguments in {
        "q must be a table of numbers, not of shape (4,)": (q[0], k, v),
        "k must be a table of numbers, not of shape (0, 4)": (q, k[:0], v),
        "k must have vectors as long as q's, 4, not 3": (q, k[:, :3], v),
        "v must have a value for each of 8 keys, not 7": (q, k, v[:7]),
        "lengths must be 6 integers, one per query, not array([1, 2])": (q, k, v, [1, 2]),
        "lengths must be 1 to 8, not 0 to 8": (q, k, v, [0, 1, 2, 3, 4, 8]),
        "lengths must be 1 to 8, not 1 to 9": (q, k, v, [1, 1, 2, 3, 4, 9]),
    }.items():
        with raises(ValueError, message):
            REFERENCE(*arguments)


def test_example():
    """The example of a row with fewer keys."""
    failed, tried = doctest.testmod(reference)
    assert tried == 1
    assert not failed


@pytest.mark.parametrize("name", NAMES)
def test_names_and_parameters(name):
    """A pipeline is called as in the table; ``row_max`` is told where rows are stored."""
    dut = pipeline(name, d=8, lanes=2, row_max=32, q=SQ(2, 14), digits=2)
    assert dut.name == name
    rows = {"row_max": 32} if name in STORING else {}
    formats = {"q": SQ(2, 14), "k": SQ(4, 12), "v": SQ(4, 12), "o": SQ(4, 12)}
    precision = {"segments": 128, "score_bits": 18, "weight_bits": 17, "digits": 2}
    wanted = {
        "d": 8,
        "dv": 8,
        "lanes": 2,
        **rows,
        **formats,
        "scale": 1 / math.sqrt(8),
        **precision,
    }
    assert list(dut.parameters.items()) == list(wanted.items())


def test_a_name_of_ones_own():
    """A subclass has the name of its own class."""
    for written, name in {"SoftcapAttention": "softcap-attention", "GQAHead2": "gqa-head2"}.items():
        kind = type(written, (PIPELINES["memory-free"],), {})
        assert kind(Config(4)).name == name


def test_beats_of_ports():
    """Keys and queries are cut alike, values only as far as they must."""
    assert pipeline("naive", d=8, lanes=2, dv=3).port_beats == {"q": 4, "k": 4, "v": 3}
    assert pipeline("naive", d=8).port_beats == {"q": 1, "k": 1, "v": 1}
