"""What all streaming units share: tokens, ports, flags that remember, and a model."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import Member, Out

from sdpaflow.units.streams import ModelResult, ShapeLike

__all__ = ["Pair", "TokenStream", "Unit", "token", "tokens"]


def token(shape: ShapeLike, rank: int) -> data.StructLayout:
    """Layout of a token: its ``data``, and ``rank`` bits ``last``.

    ``last[0]`` closes the innermost group; ``last[i]`` closes a group of groups and implies
    ``last[i - 1]``.
    """
    if rank < 0:
        raise ValueError(f"Rank must be at least 0, not {rank}")
    return data.StructLayout({"data": shape, "last": rank})


def tokens(shape: ShapeLike, rank: int) -> stream.Signature:
    """Signature of a stream of such tokens."""
    layout: ShapeLike = token(shape, rank)
    return stream.Signature(layout)


class TokenStream(Protocol):
    """A port of a unit, for type checkers: what ``tokens(shape, rank)`` creates.

    ``payload`` is a view of a token, whose fields are ``data`` and ``last``.
    """

    payload: Any
    valid: Value
    ready: Value


class Pair(data.StructLayout):
    """Two data side by side: a companion's, ``over``, and the repeated one's, ``i``."""

    def __init__(self, over: ShapeLike, i: ShapeLike):
        super().__init__({"over": over, "i": i})


class Unit(wiring.Component):
    """A streaming unit: streams in, streams out, and what is known of it beforehand.

    All units hold payload and valid until they are accepted, and never let valid wait for ready:
    stalls change when, never what. They take one token per cycle with no bubble between groups,
    where their own description does not say otherwise.

    A unit of your own is a subclass with ports, ``elaborate`` and ``model``, and goes into a graph
    by :meth:`Dataflow.add`. This one adds a constant and raises a flag of its own::

        class Offset(Unit):
            i: TokenStream
            o: TokenStream

            def __init__(self, by):
                self.by = by
                ports = {"i": In(tokens(unsigned(8), 0)), "o": Out(tokens(unsigned(8), 0))}
                super().__init__(ports, flags=["wrapped"])

            def model(self, i):
                total = i.data + self.by
                return Stream(total % 256, i.last), {"wrapped": int((total > 255).sum())}

            def elaborate(self, platform):
                m = Module()
                total = self.i.payload.data + self.by
                fire = self.i.valid & self.i.ready
                m.d.comb += self.events["wrapped"].eq(fire & (total > 255))
                m.d.comb += [self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready)]
                m.d.comb += self.o.payload.data.eq(total)
                self.remember(m)
                return m

    Parameters
    ----------
    ports : dict of :class:`wiring.Member`
        Streams of tokens, by name, as :func:`tokens` describes them.
    flags : iterable of :class:`str`
        Names of flags: outputs of one bit.

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

    # A unit is of use without being elaborated: its graph is drawn, resized and interpreted.
    _MustUse__silence = True

    latency: int = 0
    words: int = 0
    bits: int = 0
    takes: bool = False

    def __init__(self, ports: Mapping[str, Member], *, flags: Iterable[str] = ()):
        flags = list(flags)
        for flag in flags:
            if flag in ports:
                raise ValueError(
                    f"{type(self).__name__} has a port and a flag called {flag}: names must differ"
                )
        super().__init__({**ports, **dict.fromkeys(flags, Out(1))})
        self.events = {flag: Signal(name=f"now_{flag}") for flag in flags}

    # Subclasses name their own streams, which a type checker allows for this signature alone.
    def model(self, *_: Any, **streams: Any) -> ModelResult:
        """What the unit computes, on whole streams: the same bits as the hardware's.

        Parameters
        ----------
        **streams : :class:`Stream`
            All tokens of every input, by name of the port.

        Returns
        -------
        :class:`Stream` or dict of it
            All tokens of the only output, or of every output by name of the port.
        counts : dict of :class:`int`
            Optional, as second of a pair: how many tokens raised a flag, by its name. A flag that
            is not counted here is not compared with what a simulation counts.

        Raises
        ------
        FramingError
            Streams disagree on where their groups end: what raises ``misframed`` in hardware.
        NotImplementedError
            The unit has none.
        """
        raise NotImplementedError(f"{type(self).__name__} has no model: write model(**streams)")

    def remember(self, m: Module) -> None:
        """Make each flag stick."""
        for flag, event in self.events.items():
            with m.If(event):
                m.d.sync += getattr(self, flag).eq(1)
