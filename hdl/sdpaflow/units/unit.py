"""What all streaming units share: tokens, ports, and flags that remember."""

from amaranth.hdl import Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import Out

__all__ = ["Pair", "Unit", "check_size", "token", "tokens"]


def token(shape, rank):
    """Layout of a token: its ``data``, and ``rank`` bits ``last``.

    ``last[0]`` closes the innermost group; ``last[i]`` closes a group of groups and implies
    ``last[i - 1]``.
    """
    if rank < 0:
        raise ValueError(f"Rank must be at least 0, not {rank}")
    return data.StructLayout({"data": shape, "last": rank})


def tokens(shape, rank):
    """Signature of a stream of such tokens."""
    return stream.Signature(token(shape, rank))


class Pair(data.StructLayout):
    """Two data side by side: a companion's, ``over``, and the repeated one's, ``i``."""

    def __init__(self, over, i):
        super().__init__({"over": over, "i": i})


class Unit(wiring.Component):
    """A streaming unit: streams in, streams out, and what is known of it beforehand.

    All units hold payload and valid until they are accepted, and never let valid wait for ready:
    stalls change when, never what. They take one token per cycle with no bubble between groups,
    where their own description does not say otherwise.

    Attributes
    ----------
    latency : :class:`int`
        Cycles from the token that completes a result to that result being offered.
    words, bits : :class:`int`
        Intermediate memory: tokens, whole or half done, that the unit can hold, and the bits of
        their data; a FIFO also keeps their ``last`` bits. (Handshake and control registers are
        not among them; netlists count those too.)
    takes : :class:`bool`
        Whether its inputs go into registers at once.
    events : dict of :class:`Signal`
        By name of a flag: high in each cycle in which the flag's cause happens. A flag is an output
        that rises with its cause and stays until reset: ``saturated``, a result was clamped;
        ``misframed``, inputs disagree on where a group ends.
    """

    latency = 0
    words = 0
    bits = 0
    takes = False

    def __init__(self, ports, *, flags=()):
        super().__init__({**ports, **dict.fromkeys(flags, Out(1))})
        self.events = {flag: Signal(name=f"now_{flag}") for flag in flags}

    def remember(self, m):
        """Make each flag stick."""
        for flag, event in self.events.items():
            with m.If(event):
                m.d.sync += getattr(self, flag).eq(1)


def check_size(size):
    """A memory's size in words, or an error."""
    if not isinstance(size, int):
        raise TypeError(f"Memory size must be an int, not {size!r}")
    if size < 1:
        raise ValueError(f"Memory size must be at least 1 word, not {size}")
    return size
