"""Engines: what they measure, and that they find what is wrong, in units broken on purpose."""

import pytest
from amaranth.hdl import Value
from helpers.bench import raises
from helpers.broken import BYTE, ROWS, Changes, Joined, Rows, TakesBack, WaitsForReady
from helpers.functions import Horner, Mix
from helpers.streams import tokens
from sdpaflow.graph import recorder
from sdpaflow.numerics import UQ, Narrow
from sdpaflow.units import Fifo, Fork, Map, Reduce
from sdpaflow_sim.engines import amaranth
from sdpaflow_sim.engines.choose import ENGINES
from sdpaflow_sim.engines.compiled import engine
from sdpaflow_sim.engines.cycle import PATIENCE, streams_of
from sdpaflow_sim.engines.stalls import Stall
from sdpaflow_sim.engines.trace import Trace
from sdpaflow_sim.errors import ContractError, DeadlockError, LimitError, SimulationError


@pytest.fixture(params=ENGINES)
def simulate(request):
    return ENGINES[request.param]


def test_a_token_taken_back_is_found(simulate):
    """Valid must stay until ready."""
    with raises(ContractError, "cycle 2: o took back a token it had offered"):
        simulate(TakesBack(), {"i": [1, 2]}, {"o": 2}, stalls={"o": Stall("100")})


def test_a_token_changed_is_found(simulate):
    """Payload must stay until ready. Without a stall it is taken at once, and nothing is wrong."""
    with raises(ContractError, "cycle 2: o changed a token it had offered"):
        simulate(Changes(), {"i": [1, 2]}, {"o": 2}, stalls={"o": Stall("100")})
    assert simulate(Changes(), {"i": [1, 2]}, {"o": 2}).outputs == {"o": [0, 1]}


def test_a_broken_fifo_inside_a_graph_is_named(simulate, monkeypatch):
    """Every edge is watched, on both sides of its FIFO; only the ports are, when told so."""

    class Inverts(Fifo):
        def elaborate(self, platform):
            m = super().elaborate(platform)
            offered = Value.cast(self.o.payload.data)
            m.d.sync += offered.eq(~offered)
            return m

    monkeypatch.setattr(recorder, "Fifo", Inverts)
    rows = tokens(BYTE, 1, [[1, 2], [3, 4]])
    with raises(ContractError, "cycle 3: waiting, out of its FIFO changed a token it had offered"):
        simulate(Rows(2), {"x": rows}, {"o": 4})
    assert len(simulate(Rows(2), {"x": rows}, {"o": 4}, watch=False).outputs["o"]) == 4


@pytest.mark.parametrize("stalls", [{}, {"o": Stall("1000")}], ids=["no stalls", "slow sink"])
def test_a_join_whose_valid_waits_for_ready_is_stuck(stalls):
    """Before a unit that waits for valid, as it may. A Map in the join's place is not stuck.

    In a netlist that is a combinational loop, so there is nothing to compile.
    """
    simulate = amaranth.simulate
    sources = {"i0": ROWS, "i1": ROWS, "x": [1, 2, 3]}
    trace = simulate(Joined(Map(Mix(2), 1)), sources, {"o": len(ROWS)}, stalls=stalls)
    assert len(trace.outputs["o"]) == len(ROWS)
    with raises(
        DeadlockError,
        "nothing moves from cycle 0 on: the unit offers nothing and accepts nothing",
    ):
        simulate(Joined(WaitsForReady()), sources, {"o": len(ROWS)}, stalls=stalls)


def test_a_unit_whose_input_ends_too_early_is_stuck(simulate):
    """A group without an end never gives its sum. Patience first: the unit may be slow."""
    with raises(
        DeadlockError,
        "nothing moves from cycle 3 on: the unit offers nothing and accepts nothing",
    ):
        simulate(Reduce(Horner()), {"i": [1, 2, 3]}, {"o": 1}, limit=PATIENCE + 10)


def test_a_stuck_graph_says_who_waits_for_whom(simulate):
    """A row that does not fit: the fork waits for room, the sum for the fork, room for the sum."""
    depth = 3
    with raises(
        DeadlockError,
        "nothing moves from cycle 7 on: a circle of units waits for itself: "
        "x_fork (Fork) waits for room in FIFO waiting, which is full with 3 words; "
        "both (Repeat) waits for row_sum (Reduce): FIFO row_sum is empty; "
        "row_sum (Reduce) waits for x_fork (Fork): FIFO to_sum is empty",
    ):
        simulate(Rows(depth), {"x": ROWS}, {"o": len(ROWS)})


def test_sinks_that_are_never_ready_together_do_not_hide_that_a_design_is_stuck(simulate):
    """Nor does a source that has ended: there is an error without a limit of cycles."""
    stalls = {"i": Stall("10"), "o0": Stall("10"), "o1": Stall("01")}
    with raises(
        DeadlockError,
        "nothing moves from cycle 4 on: the unit offers nothing and accepts nothing",
    ):
        simulate(Fork(BYTE, 0), {"i": [1, 2]}, {"o0": 3, "o1": 3}, stalls=stalls)


@pytest.mark.parametrize("spec", ["0" * 150 + "1", "random:0.99"])
@pytest.mark.parametrize("port", ["i", "o"])
def test_a_long_stall_is_no_deadlock(simulate, port, spec):
    trace = simulate(Fifo(BYTE, 0), {"i": [1, 2, 3]}, {"o": 3}, stalls={port: Stall(spec)})
    assert trace.outputs == {"o": [1, 2, 3]}


