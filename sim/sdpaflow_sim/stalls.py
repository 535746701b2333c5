"""When a source offers and when a sink accepts, cycle by cycle."""

import itertools
import random
import re

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
        match = re.fullmatch(r"random:(0?\.\d+|0)", spec)
        if match:
            self._chance = float(match[1])
        elif re.fullmatch(r"[01]*1[01]*", spec):
            self._chance = None
        else:
            raise ValueError(
                f"Stalls must be written as a pattern of 0 and 1 with at least one 1, or as "
                f"random:P with 0 <= P < 1, not {spec!r}"
            )

    @property
    def always(self):
        """Whether it never waits."""
        return self._chance == 0 or "0" not in self.spec

    def __iter__(self):
        if self._chance is None:
            return itertools.cycle(character == "1" for character in self.spec)
        source = random.Random(self.seed)
        return (source.random() >= self._chance for _ in itertools.count())


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
            specs[port.strip()] = spec.strip()
    return {
        port: Stall(spec, seed * len(ports) + ports.index(port)) for port, spec in specs.items()
    }
