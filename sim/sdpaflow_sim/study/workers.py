"""Who runs the points: processes of this machine, or a Dask cluster.

Both are a :class:`concurrent.futures.Executor`: ``submit(work, tag, *arguments)`` calls
``work(*arguments, tell)`` elsewhere; what is told, now and then, goes on to ``told(tag, count)``.
"""

import os
import signal
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from typing import Any

from sdpaflow_sim.errors import InputError, SimulationError, killed

__all__ = ["Cluster", "Processes", "workers"]

Tell = Callable[[Any], None]
"""What a call is given to tell something by, now and then."""

Told = Callable[[Any, Any], None]
"""Takes the tag of a call, and what it tells."""

PERIOD = 0.25
"""Seconds between two reports of progress."""

PATIENCE = "10s"
"""How long to wait for a scheduler to answer."""


def workers(told: Told, jobs: int = 1, scheduler: str | None = None) -> "Processes | Cluster":
    """Processes, ``jobs`` at a time, or the cluster of a scheduler, given by its address."""
    return Processes(jobs, told) if scheduler is None else Cluster(scheduler, told)


class Processes(Executor):
    """A process for each call, so that one that is killed takes nothing with it.

    Parameters
    ----------
    jobs : :class:`int`
        How many at a time.
    told : callable
        Called with the tag of a call and what it tells.
    """

    def __init__(self, jobs: int, told: Told) -> None:
        self._told, self._context = told, get_context("spawn")
        self._running: set[Any] = set()
        self._closed = False
        # A thread waits for each process. A signal blocked for it is for the process too: an
        # interrupt from the terminal is for the one that started all this to handle. Python's own
        # helper is started first, since starting it unblocks interrupts.
        if hasattr(signal, "pthread_sigmask"):
            import_module("multiprocessing.resource_tracker").ensure_running()
        self._threads = ThreadPoolExecutor(jobs, initializer=_block_interrupts)

    def submit(  # type: ignore[override]  # a call has a tag too
        self, work: Callable[..., Any], tag: Any, /, *arguments: Any
    ) -> Future[Any]:
        return self._threads.submit(self._run, work, tag, arguments)

    def _run(self, work: Callable[..., Any], tag: Any, arguments: tuple[Any, ...]) -> Any:
        here, there = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_serve, args=(there, work, arguments))
        self._running.add(process)
        process.start()
        there.close()
        try:
            if self._closed:
                _end(process)
            while True:
                kind, content = here.recv()
                if kind == "result":
                    return content
                if kind == "error":
                    raise content
                self._told(tag, content)
        except EOFError:
            process.join()
            raise SimulationError(_epitaph(process.exitcode)) from None
        finally:
            process.join()
            self._running.discard(process)
            here.close()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End it; without ``wait``, at once, and what is running is ended too."""
        if not wait:
            self._closed = True
            self._threads.shutdown(wait=False, cancel_futures=True)
            for process in tuple(self._running):
                _end(process)
        self._threads.shutdown(wait=True, cancel_futures=cancel_futures)


def _block_interrupts() -> None:
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _end(process: Any) -> None:
    """End a process and what it started."""
    with suppress(ProcessLookupError, AttributeError, TypeError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(AttributeError):  # not quite started
        process.terminate()


def _epitaph(code: int | None) -> str:
    if code is not None and code < 0:
        return f"its process {killed(-code)}"
    return f"its process ended with exit code {code}"


def _serve(pipe: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """The life of a process."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # compilers and the like belong to it, and end with it
    try:
        pipe.send(("result", work(*arguments, _seldom(lambda count: pipe.send(("told", count))))))
    except Exception as error:  # for the other side to judge
        pipe.send(("error", _plain(error)))


def _seldom(tell: Tell) -> Tell:
    """A function that passes its argument on at most once per :data:`PERIOD`."""
    due = 0.0

    def told(count: Any) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + PERIOD
            tell(count)

    return told


def _plain(error: Exception) -> Exception:
    """The error itself where it can travel, and be recognised; else its text."""
    if type(error).__module__.startswith("sdpaflow") or isinstance(error, OSError):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")


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
        return work(*arguments, _seldom(lambda count: worker.log_event(topic, [tag, count])))
    except Exception as error:
        raise _plain(error) from None
