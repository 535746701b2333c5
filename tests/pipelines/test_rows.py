"""Rows, heads and resets: what a run may consist of."""

import numpy as np
import pytest
from attention import NAMES, correct, head, shared
from helpers.again import simulate
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.errors import FramingError


@pytest.mark.parametrize("lanes", [4, 2])
@pytest.mark.parametrize("name", NAMES)
def test_rows_of_different_lengths(name, lanes):
    """A causal mask: query i attends to the first keys only; every length in one run."""
    dut = shared(name, 4, lanes, 9)
    lengths = np.array([1, 2, 3, 9, 1, 8, 4, 1, 1, 5])
    report = correct(dut, *head(n_q=10, n_k=9), lengths=lengths)
    assert report.scores == lengths.sum()


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_one_key(name):
    """The softmax of one score is 1: the output is the value."""
    q, k, v = head(n_q=5, n_k=1)
    report = correct(shared(name, 4, None, 1), q, k, v)
    assert np.abs(report.outputs - v).max() <= report.output_ulp


@pytest.mark.parametrize("name", NAMES)
def test_one_query(name):
    """One row alone comes out without another behind it to push."""
    correct(shared(name, 4, None, 9), *head(n_q=1, n_k=9))
    correct(shared(name, 4, None, 1), *head(n_q=1, n_k=1))


@pytest.mark.parametrize("name", NAMES)
def test_heads_of_different_sizes(name):
    """Heads of different numbers of queries and keys, back to back, each with its own K and V."""
    heads = [head(n_q=3, n_k=5), head(n_q=1, n_k=1, seed=1), head(n_q=4, n_k=9, seed=2)]
    dut = shared(name, 4, 2, 9)
    together = correct(dut, *map(list, zip(*heads, strict=True)))
    for single, outputs in zip(heads, together.outputs, strict=True):
        assert (correct(dut, *single).outputs == outputs).all()


@pytest.mark.parametrize(("lanes", "dv"), [(2, 1), (2, 3), (4, 8)])
@pytest.mark.parametrize("name", NAMES)
def test_values_of_another_length(name, lanes, dv):
    """dv may differ from d, in either direction."""
    correct(shared(name, 4, lanes, 8, dv=dv), *head(n_q=3, dv=dv))


@pytest.mark.parametrize("after", [1, 7, 30, 61])
@pytest.mark.parametrize("name", NAMES)
def test_reset_in_the_middle(name, after):
    """Work abandoned by a reset leaves nothing: the next has the bits and cycles it always has."""
    dut = shared(name, 4, 2, 9)
    first = Workload(dut.config, [head(seed=1)])
    second = Workload(dut.config, [head(n_q=3, n_k=6, seed=2)])
    counts = {"o": second.outputs}
    clean = simulate(dut, second.sources(), counts)
    after_reset = simulate(dut, second.sources(), counts, abandoned=(first.sources(), after))
    assert after_reset.outputs == clean.outputs
    assert after_reset.cycles == clean.cycles
    assert (second.decode(clean.outputs["o"]) == second.expected(dut)[0]).all()


@pytest.mark.parametrize("name", NAMES)
def test_values_and_keys_that_disagree(name):
    """A row of values longer than that of keys is a framing error, and the unit is named."""
    dut = shared(name, 4, None, 9)
    right, wrong = Workload(dut.config, [head(n_k=6)]), Workload(dut.config, [head(n_k=7)])
    sources = {**right.sources(), "v": wrong.sources()["v"]}
    with pytest.raises(FramingError, match=r"inputs of wv_ij disagree on where a group ends"):
        simulate(dut, sources, {"o": right.outputs})
