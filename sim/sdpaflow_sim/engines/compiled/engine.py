"""Verilator as an engine: the design compiled, with a loop around it that is compiled too."""

import numpy as np

from sdpaflow_sim import library, native
from sdpaflow_sim.bench import PATIENCE, Bench
from sdpaflow_sim.diagnosis import diagnose
from sdpaflow_sim.engine import (
    FILL,
    ContractError,
    DeadlockError,
    FramingError,
    LimitError,
    Trace,
)
from sdpaflow_sim.feeds import batches, from_words
from sdpaflow_sim.probe import Probe
from sdpaflow_sim.stalls import Stall
from sdpaflow_sim.window import check, traced

__all__ = ["simulate"]

SLICE = 1 << 14
"""Cycles between two looks at whether the run was interrupted."""


def simulate(
    dut,
    sources,
    counts,
    *,
    stalls=None,
    limit=None,
    watch=True,
    vcd=None,
    window=None,
    progress=None,
    abandoned=None,
):
    """Run a component until it has given what is expected of it.

    The same cycles, bits, counts and errors as :func:`sdpaflow_sim.amaranth_engine.simulate`, which
    has the parameters, but hundreds of times faster. A design is compiled on its first run, which
    takes seconds, and found in a cache afterwards. ``progress`` is told after every 16 384 cycles,
    not after every token. A source may be a :class:`sdpaflow_sim.feeds.Feed`, whose tokens are
    never turned into integers.

    A waveform takes a build of its own, in which signals are called as in the exported Verilog. It
    is there when the run is over, whichever way, and has all cycles or those of a ``window``: a
    tuple of the first and the last, which is None for the run's end. These are cycles of the run, a
    nanosecond each in the waveform, as messages of errors count them too: cycle 0 is the one in
    which the first input token is accepted, unless all inputs stall at first. Another job that is
    abandoned before is not shown.

    Raises
    ------
    InputError
        There is no such window, or the run ended before it began.
    OSError
        The waveform cannot be written.
    ToolError
        There is no C++ compiler, or no Verilator.
    DeadlockError, LimitError, FramingError, ContractError
        As they are raised there, with the same messages.
    """
    first, last = check(window, vcd, limit)
    bench = Bench(dut, stalls or {}, watch)
    probe = Probe(bench)
    shows = vcd is not None
    model = native.Model(library.build(probe, traced=shows), traced=shows)
    try:
        if abandoned:
            _Run(bench, probe, model, abandoned[0], None, abandoned[1], None).finish()
            model.reset()
        run = _Run(bench, probe, model, sources, counts, limit, progress)
        return traced(run, vcd, first, last) if shows else run.finish()
    finally:
        model.close()


