"""Latencies along paths of a graph, and the depths that follow from them."""

from sdpaflow.graph.parts import Edge, Node, Wire

__all__ = ["longest", "skew"]


def longest(wire: Wire | Edge, start: Node | None) -> int | None:
    """Cycles from a token leaving a node to what it leads to being offered by ``wire``.

    The longest path counts, with each unit's and each FIFO's latency; None where no path leads.

    Parameters
    ----------
    wire : :class:`Wire` or :class:`Edge`
        Where the path ends, its FIFO included.
    start : :class:`Node`
        Where it begins; the node's own latency is not included.
    """
    if wire.source is start:
        return wire.latency
    if wire.source is None:
        return None
    found = [longest(edge, start) for edge in wire.source.inputs.values()]
    paths = [cycles for cycles in found if cycles is not None]
    return max(paths) + wire.source.unit.latency + wire.latency if paths else None


def skew(early: Wire | Edge, late: Wire | Edge) -> int:
    """Cycles by which one branch of a fork lags behind the other where they meet again.

    ``early``'s own FIFO does not count: it is the one to be sized. With rows of N tokens, one per
    cycle, that FIFO must hold N + skew words to keep the rate: the row, and what comes in while the
    last token makes its way through the other branch.

    Parameters
    ----------
    early, late : :class:`Wire` or :class:`Edge`
        The two streams that are joined.
    """
    nodes = [early.source]
    for node in nodes:
        if node is None:
            continue
        behind, ahead = longest(late, node), longest(early, node)
        if behind is not None and ahead is not None:
            return behind - (ahead - early.latency)
        nodes += [edge.source for edge in node.inputs.values()]
    raise ValueError(f"{early.name} and {late.name} do not come from one fork")
