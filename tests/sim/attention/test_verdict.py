"""What is not attention is said not to be, though every bit is the model's."""

import numpy as np
import pytest
from attention import NAMES, head, pipeline
from helpers.cli import sdpaflow
from sdpaflow import Bias, Keep
from sdpaflow.pipelines import MemoryFree
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.attention.verdict import verdict

V = np.array([[1.0], [-1.0]])


def at(greatest):
    """A row of two scores in base 2, half a place apart."""
    return np.ones((1, 1)), np.log(2) * np.array([[greatest], [greatest - 0.5]]), V


@pytest.mark.parametrize("name", NAMES)
def test_ordinary_scores_are_attention(name):
    report = run(pipeline(name), *head())
    assert report.is_attention
    assert verdict(report) is None
    assert report.max_abs_error <= report.error_bound * report.output_ulp


@pytest.mark.parametrize("name", ["naive", "reordered"])
def test_scores_of_8_and_more_are_clamped(name):
    report = run(name, *at(12.0), engine="amaranth")
    assert report.bit_exact
    assert not report.is_attention
    assert report.saturations["e_ij"] == 2
    said = verdict(report)
    assert said.startswith(f"{name}: NOT ATTENTION: an output is off by ")
    assert f"ulp, where {report.error_bound:,.2f} is the most: 2 tokens clamped in e_ij" in said


@pytest.mark.parametrize(("name", "counted"), [("naive", 1), ("scaled", 0), ("memory-free", 0)])
def test_rows_of_negative_scores_are_counted(name, counted):
    """Where no maximum is subtracted."""
    assert run(name, *at(-3.0), engine="amaranth").underflows.get("rows", 0) == counted
    assert run(name, *at(0.5), engine="amaranth").underflows == {}


def test_scores_too_low_are_no_attention():
    report = run("reordered", *at(-17.0), engine="amaranth")
    assert report.bit_exact
    assert "1 row of negative scores, whose maximum is not subtracted" in verdict(report)


def test_scores_count_as_they_are_modified():
    """A key that is not kept, or is made fainter, does not save a row; one without keys is none."""
    q, k, v = np.ones((3, 1)), np.array([[4.0], [-4.0]]), np.ones((2, 1))
    keep = {"keep_ij": [[0, 1], [1, 1], [0, 0]]}
    assert run("naive", q, k, v, score=[Keep()], extras=keep).underflows == {"rows": 1}
    bias = {"bias_ij": -5 * np.ones((3, 2))}
    assert run("naive", q, k, v, score=[Bias()], extras=bias).underflows == {"rows": 3}


def test_scores_beyond_a_row_do_not_count():
    """Of a shorter row, those keys that it has."""
    q, k, v = np.ones((2, 1)), np.array([[-1.0], [1.0]]), V
    assert run("naive", q, k, v, lengths=[1, 2]).underflows == {"rows": 1}


def test_what_a_format_rounds_to_nothing_is_counted():
    q, k, v = head(4, 3, 5)
    report = run("memory-free", q * 1e-6, k, v)
    assert report.underflows == {"input q": q.size}
    assert report.max_abs_error_total >= report.mean_abs_error_total > 0


def test_a_class_of_ones_own_states_its_own_bound():
    """One that modifies scores errs by more than the class it is derived from."""

    class Silent(MemoryFree):
        pass

    class Stated(MemoryFree):
        def error_terms(self, keys):
            return {"anything": 1e-9}

    assert run(Silent, *head()).error_bound is None
    assert run(Silent, *head()).is_attention
    report = run(Stated, *head())
    assert not report.is_attention
    assert verdict(report).endswith("no cause is known")


@pytest.mark.slow
def test_the_command_says_so_and_returns_what_the_bits_are(tmp_path, capsys, monkeypatch):
    """In the headline, and in a line."""
    monkeypatch.chdir(tmp_path)
    for name, array in zip("qkv", at(12.0), strict=True):
        np.save(f"{name}.npy", array)
    data = ["--q", "q.npy", "--k", "k.npy", "--v", "v.npy"]
    assert sdpaflow("run", "--pipeline", "naive", *data) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("NOT ATTENTION  ")
    assert "clamped in e_ij" in first
    assert sdpaflow("compare", *data, "--figure", "c.png") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("NOT ATTENTION: naive (*). 1 queries, 2 keys")
    assert [line for line in said if line.startswith("* naive: NOT ATTENTION: an output is off")]
    assert next(line.split()[:2] for line in said if "memory-free" in line) != ["memory-free", "*"]
