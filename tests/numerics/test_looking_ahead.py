"""Folds in a Scan that looks ahead: hardware against model, the maximum against its definition."""

import itertools
import math

import numpy as np
import pytest
from amaranth.lib import data
from helpers.streams import tokens
from sdpaflow.graph import Dataflow, Stream
from sdpaflow.numerics import SQ, Places, Rescaling, RunningMax, Sum, raw
from sdpaflow.units import Scan
from sdpaflow_sim.checking import check
from sdpaflow_sim.engines.amaranth import simulate
from sdpaflow_sim.engines.stalls import Stall

LENGTHS = [1, 1, 7, 2, 5, 1, 16, 9, 8]


def groups(values):
    """The tokens of each group."""
    flat = iter(values)
    return [list(itertools.islice(flat, length)) for length in LENGTHS]


def drawn(shape, seed):
    """Random tokens."""
    if isinstance(shape, data.StructLayout):
        pair = {name: drawn(field, seed) for name, field in shape.members.items()}
        above = (pair["score"] >> shape.members["score"].f_bits) + 1  # as a maximum is
        return {**pair, "max": np.maximum(pair["max"], above)}
    rng = np.random.default_rng(seed)
    return rng.integers(shape.raw_min, shape.raw_max + 1, sum(LENGTHS))


class Ahead(Dataflow):
    """A Scan that looks ahead, so as to ask for its model."""

    def __init__(self, fn):
        super().__init__()
        x = self.input(fn.token, rank=1)
        y = self.scan(fn, x, ahead=True)
        self.output(y=y)


PAIR = data.StructLayout({"score": SQ(8, 2), "max": SQ(9, 0)})
LOOKING = {
    "maximum": RunningMax(SQ(4, 3)),
    "sum that saturates": Sum(SQ(3, 4), 0),
    "what looks at both states": Rescaling(PAIR, Places(2)),
}


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "step by step"])
@pytest.mark.parametrize("stall", ["1", "110", "random:0.4"])
@pytest.mark.parametrize("name", LOOKING)
def test_looking_ahead_equals_the_model(name, stall, at_once, monkeypatch):
    """Whatever a fold emits, it does so from one state, that after the next token; flags count."""
    fn = LOOKING[name]
    given = drawn(fn.token, 3)
    if not at_once:
        monkeypatch.setattr(type(fn), "model_states", lambda *_: None)
    last = np.isin(np.arange(sum(LENGTHS)), np.cumsum(LENGTHS) - 1)[:, None]
    stalls = {"x": Stall(stall, 1), "y": Stall(stall, 2)}
    stream = {"x": Stream(given, last)}
    _, trace = check(Ahead(fn), stream, stalls=stalls, engine="amaranth")
    assert any(trace.saturations.values()) == fn.saturates


def test_looking_ahead_a_score_meets_the_maximum_after_the_next():
    """The last two of a group meet the same."""
    fn = RunningMax(SQ(4, 3))
    given = drawn(SQ(4, 3), 9)
    stream = tokens(7, 1, groups(raw.pack(fn.token, given)))
    trace = simulate(Scan(fn, ahead=True), {"i": stream}, {"o": len(stream)}, limit=len(stream) + 3)
    mask = (1 << raw.width(fn.shape)) - 1
    found = raw.unpack(fn.shape, [token & mask for token in trace.outputs["o"]])
    wanted = [
        math.floor(max(group[: step + 2]) / 8) + 1
        for group in groups(given.tolist())
        for step in range(len(group))
    ]
    assert found["max"].tolist() == wanted
    assert found["score"].tolist() == given.tolist()
    assert [token >> raw.width(fn.shape) for token in trace.outputs["o"]] == [
        t >> 7 for t in stream
    ]
