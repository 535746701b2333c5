"""Progress of runs, on a terminal only."""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from multiprocessing import active_children, get_context
from typing import Any, Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

__all__ = ["Counter", "Progress"]

Counter = Callable[[int], None]
"""Takes how much has been done so far."""

T = TypeVar("T")

_done: Any = None
"""In a process: the counts that it shares with the one that started it."""


class Progress:
    """A bar per run, on standard error; nothing of it when that is not a terminal.

    Parameters
    ----------
    totals : dict of :class:`int`
        Queries to answer, or whatever is counted, by name of the run; None where that is not
        known.
    quiet : :class:`bool`
        Show nothing.
    unit : :class:`str`
        What is counted.
    """

    def __init__(
        self, totals: Mapping[str, int | None], *, quiet: bool = False, unit: str = "queries"
    ) -> None:
        console = Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description:>16}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._tasks = {
            name: self._bars.add_task(name, total=total) for name, total in totals.items()
        }

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def counter(self, name: str) -> Counter:
        """A function to be called with the queries answered so far."""
        return lambda done: self._bars.update(self._tasks[name], completed=done)

    def run_all(
        self,
        work: Callable[..., T],
        jobs: Sequence[tuple[Any, ...]],
        processes: int | None = None,
    ) -> list[T]:
        """Call ``work(counter, *job)`` for each run, in processes; returns the results in order.

        However this ends, no process is left behind.
        """
        context = get_context("spawn")
        done: Any = context.Array("q", len(jobs))
        pool = ProcessPoolExecutor(processes, context, _start, (done,))
        # Processes inherit what they ignore: an interrupt is for this process to handle.
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            futures = [pool.submit(_call, work, index, job) for index, job in enumerate(jobs)]
        finally:
            signal.signal(signal.SIGINT, handler)
        try:
            while wait(futures, timeout=0.2).not_done:
                for task, count in zip(self._tasks.values(), done, strict=True):
                    self._bars.update(task, completed=count)
            return [future.result() for future in futures]
        except BaseException:
            for process in active_children():
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _start(done: Any) -> None:
    global _done
    _done = done
    # Ended from outside, a process still ends what it has started itself.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def _call(work: Callable[..., T], index: int, job: tuple[Any, ...]) -> T:
    def counter(count: int) -> None:
        _done[index] = count

    return work(counter, *job)
