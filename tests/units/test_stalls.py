# amaranth: UnusedElaboratable=no
"""Stalls change when, never what: every unit under every kind of schedule, contract watched."""

import pytest
from helpers.cases import CASES, run
from helpers.drawn import drawn, stalls
from helpers.engines import BOARDS, Board, Compiled, streams
from hypothesis import given
from hypothesis import strategies as st
from sdpaflow_sim.engines.stalls import Stall

PATTERNS = {  # of sources, of sinks
    "no stalls": ("1", "1"),
    "slow sources": ("0001", "1"),
    "slow sinks": ("1", "0001"),
    "bursts into sinks": ("1", "11110000"),
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


@pytest.mark.parametrize("stalled", [0, 1])
@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if len(case.inputs) + len(case.outputs) > 2]
)
def test_one_slow_port(name, stalled):
    """Of several inputs or outputs one is slow, so that the others wait for it."""
    case = CASES[name]
    ports = list(case.inputs if len(case.inputs) > 1 else case.outputs)
    run(case, stalls={ports[stalled]: Stall("000001")}, limit=2000)


@pytest.mark.parametrize("cycles", [3, 11])
@units()
def test_reset_in_the_middle(case, cycles):
    """A job abandoned by a reset leaves nothing behind; the next goes as it always does."""
    sources = {name: port.tokens for name, port in case.inputs.items()}
    stalls = {name: Stall("110") for name in case.outputs}
    again = run(case, abandoned=(sources, cycles), stalls=stalls, limit=500)
    fresh = run(case, stalls=stalls, limit=500)
    assert again == fresh


@pytest.mark.parametrize("names", BOARDS)
def test_drawn_stalls(names):
    """Each port at a rhythm of its own, whatever is drawn: all units side by side, compiled."""
    board, (sources, counts) = Compiled(Board(names)), streams(names)
    wanted = outputs(names)

    @drawn(100)
    @given(stalls([*sources, *counts]))
    def check(schedules):
        assert board.simulate(sources, counts, schedules, 5000).outputs == wanted

    check()


@pytest.mark.parametrize("names", BOARDS)
def test_drawn_resets(names):
    """A reset in any cycle of a job with any stalls: the next one goes as it always does."""
    board, (sources, counts) = Compiled(Board(names)), streams(names)
    wanted = outputs(names)

    @drawn(40)
    @given(stalls([*sources, *counts]), st.integers(1, 60))
    def check(schedules, cycles):
        job = sources, counts, schedules, 5000
        again = board.simulate(*job, abandoned=(sources, cycles))
        assert again == board.simulate(*job)
        assert again.outputs == wanted

    check()


def outputs(names):
    """What must come out of a board."""
    return {
        f"u{number}_{port}": found.tokens
        for number, name in enumerate(names)
        for port, found in CASES[name].outputs.items()
    }
