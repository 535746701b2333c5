"""Processes and clusters: what they return, what they report, and what they survive."""

import logging
import os
import signal
import time
from contextlib import contextmanager
from multiprocessing import active_children

import pytest
from helpers.work import die, double, fail, interrupts_blocked, wait
from sdpaflow_sim.errors import DeadlockError, InputError, SimulationError
from sdpaflow_sim.study.points import grid
from sdpaflow_sim.study.runner import run_points
from sdpaflow_sim.study.store import Store
from sdpaflow_sim.study.workers import Processes, workers

POINTS = grid(["naive"], [1], None, [4, 8, 20], 0, "amaranth")


def ignore(tag, count):
    pass


def test_processes():
    """Results come back, progress by tag; errors of the project as they are, others as text."""
    told = []
    with Processes(2, lambda tag, count: told.append((tag, count))) as executor:
        tasks = [executor.submit(double, index, index) for index in range(3)]
        stuck = executor.submit(fail, 3, DeadlockError("nothing moves"))
        broken = executor.submit(fail, 4, ZeroDivisionError("by nothing"))
        assert [task.result() for task in tasks] == [0, 2, 4]
        assert sorted(told) == [(0, 1), (1, 1), (2, 1)]
        with pytest.raises(DeadlockError, match="nothing moves"):
            stuck.result()
        with pytest.raises(RuntimeError, match="ZeroDivisionError: by nothing"):
            broken.result()
    assert not active_children()


def test_a_killed_process_takes_nothing_with_it():
    """The call fails with the reason; those before and after it do not."""
    with Processes(1, ignore) as executor:
        tasks = [executor.submit(double, 0, 1), executor.submit(die, 1)]
        tasks.append(executor.submit(double, 2, 3))
        assert (tasks[0].result(), tasks[2].result()) == (2, 6)
        with pytest.raises(SimulationError, match=r"killed by SIGKILL: out of memory\?"):
            tasks[1].result()


def test_an_interrupt_is_not_for_processes():
    """From the terminal it goes to all; from their first moment on, they leave it to us."""
    with Processes(1, ignore) as executor:
        assert executor.submit(interrupts_blocked, 0).result()


def test_processes_end_at_once():
    """Without waiting, what runs is ended, and what waits does not begin."""
    told = set()
    executor = Processes(2, lambda tag, count: told.add(tag))
    tasks = [executor.submit(wait, index) for index in range(4)]
    while told < {0, 1}:
        time.sleep(0.01)
    executor.shutdown(wait=False)
    assert all(task.done() for task in tasks)
    assert told == {0, 1}
    assert not active_children()


@contextmanager
def cluster(number):
    """A Dask cluster of processes; yields it, and leaves none of them."""
    from distributed import LocalCluster

    level = logging.getLogger("distributed").level
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a killed worker is what we want
    try:
        with LocalCluster(
            n_workers=number, threads_per_worker=1, dashboard_address=None, scheduler_port=0
        ) as made:
            yield made
    finally:
        logging.getLogger("distributed").setLevel(level)


@pytest.mark.slow
def test_a_killed_worker_of_a_cluster(tmp_path):
    """One of two workers is killed while it works: all points come, with the right figures."""
    expected, _ = run_points(POINTS, Store(tmp_path / "here"), quiet=True)
    with cluster(2) as made:
        killed = []

        class Killing(Store):
            """Kills a worker that is at work when the first point is finished."""

            def save(self, point, result):
                super().save(point, result)
                if killed:
                    return
                busy = {
                    address: worker
                    for address, worker in made.scheduler.workers.items()
                    if worker.processing
                }
                names = {worker.name for worker in busy.values()}
                nanny = next(nanny for name, nanny in made.workers.items() if name in names)
                killed.append(nanny.process.pid)
                os.kill(killed[0], signal.SIGKILL)

        results, failures = run_points(
            POINTS, Killing(tmp_path / "there"), scheduler=made.scheduler_address, quiet=True
        )
    assert killed
    assert not failures
    assert set(results) == set(POINTS)
    for point in POINTS:
        same = {**results[point], "seconds": None} == {**expected[point], "seconds": None}
        assert same, point.name


def test_no_scheduler(monkeypatch):
    """An address that nobody answers, or that is none, is bad input."""
    monkeypatch.setattr("sdpaflow_sim.study.workers.PATIENCE", "1s")
    for address in ("tcp://127.0.0.1:1", "nowhere"):
        with pytest.raises(InputError, match=f"no scheduler answers at {address}"):
            workers(ignore, scheduler=address)


def test_without_dask(monkeypatch):
    """The message says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'sdpaflow\[cluster\]'"):
        workers(ignore, scheduler="tcp://127.0.0.1:1")
