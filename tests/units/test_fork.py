"""A fork is eager: no branch waits for another to take the token that is there."""

import pytest
from amaranth.hdl import unsigned
from helpers.bench import observe
from sdpaflow.units import Fork
from sdpaflow_sim.engines.amaranth import simulate
from sdpaflow_sim.engines.stalls import Stall

STALLED = "0000010000100001"


@pytest.mark.parametrize("stalled", ["o0", "o1", "o2"])
def test_a_stalled_branch_does_not_keep_others_from_the_current_token(stalled):
    """They take each token in its first cycle, once; the next is there when the last took it."""
    stalls = {stalled: Stall(STALLED)}
    trace = simulate(
        Fork(unsigned(8), 0, 3),
        {"i": [7, 8, 9]},
        dict.fromkeys(["o0", "o1", "o2"], 3),
        stalls=stalls,
    )
    for name, times in trace.times.items():
        assert trace.outputs[name] == [7, 8, 9]
        assert times == ([5, 10, 15] if name == stalled else [0, 6, 11])


def test_branches_may_take_turns():
    """Even if they are never ready together."""
    stalls = {"o0": Stall("10"), "o1": Stall("01")}
    trace = simulate(
        Fork(unsigned(8), 0), {"i": range(20)}, {"o0": 20, "o1": 20}, stalls=stalls, limit=40
    )
    assert trace.times == {"o0": list(range(0, 40, 2)), "o1": list(range(1, 40, 2))}


def test_a_token_is_accepted_when_the_last_branch_takes_it():
    """Not before, so that nothing is stored; and it is offered to all branches at once."""
    unit = Fork(unsigned(8), 0)
    seen = observe(unit, {"i": [7]}, [unit.i.ready, unit.o0.valid, unit.o1.valid], 3, ready=False)
    assert seen == [(0, 1, 1)] * 3
