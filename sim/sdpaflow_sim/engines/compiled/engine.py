"""Verilator as an engine: the design compiled, with a loop around it that is compiled too."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np

from sdpaflow_sim.engines.compiled import structs
from sdpaflow_sim.engines.compiled.harness import Harness
from sdpaflow_sim.engines.compiled.lookup import library
from sdpaflow_sim.engines.cycle import PATIENCE, Driver
from sdpaflow_sim.engines.deadlock import diagnose
from sdpaflow_sim.engines.stalls import Stall, Stalls
from sdpaflow_sim.engines.tokens import batches, from_words
from sdpaflow_sim.engines.trace import FILL, Counts, Levels, Progress, Sources, Trace
from sdpaflow_sim.errors import ContractError, DeadlockError, FramingError, LimitError
from sdpaflow_sim.waves.window import check, traced

__all__ = ["simulate"]

SLICE = 1 << 14
"""Cycles between two looks at whether the run was interrupted."""


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

    The same cycles, bits, counts and errors as :func:`.amaranth.simulate`, which has the
    parameters, but hundreds of times faster. A design is compiled on its first run, which takes
    seconds, and found in a cache afterwards. ``progress`` is called after every 16 384 cycles, not
    after every token. A source may be a :class:`.tokens.Feed`, whose tokens are never turned into
    integers.

    A waveform takes a build of its own, in which signals are called as in the exported Verilog. It
    is there when the run is over, whichever way, and has all cycles or those of a ``window``: a
    tuple of the first and the last, which is None for the run's end. These are cycles of the run, a
    nanosecond each in the waveform, as messages of errors count them too: cycle 0 is the one in
    which the first input token is accepted, unless all inputs stall at first. Another job that is
    abandoned before is not shown.

    Raises
    ------
    TypeError, InputError
        There is no such port or FIFO, no such limit, schedule or window, or the run ended before
        the window began.
    OSError
        The waveform cannot be written.
    ToolError
        There is no C++ compiler, or no Verilator.
    DeadlockError, LimitError, FramingError, ContractError
        As they are raised there, with the same messages.
    """
    first, last = check(window, vcd, limit)
    driver = Driver(dut, stalls, watch)
    levels = driver.check(limit, levels)
    harness = Harness(driver)
    shows = vcd is not None
    model = structs.Model(library(harness, traced=shows), traced=shows)
    try:
        if abandoned:
            _Run(driver, harness, model, abandoned[0], None, abandoned[1]).finish()
            model.reset()
        run = _Run(driver, harness, model, sources, counts, limit, progress, levels)
        return run.finish() if vcd is None else traced(run, vcd, first, last)
    finally:
        model.close()


