"""When a source offers and when a sink accepts, cycle by cycle."""

import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from sdpaflow_sim.errors import InputError

__all__ = ["Stall", "Stalls", "parse", "stalls_of"]


class Stall:
    """A schedule of permission, one bool per cycle.

    A source may begin to offer its next token, a sink is ready, when the schedule allows. A source
    that has offered a token keeps offering it: that is the contract of streams.

    Parameters
    ----------
    spec : :class:`str`
        Either one character per cycle, repeated, ``"1"`` to go and ``"0"`` to wait, as in
        ``"1101"``; or ``"random:P"``, to wait with probability P.
    seed : :class:`int`
        Seed of a random schedule.
    """

    def __init__(self, spec: str = "1", seed: int = 0):
        if not isinstance(spec, str):
            raise TypeError(f"Stalls must be written as a str such as '1101', not {spec!r}")
        self.spec = spec
        self.seed = seed
        self._chance = _probability(spec)
        if self._chance is None and not re.fullmatch(r"[01]*1[01]*", spec):
            raise InputError(
                f"Stalls must be written as a pattern of 0 and 1 with at least one 1, or as "
                f"random:P with 0 <= P < 1, not {spec!r}"
            )

    def __iter__(self) -> Iterator[bool]:
        if self._chance is None:
            return itertools.cycle(character == "1" for character in self.spec)
        source, chance = random.Random(self.seed), self._chance
        return (source.random() >= chance for _ in itertools.count())

    def batches(self, cycles: int) -> Iterator[np.ndarray | None]:
        """The schedule in arrays of so many bools; None in place of one that always goes."""
        if self._chance is None:
            pattern = np.array([character == "1" for character in self.spec])
            start = 0
            while True:
                yield None if pattern.all() else np.resize(np.roll(pattern, -start), cycles)
                start = (start + cycles) % len(pattern)
        # The same generator, with the same state, in numpy.
        _, state, _ = random.Random(self.seed).getstate()
        words = np.array(state[:-1], dtype=np.uint32)
        source = np.random.RandomState()
        source.set_state(("MT19937", words, int(state[-1]), 0, 0.0))
        while True:
            yield source.random_sample(cycles) >= self._chance


def _probability(spec: str) -> float | None:
    """P of ``random:P``; None where the schedule is none of that kind, or P out of range."""
    kind, _, number = spec.partition(":")
    try:
        chance = float(number) if kind == "random" else -1
    except ValueError:
        return None
    return chance if 0 <= chance < 1 else None


def parse(text: str, ports: Sequence[str], seed: int = 0) -> dict[str, Stall]:
    """Schedules by port, from ``"q=1101,o=random:0.3"`` or, for all ports alike, ``"1101"``.

    Random schedules of several ports differ, by a seed of their own.
    """
    specs = dict.fromkeys(ports, text)
    if "=" in text:
        specs = {}
        for part in text.split(","):
            port, _, spec = part.partition("=")
            if port.strip() not in ports:
                raise InputError(f"Stalls are for ports {', '.join(ports)}, not {port.strip()!r}")
            if port.strip() in specs:
                raise InputError(f"There are two stalls of {port.strip()}")
            specs[port.strip()] = spec.strip()
    return {
        port: Stall(spec, seed * len(ports) + ports.index(port)) for port, spec in specs.items()
    }


Stalls: TypeAlias = str | Mapping[str, str | Stall] | None
"""Schedules as :func:`stalls_of` takes them."""


def stalls_of(stalls: Stalls, ports: Sequence[str]) -> dict[str, Stall]:
    """Schedules by port; ports that are left out never stall.

    Parameters
    ----------
    stalls : :class:`str` or dict of :class:`str` or :class:`Stall`
        A text for all ports, as for :func:`parse`, or a schedule for each port by its name.
    ports : sequence of :class:`str`
        The ports that there are.

    Raises
    ------
    TypeError
        It is none of these.
    ValueError
        There is no such port, or a text is no schedule.
    """
    if stalls is None:
        return {}
    if isinstance(stalls, str):
        return parse(stalls, ports)
    if not isinstance(stalls, Mapping):
        raise TypeError(
            f"Stalls must be a text such as '1101' or a dict of Stall by port, not {stalls!r}"
        )
    found = {}
    for port, stall in stalls.items():
        if port not in ports:
            raise InputError(f"Stalls are for ports {', '.join(ports)}, not {port!r}")
        if not isinstance(stall, (str, Stall)):
            raise TypeError(f"The stall of {port} must be a Stall or its text, not {stall!r}")
        found[port] = stall if isinstance(stall, Stall) else Stall(stall, ports.index(port))
    return found
