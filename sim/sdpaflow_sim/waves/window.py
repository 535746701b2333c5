"""Which cycles of a run a waveform shows, and the waveform of the compiled engine."""

import re
from os import PathLike
from typing import Any

from sdpaflow_sim.engines.trace import Trace
from sdpaflow_sim.errors import InputError, SimulationError
from sdpaflow_sim.outputs import replacing

__all__ = ["check", "parse", "traced"]

END = (1 << 62) - 1
"""A cycle that no run reaches."""


def parse(text: str) -> tuple[int, int | None]:
    """A window as ``FIRST:LAST``, either of which may be left out.

    Returns
    -------
    tuple of (:class:`int`, :class:`int` or None)
        The first cycle and the last, both in the window; None for the end of the run.

    Raises
    ------
    InputError
        It is not written so, or ends before it begins.
    """
    match = re.fullmatch(r"([0-9]{0,18}):([0-9]{0,18})", text)
    if not match or text == ":":
        raise InputError(f"window must be FIRST:LAST in cycles, such as 1000:1200, not {text!r}")
    first, last = (int(cycle) if cycle else None for cycle in match.groups())
    _check(first or 0, last)
    return first or 0, last


def check(
    window: tuple[int, int | None] | None,
    vcd: str | PathLike[str] | None,
    limit: int | None = None,
) -> tuple[int, int]:
    """The first cycle and the last of a waveform; without a window, those of the run.

    Parameters
    ----------
    window : tuple of (:class:`int`, :class:`int` or None)
        From :func:`parse`, or None.
    vcd : path
        Where the waveform goes, or None.
    limit : :class:`int`
        Cycles after which the run is given up.

    Raises
    ------
    InputError
        There is no such window, or no waveform.
    """
    if window is None:
        return 0, END
    match window:
        case int(first), (int() | None) as last:
            _check(first, last)
        case _:
            raise InputError(f"window must be (first, last) in cycles, not {window!r}")
    if vcd is None:
        raise InputError("a window is one of a waveform: say with vcd where that goes")
    if limit is not None and first >= limit:
        raise InputError(f"window must begin before the limit of {limit} cycles, not at {first}")
    return first, END if last is None else min(last, END)


def traced(run: Any, vcd: str | PathLike[str], first: int, last: int) -> Trace:
    """Finish a run of a compiled design with a waveform; its trace.

    The waveform takes its place once it is whole. That of a run that did not end as it should, or
    was interrupted, is kept; one that would show nothing is not.

    Parameters
    ----------
    run : object
        The run, with its ``model`` built for waveforms, its ``state`` and ``finish()``.
    vcd : path
        Where to write it.
    first, last : :class:`int`
        From :func:`check`.

    Raises
    ------
    InputError
        The window begins after the run's end.
    """
    failure: BaseException | None = None
    trace = Trace()
    with replacing(vcd) as path:
        run.model.dump(path, first, last)
        try:
            trace = run.finish()
        except (SimulationError, KeyboardInterrupt) as error:
            failure = error
        if run.model.dumped() < 0:
            raise failure or InputError(
                f"window must begin within the run of {run.state.cycle} cycles, not at {first}"
            )
    if failure:
        raise failure
    return trace


def _check(first: int, last: int | None) -> None:
    if first < 0:
        raise InputError(f"window must begin at cycle 0 or later, not at {first}")
    if last is not None and last < first:
        raise InputError(f"window must not end before it begins, as {first}:{last} does")