class _Run:
    """One run of a compiled design, slice by slice."""

    def __init__(
        self,
        driver: Driver,
        harness: Harness,
        model: structs.Model,
        tokens: Sources,
        counts: Counts | None,
        limit: int | None,
        progress: Progress | None = None,
        levels: Sequence[str] = (),
    ):
        self.driver, self.harness, self.model = driver, harness, model
        self.limit, self.counts, self.progress = limit, counts, progress
        self.names = [*driver.inputs, *driver.outputs]
        self.sources = (structs.Source * (len(harness.sources) + 1))()
        self.sinks = (structs.Sink * (len(harness.sinks) + 1))()
        self.parts = [
            batches(tokens.get(name, ()), port.width)
            for name, port in zip(driver.inputs, harness.sources, strict=True)
        ]
        self.kept: list[Any] = [None] * len(self.parts)  # arrays that the loop reads
        self.trace = Trace()
        self.trace.outputs = {name: [] for name in driver.outputs}
        self.trace.times = {name: [] for name in driver.outputs}
        self.tokens = [np.zeros((SLICE, port.words), dtype=np.uint32) for port in harness.sinks]
        self.times = [np.zeros(SLICE, dtype=np.int64) for _ in harness.sinks]
        for sink, name, room, times in zip(
            self.sinks, driver.outputs, self.tokens, self.times, strict=False
        ):
            wanted = (counts or {}).get(name)
            sink.wanted = -1 if wanted is None else wanted
            sink.tokens, sink.times = structs.pointer(room), structs.pointer(times)
        self.peaks = np.zeros(len(driver.fifos) + 1, dtype=np.int64)
        self.flags = np.zeros(len(driver.counted), dtype=np.int64)
        self.fill = np.zeros(SLICE, dtype=np.uint32)
        self.trace.levels = {name: [] for name in levels}
        places = {name: place for place, name in enumerate(driver.fifos)}
        self.which = np.array([places[name] for name in levels], dtype=np.int64)
        self.histories = np.zeros((len(levels), SLICE), dtype=np.uint32)
        self.state = structs.run_of(harness.words["levels"])(
            start=-1,
            limit=-1 if limit is None else limit,
            patience=PATIENCE,
            awaited=(1 << len(self.names)) - 1,
            counted=bool(counts),
            peaks=structs.pointer(self.peaks),
            flags=structs.pointer(self.flags),
            fill=structs.pointer(self.fill),
            room=SLICE,
            asked=len(levels),
            which=structs.pointer(self.which),
            histories=structs.pointer(self.histories),
        )

    def finish(self) -> Trace:
        """Run to the end; the trace."""
        schedules = [self.driver.stalls.get(name, Stall()).batches(SLICE) for name in self.names]
        while True:
            begun = self.state.cycle
            kept = [next(schedule) for schedule in schedules]
            for port, go in zip([*self.sources[:-1], *self.sinks[:-1]], kept, strict=True):
                port.schedule = None if go is None else structs.pointer(go)
            reason = structs.FEED
            while reason == structs.FEED:
                now = self.state.cycle - begun
                reason = self.model.run(self.state, self.sources, self.sinks, now, SLICE)
                if reason == structs.FEED:
                    self._feed(self.state.place)
            self._collect()
            if reason != structs.RUNNING:
                return self._end(reason)

    def _feed(self, index: int) -> None:
        """The next rows for a source that ran out of them."""
        source, rows = self.sources[index], next(self.parts[index], None)
        if rows is None:
            source.ended = 1
            return
        tokens = np.ascontiguousarray(rows.tokens, dtype=np.uint32)
        lengths = np.ascontiguousarray(rows.lengths, dtype=np.int64)
        self.kept[index] = tokens, lengths
        source.tokens, source.lengths = structs.pointer(tokens), structs.pointer(lengths)
        source.rows, source.place = len(lengths), 0
        source.close = -1 if rows.close is None else rows.close

    def _collect(self) -> None:
        """What came in the last slice."""
        came = False
        for name, sink, tokens, times in zip(
            self.driver.outputs, self.sinks, self.tokens, self.times, strict=False
        ):
            if sink.filled:
                self.trace.outputs[name] += from_words(tokens[: sink.filled])
                self.trace.times[name] += times[: sink.filled].tolist()
                sink.filled, came = 0, True
        room = FILL - len(self.trace.fill)
        recorded = min(self.state.filled, room)
        self.trace.fill += self.fill[:recorded].tolist()
        for levels, history in zip(self.trace.levels.values(), self.histories, strict=True):
            levels += history[:recorded].tolist()
        self.state.filled = 0
        if came and self.progress:
            self.progress(sum(map(len, self.trace.outputs.values())))

    def _end(self, reason: int) -> Trace:
        state, place = self.state, self.state.place
        self.trace.cycles = state.cycles
        self.trace.peaks = dict(zip(self.driver.fifos, self.peaks.tolist(), strict=False))
        self.trace.flags = self.driver.flags(self.flags.tolist())
        if reason == structs.BROKEN:
            name = list(self.driver.watched)[place // 2]
            what = "changed" if place % 2 else "took back"
            raise ContractError(f"cycle {state.cycle}: {name} {what} a token it had offered")
        if reason == structs.MISFRAMED:
            name = self.driver.events[place][0]
            raise FramingError(
                f"cycle {state.cycle}: inputs of {name} disagree on where a group ends"
            )
        if reason == structs.STUCK:
            get = self.harness.get(self.model.look(self.harness.words["state"]))
            raise DeadlockError(
                f"nothing moves from cycle {state.still} on: {diagnose(self.driver.dut, get)}"
            )
        if reason == structs.LIMIT and self.counts is not None:
            given = ", ".join(
                f"{len(tokens)} of {self.counts.get(name)} at {name}"
                for name, tokens in self.trace.outputs.items()
            )
            raise LimitError(f"not finished after {self.limit} cycles: tokens given, {given}")
        return self.trace
