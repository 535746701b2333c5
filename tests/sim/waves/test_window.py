# amaranth: UnusedElaboratable=no
"""Waveforms of the compiled engine: cycle by cycle those of Amaranth's simulator, in a window."""

import contextlib
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from attention import correct, head, pipeline
from helpers.bench import raises
from helpers.dumps import DUT, same, streams
from helpers.gtkw import Samples, parse
from sdpaflow.numerics import UQ
from sdpaflow.units import Repeat
from sdpaflow_sim.engines.choose import ENGINES
from sdpaflow_sim.engines.compiled import build
from sdpaflow_sim.engines.compiled import engine as compiled
from sdpaflow_sim.engines.compiled.harness import Harness
from sdpaflow_sim.engines.cycle import Driver
from sdpaflow_sim.engines.stalls import Stall
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.waves import window
from sdpaflow_sim.waves.view import save_path, save_view
from vcd.gtkw import GTKWFlag

pytestmark = pytest.mark.slow

N_Q, N_K = 4, 6
STALLS = {"k": Stall("1101"), "o": Stall("01"), "v": Stall("random:0.3", 5)}
HALF = 500
"""Half a cycle in the dump's unit of time."""


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A run with stalls on either engine, their dumps read back."""
    folder, dut = tmp_path_factory.mktemp("waves"), pipeline("naive", 4, 2, row_max=N_K)
    given, dumps = head(4, N_Q, N_K), {}
    for engine in ENGINES:
        vcd = folder / f"{engine}.vcd"
        report = correct(dut, *given, vcd=vcd, engine=engine, stalls=STALLS)
        assert report.engine == engine
        dumps[engine] = Samples(vcd)
    save_view(save_path(vcd), vcd, dut)
    dump = dumps["verilator"]
    return SimpleNamespace(
        dut=dut, given=given, vcd=vcd, report=report, dump=dump, amaranth=dumps["amaranth"]
    )


def run(case, vcd, **options):
    """The same run again, compiled."""
    return correct(case.dut, *case.given, vcd=vcd, engine="verilator", stalls=STALLS, **options)


def times(vcd):
    """All times in a dump."""
    return list(map(int, re.findall(r"^#(\d+)$", vcd.read_text(encoding="ascii"), re.M)))


def test_all_cycles_are_those_of_amaranth(case):
    """Streams at the border, those inside and all levels, at the same times."""
    names = {name for name, _ in streams(case.dut)}
    assert {f"{DUT}.{port}__payload" for port in ("q_fifo.i", "o_i_fifo.o")} <= names
    assert len(case.dump.cycles) >= case.report.cycles
    assert same(case.dump, case.amaranth, case.dut)
    found = times(case.vcd)
    assert found == list(range(0, 2 * len(case.dump.cycles) * HALF, HALF))


def test_a_cycle_lasts_from_edge_to_edge(case):
    """All that changes as the clock falls is the clock."""
    text = case.vcd.read_text(encoding="ascii").partition("$enddefinitions")[2]
    changes = [part.splitlines() for part in text.split("\n#")[2:]]
    falling = [lines for time, *lines in changes if int(time) % (2 * HALF) == 0]
    assert len(falling) == len(case.dump.cycles) - 1
    assert {tuple(lines) for lines in falling} == {(f"0{case.dump.codes[f'{DUT}.clk']}",)}


def test_what_follows_from_an_input_changes_with_it(tmp_path):
    """In a unit without a clock, nothing changes but at edges."""
    dut, vcd = Repeat(UQ(0, 4), UQ(4, 0), 1), tmp_path / "w.vcd"
    over = [3, 5, 1 << 4 | 6, 1 << 4 | 7]
    stalls = {"over": Stall("011")}
    compiled.simulate(dut, {"i": [1, 2], "over": over}, {"o": 4}, vcd=vcd, stalls=stalls)
    start, *others = times(vcd)
    assert start == 0
    assert len(others) > 4
    assert all(time % (2 * HALF) == HALF for time in others)
    save_view(save_path(vcd), vcd, dut)
    assert parse(save_path(vcd)).row("over")


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 7), (1, 1), (13, 40)])
def test_a_window_has_its_cycles_alone(case, tmp_path, first, last):
    """From the clock's edge that begins the first to the one that ends the last."""
    vcd = tmp_path / "w.vcd"
    assert run(case, vcd, window=(first, last)).cycles == case.report.cycles
    dump = Samples(vcd)
    assert len(dump.cycles) == last - first + 1
    assert same(dump, case.amaranth, case.dut, slice(first, last + 1))
    start = max(0, 2 * first - 1)
    assert times(vcd) == [half * HALF for half in range(start, 2 * last + 2)]


@pytest.mark.parametrize("last", [None, 10**6, 1 << 80])
def test_a_window_may_reach_beyond_the_end(case, tmp_path, last):
    """It ends with the run."""
    vcd = tmp_path / "w.vcd"
    run(case, vcd, window=(20, last))
    assert same(Samples(vcd), case.amaranth, case.dut, slice(20, None))


