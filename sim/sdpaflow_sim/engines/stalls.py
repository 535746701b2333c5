"""When a source offers and when a sink accepts, cycle by cycle."""

import itertools
import random
import re

import numpy as np

__all__ = ["Stall", "parse"]


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

    def __init__(self, spec="1", seed=0):
        self.spec = spec
        self.seed = seed
        self._chance = _probability(spec)
        if self._chance is None and not re.fullmatch(r"[01]*1[01]*", spec):
            raise ValueError(
                f"Stalls must be written as a pattern of 0 and 1 with at least one 1, or as "
                f"random:P with 0 <= P < 1, not {spec!r}"
            )

    def __iter__(self):
        if self._chance is None:
            return itertools.cycle(character == "1" for character in self.spec)
        source = random.Random(self.seed)
        return (source.random() >= self._chance for _ in itertools.count())

    def batches(self, cycles):
        """The schedule in arrays of so many bools; None in place of one that always goes."""
        if self._chance is None:
            pattern = np.array([character == "1" for character in self.spec])
            start = 0
            while True:
                yield None if pattern.all() else np.resize(np.roll(pattern, -start), cycles)
                start = (start + cycles) % len(pattern)
        # The same generator, with the same state, in numpy.
        _, state, _ = random.Random(self.seed).getstate()
        source = np.random.RandomState()
        source.set_state(("MT19937", state[:-1], state[-1]))
        while True:
            yield source.random_sample(cycles) >= self._chance


def _probability(spec):
    """P of ``random:P``; None where the schedule is none of that kind, or P out of range."""
    kind, _, number = spec.partition(":")
    try:
        chance = float(number) if kind == "random" else -1
    except ValueError:
        return None
    return chance if 0 <= chance < 1 else None


def parse(text, ports, seed=0):
    """Schedules by port, from ``"q=1101,o=random:0.3"`` or, for all ports alike, ``"1101"``.

    Random schedules of several ports differ, by a seed of their own.
    """
    specs = dict.fromkeys(ports, text)
    if "=" in text:
        specs = {}
        for part in text.split(","):
            port, _, spec = part.partition("=")
            if port.strip() not in ports:
                raise ValueError(f"Stalls are for ports {', '.join(ports)}, not {port.strip()!r}")
            if port.strip() in specs:
                raise ValueError(f"There are two stalls of {port.strip()}")
            specs[port.strip()] = spec.strip()
    return {
        port: Stall(spec, seed * len(ports) + ports.index(port)) for port, spec in specs.items()
    }
