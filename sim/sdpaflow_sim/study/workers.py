"""Who runs the points: processes of this machine, or a Dask cluster.

Both are a :class:`concurrent.futures.Executor`: ``submit(work, tag, *arguments)`` calls
``work(*arguments, tell)`` elsewhere; what is told, now and then, goes on to ``told(tag, count)``.
"""

import uuid
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from sdpaflow_sim.errors import InputError
from sdpaflow_sim.processes import Processes, Told, plain, seldom

__all__ = ["Cluster", "Processes", "workers"]

PATIENCE = "10s"
"""How long to wait for a scheduler to answer."""


def workers(told: Told, jobs: int = 1, scheduler: str | None = None) -> "Processes | Cluster":
    """Processes, ``jobs`` at a time, or the cluster of a scheduler, given by its address."""
    return Processes(jobs, told) if scheduler is None else Cluster(scheduler, told)


class Cluster(Executor):
    """A Dask cluster. Calls of a worker that is lost are taken over by another.

    Parameters
    ----------
    scheduler : :class:`str`
        Address, ``tcp://host:port``.
    told : callable
        Called with the tag of a call and what it tells.
    """

    def __init__(self, scheduler: str, told: Told) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise InputError(
                "--scheduler takes Dask, which is missing: pip install 'sdpaflow[cluster]'"
            ) from None
        try:
            self._client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"no scheduler answers at {scheduler}: {reason}") from None
        self._topic = f"sdpaflow-{uuid.uuid4()}"
        self._client.subscribe_topic(self._topic, lambda event: told(*event[1]))
        self._executor = self._client.get_executor(pure=False)

    def submit(  # type: ignore[override]  # a call has a tag too
        self, work: Callable[..., Any], tag: Any, /, *arguments: Any
    ) -> Future[Any]:
        return self._executor.submit(_remote, self._topic, tag, work, arguments)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End it; without ``wait``, what has not begun is taken back from the cluster."""
        self._executor.shutdown(wait)
        self._client.close()


def _remote(topic: str, tag: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """A call on a worker of the cluster."""
    from distributed import get_worker

    worker = get_worker()
    try:
        return work(*arguments, seldom(lambda count: worker.log_event(topic, [tag, count])))
    except Exception as error:
        raise plain(error) from None