def test_a_run_that_takes_too_long_is_given_up(simulate):
    """The limit is in cycles; what came out until then is told."""
    with raises(
        LimitError, "not finished after 10 cycles: tokens given, 8 of 20 at o0, 8 of 9 at o1"
    ):
        simulate(
            Fork(BYTE, 0),
            {"i": range(20)},
            {"o0": 20, "o1": 9},
            stalls={"o0": Stall("1110")},
            limit=10,
        )
    assert simulate(Fifo(BYTE, 0), {"i": range(9)}, {"o": 9}, limit=10).cycles == 10


def test_errors_of_a_run_are_of_one_kind():
    assert all(issubclass(kind, SimulationError) for kind in (ContractError, DeadlockError))
    assert issubclass(SimulationError, RuntimeError)


def test_cycles_count_from_the_first_token_accepted_to_the_last_given(simulate):
    """Inclusive; what passes before the first does not count."""
    stalls = {"i": Stall("00001")}
    trace = simulate(Fifo(BYTE, 0), {"i": [5, 6, 7]}, {"o": 3}, stalls=stalls)
    assert trace.times == {"o": [1, 6, 11]}
    assert trace.cycles == 12
    assert trace.outputs == {"o": [5, 6, 7]}


def test_a_source_keeps_offering_and_its_schedule_goes_on(simulate):
    """A schedule says when a token may first be offered, cycle by cycle, accepted or not."""
    stalls = {"i": Stall("1000"), "o": Stall("000001")}
    trace = simulate(Fork(BYTE, 0), {"i": [5, 6, 7]}, {"o0": 3, "o1": 3}, stalls={"i": stalls["i"]})
    assert trace.times == {"o0": [0, 4, 8], "o1": [0, 4, 8]}
    slow = {"i": stalls["i"], "o0": stalls["o"], "o1": stalls["o"]}
    trace = simulate(Fork(BYTE, 0), {"i": [5, 6, 7]}, {"o0": 3, "o1": 3}, stalls=slow)
    assert trace.times == {"o0": [0, 6, 12], "o1": [0, 6, 12]}


def test_the_fill_of_each_fifo_is_measured(simulate):
    """By name of the edge: the row waits in a long one, all others hold at most two."""
    trace = simulate(Rows(20), {"x": ROWS}, {"o": len(ROWS)})
    assert list(trace.peaks) == ["x", "to_sum", "row_sum", "waiting", "both"]
    assert trace.peaks["waiting"] == 8
    assert max(fill for name, fill in trace.peaks.items() if name != "waiting") <= 2


def test_two_runs_are_equal(simulate):
    """The same design, tokens and seeds: the same trace."""
    stalls = {"x": Stall("random:0.3", 1), "o": Stall("random:0.3", 2)}
    one, two = (simulate(Rows(20), {"x": ROWS}, {"o": 10}, stalls=stalls) for _ in range(2))
    assert isinstance(one, Trace)
    assert one == two


def test_an_abandoned_job_is_forgotten(simulate):
    """Reset, then the next job as if nothing had been: bits, cycles and counts."""
    unit = Narrow(UQ(8), UQ(3))
    fresh = simulate(Map(unit), {"i": [1, 9, 2]}, {"o": 3})
    again = simulate(Map(unit), {"i": [1, 9, 2]}, {"o": 3}, abandoned=({"i": [9] * 50}, 20))
    assert again == fresh
    assert again.saturations == {"unit": 1}


def test_progress_is_told_after_each_token():
    given = []
    counts = {"o0": 3, "o1": 3}
    amaranth.simulate(Fork(BYTE, 0), {"i": [1, 2, 3]}, counts, progress=given.append)
    assert given == [1, 2, 3, 4, 5, 6]


def test_progress_is_told_now_and_then():
    """By the compiled engine, after some ten thousand cycles and at the end."""
    given = []
    engine.simulate(Fifo(BYTE, 0), {"i": [7] * 40_000}, {"o": 40_000}, progress=given.append)
    assert len(given) == 3
    assert given == sorted(given)
    assert given[-1] == 40_000


def test_a_run_that_expects_nothing_ends_at_once(simulate):
    trace = simulate(Fifo(BYTE, 0), {"i": [1, 2, 3]}, {"o": 0})
    assert trace.outputs == {"o": []}
    assert trace.cycles == 0


def test_a_waveform_can_be_written(tmp_path):
    path = tmp_path / "fifo.vcd"
    amaranth.simulate(Fifo(BYTE, 0), {"i": [1, 2, 3]}, {"o": 3}, vcd=path)
    text = path.read_text(encoding="ascii")
    assert "$enddefinitions" in text
    assert "i__payload" in text


def test_streams_are_found_by_direction():
    """Of units and of graphs, by port name; flags and levels are no streams."""
    unit = Fifo(BYTE, 0)
    unit._MustUse__silence = True
    inputs, outputs = streams_of(unit)
    assert (list(inputs), list(outputs)) == (["i"], ["o"])
    inputs, outputs = streams_of(Rows(3))
    assert (list(inputs), list(outputs)) == (["x"], ["o"])
