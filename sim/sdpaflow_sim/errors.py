"""What goes wrong, by kind; a message says what is wrong, what was given, what to do."""

import signal

from sdpaflow import errors

__all__ = [
    "ContractError",
    "CosimulationError",
    "DeadlockError",
    "DoesNotFitError",
    "FramingError",
    "InputError",
    "LimitError",
    "MisfitError",
    "MismatchError",
    "OutputError",
    "SimulationError",
    "ToolError",
    "killed",
    "one_line",
]


def killed(number: int) -> str:
    """What is said of a process that a signal ended."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    why = "out of memory?" if name == "SIGKILL" else "by whom is not known"
    return f"was killed by {name}: {why}"


def one_line(message: object) -> str:
    """A message fit for a terminal: what cannot be printed, line breaks included, is escaped."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii")
        for sign in str(message)
    )


class InputError(ValueError):
    """Something given is wrong; the message says what, what was given and what would be right."""


class OutputError(InputError, OSError):
    """A file cannot be written: the message names it as it was asked for, and says why."""


class ToolError(RuntimeError):
    """A program of others is missing, or failed; the message says which, and what it said."""


class SimulationError(RuntimeError):
    """A run that did not end as it should; the message says where and why."""


class DeadlockError(SimulationError):
    """Nothing moves any more."""


class LimitError(SimulationError):
    """The run took more cycles than it was given."""


class FramingError(SimulationError, errors.FramingError):
    """Inputs of a unit disagree on where a group ends."""


class MisfitError(InputError, FramingError):
    """Inputs do not fit together, which the model says before anything is simulated."""


class ContractError(SimulationError):
    """A stream took back, or changed, what it had offered."""


class MismatchError(SimulationError):
    """The simulated design and its model differ."""


class CosimulationError(SimulationError):
    """A cocotb test failed; the message says which, and what cocotb said."""


class DoesNotFitError(RuntimeError):
    """A design takes more than a device has."""
