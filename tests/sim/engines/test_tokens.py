"""Tokens in batches: the same integers, in words."""

import itertools
import random

import numpy as np
import pytest
from attention import head, pipeline
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.engines import tokens as token_words
from sdpaflow_sim.engines.tokens import Feed, Rows, batches, from_words, to_words


@pytest.mark.parametrize("width", [1, 31, 32, 33, 64, 100])
def test_words_hold_integers(width):
    tokens = [random.Random(width).randrange(1 << width) for _ in range(20)] + [(1 << width) - 1]
    words = to_words(tokens, width)
    assert (words.shape, words.dtype) == ((21, -(-width // 32)), np.uint32)
    assert from_words(words) == tokens


def test_rows_start_alike_and_end_marked():
    """However long each is."""
    rows = Rows(to_words([5, 6, 7], 3), np.array([1, 3, 2]), close=3)
    assert list(rows) == [13, 5, 6, 15, 5, 14]
    assert list(Rows(rows.tokens, rows.lengths)) == [5, 5, 6, 7, 5, 6]


def test_any_tokens_come_in_batches(monkeypatch):
    """Of an iterator, no more than is needed; of a feed, as they are."""
    monkeypatch.setattr(token_words, "BATCH", 4)
    endless = itertools.count()
    first = next(batches(endless, 8))
    assert (list(first), next(endless)) == ([0, 1, 2, 3], 4)
    assert [len(rows.tokens) for rows in batches(range(9), 8)] == [4, 4, 1]
    assert list(batches([], 8)) == []
    parts = [Rows(to_words([1], 8), np.array([1]))] * 2
    feed = Feed(lambda: iter(parts))
    assert list(batches(feed, 8)) == parts
    assert list(feed) == list(feed) == [1, 1]


@pytest.mark.parametrize("lanes", [4, 2])
@pytest.mark.parametrize("name", ["naive", "memory-free"])
def test_the_model_does_not_depend_on_how_much_it_takes_at_once(name, lanes, monkeypatch):
    """One query at a time, or all of them."""
    dut = pipeline(name, lanes=lanes)
    q, k, v = head(n_q=9, n_k=13)
    workload = Workload(dut.config, [(3 * q, k, v)], [[1, 13, 2, 7, 13, 5, 3, 12, 4]])
    whole, clamped = workload.expected(dut)
    monkeypatch.setattr(Workload, "batch", 1)
    single, counts = workload.expected(dut)
    assert np.array_equal(whole, single)
    assert clamped == counts
    monkeypatch.setattr("sdpaflow.numerics.folds.Sum.model_groups", lambda *_: None)
    monkeypatch.setattr("sdpaflow.numerics.rescale.RescaledSum.model_groups", lambda *_: None)
    monkeypatch.setattr("sdpaflow.numerics.rescaling.Rescaling.model_scan", lambda *_: None)
    monkeypatch.setattr("sdpaflow.numerics.folds.RunningMax.model_states", lambda *_: None)
    stepped, counts = workload.expected(dut)
    assert np.array_equal(whole, stepped)
    assert clamped == counts