class _Run:
    """One run of a compiled design, slice by slice."""

    def __init__(self, bench, probe, model, tokens, counts, limit, progress):
        self.bench, self.probe, self.model = bench, probe, model
        self.limit, self.counts, self.progress = limit, counts, progress
        self.names = [*bench.inputs, *bench.outputs]
        self.sources = (native.Source * (len(probe.sources) + 1))()
        self.sinks = (native.Sink * (len(probe.sinks) + 1))()
        self.parts = [
            batches(tokens.get(name, ()), port.width)
            for name, port in zip(bench.inputs, probe.sources, strict=True)
        ]
        self.kept = [None] * len(self.parts)  # arrays that the loop reads
        self.trace = Trace()
        self.trace.outputs = {name: [] for name in bench.outputs}
        self.trace.times = {name: [] for name in bench.outputs}
        self.tokens = [np.zeros((SLICE, port.words), dtype=np.uint32) for port in probe.sinks]
        self.times = [np.zeros(SLICE, dtype=np.int64) for _ in probe.sinks]
        for sink, name, room, times in zip(
            self.sinks, bench.outputs, self.tokens, self.times, strict=False
        ):
            wanted = (counts or {}).get(name)
            sink.wanted = -1 if wanted is None else wanted
            sink.tokens, sink.times = native.pointer(room), native.pointer(times)
        self.peaks = np.zeros(len(bench.fifos) + 1, dtype=np.int64)
        saturating = [name for name, flag, _ in bench.events if flag == "saturated"]
        self.saturating = saturating
        self.saturations = np.zeros(len(saturating) + 1, dtype=np.int64)
        self.fill = np.zeros(SLICE, dtype=np.uint32)
        self.state = native.run_of(probe.words["levels"])(
            start=-1,
            limit=-1 if limit is None else limit,
            patience=PATIENCE,
            awaited=(1 << len(self.names)) - 1,
            counted=bool(counts),
            peaks=native.pointer(self.peaks),
            saturations=native.pointer(self.saturations),
            fill=native.pointer(self.fill),
            room=SLICE,
        )

    def finish(self):
        """Run to the end; the trace."""
        schedules = [self.bench.stalls.get(name, Stall()).batches(SLICE) for name in self.names]
        while True:
            begun = self.state.cycle
            kept = [next(schedule) for schedule in schedules]
            for port, go in zip([*self.sources[:-1], *self.sinks[:-1]], kept, strict=True):
                port.schedule = None if go is None else native.pointer(go)
            reason = native.FEED
            while reason == native.FEED:
                now = self.state.cycle - begun
                reason = self.model.run(self.state, self.sources, self.sinks, now, SLICE)
                if reason == native.FEED:
                    self._feed(self.state.place)
            self._collect()
            if reason != native.RUNNING:
                return self._end(reason)

    def _feed(self, index):
        """The next rows for a source that ran out of them."""
        source, rows = self.sources[index], next(self.parts[index], None)
        if rows is None:
            source.ended = 1
            return
        tokens = np.ascontiguousarray(rows.tokens, dtype=np.uint32)
        lengths = np.ascontiguousarray(rows.lengths, dtype=np.int64)
        self.kept[index] = tokens, lengths
        source.tokens, source.lengths = native.pointer(tokens), native.pointer(lengths)
        source.rows, source.place = len(lengths), 0
        source.close = -1 if rows.close is None else rows.close

    def _collect(self):
        """What came in the last slice."""
        came = False
        for name, sink, tokens, times in zip(
            self.bench.outputs, self.sinks, self.tokens, self.times, strict=False
        ):
            if sink.filled:
                self.trace.outputs[name] += from_words(tokens[: sink.filled])
                self.trace.times[name] += times[: sink.filled].tolist()
                sink.filled, came = 0, True
        room = FILL - len(self.trace.fill)
        self.trace.fill += self.fill[: min(self.state.filled, room)].tolist()
        self.state.filled = 0
        if came and self.progress:
            self.progress(sum(map(len, self.trace.outputs.values())))

    def _end(self, reason):
        state, place = self.state, self.state.place
        self.trace.cycles = state.cycles
        self.trace.peaks = dict(zip(self.bench.fifos, self.peaks.tolist(), strict=False))
        self.trace.saturations = dict(zip(self.saturating, self.saturations.tolist(), strict=False))
        if reason == native.BROKEN:
            name = list(self.bench.watched)[place // 2]
            what = "changed" if place % 2 else "took back"
            raise ContractError(f"cycle {state.cycle}: {name} {what} a token it had offered")
        if reason == native.MISFRAMED:
            name = self.bench.events[place][0]
            raise FramingError(
                f"cycle {state.cycle}: inputs of {name} disagree on where a group ends"
            )
        if reason == native.STUCK:
            get = self.probe.get(self.model.look(self.probe.words["state"]))
            raise DeadlockError(
                f"nothing moves from cycle {state.still} on: {diagnose(self.bench.dut, get)}"
            )
        if reason == native.LIMIT and self.counts is not None:
            given = ", ".join(
                f"{len(tokens)} of {self.counts.get(name)} at {name}"
                for name, tokens in self.trace.outputs.items()
            )
            raise LimitError(f"not finished after {self.limit} cycles: tokens given, {given}")
        return self.trace
