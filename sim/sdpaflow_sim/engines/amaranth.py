"""Amaranth's simulator as an engine: slow, everywhere at hand, and every signal in the waveform."""

import io
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from os import PathLike
from typing import Any, TextIO

from amaranth.hdl import ClockDomain, Module

from sdpaflow_sim.engines.cycle import Driver
from sdpaflow_sim.engines.stalls import Stalls
from sdpaflow_sim.engines.trace import Counts, Levels, Progress, Sources, Trace
from sdpaflow_sim.errors import InputError, SimulationError
from sdpaflow_sim.outputs import replacing

__all__ = ["PERIOD", "simulate"]

PERIOD = 1e-9
"""Clock period in simulated time: a nanosecond, so that waveforms count cycles."""


def simulate(
    dut: Any,
    sources: Sources,
    counts: Counts | None,
    *,
    stalls: Stalls = None,
    limit: int | None = None,
    watch: bool = True,
    vcd: str | PathLike[str] | None = None,
    window: tuple[int, int | None] | None = None,
    progress: Progress | None = None,
    abandoned: tuple[Sources, int] | None = None,
    levels: Levels = (),
) -> Trace:
    """Run a component until it has given what is expected of it.

    Parameters
    ----------
    dut : :class:`wiring.Component`
        A unit or a :class:`Dataflow`.
    sources : dict of iterable of :class:`int`
        Bits of the tokens for each input port.
    counts : dict of :class:`int`
        Tokens expected from each output port.
    stalls : :class:`str` or dict of :class:`str` or :class:`Stall`
        For all ports, or by port; ports not in it never stall.
    limit : :class:`int`
        Cycles after which to give up.
    watch : :class:`bool`
        Check the contract of streams on every stream of the design, inner ones included.
    vcd : path
        Where to write a waveform.
    window : None
        It shows the whole run: only the compiled engine shows some of its cycles.
    progress : callable
        Called with the number of output tokens, after each.
    abandoned : tuple of (dict, int)
        Sources of another job, to be started first and abandoned by a reset after so many cycles.
    levels : iterable of :class:`str`
        FIFOs whose fill is to be recorded cycle by cycle.

    Returns
    -------
    :class:`Trace`

    Raises
    ------
    TypeError, InputError
        There is no such port or FIFO, no such limit or schedule, or a window is asked for.
    DeadlockError, LimitError, FramingError, ContractError
    """
    if window is not None:
        raise InputError(
            "the engine amaranth shows whole runs: leave the window out, or use verilator"
        )
    from amaranth.sim import Simulator  # here, since no other engine takes the time it takes

    driver = Driver(dut, stalls, watch)
    trace = Trace(levels={name: [] for name in driver.check(limit, levels)})
    top = Module()
    top.domains.sync = clock = ClockDomain()
    top.submodules.dut = dut
    simulator = Simulator(top)
    simulator.add_clock(PERIOD)

    async def testbench(ctx: Any) -> None:
        if abandoned:
            await driver.run(ctx, *abandoned, Trace())
            driver.silence(ctx)
            ctx.set(clock.rst, 1)
            await ctx.tick()
            ctx.set(clock.rst, 0)
        await driver.run(ctx, sources, limit, trace, counts, progress)

    simulator.add_testbench(testbench)
    failure: BaseException | None = None
    with ExitStack() as stack:
        if vcd is not None:
            path = stack.enter_context(replacing(vcd))
            file = stack.enter_context(open(path, "w", encoding="ascii"))
            stack.enter_context(simulator.write_vcd(_WideOnly(file)))
        stack.enter_context(_wide_constants())
        try:
            simulator.run()
        except (SimulationError, KeyboardInterrupt) as error:
            failure = error  # the waveform is wanted most where a run got stuck
    if failure:
        raise failure
    return trace


class _WideOnly(io.TextIOBase):
    """A VCD file without variables of no bits, as ends of groups of rank 0 are.

    Few viewers take them, and the format has none.
    """

    def __init__(self, file: TextIO) -> None:
        self._file, self._rest = file, ""
        self._codes: set[str] = set()

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        self._file.write("".join(f"{line}\n" for line in lines if self._shows(line)))
        return len(text)

    def _shows(self, line: str) -> bool:
        if line.startswith("$var "):
            _, _, width, code, *_ = line.split()
            if width == "0":
                self._codes.add(code)
                return False
        return not (line.startswith("b0 ") and line[3:] in self._codes)

    def close(self) -> None:
        self._file.write(self._rest)
        self._rest = ""
        super().close()


@contextmanager
def _wide_constants() -> Iterator[None]:
    """Lift Python's limit on digits: the simulator writes masks of wide signals as decimals."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(limit)
