"""All points of a study: some are read, the others run, and the time left is foretold."""

import sys
from collections.abc import Sequence
from concurrent.futures import as_completed
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sdpaflow_sim.study.points import Point, measure
from sdpaflow_sim.study.store import Store
from sdpaflow_sim.study.workers import workers

__all__ = ["run_points"]


class _Bar:
    """Points done, and the time left by the scores done; nothing where there is no terminal."""

    def __init__(self, points: Sequence[Point], quiet: bool) -> None:
        console = Console(stderr=True)
        self._points, self._scores = points, [0] * len(points)
        self._done = 0
        self._bar = Progress(
            TextColumn("{task.fields[points]} of {task.fields[of]} points"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("gone,"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=console,
            transient=True,
            speed_estimate_period=600,
            disable=quiet or not console.is_terminal,
        )
        total = sum(point.work for point in points)
        self._task = self._bar.add_task("", total=total, points=0, of=len(points))

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def told(self, index: int, queries: int) -> None:
        """Of a point, so many queries have been answered."""
        point = self._points[index]
        self._scores[index] = point.work * queries // point.n
        self._bar.update(self._task, completed=sum(self._scores))

    def done(self, index: int) -> None:
        """A point is done, well or not."""
        self._done += 1
        self._bar.update(self._task, points=self._done)
        self.told(index, self._points[index].n)


def run_points(
    points: Sequence[Point],
    store: Store,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    fresh: bool = False,
    quiet: bool = False,
) -> tuple[dict[Point, dict[str, Any]], dict[Point, str]]:
    """Results of points, by point, and what went wrong with the others.

    The longest start first: the short ones then fill the gaps at the end. However this ends, what
    is finished is stored, and no process is left behind.

    Parameters
    ----------
    points : list of :class:`Point`
        What to run.
    store : :class:`Store`
        Where results are kept, and looked for.
    jobs, scheduler
        As :func:`sdpaflow_sim.study.workers.workers` takes them.
    fresh : :class:`bool`
        Run also what is there.
    quiet : :class:`bool`
        Show no progress.

    Returns
    -------
    results : dict of dict
        From :func:`measure`.
    failures : dict of :class:`str`
        Reasons.
    """
    kept = {} if fresh else {point: store.load(point) for point in points}
    results = {point: result for point, result in kept.items() if result is not None}
    for name, reason in store.amiss.items():
        print(f"sdpaflow: note: {name} {reason}; measured again", file=sys.stderr)
    missing = sorted(set(points) - results.keys(), key=lambda p: (-p.work, p.name))
    failures: dict[Point, str] = {}
    if not missing:
        return results, failures
    with _Bar(missing, quiet) as bar:
        executor = workers(bar.told, jobs, scheduler)
        try:
            tasks = {executor.submit(measure, index, point, point.key): index
                     for index, point in enumerate(missing)}  # fmt: skip
            for task in as_completed(tasks):
                point = missing[tasks[task]]
                error = task.exception()
                if error is None:
                    results[point] = task.result()
                    store.save(point, results[point])
                else:
                    failures[point] = _reason(error)
                bar.done(tasks[task])
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
        executor.shutdown()
    return results, failures


def _reason(error: BaseException) -> str:
    """One line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
