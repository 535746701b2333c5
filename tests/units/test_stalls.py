"""Stalls change when, never what: every unit under every kind of schedule, contract watched."""

import random

import pytest
from helpers.cases import CASES, run
from sdpaflow_sim.engines.stalls import Stall

PATTERNS = {  # of sources, of sinks
    "no stalls": ("1", "1"),
    "sources every other cycle": ("10", "1"),
    "slow sources": ("0001", "1"),
    "bursts from sources": ("11110000", "1"),
    "sinks every other cycle": ("1", "01"),
    "slow sinks": ("1", "0001"),
    "bursts into sinks": ("1", "11110000"),
    "both, in turn": ("10", "01"),
    "both, out of step": ("110", "10010"),
}


def units():
    return pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.mark.parametrize(("sources", "sinks"), PATTERNS.values(), ids=PATTERNS)
@units()
def test_patterns(case, sources, sinks):
    """Every bit and every ``last`` comes out, whatever the ports' rhythm."""
    stalls = {name: Stall(sources) for name in case.inputs}
    stalls |= {name: Stall(sinks) for name in case.outputs}
    run(case, stalls=stalls, limit=2000)


@pytest.mark.parametrize("seed", range(20))
@units()
def test_random_stalls(case, seed):
    """Each port at its own rate, chosen at random, often never and often almost always."""
    rng = random.Random(seed)
    stalls = {
        name: Stall(f"random:{rng.choice([0, 0.2, 0.5, 0.8])}", rng.randrange(1 << 30))
        for name in (*case.inputs, *case.outputs)
    }
    run(case, stalls=stalls, limit=5000)


@pytest.mark.parametrize("stalled", [0, 1])
@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if len(case.inputs) + len(case.outputs) > 2]
)
def test_one_slow_port(name, stalled):
    """Of several inputs or outputs one is slow, so that the others wait for it."""
    case = CASES[name]
    ports = list(case.inputs if len(case.inputs) > 1 else case.outputs)
    run(case, stalls={ports[stalled]: Stall("000001")}, limit=2000)


@pytest.mark.parametrize("cycles", [1, 2, 3, 7, 20])
@units()
def test_reset_in_the_middle(case, cycles):
    """A job abandoned by a reset leaves nothing behind; the next goes as it always does."""
    sources = {name: port.tokens for name, port in case.inputs.items()}
    stalls = {name: Stall("110") for name in case.outputs}
    again = run(case, abandoned=(sources, cycles), stalls=stalls, limit=500)
    fresh = run(case, stalls=stalls, limit=500)
    assert again == fresh
