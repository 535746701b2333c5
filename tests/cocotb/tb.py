"""What all benches share: a clock, a reset, and cocotbext-axi's streams on Amaranth's ports."""

import itertools
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi.stream import define_stream

__all__ = ["PAUSES", "PERIOD", "SETTLING", "TB", "Token", "at_random", "never", "reset", "start"]

TokenBus, Token, TokenSource, TokenSink, _ = define_stream(
    "Token", signals=["payload", "valid", "ready"]
)
PERIOD = 10
"""Of the clock, in nanoseconds."""

SETTLING = 64
"""Cycles in which nothing more may come, once everything has."""


def never():
    """No pauses."""
    return None


def in_turn():
    """Three cycles of four."""
    return itertools.cycle([1, 1, 1, 0])


def at_random():
    """Long and short ones; the same in every run."""
    rng = random.Random(1)
    return (rng.random() < 0.5 for _ in itertools.count())


PAUSES = [never, in_turn, at_random]
"""Generators for sources that idle and sinks that press back."""


class TB:
    """A design with a source on each input and a sink on each output, contract watched.

    Parameters
    ----------
    dut
        The top module, with ports ``clk`` and ``rst``.
    inputs, outputs : iterable of :class:`str`
        Names of the streams.
    prefix : :class:`str`
        What all of their ports begin with.
    clock : :class:`bool`
        Start the clock; another may have done so.
    """

    def __init__(self, dut, inputs, outputs, prefix="", clock=True):
        self.dut, self.prefix = dut, prefix
        if clock:
            Clock(dut.clk, PERIOD, "ns").start(start_high=False)

        def bus(name):
            return TokenBus.from_prefix(dut, f"{prefix}{name}_")

        self.sources = {name: TokenSource(bus(name), dut.clk, dut.rst) for name in inputs}
        self.sinks = {name: TokenSink(bus(name), dut.clk, dut.rst) for name in outputs}
        self.watching = []

    def set_idle_generator(self, pauses):
        """Pauses of all sources; generators of their own, in step."""
        for source in self.sources.values():
            source.set_pause_generator(pauses())

    def set_backpressure_generator(self, pauses):
        """Pauses of all sinks, each some cycles ahead of the one before it."""
        for index, sink in enumerate(self.sinks.values()):
            made = pauses()
            sink.set_pause_generator(made and itertools.islice(made, index, None))

    async def reset(self):
        """Two cycles of reset; what sources still had to send, and sinks had got, is forgotten."""
        await reset([self])

    def clear(self):
        """Forget what sources still had to send, and sinks had got."""
        for stream in (*self.sources.values(), *self.sinks.values()):
            stream.clear()

    def watch(self):
        """Watch the contract of all outputs, from now on."""
        if not self.watching:
            buses = [sink.bus for sink in self.sinks.values()]
            self.watching = [cocotb.start_soon(self._watch(bus)) for bus in buses]

    def send(self, tokens):
        """Queue tokens, by input."""
        for name, values in tokens.items():
            for value in values:
                self.sources[name].send_nowait(Token(payload=value))

    async def receive(self, wanted, cycles):
        """Take what is wanted of each output, within so many cycles, then nothing more."""
        for name, values in wanted.items():
            for index, value in enumerate(values):
                token = await with_timeout(self.sinks[name].recv(), cycles * PERIOD, "ns")
                got = int(token.payload)
                assert got == value, (
                    f"token {index} of {self.prefix}{name} is {got:#x}, not {value:#x}"
                )
        self.set_idle_generator(never)
        self.set_backpressure_generator(never)
        await ClockCycles(self.dut.clk, SETTLING)
        for name, sink in self.sinks.items():
            assert sink.empty(), f"{sink.count()} tokens too many at {self.prefix}{name}"
        for name, source in self.sources.items():
            assert source.idle(), f"{source.count()} tokens left at {self.prefix}{name}"
        misframed = getattr(self.dut, f"{self.prefix}misframed", None)
        assert misframed is None or not misframed.value, (
            f"inputs of {self.prefix} disagree on groups"
        )

    async def _watch(self, bus):
        """An offer stands until it is taken, but for a reset."""
        held = None
        while True:
            await RisingEdge(self.dut.clk)
            if self.dut.rst.value:
                held = None
                continue
            offered = int(bus.payload.value) if bus.valid.value else None
            if held is not None:
                assert offered is not None, f"{bus._name} took back a token it had offered"
                assert offered == held, f"{bus._name} changed a token it had offered"
            held = offered if not bus.ready.value else None


async def reset(benches):
    """As :meth:`TB.reset`, of several benches on one design."""
    dut = benches[0].dut
    dut.rst.value = 1
    await ClockCycles(dut.clk, 2)
    for tb in benches:
        tb.clear()
    dut.rst.value = 0
    await RisingEdge(dut.clk)
    for tb in benches:
        tb.watch()


async def start(dut, inputs, outputs):
    """Clock and reset a design with nothing offered and nothing accepted, and no TB."""
    Clock(dut.clk, PERIOD, "ns").start(start_high=False)
    for name in inputs:
        getattr(dut, f"{name}__valid").value = 0
        getattr(dut, f"{name}__payload").value = 0
    for name in outputs:
        getattr(dut, f"{name}__ready").value = 0
    dut.rst.value = 1
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
