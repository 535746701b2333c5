"""What a recorded graph consists of: plain data."""

from dataclasses import dataclass, field

from sdpaflow.graph.names import assigned_names
from sdpaflow.units import Fifo, Unit

__all__ = ["DEPTH", "Edge", "Node", "Wire"]

DEPTH = 2
"""Default depth of an edge, the least that keeps one token per cycle."""


@dataclass(eq=False)
class Node:
    """A unit in the graph. ``inputs`` and ``outputs`` are edges by port name."""

    name: str
    unit: Unit
    inputs: dict = field(default_factory=dict)
    outputs: dict = field(default_factory=dict)

    @property
    def kind(self):
        return type(self.unit).__name__


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
    def depth(self):
        return self.fifo.depth

    @property
    def latency(self):
        return self.fifo.latency


@dataclass(eq=False)
class Wire:
    """A stream on its way: the output of a unit, to be used once."""

    name: str
    shape: object
    rank: int
    source: Node | None
    port: str
    depth: int = DEPTH
    used: bool = False

    @property
    def latency(self):
        return Fifo.latency_of(self.depth)

    def fifo(self, depth):
        """Give the stream a FIFO of an exceptional depth; returns it, by the name it is given."""
        (self.name,) = assigned_names() or (self.name,)
        self.depth = depth
        return self

    def use(self, by):
        """Note that the stream ends here; an error if it already did."""
        if self.used:
            raise ValueError(f"{self.name} is used twice, the second time by {by}: fork it first")
        self.used = True
