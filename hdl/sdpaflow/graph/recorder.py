# amaranth: UnusedElaboratable=no
"""How a graph is recorded: its streams from and to outside, and any unit between wires."""

from collections.abc import Mapping, Sequence
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sdpaflow.graph.names import assigned_names
from sdpaflow.graph.parts import Edge, Node, Wire
from sdpaflow.graph.ports import check_ports, refuse_clashes, streams_of
from sdpaflow.numerics.raw import width
from sdpaflow.units import Fifo, Fork, Unit, tokens
from sdpaflow.units.streams import ShapeLike

__all__ = ["WIDE", "Recorder"]

WIDE = 64
"""Bits from which on a FIFO in front of a register chooses late."""


class Recorder(wiring.Component):
    """A graph that its constructor records; :class:`Dataflow` has a method for each unit."""

    # A graph is of use without being elaborated: it is drawn, counted and interpreted.
    _MustUse__silence = True

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.input_edges: dict[str, Edge] = {}
        self.output_edges: dict[str, Edge] = {}
        self._wires: list[Wire] = []

    @property
    def flags(self) -> list[str]:
        """Flags, each the disjunction of that flag in all units."""
        own = (flag for node in self.nodes for flag in node.unit.events)
        return list(dict.fromkeys(["saturated", "misframed", *own]))

    @property
    def signature(self) -> wiring.Signature:
        self.check_complete()
        return super().signature

    def check_complete(self) -> None:
        """Insist that :meth:`output` was called: before that the graph is none."""
        if not self.__dict__.get("output_edges"):
            raise RuntimeError(
                f"{type(self).__name__} has no output: its constructor must end with "
                "self.output(name=wire)"
            )

    def input(self, shape: ShapeLike, rank: int = 0, *, name: str | None = None) -> Wire:
        """A stream from outside, of data of ``shape`` in groups of ``rank``."""
        self._check_open("input")
        name = self._name(name, "input")
        try:
            Shape.cast(shape)
        except TypeError:
            raise TypeError(f"Shape of input {name} must be shape-like, not {shape!r}") from None
        if not isinstance(rank, int) or rank < 0:
            raise ValueError(f"Rank of input {name} must be an int of at least 0, not {rank!r}")
        return self._wire(name, shape, rank, None, name)

    def output(self, **wires: Wire) -> None:
        """Streams to the outside, by port name; closes the graph, so call it once and last."""
        self._check_open("output")
        if not wires:
            raise ValueError("output() needs a stream: self.output(name=wire)")
        outputs = {}
        for port, wire in wires.items():
            outputs[port] = self._connect(self._checked(f"Output {port}", wire), None, port)
        for wire in self._wires:
            if not wire.used:
                forked = wire.source is not None and isinstance(wire.source.unit, Fork)
                cure = "do not fork it" if forked else "leave it out"
                raise ValueError(f"{wire.name} goes nowhere: use it or {cure}")
        refuse_clashes(self, self.input_edges, outputs, self.flags)
        self.output_edges = outputs
        for node in self.nodes:  # so far in the order in which they were used
            _, ports = streams_of(node.unit, str(node))
            node.outputs = {port: node.outputs[port] for port in ports}
        ends = [(In, self.input_edges), (Out, self.output_edges)]
        super().__init__({
            **{n: flow(tokens(e.shape, e.rank)) for flow, edges in ends for n, e in edges.items()},
            **dict.fromkeys(self.flags, Out(1)),
        })

    def add(
        self,
        unit: Unit,
        /,
        name: str | None = None,
        *,
        names: Sequence[str] | None = None,
        **wires: Wire,
    ) -> Wire | list[Wire]:
        """Any unit, between wires that are given by the names of its input ports.

        Parameters
        ----------
        unit : :class:`Unit`
            One of this package, or of your own.
        name : :class:`str`
            Name of the node; the variable that the result is assigned to, unless given.
        names : list of :class:`str`
            Names of the wires, where a unit has several outputs; the variables that they are
            assigned to, unless given. The node is then called like its first input and its kind.
        **wires : :class:`Wire`
            For each input port, what goes in.

        Returns
        -------
        :class:`Wire`
            The output; a list of them, in the order of its ports, where the unit has several.

        Raises
        ------
        TypeError
            It is no unit, no wire, or not of the port's shape and rank; a port is missing or
            unknown.
        ValueError
            A name is missing or taken, or a wire is used twice.
        """
        self._check_open("add")
        if not isinstance(unit, Unit):
            raise TypeError(f"add() takes a Unit, not {unit!r}")
        kind = type(unit).__name__
        _, ports = streams_of(unit, f"{name or 'add()'} ({kind})")
        if len(ports) == 1 and names is None:
            return self._place(self._name(name, "add"), unit, wires)
        names = list(assigned_names() if names is None else names)
        if len(names) != len(ports):
            listed = f"{len(ports)} outputs, {', '.join(ports)}" if ports else "no output"
            raise ValueError(
                f"{name or kind} has {listed}: assign it to as many variables, or give names="
            )
        if name is None:
            first = next(iter(wires.values()), None)
            name = f"{first.name}_{kind.lower()}" if isinstance(first, Wire) else kind.lower()
        return self._branch(name, unit, wires, names)

    # What all of them do.

    def _check_open(self, method: str) -> None:
        """Insist that the graph can be added to."""
        kind = type(self).__name__
        if "nodes" not in self.__dict__:
            raise RuntimeError(f"{kind} must call super().__init__() before {method}()")
        if self.output_edges:
            ports = ", ".join(self.output_edges)
            raise RuntimeError(
                f"{kind} calls {method}() after output(), which closes the graph: it gave {ports}"
            )

    def _name(self, name: str | None, method: str) -> str:
        """A name for a result: the one given, or the variable that it is assigned to."""
        if name is None:
            found = assigned_names(2)
            if len(found) != 1:
                raise ValueError(f"Result of {method}() has no name: assign it to one variable")
            (name,) = found
        if any(name == wire.name for wire in self._wires):
            raise ValueError(f"There are two results called {name}: names must differ")
        return name

    def _checked(self, where: str, wire: Any) -> Wire:
        """A wire of this graph, or an error that says where it was given."""
        if not isinstance(wire, Wire):
            raise TypeError(f"{where} takes a wire of this graph, not {wire!r}")
        if all(wire is not mine for mine in self._wires):
            raise ValueError(f"{where} takes a wire of this graph; {wire.name} is of another")
        return wire

    def _place(self, name: str, unit: Unit, wires: Mapping[str, Wire]) -> Wire:
        """A unit between wires, one per input port; returns the wire of its only output."""
        (wire,) = self._branch(name, unit, wires, [name])
        return wire

    def _branch(
        self, name: str, unit: Unit, wires: Mapping[str, Wire], names: Sequence[str]
    ) -> list[Wire]:
        """A unit between wires; returns those of its outputs, which get ``names``."""
        node = Node(name, unit)
        for other in self.nodes:
            if other.name == name:
                raise ValueError(f"There are two units called {name}: names must differ")
            if other.unit is unit:
                raise ValueError(f"{node} is in the graph already, as {other.name}: make another")
        inputs, outputs = streams_of(unit, str(node))
        for port, wire in wires.items():
            self._checked(f"{node} at port {port}", wire)
        check_ports(node, inputs, wires)
        self.nodes.append(node)
        for port in inputs:
            node.inputs[port] = self._connect(wires[port], node, port)
        return [
            self._wire(self._name(wire, "add"), *outputs[port], node, port)
            for wire, port in zip(names, outputs, strict=True)
        ]

    def _wire(self, name: str, shape: ShapeLike, rank: int, source: Node | None, port: str) -> Wire:
        wire = Wire(name, shape, rank, source, port)
        self._wires.append(wire)
        return wire

    def _connect(self, wire: Wire, target: Node | None, port: str) -> Edge:
        wire.use(target.name if target else f"output {port}")
        if any(wire.name == edge.name for edge in self.edges):
            raise ValueError(f"There are two FIFOs called {wire.name}: names must differ")
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
