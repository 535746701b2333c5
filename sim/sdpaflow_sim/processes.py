"""Processes for calls that may be killed: by the kernel, by the user, with the one that waits."""

import signal
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from typing import Any

from sdpaflow_sim.errors import SimulationError, killed

__all__ = ["Processes", "Tell", "Told", "WorkerError", "follow", "hush", "plain", "seldom"]

Tell = Callable[[Any], None]
"""What a call is given to tell something by, now and then."""

Told = Callable[[Any, Any], None]
"""Takes the tag of a call, and what it tells."""

PERIOD = 0.25
"""Seconds between two reports of progress."""

SET_PARENT_DEATH_SIGNAL = 1
"""Linux's ``PR_SET_PDEATHSIG``."""


class WorkerError(SimulationError):
    """A process ended without a result; the message says how."""


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
            raise WorkerError(_epitaph(process.exitcode)) from None
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


def _leave(*_: object) -> None:
    """End this process, which ends what it has started itself; once is enough."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hush()
    sys.exit(1)


def hush() -> None:
    """Have Amaranth say nothing of hardware that was being made when this process was ended."""
    warnings.simplefilter("ignore")


def follow(kind: int = signal.SIGTERM) -> None:
    """Have this process get a signal when the one that started it ends, however that ends.

    On Linux; elsewhere a process whose parent is killed runs to its end.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(SET_PARENT_DEATH_SIGNAL, int(kind))


def _end(process: Any) -> None:
    """End a process, which ends what it started."""
    with suppress(AttributeError):  # not quite started
        process.terminate()


def _epitaph(code: int | None) -> str:
    if code is not None and code < 0:
        return f"its process {killed(-code)}"
    return f"its process ended with exit code {code}"


def _serve(pipe: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """The life of a process."""
    signal.signal(signal.SIGTERM, _leave)
    follow()
    try:
        pipe.send(("result", work(*arguments, seldom(lambda count: pipe.send(("told", count))))))
    except Exception as error:  # for the other side to judge
        pipe.send(("error", plain(error)))


def seldom(tell: Tell) -> Tell:
    """A function that passes its argument on at most once per :data:`PERIOD`."""
    due = 0.0

    def told(count: Any) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + PERIOD
            tell(count)

    return told


def plain(error: Exception) -> Exception:
    """The error itself where it can travel, and be recognised; else its text."""
    if type(error).__module__.startswith("sdpaflow") or isinstance(error, OSError):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")
