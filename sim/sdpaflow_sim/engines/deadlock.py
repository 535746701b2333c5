"""Why nothing moves any more: who waits for whom."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sdpaflow.graph import Dataflow, Node

__all__ = ["diagnose", "signals"]

Wait: TypeAlias = tuple[str | None, str]
"""Whom a unit waits for, None outside, and a sentence about it."""


def signals(dut: Any) -> list[Any]:
    """Every signal whose value :func:`diagnose` may ask for."""
    if not isinstance(dut, Dataflow):
        return []
    offers = [getattr(n.unit, e.source_port) for n in dut.nodes for e in n.outputs.values()]
    handshakes = [signal for offered in offers for signal in (offered.valid, offered.ready)]
    return [
        *handshakes,
        *(edge.fifo.level for edge in dut.edges),
        *(edge.fifo.o.valid for edge in dut.edges),
    ]


def diagnose(dut: Any, get: Callable[[Any], int]) -> str:
    """One sentence on a design that is stuck.

    Parameters
    ----------
    dut : :class:`wiring.Component`
        The design.
    get : callable
        Present value of a signal.
    """
    if not isinstance(dut, Dataflow):
        return "the unit offers nothing and accepts nothing"
    waits = {node.name: _waits(node, get) for node in dut.nodes}
    full = [edge for edge in dut.edges if get(edge.fifo.level) == edge.depth]
    starts = [edge.source.name for edge in full if edge.source] or [node.name for node in dut.nodes]
    circle = next(filter(None, (_circle(waits, start, []) for start in starts)), None)
    if circle is None:
        causes = [cause for found in waits.values() for _, cause in found]
        return "; ".join(dict.fromkeys(causes)) or "no unit waits for another: the inputs ended"
    return "a circle of units waits for itself: " + "; ".join(cause for _, cause in circle)


def _waits(node: Node, get: Callable[[Any], int]) -> list[Wait]:
    """What a unit waits for: pairs of another unit's name (None outside) and a sentence."""
    found = []
    for edge in node.outputs.values():
        offered = getattr(node.unit, edge.source_port)
        if get(offered.valid) and not get(offered.ready):
            words = "word" if edge.depth == 1 else "words"
            found.append((
                edge.target.name if edge.target else None,
                f"{node.name} ({node.kind}) waits for room in FIFO {edge.name}, "
                f"which is full with {edge.depth} {words}",
            ))
    for edge in node.inputs.values():
        if not get(edge.fifo.o.valid):
            source = f"{edge.source.name} ({edge.source.kind})" if edge.source else "the input"
            found.append((
                edge.source.name if edge.source else None,
                f"{node.name} ({node.kind}) waits for {source}: FIFO {edge.name} is empty",
            ))
    return found


def _circle(
    waits: Mapping[str, Sequence[Wait]], name: str, path: Sequence[tuple[str, str]]
) -> Sequence[tuple[str, str]] | None:
    """A chain of waits that comes back to a unit on it, from that unit on."""
    for other, cause in waits.get(name, ()):
        step = (name, cause)
        names = [before for before, _ in path] + [name]
        if other in names:
            return [*path, step][names.index(other) :]
        if other is not None and (found := _circle(waits, other, [*path, step])):
            return found
    return None
