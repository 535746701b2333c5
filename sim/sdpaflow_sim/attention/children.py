"""Work in forks of this process."""

import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection, get_context
from typing import Any

from sdpaflow_sim.errors import killed
from sdpaflow_sim.processes import follow

__all__ = ["Child", "Killed"]


class Killed(Exception):  # noqa: N818  (what happened to a process, in a message)
    """A process ended without a word; the text says how."""


class Child:
    """A fork of this process that does one thing and sends the result.

    It takes no notice of Ctrl-C, which is for the process that forked it, and ends with it.

    Attributes
    ----------
    count : :class:`int`
        What the work has told so far.
    """

    def __init__(self, work: Callable[..., Any], index: int) -> None:
        context: Any = get_context("fork")
        self._count = context.Value("q", 0, lock=False)
        self._receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(target=self._run, args=(work, index, sender), daemon=True)
        self._process.start()
        sender.close()

    @classmethod
    @contextlib.contextmanager
    def several(cls, work: Callable[..., Any], indices: Sequence[int]) -> Iterator[list["Child"]]:
        """Processes for ``work(index, told)``; however this ends, none is left."""
        processes: list[Child] = []
        try:
            for index in indices:
                processes.append(cls(work, index))
            yield processes
        finally:
            for process in processes:
                process.end()

    @property
    def count(self) -> int:
        return int(self._count.value)

    def result(self) -> Any:
        """What the work returned; None where it raised an error.

        Raises
        ------
        Killed
            The process ended without a word.
        """
        connection.wait([self._receiver, self._process.sentinel])
        try:
            return self._receiver.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode or 0
            how = killed(-code) if code < 0 else f"ended with exit code {code}"
            raise Killed(how) from None

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._receiver.close()

    def _run(self, work: Callable[..., Any], index: int, sender: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        follow(signal.SIGKILL)

        def told(count: int) -> None:
            self._count.value = count

        try:
            result = work(index, told)
        except Exception:
            result = None  # the parent finds out itself what is wrong
        sender.send(result)
