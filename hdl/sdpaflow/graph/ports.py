"""Ports of units and graphs: which are streams, and whether wires fit them."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In

from sdpaflow.graph.parts import Edge, Node, Wire
from sdpaflow.units import Unit
from sdpaflow.units.streams import ShapeLike

__all__ = ["Ports", "check_ports", "refuse_clashes", "streams_of"]

Ports: TypeAlias = dict[str, tuple[ShapeLike, int]]
"""Shape of the data and rank, by name of the port."""


def streams_of(unit: Unit, where: str) -> tuple[Ports, Ports]:
    """A unit's inputs and outputs, in order.

    Outputs that are no streams, as flags are, may be left unread; inputs may not.
    """
    inputs: Ports = {}
    outputs: Ports = {}
    for port, member in unit.signature.members.items():
        if member.is_port:
            if member.flow == In:
                raise TypeError(f"{where} has an input {port} that is no stream of tokens")
            continue
        plain = isinstance(member.signature, stream.Signature) and not member.dimensions
        layout = member.signature.members["payload"].shape if plain else None
        if not isinstance(layout, data.StructLayout) or [*layout.members] != ["data", "last"]:
            raise TypeError(
                f"{where} has a port {port} that is no stream of tokens: make it of "
                "tokens(shape, rank)"
            )
        streams = inputs if member.flow == In else outputs
        streams[port] = layout.members["data"], layout.members["last"]
    return inputs, outputs


def check_ports(node: Node, ports: Ports, wires: Mapping[str, Wire]) -> None:
    """Insist on a wire for every input port, of its shape and rank."""
    listed = ", ".join(ports) or "none"
    for port in wires:
        if port not in ports:
            raise TypeError(f"{node} has no input port {port}; its inputs: {listed}")
    for port, (shape, rank) in ports.items():
        if port not in wires:
            raise TypeError(f"{node} has no wire at port {port}; its inputs: {listed}")
        wire = wires[port]
        if wire.shape != shape:
            raise TypeError(
                f"{node} takes {shape!r} at port {port}, but {wire.name} is {wire.shape!r}"
            )
        if wire.rank != rank:
            raise TypeError(
                f"{node} takes rank {rank} at port {port}, but {wire.name} is of rank {wire.rank}"
            )


def refuse_clashes(
    graph: wiring.Component, inputs: Mapping[str, Edge], outputs: Iterable[str], flags: list[str]
) -> None:
    """Insist that no two ports of a graph, nor a port and an attribute of it, have one name."""
    for port in outputs:
        if port in inputs:
            raise ValueError(f"There is an input and an output called {port}: names must differ")
    for port in (*inputs, *outputs):
        if port in flags:
            raise ValueError(f"There is a flag called {port}: call the stream otherwise")
    for port in (*inputs, *outputs, *flags):
        if port in graph.__dict__ or hasattr(type(graph), port):
            raise ValueError(
                f"{type(graph).__name__} has an attribute called {port}: call the port or the "
                "attribute otherwise"
            )
