"""What is done to a design in every cycle of a simulation, and what is looked at."""

from collections.abc import Iterable, Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Signal, Value
from amaranth.lib import stream, wiring
from sdpaflow.graph import Dataflow

from sdpaflow_sim.engines.deadlock import diagnose, signals
from sdpaflow_sim.engines.stalls import Stall, Stalls, stalls_of
from sdpaflow_sim.engines.trace import FILL, Counts, Levels, Progress, Sources, Trace
from sdpaflow_sim.errors import ContractError, DeadlockError, FramingError, InputError, LimitError

__all__ = ["Driver", "streams_of"]

PATIENCE = 96
"""Times that every port was willing and yet nothing moved, after which a design is stuck."""

LIMIT = 1 << 62
"""Most cycles that a run may be given, which are counted in 64 bits."""

MISFRAMED = "misframed"
"""The flag whose cause ends a run; how often others' causes happen is counted."""


def streams_of(component: wiring.Component) -> tuple[dict[str, Any], dict[str, Any]]:
    """Input and output streams of a component, two dicts by port name."""
    inputs: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    for name, member in component.signature.members.items():
        if not member.is_port and isinstance(
            getattr(component, name), (stream.Interface, wiring.FlippedInterface)
        ):
            (inputs if member.flow == wiring.In else outputs)[name] = getattr(component, name)
    return inputs, outputs


class _Source:
    """Offers tokens to an input, when its schedule allows, and keeps offering until accepted."""

    def __init__(self, port: Any, tokens: Iterable[int], stall: Stall):
        self.port, self.payload = port, Value.cast(port.payload)
        self.tokens, self.schedule = iter(tokens), iter(stall)
        self.token: int | None = None

    def prepare(self, ctx: Any) -> bool:
        """Choose for the next cycle; false if the schedule keeps it from offering."""
        go = next(self.schedule)
        if self.token is None:
            self.token = next(self.tokens, None) if go else None
            ctx.set(self.port.valid, self.token is not None)
            if self.token is not None:
                ctx.set(self.payload, self.token)
            return go
        return True


class _Sink:
    """Accepts tokens from an output when its schedule allows."""

    def __init__(self, port: Any, count: int | None, stall: Stall):
        self.port, self.count, self.schedule = port, count, iter(stall)
        self.ready = False
        self.tokens: list[int] = []
        self.times: list[int] = []

    def prepare(self, ctx: Any) -> bool:
        self.ready = next(self.schedule)
        ctx.set(self.port.ready, self.ready)
        return self.ready

    @property
    def done(self) -> bool:
        return len(self.tokens) == self.count


