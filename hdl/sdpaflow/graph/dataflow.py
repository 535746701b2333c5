# amaranth: UnusedElaboratable=no
"""A graph of streaming units, recorded as data and elaborated as hardware."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from amaranth.hdl import Cat, Module
from amaranth.lib.wiring import connect, flipped

from sdpaflow.graph.names import arguments_of, assigned_names, kebab
from sdpaflow.graph.parts import Wire, check_depth
from sdpaflow.graph.recorder import Recorder
from sdpaflow.numerics.operator import Fold, Operator
from sdpaflow.units import Fifo, Fork, Map, MemReduce, Pair, Reduce, Repeat, Replay, Scan
from sdpaflow.units.checks import check_fold, check_operator

__all__ = ["Dataflow"]


class Dataflow(Recorder):
    """A pipeline: its constructor is the figure.

    A subclass calls ``super().__init__()``, then :meth:`input` for each input, one method for each
    unit in the order the data flows, and :meth:`output` once, last. What is recorded is plain data,
    ``nodes`` and ``edges``; drawing, counting, deriving depths and interpreting are functions over
    it.

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
        That flag is up in some unit. Other flags that units have follow, each under its own name.
    """

    _arguments: dict[str, Any]

    def __new__(cls, *args: Any, src_loc_at: int = 0, **kwargs: Any) -> Self:
        self = super().__new__(cls, src_loc_at=src_loc_at + 1)
        self._arguments = arguments_of(cls.__init__, self, *args, **kwargs)
        return self

    def __init__(self) -> None:
        super().__init__()
        self._recorded: dict[str, int] = {}  # depths before they were changed

    @property
    def name(self) -> str:
        """What the pipeline is called: its class's name in kebab case (``memory-free``).

        A subclass may give another one, as a class attribute: ``name = "softmax"``.
        """
        return kebab(type(self).__name__)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the graph was made with: its constructor's arguments, defaults included, by name.

        Under ``depths`` is :attr:`resized`; there is no such key where no FIFO was.
        """
        depths = {"depths": self.resized} if self.resized else {}
        return {**self._arguments, **depths}

    @property
    def resized(self) -> dict[str, int]:
        """Depths of the FIFOs that :meth:`resize` gave other words, by name of the edge."""
        return {
            edge.name: edge.depth
            for edge in self.edges
            if edge.depth != self._recorded.get(edge.name, edge.depth)
        }

    def map(self, fn: Operator, *wires: Wire, name: str | None = None) -> Wire:
        """:class:`Map` by ``fn``, an :class:`Operator`: of a wire per argument, or one of pairs."""
        self._check_open("map")
        name = self._name(name, "map")
        check_operator(fn, "Map")
        for wire in wires:
            self._checked(f"{name} (Map)", wire)
        paired = len(wires) == 1 and isinstance(wires[0].shape, Pair) and len(fn.inputs) == 2
        wanted = 1 if paired else len(fn.inputs)
        if len(wires) != wanted:
            raise TypeError(f"{name} (Map) takes {wanted} streams for {fn!r}, not {len(wires)}")
        ranks = {wire.rank for wire in wires}
        if len(ranks) > 1:
            listed = ", ".join(f"{wire.name} of rank {wire.rank}" for wire in wires)
            raise TypeError(f"{name} (Map) joins streams of one rank, not {listed}")
        unit = Map(fn, *ranks, paired=paired)
        return self._place(name, unit, dict(zip(unit.names, wires, strict=True)))

    def reduce(self, fn: Fold, wire: Wire, *, name: str | None = None) -> Wire:
        """:class:`Reduce` of the innermost groups by ``fn``, a :class:`Fold`."""
        self._check_open("reduce")
        name = self._name(name, "reduce")
        check_fold(fn, "Reduce")
        self._rank(name, "Reduce", wire, 1)
        return self._place(name, Reduce(fn, wire.rank), {"i": wire})

    def mem_reduce(self, fn: Fold, wire: Wire, size: int, *, name: str | None = None) -> Wire:
        """:class:`MemReduce` of the next-outer dimension, of groups of up to ``size`` tokens."""
        self._check_open("mem_reduce")
        name = self._name(name, "mem_reduce")
        check_fold(fn, "MemReduce")
        self._rank(name, "MemReduce", wire, 2)
        return self._place(name, MemReduce(fn, size, wire.rank), {"i": wire})

    def scan(self, fn: Fold, wire: Wire, *, ahead: bool = False, name: str | None = None) -> Wire:
        """:class:`Scan` of the innermost groups by ``fn``, a :class:`Fold`."""
        self._check_open("scan")
        name = self._name(name, "scan")
        check_fold(fn, "Scan", interleaved=False)
        self._rank(name, "Scan", wire, 1)
        return self._place(name, Scan(fn, wire.rank, ahead=ahead), {"i": wire})

    def repeat(self, wire: Wire, over: Wire, *, name: str | None = None) -> Wire:
        """:class:`Repeat` of each token, once per token of a group of ``over``.

        Gives pairs, of ``over``'s token and the repeated one, in that order.
        """
        self._check_open("repeat")
        name = self._name(name, "repeat")
        self._rank(name, "Repeat", wire, 0)
        self._rank(name, "Repeat", over, wire.rank + 1, exact=True)
        unit = Repeat(wire.shape, over.shape, over.rank)
        return self._place(name, unit, {"i": wire, "over": over})

    def replay(self, wire: Wire, over: Wire, size: int, *, name: str | None = None) -> Wire:
        """:class:`Replay` of each group of up to ``size`` tokens, once per group of ``over``.

        Gives pairs, of ``over``'s token and the replayed one, in that order.
        """
        self._check_open("replay")
        name = self._name(name, "replay")
        self._rank(name, "Replay", wire, 1)
        self._rank(name, "Replay", over, wire.rank + 1, exact=True)
        unit = Replay(wire.shape, over.shape, size, over.rank)
        return self._place(name, unit, {"i": wire, "over": over})

    def fork(self, wire: Wire, *, names: Sequence[str] | None = None) -> list[Wire]:
        """:class:`Fork`, one branch per variable on the left of the assignment."""
        self._check_open("fork")
        names = names or assigned_names()
        self._checked("fork()", wire)
        if len(names) < 2:
            raise ValueError(f"Fork of {wire.name} must be assigned to two or more variables")
        unit = Fork(wire.shape, wire.rank, len(names))
        return self._branch(f"{wire.name}_fork", unit, {"i": wire}, names)

    def _rank(self, name: str, kind: str, wire: Wire, rank: int, *, exact: bool = False) -> None:
        self._checked(f"{name} ({kind})", wire)
        if wire.rank < rank or (exact and wire.rank != rank):
            wanted = f"{rank}{'' if exact else ' or more'}"
            raise TypeError(f"{name} ({kind}) takes {wire.name} of rank {wanted}, not {wire.rank}")

    # Changing.

    def resize(self, depths: Mapping[str, int]) -> Self:
        """Give FIFOs other depths than those recorded; returns the graph, for use in one line.

        Other FIFOs keep theirs, those whose depth was derived from this one's latency too.

        Parameters
        ----------
        depths : dict of :class:`int`
            Words, by name of the edge.

        Raises
        ------
        TypeError, ValueError
            There is no such FIFO, or that is no depth; then nothing has changed.
        """
        self.check_complete()
        edges = {edge.name: edge for edge in self.edges}
        for name, depth in depths.items():
            if name not in edges:
                raise ValueError(f"There is no FIFO {name!r}, only {', '.join(edges)}")
            check_depth(name, depth)
        for name, depth in depths.items():
            edge = edges[name]
            self._recorded.setdefault(name, edge.depth)
            edge.fifo = Fifo(edge.shape, edge.rank, depth, late=edge.fifo.late)
        return self

    # Hardware.

    def elaborate(self, platform: object) -> Module:
        self.check_complete()
        m = Module()
        for node in self.nodes:
            m.submodules[node.name] = node.unit
        for edge in self.edges:
            m.submodules[f"{edge.name}_fifo"] = edge.fifo
            source = getattr(edge.source.unit if edge.source else flipped(self), edge.source_port)
            target = getattr(edge.target.unit if edge.target else flipped(self), edge.target_port)
            connect(m, source, edge.fifo.i)
            connect(m, edge.fifo.o, target)
        for flag in self.flags:
            raised = [getattr(node.unit, flag) for node in self.nodes if flag in node.unit.events]
            m.d.comb += getattr(self, flag).eq(Cat(raised).any())
        return m