def test_a_window_goes_on_from_slice_to_slice(case, tmp_path, monkeypatch):
    """However often the loop comes back."""
    monkeypatch.setattr(compiled, "SLICE", 7)
    vcd = tmp_path / "w.vcd"
    run(case, vcd, window=(5, 30))
    assert same(Samples(vcd), case.amaranth, case.dut, slice(5, 31))


def test_the_same_run_gives_the_same_bytes(case, tmp_path):
    """And is no other than without a waveform."""
    vcd = tmp_path / "w.vcd"
    report = run(case, vcd)
    assert vcd.read_bytes() == case.vcd.read_bytes()
    assert report.to_dict() == run(case, None).to_dict()


def test_a_window_beyond_the_end_is_refused(case, tmp_path):
    """What was there stays."""
    vcd = tmp_path / "w.vcd"
    vcd.write_text("before", encoding="ascii")
    cycles = len(case.dump.cycles)
    with raises(
        InputError, f"window must begin within the run of {cycles} cycles, not at {cycles}"
    ):
        run(case, vcd, window=(cycles, None))
    assert [path.name for path in tmp_path.iterdir()] == ["w.vcd"]
    assert vcd.read_text(encoding="ascii") == "before"
    run(case, vcd, window=(cycles - 1, None))
    assert same(Samples(vcd), case.amaranth, case.dut, slice(cycles - 1, None))


@pytest.mark.parametrize(
    ("message", "given", "options"),
    [
        ("window must begin at cycle 0 or later, not at -1", (-1, 4), {}),
        ("window must not end before it begins, as 9:3 does", (9, 3), {}),
        ("window must be (first, last) in cycles, not 7", 7, {}),
        ("window must be (first, last) in cycles, not (1, 2, 3)", (1, 2, 3), {}),
        ("window must be (first, last) in cycles, not '1:'", "1:", {}),
        ("window must begin before the limit of 20 cycles, not at 20", (20, 30), {"limit": 20}),
        ("a window is one of a waveform: say with vcd where that goes", (1, 2), {"vcd": None}),
        (
            "the engine amaranth shows whole runs: leave the window out, or use verilator",
            (1, 2),
            {"engine": "amaranth"},
        ),
    ],
)
def test_bad_windows(case, tmp_path, message, given, options):
    """Are refused before anything is written."""
    options = {"engine": "auto", "vcd": tmp_path / "w.vcd", **options}
    with raises(InputError, message):
        correct(case.dut, *case.given, window=given, **options)
    assert not list(tmp_path.iterdir())


def test_the_save_file_shows_the_design_alone(case):
    """All rows are in the dump, and those of the other engine's; numbers as results have them."""
    save, dump = parse(save_path(case.vcd)), case.dump
    for row in save.rows:
        for plain, width, _ in map(dump.find, row.names):
            assert dump.widths[plain] == width
            assert plain.startswith(f"{DUT}.")
    assert not [name for name in dump.widths if not name.startswith(f"{DUT}.")]
    save_view(case.vcd.parent / "a.gtkw", case.vcd.parent / "amaranth.vcd", case.dut)
    others = parse(case.vcd.parent / "a.gtkw")
    titles = [[row.alias for row in rows if not row.folded] for rows in (save.rows, others.rows)]
    assert titles[0] == titles[1]
    levels = GTKWFlag.analog_step | GTKWFlag.analog_fullscale
    assert sum(levels in row.flags for row in save.rows) == len(case.dut.edges)

    (edge,) = case.dut.output_edges.values()
    handshake = [f"{DUT}.{edge.name}_fifo.o__{bit}" for bit in ("valid", "ready")]
    moves = np.array(dump.bits(handshake)) == "11"
    lanes = [row for row in save.rows if row.alias.startswith("o[")]
    shown = np.array([dump.shown(row) for row in lanes]).T[moves]
    assert (shown.reshape(N_Q, -1) == case.report.outputs).all()


def test_runs_without_a_waveform_have_a_library_of_their_own(case, tmp_path):
    """The same one, and left as it is, whatever is traced."""
    harness = Harness(Driver(case.dut, {}, watch=True))
    plain = build.build(harness)
    before = plain.stat().st_mtime_ns
    run(case, tmp_path / "w.vcd")
    run(case, None)
    traced = build.build(harness, traced=True)
    assert build.build(harness) == plain != traced
    assert plain.stat().st_mtime_ns == before
    assert b"sdpaflow_dump" in traced.read_bytes()
    assert b"sdpaflow_dump" not in plain.read_bytes()
    assert b"VerilatedVcd" not in plain.read_bytes()


def test_a_full_disk_is_said(case, monkeypatch):
    """With the name of the file, and the process lives on."""

    @contextlib.contextmanager
    def full(path):
        yield Path("/dev/full")

    monkeypatch.setattr(window, "replacing", full)
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
        run(case, "w.vcd")
