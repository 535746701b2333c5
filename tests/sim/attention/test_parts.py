"""Long runs in parts: the sum is that of one, whatever becomes of a part."""

import contextlib
import multiprocessing
import os
import signal

import numpy as np
import pytest
from attention import head, pipeline
from helpers.bench import raises
from sdpaflow import Alibi, Bias, Config, Keep, MemoryFree, Window
from sdpaflow_sim.attention import parts
from sdpaflow_sim.attention.children import Child, Killed
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.engines.choose import ENGINES
from sdpaflow_sim.engines.compiled import engine
from sdpaflow_sim.engines.compiled.compiler import compiler
from sdpaflow_sim.engines.stalls import Stall
from sdpaflow_sim.errors import InputError, LimitError

N = 60


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Runs that are long here are short elsewhere, models take few rows, builds little time."""
    monkeypatch.setenv("CXX", f"{compiler()[0]} -O0")
    for module in (parts, engine):
        monkeypatch.setattr(module, "FILL", 1 << 10)
    monkeypatch.setattr(Workload, "batch", 1 << 10)


@pytest.fixture
def cut(monkeypatch):
    """The numbers of parts whose outcomes were joined; a run that is done anew counts for none."""
    counted = []
    honest = parts._joined

    def counting(outcomes, overlaps):
        counted.append(len(outcomes))
        return honest(outcomes, overlaps)

    monkeypatch.setattr(parts, "_joined", counting)
    return counted


def both(dut, *data, processes=3, **options):
    """Reports of a run in one process and in several, which must be equal in every field."""
    one = run(dut, *data, engine="verilator", processes=1, **options).to_dict()
    several = run(dut, *data, engine="verilator", processes=processes, **options).to_dict()
    assert one["bit_exact"]
    assert several.keys() == one.keys()
    for field, value in one.items():
        assert several[field] == value, field


@pytest.mark.slow
@pytest.mark.parametrize("name", ["naive", "scaled", "memory-free"])
def test_the_report_is_that_of_one_process(name, cut):
    """Two heads, so that a cut is at the end of one or within it."""
    heads = [head(1, N, 40, seed=seed) for seed in range(2)]
    both(pipeline(name, d=1), *map(list, zip(*heads, strict=True)))
    assert cut == [3]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "joined"), [("naive", []), ("memory-free", [3])])
def test_rows_of_all_lengths_and_vectors_in_beats(name, joined, cut):
    """Where short rows wait for the one before, a cut reaches far, and the run is done anew."""
    lengths = np.random.default_rng(1).integers(24, 41, size=N)
    both(pipeline(name, d=2, lanes=1), *head(2, N, 40), lengths=lengths)
    assert cut == joined


@pytest.mark.slow
def test_modified_scores(cut):
    """Each part has the numbers of its own queries, its own biases and masks."""
    q, k, v = head(d=1, n_q=N, n_k=N)
    rng = np.random.default_rng(4)
    extras = {"bias_ij": rng.normal(size=(N, N)), "keep_ij": rng.integers(0, 2, (N, N))}
    dut = MemoryFree(Config(d=1), score=[Alibi(0.1), Bias(), Window(40, 40), Keep()])
    both(dut, q, k, v, extras=extras)
    assert cut == [3]


def test_clamped_tokens_are_counted_once(cut):
    q, k, v = head(1, N, 40)
    both(pipeline("naive", d=1), q * 3, k, v)
    report = run(pipeline("naive", d=1), q * 3, k, v, engine="verilator", processes=2)
    assert report.saturations["e_ij"] > 0
    assert cut == [2, 2]


@pytest.mark.slow
def test_what_is_not_cut(cut, tmp_path):
    """Stalls, limits and waveforms; rows that wait for the divider; short runs; one process."""
    q, k, v = head(1, N, 40)
    dut = pipeline("memory-free", d=1)
    both(dut, q, k, v, stalls={"o": Stall("110")})
    both(dut, q, k, v, limit=10**5)
    both(dut, q, k, v, vcd=tmp_path / "x.vcd")
    both(dut, q, k, v, lengths=[3, *[40] * (N - 1)])
    both(dut, q[:9], k, v)
    both(dut, q, k, v, processes=1)
    with pytest.raises(LimitError):
        run(dut, q, k, v, engine="verilator", limit=99)
    assert cut == []


def test_parts_that_reach_further_are_not_cut(monkeypatch, cut):
    overlaps = iter([3, 5])
    monkeypatch.setattr(
        parts, "_overlap", lambda *_: None if next(overlaps) == 3 else pytest.fail("asked twice")
    )
    both(pipeline("memory-free", d=1), *head(1, N, 40), processes=2)
    assert cut == []


@pytest.mark.parametrize("processes", [0, -1, 1.5, True, "2"])
def test_processes_that_are_none(processes):
    with raises(InputError, f"processes must be an integer of at least 1, not {processes!r}"):
        run(pipeline("memory-free", d=1), *head(1), processes=processes)


def test_a_killed_part_is_said_and_done_anew(monkeypatch, capfd):
    """Nothing is lost."""
    here, honest = os.getpid(), ENGINES["verilator"]

    def killed(*arguments, **options):
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return honest(*arguments, **options)

    monkeypatch.setitem(ENGINES, "verilator", killed)
    both(pipeline("memory-free", d=1), *head(1, N, 40), processes=2)
    assert capfd.readouterr().err == (
        "sdpaflow: the process for queries 25 to 59 was killed by SIGKILL: out of memory?; they "
        "are simulated once more\n"
    )


def test_a_part_that_fails_fails_as_the_whole(monkeypatch):
    """In the same cycle: the whole is run."""
    here, honest = os.getpid(), ENGINES["verilator"]

    def failing(dut, sources, counts, **options):
        if os.getpid() != here or counts["o"] == N:
            options["limit"] = 1000
        return honest(dut, sources, counts, **options)

    monkeypatch.setitem(ENGINES, "verilator", failing)
    with pytest.raises(
        LimitError, match=r"not finished after 1000 cycles: tokens given, \d+ of 60"
    ):
        run(pipeline("memory-free", d=1), *head(1, N, 40), engine="verilator", processes=2)


def test_progress_ends_with_all_queries():
    told = []
    run(pipeline("memory-free", d=1), *head(1, N, 40), engine="verilator", processes=2,
        progress=told.append)  # fmt: skip
    assert told[-1] == N
    assert all(0 <= count <= N for count in told)


def test_no_process_is_left(monkeypatch):
    """However it ends."""

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(parts, "_overlap", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(pipeline("memory-free", d=1), *head(1, N, 40), engine="verilator", processes=2)
    assert multiprocessing.active_children() == []


def test_a_process_says_how_it_ended():
    def leave(index, told):
        told(7)
        os._exit(3)

    with Child.several(leave, [1]) as (process,):
        with pytest.raises(Killed, match="ended with exit code 3"):
            process.result()
        assert process.count == 7


def test_one_process_within_a_pool():
    """A study has a process per point already."""
    with contextlib.ExitStack() as stack:
        receiver, sender = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("fork")
        process = context.Process(target=lambda: sender.send(parts.cores()))
        process.start()
        stack.callback(process.join)
        assert receiver.recv() == 1
