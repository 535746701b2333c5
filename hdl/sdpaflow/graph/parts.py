"""What a recorded graph consists of: plain data."""

from dataclasses import dataclass, field

from sdpaflow.graph.names import assigned_names
from sdpaflow.units import Fifo, Unit
from sdpaflow.units.streams import ShapeLike

__all__ = ["DEPTH", "Edge", "Node", "Wire", "check_depth"]

DEPTH = 2
"""Default depth of an edge, the least that keeps one token per cycle."""


@dataclass(eq=False)
class Node:
    """A unit in the graph. ``inputs`` and ``outputs`` are edges by port name."""

    name: str
    unit: Unit
    inputs: dict[str, "Edge"] = field(default_factory=dict)
    outputs: dict[str, "Edge"] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return type(self.unit).__name__

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


@dataclass(eq=False)
class Edge:
    """A FIFO from one port to another. A graph's own inputs and outputs have no node."""

    name: str
    fifo: Fifo
    source: Node | None
    source_port: str
    target: Node | None = None
    target_port: str = ""

    @property
    def shape(self) -> ShapeLike:
        """Shape of the tokens' data."""
        return self.fifo.i.payload.shape().members["data"]

    @property
    def rank(self) -> int:
        return self.fifo.i.payload.shape().members["last"]

    @property
    def depth(self) -> int:
        return self.fifo.depth

    @property
    def is_long(self) -> bool:
        """Whether the FIFO is deeper than the least that keeps one token per cycle."""
        return self.depth > DEPTH

    @property
    def latency(self) -> int:
        return self.fifo.latency


@dataclass(eq=False)
class Wire:
    """A stream on its way: the output of a unit, to be used once."""

    name: str
    shape: ShapeLike
    rank: int
    source: Node | None
    port: str
    depth: int = DEPTH
    used: bool = False

    @property
    def latency(self) -> int:
        return Fifo.latency_of(self.depth)

    def fifo(self, depth: int) -> "Wire":
        """Give the stream a FIFO of an exceptional depth; returns it, by the name it is given.

        Parameters
        ----------
        depth : :class:`int`
            Words, at least 1.

        Raises
        ------
        TypeError, ValueError
            The depth is none, or the stream is already connected.
        """
        check_depth(self.name, depth)
        if self.used:
            raise ValueError(f"{self.name} is connected already: give it its FIFO before")
        (self.name,) = assigned_names() or (self.name,)
        self.depth = depth
        return self

    def use(self, by: str) -> None:
        """Note that the stream ends here; an error if it already did."""
        if self.used:
            raise ValueError(f"{self.name} is used twice, the second time by {by}: fork it first")
        self.used = True


def check_depth(name: str, depth: int) -> None:
    """Refuse what is no depth of a FIFO, by its name."""
    if not isinstance(depth, int) or isinstance(depth, bool):
        raise TypeError(f"Depth of FIFO {name} must be an int, of words, not {depth!r}")
    if depth < 1:
        raise ValueError(f"Depth of FIFO {name} must be at least 1 word, not {depth}")
