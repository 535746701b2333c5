"""What is done to a design in every cycle of a simulation, and what is looked at."""

from amaranth.hdl import Cat, Const, Value
from amaranth.lib import stream, wiring
from sdpaflow.graph import Dataflow

from sdpaflow_sim.engines.deadlock import diagnose, signals
from sdpaflow_sim.engines.stalls import Stall
from sdpaflow_sim.engines.trace import FILL
from sdpaflow_sim.errors import ContractError, DeadlockError, FramingError, LimitError

__all__ = ["Driver", "streams_of"]

PATIENCE = 96
"""Times that every port was willing and yet nothing moved, after which a design is stuck."""


def streams_of(component):
    """Input and output streams of a component, two dicts by port name."""
    inputs, outputs = {}, {}
    for name, member in component.signature.members.items():
        if not member.is_port and isinstance(
            getattr(component, name), (stream.Interface, wiring.FlippedInterface)
        ):
            (inputs if member.flow == wiring.In else outputs)[name] = getattr(component, name)
    return inputs, outputs


class _Source:
    """Offers tokens to an input, when its schedule allows, and keeps offering until accepted."""

    def __init__(self, port, tokens, stall):
        self.port, self.payload = port, Value.cast(port.payload)
        self.tokens, self.schedule = iter(tokens), iter(stall)
        self.token = None

    def prepare(self, ctx):
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

    def __init__(self, port, count, stall):
        self.port, self.count, self.schedule = port, count, iter(stall)
        self.ready = False
        self.tokens, self.times = [], []

    def prepare(self, ctx):
        self.ready = next(self.schedule)
        ctx.set(self.port.ready, self.ready)
        return self.ready

    @property
    def done(self):
        return len(self.tokens) == self.count


class Driver:
    """Drives the ports of a design and looks into it, once per cycle, in one process.

    The compiled engine's ``loop.h`` does the same, in the same order.
    """

    def __init__(self, dut, stalls, watch):
        self.dut, self.stalls = dut, stalls
        self.inputs, self.outputs = streams_of(dut)
        graph = isinstance(dut, Dataflow)
        nodes = [(node.name, node.unit) for node in dut.nodes] if graph else [("unit", dut)]
        self.fifos = {edge.name: edge.fifo for edge in dut.edges} if graph else {}
        self.events = [
            (name, flag, event) for name, unit in nodes for flag, event in unit.events.items()
        ]
        self.watched = dict(self.outputs)
        if watch:
            self.watched |= self.inputs
            for name, fifo in self.fifos.items():
                self.watched |= {
                    f"{name}, into its FIFO": fifo.i,
                    f"{name}, out of its FIFO": fifo.o,
                }

    def asked(self):
        """Signals that a diagnosis may ask for."""
        return signals(self.dut)

    def silence(self, ctx):
        """Offer nothing and accept nothing."""
        for port in self.inputs.values():
            ctx.set(port.valid, 0)
        for port in self.outputs.values():
            ctx.set(port.ready, 0)

    async def run(self, ctx, tokens, limit, trace, counts=None, progress=None):
        """Until ``counts`` tokens came out of each output; without counts, for ``limit`` cycles."""
        stall = {name: self.stalls.get(name, Stall()) for name in (*self.inputs, *self.outputs)}
        sources = [_Source(p, tokens.get(n, ()), stall[n]) for n, p in self.inputs.items()]
        sinks = {n: _Sink(p, (counts or {}).get(n), stall[n]) for n, p in self.outputs.items()}
        trace.outputs = {name: sink.tokens for name, sink in sinks.items()}
        trace.times = {name: sink.times for name, sink in sinks.items()}
        trace.peaks = dict.fromkeys(self.fifos, 0)
        self.levels = dict.fromkeys(self.fifos, 0)
        trace.saturations = {name: 0 for name, flag, _ in self.events if flag == "saturated"}

        ports = (*sources, *sinks.values())
        cycle, start, last_fill, words = 0, None, 0, 0
        still, quiet, awaited = 0, 0, set(ports)
        held, before = 0, ()
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
    def _prepare(ctx, ports):
        """Set up the next cycle; the ports that their schedules keep from moving."""
        return {port for port in ports if not port.prepare(ctx)}

    def _probes(self):
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

    def _check(self, held, valid, before, payloads, cycle):
        for index, name in enumerate(self.watched):
            if held >> index & 1:
                if not valid >> index & 1:
                    raise ContractError(f"cycle {cycle}: {name} took back a token it had offered")
                if before[index] != payloads[index]:
                    raise ContractError(f"cycle {cycle}: {name} changed a token it had offered")

    def _count(self, events, trace, cycle):
        for index, (name, flag, _) in enumerate(self.events):
            if events >> index & 1:
                if flag == "misframed":
                    raise FramingError(
                        f"cycle {cycle}: inputs of {name} disagree on where a group ends"
                    )
                trace.saturations[name] += 1

    def _fill(self, fill, trace):
        words = 0
        for name, fifo in self.fifos.items():
            width = len(fifo.level)
            level = fill & ((1 << width) - 1)
            trace.peaks[name] = max(trace.peaks[name], level)
            self.levels[name] = level
            words += level
            fill >>= width
        return words


def _cat(values):
    values = list(values)
    return Cat(values) if values else Const(0)