class Driver:
    """Drives the ports of a design and looks into it, once per cycle, in one process.

    The compiled engine's ``loop.h`` does the same, in the same order.

    Parameters
    ----------
    dut : :class:`wiring.Component`
        A unit or a :class:`Dataflow`.
    stalls
        As :func:`.stalls.stalls_of` takes them.
    watch : :class:`bool`
        Check the contract of streams on every stream of the design, inner ones included; else on
        its outputs.

    Attributes
    ----------
    inputs, outputs : dict of :class:`stream.Interface`
        The design's streams, by name of the port.
    fifos : dict of :class:`Fifo`
        By name of the edge; a unit has none.
    events : list of (:class:`str`, :class:`str`, :class:`Value`)
        Unit, flag, and what is high in each cycle in which the flag's cause happens.
    counted : list of (:class:`str`, :class:`str`)
        Unit and flag of those events that are counted: of all flags but ``misframed``.
    watched : dict of :class:`stream.Interface`
        Streams whose contract is checked, by what messages call them.
    """

    def __init__(self, dut: Any, stalls: Stalls, watch: bool):
        self.dut = dut
        self.inputs, self.outputs = streams_of(dut)
        self.stalls = stalls_of(stalls, [*self.inputs, *self.outputs])
        graph = isinstance(dut, Dataflow)
        nodes = [(node.name, node.unit) for node in dut.nodes] if graph else [("unit", dut)]
        self.fifos = {edge.name: edge.fifo for edge in dut.edges} if graph else {}
        self.events = [
            (name, flag, event) for name, unit in nodes for flag, event in unit.events.items()
        ]
        self.counted = [(name, flag) for name, flag, _ in self.events if flag != MISFRAMED]
        self.watched = dict(self.outputs)
        if watch:
            self.watched |= self.inputs
            for name, fifo in self.fifos.items():
                self.watched |= {
                    f"{name}, into its FIFO": fifo.i,
                    f"{name}, out of its FIFO": fifo.o,
                }

    def asked(self) -> list[Signal]:
        """Signals that a diagnosis may ask for."""
        return signals(self.dut)

    def check(self, limit: int | None, levels: Levels) -> list[str]:
        """Refuse a limit that is none, and FIFOs that there are not; names of the FIFOs."""
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool)):
            raise TypeError(f"limit must be an int, of cycles, not {limit!r}")
        if limit is not None and limit < 1:
            raise InputError(f"limit must be at least 1 cycle, not {limit}")
        if limit is not None and limit > LIMIT:
            raise InputError(f"limit must be at most {LIMIT} cycles, not {limit}")
        if isinstance(levels, str):
            raise TypeError(f"levels must be a list of names of FIFOs, not {levels!r}")
        levels = list(levels)
        for name in levels:
            if name not in self.fifos:
                raise InputError(
                    f"There is no FIFO {name!r}, only {', '.join(self.fifos) or 'none'}"
                )
        return levels

    def flags(self, counts: Iterable[int]) -> dict[str, dict[str, int]]:
        """Counts of the events that are counted, by flag and unit."""
        found: dict[str, dict[str, int]] = {}
        for (name, flag), count in zip(self.counted, counts, strict=True):
            found.setdefault(flag, {})[name] = count
        return found

    def silence(self, ctx: Any) -> None:
        """Offer nothing and accept nothing."""
        for port in self.inputs.values():
            ctx.set(port.valid, 0)
        for port in self.outputs.values():
            ctx.set(port.ready, 0)

    async def run(
        self,
        ctx: Any,
        tokens: Sources,
        limit: int | None,
        trace: Trace,
        counts: Counts | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Until ``counts`` tokens came out of each output; without counts, for ``limit`` cycles."""
        stall = {name: self.stalls.get(name, Stall()) for name in (*self.inputs, *self.outputs)}
        sources = [_Source(p, tokens.get(n, ()), stall[n]) for n, p in self.inputs.items()]
        sinks = {n: _Sink(p, (counts or {}).get(n), stall[n]) for n, p in self.outputs.items()}
        trace.outputs = {name: sink.tokens for name, sink in sinks.items()}
        trace.times = {name: sink.times for name, sink in sinks.items()}
        trace.peaks = dict.fromkeys(self.fifos, 0)
        self.levels = dict.fromkeys(self.fifos, 0)
        trace.flags = self.flags([0] * len(self.counted))

        ports: Sequence[_Source | _Sink] = (*sources, *sinks.values())
        start: int | None = None
        cycle, last_fill, words = 0, 0, 0
        # A design is stuck if every port was willing often enough, and yet nothing moved. Ports
        # need not be willing in the same cycle: ``awaited`` are those that have not been since.
        still, quiet, awaited = 0, 0, set(ports)
        # Watched streams that offered a token which was not taken, and what all offered.
        held: int = 0
        before: Sequence[Any] = ()
        unwilling = self._prepare(ctx, ports)
        async for _, _, *now in ctx.tick().sample(*self._probes()):
            in_ready, out_valid, fill, events, valid, ready, *payloads = now
            moved = False
            if held:
                self._check(held, valid, before, payloads, cycle)
            held, before = valid & ~ready, payloads

            for index, source in enumerate(sources):
                if source.token is not None and in_ready >> index & 1:
                    source.token, moved = None, True
                    start = cycle if start is None else start
            for index, sink in enumerate(sinks.values()):
                if sink.ready and out_valid >> index & 1:
                    moved = True
                    start = cycle if start is None else start
                    if counts and not sink.done:
                        sink.tokens.append(payloads[index])
                        sink.times.append(cycle - start)
                        trace.cycles = cycle - start + 1
                        if progress:
                            progress(sum(len(other.tokens) for other in sinks.values()))
            if events:
                self._count(events, trace, cycle)
            if fill != last_fill:
                last_fill, moved = fill, True
                words = self._fill(fill, trace)
            if start is not None and len(trace.fill) < FILL:
                trace.fill.append(words)
                for name, levels in trace.levels.items():
                    levels.append(self.levels[name])

            cycle += 1
            if counts and all(sink.done for sink in sinks.values()):
                return
            awaited &= unwilling
            if moved:
                still, quiet, awaited = cycle, 0, set(ports)
            elif not awaited:
                quiet, awaited = quiet + 1, set(ports)
            if counts and quiet > PATIENCE:
                raise DeadlockError(
                    f"nothing moves from cycle {still} on: {diagnose(self.dut, ctx.get)}"
                )
            if cycle == limit:
                if counts is None:
                    return
                given = ", ".join(f"{len(s.tokens)} of {s.count} at {n}" for n, s in sinks.items())
                raise LimitError(f"not finished after {limit} cycles: tokens given, {given}")
            unwilling = self._prepare(ctx, ports)

    @staticmethod
    def _prepare(ctx: Any, ports: Sequence[_Source | _Sink]) -> set[_Source | _Sink]:
        """Set up the next cycle; the ports that their schedules keep from moving."""
        return {port for port in ports if not port.prepare(ctx)}

    def _probes(self) -> list[Value]:
        """What is sampled each cycle: a few wide values, since each costs."""
        watched = list(self.watched.values())
        return [
            _cat(port.ready for port in self.inputs.values()),
            _cat(port.valid for port in self.outputs.values()),
            _cat(fifo.level for fifo in self.fifos.values()),
            _cat(event for *_, event in self.events),
            _cat(port.valid for port in watched),
            _cat(port.ready for port in watched),
            *(Value.cast(port.payload) for port in watched),
        ]

    def _check(
        self, held: int, valid: int, before: Sequence[Any], payloads: Sequence[Any], cycle: int
    ) -> None:
        for index, name in enumerate(self.watched):
            if held >> index & 1:
                if not valid >> index & 1:
                    raise ContractError(f"cycle {cycle}: {name} took back a token it had offered")
                if before[index] != payloads[index]:
                    raise ContractError(f"cycle {cycle}: {name} changed a token it had offered")

    def _count(self, events: int, trace: Trace, cycle: int) -> None:
        for index, (name, flag, _) in enumerate(self.events):
            if events >> index & 1:
                if flag == MISFRAMED:
                    raise FramingError(
                        f"cycle {cycle}: inputs of {name} disagree on where a group ends"
                    )
                trace.flags[flag][name] += 1

    def _fill(self, fill: int, trace: Trace) -> int:
        words = 0
        for name, fifo in self.fifos.items():
            width = len(fifo.level)
            level = fill & ((1 << width) - 1)
            trace.peaks[name] = max(trace.peaks[name], level)
            self.levels[name] = level
            words += level
            fill >>= width
        return words


def _cat(values: Iterable[Any]) -> Value:
    values = list(values)
    return Cat(values) if values else Const(0)
