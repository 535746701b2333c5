# amaranth: UnusedElaboratable=no
"""A graph of streaming units, recorded as data and elaborated as hardware."""

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from sdpaflow.graph.names import assigned_names
from sdpaflow.graph.parts import Edge, Node, Wire
from sdpaflow.numerics.raw import width
from sdpaflow.units import (
    Fifo,
    Fork,
    Map,
    MemReduce,
    Pair,
    Reduce,
    Repeat,
    Replay,
    Scan,
)

__all__ = ["Dataflow"]

WIDE = 64
"""Bits from which on a FIFO in front of a register chooses late."""


class Dataflow(wiring.Component):
    """A pipeline: its constructor is the figure.

    A subclass calls :meth:`input` for each input, one method for each unit in the order the data
    flows, and :meth:`output` once, last. What is recorded is plain data, ``nodes`` and ``edges``;
    drawing, counting, deriving depths and interpreting are functions over it.

    A node is called like the variable that its result is assigned to, or as its method's ``name``
    or ``names`` say where there is none, in a loop for example. Every edge is a FIFO of depth
    2, unless :meth:`Wire.fifo` says otherwise; since a FIFO cuts all combinational paths, none runs
    through more than one unit.

    Errors at construction name the unit, the port and both shapes: a wire used twice or not at all,
    a shape or rank that does not fit, a result without a name.

    Members
    -------
    *inputs*, *outputs*
        Streams, named by :meth:`input` and :meth:`output`.
    saturated, misframed : :py:`Out(1)`
        That flag is up in some unit.
    """

    # A graph is of use without being elaborated: it is drawn, counted and interpreted.
    _MustUse__silence = True

    def __init__(self):
        self.nodes = []
        self.edges = []
        self.input_edges = {}
        self.output_edges = {}
        self._wires = []

    # Recording.

    def input(self, shape, rank=0, *, name=None):
        """A stream from outside, of data of ``shape`` in groups of ``rank``."""
        name = self._name(name, "input")
        return self._wire(name, shape, rank, None, name)

    def output(self, **wires):
        """Streams to the outside, by port name; closes the graph, so call it once and last."""
        for port, wire in wires.items():
            self.output_edges[port] = self._connect(wire, None, port)
        for wire in self._wires:
            if not wire.used:
                raise ValueError(f"{wire.name} goes nowhere: use it or do not fork it")
        super().__init__({
            **{name: In(_signature(edge)) for name, edge in self.input_edges.items()},
            **{name: Out(_signature(edge)) for name, edge in self.output_edges.items()},
            "saturated": Out(1),
            "misframed": Out(1),
        })

    def map(self, fn, *wires, name=None):
        """:class:`Map` by ``fn``, an :class:`Operator`: of a wire per argument, or one of pairs."""
        name = self._name(name, "map")
        paired = len(wires) == 1 and isinstance(wires[0].shape, Pair) and len(fn.inputs) == 2
        wanted = 1 if paired else len(fn.inputs)
        if len(wires) != wanted:
            raise TypeError(f"{name} (Map) takes {wanted} streams for {fn!r}, not {len(wires)}")
        ranks = {wire.rank for wire in wires}
        if len(ranks) > 1:
            listed = ", ".join(f"{wire.name} of rank {wire.rank}" for wire in wires)
            raise TypeError(f"{name} (Map) joins streams of one rank, not {listed}")
        unit = Map(fn, *ranks, paired=paired)
        return self._unit(name, unit, **dict(zip(unit.names, wires, strict=True)))

    def reduce(self, fn, wire, *, name=None):
        """:class:`Reduce` of the innermost groups by ``fn``, a :class:`Fold`."""
        name = self._name(name, "reduce")
        self._rank(name, "Reduce", wire, 1)
        return self._unit(name, Reduce(fn, wire.rank), i=wire)

    def mem_reduce(self, fn, wire, size, *, name=None):
        """:class:`MemReduce` of the next-outer dimension, of groups of up to ``size`` tokens."""
        name = self._name(name, "mem_reduce")
        self._rank(name, "MemReduce", wire, 2)
        return self._unit(name, MemReduce(fn, size, wire.rank), i=wire)

    def scan(self, fn, wire, *, ahead=False, name=None):
        """:class:`Scan` of the innermost groups by ``fn``, a :class:`Fold`."""
        name = self._name(name, "scan")
        self._rank(name, "Scan", wire, 1)
        return self._unit(name, Scan(fn, wire.rank, ahead=ahead), i=wire)

    def repeat(self, wire, over, *, name=None):
        """:class:`Repeat` of each token, once per token of a group of ``over``.

        Gives pairs, of ``over``'s token and the repeated one, in that order.
        """
        name = self._name(name, "repeat")
        self._rank(name, "Repeat", over, wire.rank + 1, exact=True)
        return self._unit(name, Repeat(wire.shape, over.shape, over.rank), i=wire, over=over)

    def replay(self, wire, over, size, *, name=None):
        """:class:`Replay` of each group of up to ``size`` tokens, once per group of ``over``.

        Gives pairs, of ``over``'s token and the replayed one, in that order.
        """
        name = self._name(name, "replay")
        self._rank(name, "Replay", wire, 1)
        self._rank(name, "Replay", over, wire.rank + 1, exact=True)
        return self._unit(name, Replay(wire.shape, over.shape, size, over.rank), i=wire, over=over)

    def fork(self, wire, *, names=None):
        """:class:`Fork`, one branch per variable on the left of the assignment."""
        names = names or assigned_names()
        if len(names) < 2:
            raise ValueError(f"Fork of {wire.name} must be assigned to two or more variables")
        unit = Fork(wire.shape, wire.rank, len(names))
        node = self._node(f"{wire.name}_fork", unit, {"i": wire})
        return [
            self._wire(self._name(name, "fork"), wire.shape, wire.rank, node, f"o{index}")
            for index, name in enumerate(names)
        ]

    def _name(self, name, method):
        if name is None:
            found = assigned_names(2)
            if len(found) != 1:
                raise ValueError(f"Result of {method}() has no name: assign it to one variable")
            (name,) = found
        if any(name == wire.name for wire in self._wires):
            raise ValueError(f"There are two results called {name}: names must differ")
        return name

    def _rank(self, name, kind, wire, rank, *, exact=False):
        if wire.rank < rank or (exact and wire.rank != rank):
            wanted = f"{rank}{'' if exact else ' or more'}"
            raise TypeError(f"{name} ({kind}) takes {wire.name} of rank {wanted}, not {wire.rank}")

    def _unit(self, name, unit, **wires):
        """A unit between wires, one per input port; returns the wire of its output ``o``."""
        for port, wire in wires.items():
            wanted, _ = _token(getattr(unit, port))
            if wire.shape != wanted:
                raise TypeError(
                    f"{name} ({type(unit).__name__}) takes {wanted!r} at port {port}, but "
                    f"{wire.name} is {wire.shape!r}"
                )
        return self._wire(name, *_token(unit.o), self._node(name, unit, wires), "o")

    def _node(self, name, unit, wires):
        node = Node(name, unit)
        self.nodes.append(node)
        for port, wire in wires.items():
            node.inputs[port] = self._connect(wire, node, port)
        return node

    def _wire(self, name, shape, rank, source, port):
        wire = Wire(name, shape, rank, source, port)
        self._wires.append(wire)
        if source:
            source.outputs[port] = None  # in the order of ports, until the wire is used
        return wire

    def _connect(self, wire, target, port):
        wire.use(target.name if target else f"output {port}")
        # What is narrow may have far to go, to all lanes; what is wide stays where it is read.
        wide = width(wire.shape) >= WIDE
        late = wide and target is not None and target.unit.takes
        fifo = Fifo(wire.shape, wire.rank, wire.depth, late=late)
        edge = Edge(wire.name, fifo, wire.source, wire.port, target, port)
        self.edges.append(edge)
        if wire.source:
            wire.source.outputs[wire.port] = edge
        else:
            self.input_edges[wire.port] = edge
        return edge

    # Changing.

    def resize(self, depths):
        """Give FIFOs other depths than those recorded; returns the graph, for use in one line.

        Other FIFOs keep theirs, those whose depth was derived from this one's latency too.

        Parameters
        ----------
        depths : dict of :class:`int`
            Words, by name of the edge.
        """
        edges = {edge.name: edge for edge in self.edges}
        for name in depths:
            if name not in edges:
                raise ValueError(f"There is no FIFO {name!r}, only {', '.join(edges)}")
        old = {name: edges[name].fifo for name in depths}
        fifos = {n: Fifo(*_token(fifo.o), depths[n], late=fifo.late) for n, fifo in old.items()}
        for name, fifo in fifos.items():
            edges[name].fifo = fifo
        return self

    # Hardware.

    def elaborate(self, platform):
        m = Module()
        for node in self.nodes:
            m.submodules[node.name] = node.unit
        for edge in self.edges:
            m.submodules[f"{edge.name}_fifo"] = edge.fifo
            source = getattr(edge.source.unit if edge.source else flipped(self), edge.source_port)
            target = getattr(edge.target.unit if edge.target else flipped(self), edge.target_port)
            connect(m, source, edge.fifo.i)
            connect(m, edge.fifo.o, target)
        for flag in ("saturated", "misframed"):
            raised = [getattr(node.unit, flag) for node in self.nodes if flag in node.unit.events]
            m.d.comb += getattr(self, flag).eq(Cat(raised).any())
        return m


def _signature(edge):
    return edge.fifo.signature.members["o"].signature


def _token(port):
    """Shape of a port's data, and its rank."""
    members = port.payload.shape().members
    return members["data"], members["last"]
