"""Stalls change when, never what."""

import pytest
from attention import NAMES, correct, head, shared
from sdpaflow_sim.engines.stalls import Stall

SCHEDULES = {
    "sources": {"q": "10", "k": "110", "v": "1001"},
    "sinks": {"o": "0" * 19 + "1"},
    "both": {"q": "100", "k": "0111", "v": "01", "o": "001"},
}


@pytest.mark.parametrize("lanes", [4, 2])
@pytest.mark.parametrize("name", NAMES)
def test_patterns(name, lanes):
    """The same bits when sources stall, when the sink stalls, and when both do."""
    dut, data = shared(name, 4, lanes, 10, dv=6), head(dv=6, n_q=3, n_k=7)
    free = correct(dut, *data)
    for pattern in SCHEDULES.values():
        stalled = correct(dut, *data, stalls={port: Stall(spec) for port, spec in pattern.items()})
        assert (stalled.outputs == free.outputs).all()
        assert stalled.cycles > free.cycles


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", NAMES)
def test_random(name, seed):
    """The same bits under random stalls of every port, whatever the seed."""
    dut = shared(name, 4, [4, 2, 1][seed], 10, dv=6)
    q, k, v = head(dv=6, n_q=4, n_k=6)
    stalls = {port: Stall("random:0.4", 4 * seed + index) for index, port in enumerate("qkvo")}
    free, stalled = correct(dut, q, k, v), correct(dut, q, k, v, stalls=stalls)
    assert (stalled.outputs == free.outputs).all()
    assert stalled.saturations == free.saturations


@pytest.mark.parametrize("name", NAMES)
def test_one_slow_port_sets_the_pace(name):
    """A source that offers every third cycle makes three cycles per score, and no more."""
    q, k, v = head(dv=6, n_q=6, n_k=10)
    dut = shared(name, 4, 4, 10, dv=6)
    slow = correct(dut, q, k, v, stalls={"v": Stall("100")})
    rows = {"naive": 1, "scaled": 2, "scaled-reordered": 1}.get(name, 0)
    assert 3 * 60 <= slow.cycles <= 3 * 60 + rows * 10 + 80
