"""A run cycle by cycle, with the very schedules and the very counts of the project's engine."""

from cocotb.triggers import RisingEdge
from sdpaflow_sim.engines.stalls import Stall

__all__ = ["lockstep"]


class Source:
    """Begins to offer a token when its schedule allows, and keeps offering until accepted."""

    def __init__(self, dut, name, tokens, stall):
        self.payload, self.valid, self.ready = (
            getattr(dut, f"{name}__{part}") for part in ("payload", "valid", "ready")
        )
        self.tokens, self.schedule, self.offering = iter(tokens), iter(stall), False

    def prepare(self):
        """Choose for the next cycle."""
        go = next(self.schedule)
        if not self.offering:
            token = next(self.tokens, None) if go else None
            self.offering = token is not None
            self.valid.value = self.offering
            if self.offering:
                self.payload.value = token

    def moved(self):
        """Whether the token was accepted in the cycle that ends."""
        taken = self.offering and bool(self.ready.value)
        self.offering = self.offering and not taken
        return taken


class Sink:
    """Accepts a token when its schedule allows."""

    def __init__(self, dut, name, count, stall):
        self.payload, self.valid, self.ready = (
            getattr(dut, f"{name}__{part}") for part in ("payload", "valid", "ready")
        )
        self.count, self.schedule, self.willing = count, iter(stall), False
        self.tokens, self.cycles = [], []

    def prepare(self):
        self.willing = next(self.schedule)
        self.ready.value = self.willing

    def moved(self, cycle):
        """Take the token of the cycle that ends, if there is one."""
        taken = self.willing and bool(self.valid.value)
        if taken and len(self.tokens) < self.count:
            self.tokens.append(int(self.payload.value))
            self.cycles.append(cycle)
        return taken


def level_of(fifo):
    """Signals whose sum is the fill of a FIFO: a level, or the flags of two registers."""
    if hasattr(fifo, "level"):
        return [fifo.level]
    return [getattr(fifo, flag) for flag in ("o__valid", "held") if hasattr(fifo, flag)]


async def lockstep(dut, sources, counts, fifos, stalls, limit):
    """What a run shows, as a :class:`.trace.Trace` has it: a dict of its attributes.

    Parameters
    ----------
    sources : dict of list of :class:`int`
        Tokens, by input.
    counts : dict of :class:`int`
        Tokens to come, by output.
    fifos : list of :class:`str`
        Names of the edges whose FIFOs' levels are read in every cycle.
    stalls : dict of list
        Specification and seed of a :class:`Stall`, by port.
    limit : :class:`int`
        Cycles after which to give up.
    """
    schedules = {name: Stall(*stalls.get(name, ())) for name in (*sources, *counts)}
    inputs = [Source(dut, name, tokens, schedules[name]) for name, tokens in sources.items()]
    outputs = {name: Sink(dut, name, count, schedules[name]) for name, count in counts.items()}
    levels = {name: level_of(getattr(dut, f"{name}_fifo")) for name in fifos}
    peaks = dict.fromkeys(fifos, 0)
    fill, start = [], None
    await RisingEdge(dut.clk)
    for cycle in range(limit):
        for port in (*inputs, *outputs.values()):
            port.prepare()
        await RisingEdge(dut.clk)
        moved = [port.moved() for port in inputs]
        moved += [port.moved(cycle) for port in outputs.values()]
        if start is None and any(moved):
            start = cycle
        now = {name: sum(int(part.value) for part in level) for name, level in levels.items()}
        peaks = {name: max(peaks[name], level) for name, level in now.items()}
        if start is not None:
            fill.append(sum(now.values()))
        if all(len(sink.tokens) == sink.count for sink in outputs.values()):
            break
    else:
        raise AssertionError(f"not finished after {limit} cycles")
    times = {name: [at - start for at in sink.cycles] for name, sink in outputs.items()}
    return {
        "outputs": {name: sink.tokens for name, sink in outputs.items()},
        "times": times,
        "cycles": max(last for (*_, last) in times.values()) + 1,
        "peaks": peaks,
        "fill": fill,
    }
