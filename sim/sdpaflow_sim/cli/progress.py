"""Progress of runs, on a terminal only."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Self, TypeVar

__all__ = ["Counter", "Progress"]

Counter = Callable[[int], None]
"""Takes how much has been done so far."""

T = TypeVar("T")


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
        self._bars: Any = None if quiet else _bars(unit)
        self._tasks = {
            name: None if self._bars is None else self._bars.add_task(name, total=total)
            for name, total in totals.items()
        }

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def counter(self, name: str) -> Counter:
        """A function to be called with the queries answered so far."""
        return partial(self._show, self._tasks[name])

    def _show(self, task: Any, done: int) -> None:
        if self._bars is not None:
            self._bars.update(task, completed=done)

    def run_all(
        self,
        work: Callable[..., T],
        jobs: Sequence[tuple[Any, ...]],
        processes: int | None = None,
    ) -> list[T]:
        """Call ``work(counter, *job)`` for each run, in processes; returns the results in order.

        However this ends, no process is left behind.
        """
        from concurrent.futures import FIRST_EXCEPTION, wait

        from sdpaflow_sim.processes import Processes, WorkerError

        names = list(self._tasks)
        most = min(processes or os.cpu_count() or 1, len(jobs))
        executor = Processes(most, lambda name, count: self._show(self._tasks[name], count))
        try:
            futures = {
                executor.submit(_call, name, work, job): name
                for name, job in zip(names, jobs, strict=True)
            }
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                try:
                    future.result()
                except WorkerError as error:
                    raise WorkerError(f"{futures[future]}: {error}") from None
        except BaseException:
            executor.shutdown(wait=False)
            raise
        executor.shutdown()
        return [future.result() for future in futures]


def _bars(unit: str) -> Any:
    """Rich's bars, which take longer to import than a short run does; None if nobody sees them."""
    if not sys.stderr.isatty() and "FORCE_COLOR" not in os.environ:
        return None
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    return Bars(
        TextColumn("{task.description:>16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _call(work: Callable[..., T], job: tuple[Any, ...], counter: Counter) -> T:
    """One run, in its process."""
    return work(counter, *job)
