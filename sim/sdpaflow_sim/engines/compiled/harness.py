# amaranth: UnusedElaboratable=no
"""A design with its ports laid bare and its inside brought out, for an engine that is compiled."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Cat, ClockDomain, Module, Mux, Signal, Value

from sdpaflow_sim.engines.cycle import Driver

__all__ = ["Harness", "Port"]

WORD = 64
"""Bits of each signal in which observations are brought out."""

STREAMS = 64
"""Streams that a design may have at its border."""


@dataclass(frozen=True)
class Port:
    """A stream of the design at the border: its name there, and the bits of its payload."""

    name: str
    width: int

    @property
    def words(self) -> int:
        """32-bit words that hold a token."""
        return -(-self.width // 32)


class Harness:
    """Observations that a :class:`Driver` makes of a design, as hardware around it.

    Streams are called ``s0``, ``s1``, …, inputs first. What is looked at in every cycle comes out
    in words of 64 bits: ``levels``, ``events`` and ``broken``, two bits for each watched stream:
    the token offered before was taken back, or changed. The words ``state`` hold what a diagnosis
    asks for while the input ``look`` is up; else they are 0, and cost nothing.

    Parameters
    ----------
    driver : :class:`Driver`
        Which design, and what is looked at.

    Attributes
    ----------
    sources, sinks : list of :class:`Port`
        The design's streams.
    levels : list of (int, int, int)
        For each FIFO, the word, the bit and the width of its level.
    events : list of (int, int)
        For each event, its word and its bit.
    words : dict of :class:`int`
        How many words there are of each observation.
    """

    def __init__(self, driver: Driver):
        streams = len(driver.inputs) + len(driver.outputs)
        if streams > STREAMS:
            raise ValueError(f"A design may have up to {STREAMS} streams, not {streams}")
        self.driver = driver
        self.module = Module()
        self.clock = ClockDomain("sync")
        self.module.domains.sync = self.clock
        self.module.submodules.dut = driver.dut
        self.ports = [self.clock.clk, self.clock.rst]
        self.sources = self._streams(driver.inputs.values(), 0)
        self.sinks = self._streams(driver.outputs.values(), len(self.sources))
        self.words: dict[str, int] = {}
        self.levels = self._observe("levels", [fifo.level for fifo in driver.fifos.values()])
        self.events = [
            place[:2] for place in self._observe("events", [event for *_, event in driver.events])
        ]
        broken = [flag for port in driver.watched.values() for flag in self._watch(port)]
        self._observe("broken", broken)
        self._look = Signal(name="look")
        self.ports.append(self._look)
        asked = driver.asked()
        self._asked = {
            id(signal): place
            for signal, place in zip(asked, self._observe("state", asked, self._look), strict=True)
        }

    @property
    def rtlil(self) -> str:
        """The design and what is around it, as text; equal designs give equal text."""
        return rtlil.convert(self.module, name="top", ports=self.ports, emit_src=False)

    def get(self, words: Sequence[int]) -> Callable[[Any], int]:
        """A function from signals to their values, as a diagnosis takes it."""

        def value(signal: Any) -> int:
            word, bit, width = self._asked[id(signal)]
            return words[word] >> bit & ((1 << width) - 1)

        return value

    def _streams(self, streams: Iterable[Any], start: int) -> list[Port]:
        found = []
        for number, port in enumerate(streams, start):
            name = f"s{number}"
            payload = Value.cast(port.payload)
            signals = {
                part: Signal(len(Value.cast(getattr(port, part))), name=f"{name}_{part}")
                for part in ("payload", "valid", "ready")
            }
            for part, signal in signals.items():
                inner = Value.cast(getattr(port, part))
                inwards = (start == 0) == (part != "ready")
                self.module.d.comb += inner.eq(signal) if inwards else signal.eq(inner)
            self.ports += signals.values()
            found.append(Port(name, len(payload)))
        return found

    def _observe(
        self, name: str, values: Iterable[Any], when: Signal | None = None
    ) -> list[tuple[int, int, int]]:
        """Bring values out, none of them across two words; where each is: word, bit, width."""
        places, room = [], 0
        words: list[list[Value]] = []
        for value in values:
            if len(value) > room:
                words.append([])
                room = WORD
            places.append((len(words) - 1, WORD - room, len(value)))
            words[-1].append(value)
            room -= len(value)
        self.words[name] = len(words)
        for index, word in enumerate(words):
            signal = Signal(WORD, name=f"{name}{index}")
            self.module.d.comb += signal.eq(Cat(word) if when is None else Mux(when, Cat(word), 0))
            self.ports.append(signal)
        return places

    def _watch(self, port: Any) -> tuple[Value, Value]:
        """Whether a token on offer was taken back, and whether it changed."""
        m, payload = self.module, Value.cast(port.payload)
        held, before = Signal(), Signal(len(payload))
        m.d.sync += held.eq(port.valid & ~port.ready)
        with m.If(port.valid & ~port.ready):
            m.d.sync += before.eq(payload)
        return held & ~port.valid, held & (before != payload)
