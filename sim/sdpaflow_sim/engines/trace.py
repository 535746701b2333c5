"""What every simulation engine returns."""

from dataclasses import dataclass, field

__all__ = [
    "FILL",
    "Trace",
]

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
    saturations : dict of :class:`int`
        Clamped tokens, by name of the unit.
    fill : list of :class:`int`
        Words in all FIFOs together, in each cycle from cycle 0 on; in the first 1 048 576 only.
    levels : dict of list of :class:`int`
        Words in each FIFO that was asked for, likewise.
    """

    outputs: dict = field(default_factory=dict)
    times: dict = field(default_factory=dict)
    cycles: int = 0
    peaks: dict = field(default_factory=dict)
    saturations: dict = field(default_factory=dict)
    fill: list = field(default_factory=list)
    levels: dict = field(default_factory=dict)
