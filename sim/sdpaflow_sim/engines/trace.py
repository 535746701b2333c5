"""What every simulation engine returns."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["FILL", "Counts", "Levels", "Progress", "Sources", "Trace"]

Sources: TypeAlias = Mapping[str, Iterable[int]]
"""Bits of the tokens for each input port."""

Counts: TypeAlias = Mapping[str, int]
"""Tokens expected from each output port."""

Progress: TypeAlias = Callable[[int], object]
"""Called with the number of output tokens."""

Levels: TypeAlias = Iterable[str]
"""FIFOs whose fill is recorded cycle by cycle."""

FILL = 1 << 20
"""Cycles for which the fill of all FIFOs is recorded, from cycle 0 on."""


@dataclass
class Trace:
    """What a run showed. Engines agree on it, cycle for cycle.

    Attributes
    ----------
    outputs : dict of list of :class:`int`
        Bits of the accepted tokens, by port.
    times : dict of list of :class:`int`
        Cycle in which each was accepted; the first input token is accepted in cycle 0.
    cycles : :class:`int`
        From the first input token accepted to the last output token accepted, inclusive.
    peaks : dict of :class:`int`
        Greatest fill of each FIFO, in words.
    flags : dict of dict of :class:`int`
        By name of a flag, and of the unit that has it: cycles in which its cause happened. Units
        that have such a flag are in it, be it 0. ``misframed`` is not: that is an error.
    fill : list of :class:`int`
        Words in all FIFOs together, in each cycle from cycle 0 on; in the first 1 048 576 only.
    levels : dict of list of :class:`int`
        Words in each FIFO that was asked for, likewise.
    """

    outputs: dict[str, list[int]] = field(default_factory=dict)
    times: dict[str, list[int]] = field(default_factory=dict)
    cycles: int = 0
    peaks: dict[str, int] = field(default_factory=dict)
    flags: dict[str, dict[str, int]] = field(default_factory=dict)
    fill: list[int] = field(default_factory=list)
    levels: dict[str, list[int]] = field(default_factory=dict)

    @property
    def saturations(self) -> dict[str, int]:
        """Clamped tokens, by name of the unit: what the flag ``saturated`` counts."""
        return self.flags.get("saturated", {})
