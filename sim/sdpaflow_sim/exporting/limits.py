"""What a design cannot take, found in its graph: how far one input may be ahead of another."""

from sdpaflow.graph import Dataflow, Edge, Node
from sdpaflow.pipelines import ROW_BITS, Attention

__all__ = ["ahead", "of_attention"]


def of_attention(pipeline: Attention) -> dict:
    """Limits of an attention pipeline, as plain data."""
    config = pipeline.config
    return {
        "row_keys": config.row_max or 1 << ROW_BITS,
        "k_ahead_of_v": ahead(pipeline, "k", "v", config.beats),
        "reset_after_misframed": True,
    }


def ahead(pipeline: Dataflow, early: str, late: str, beats: int = 1) -> int:
    """Groups of ``beats`` tokens of one input that are taken while another brings none.

    As many as fit the FIFOs on the way to whatever waits for the other input, on the way with the
    fewest words, whatever the lengths of groups. Units hold more of them, which is not counted.

    Parameters
    ----------
    pipeline : :class:`Dataflow`
        The graph.
    early, late : :class:`str`
        Inputs.
    beats : :class:`int`
        Tokens in the innermost groups of ``early``.
    """
    first = pipeline.input_edges[early]
    waiting = _behind(pipeline.input_edges[late])
    rank = first.rank

    def words(edge: Edge) -> int | None:
        held = edge.depth // beats if edge.rank == rank else edge.depth
        if edge.target is None:
            return None
        if edge.target.name in waiting:
            return held
        below = [words(out) for out in edge.target.outputs.values()]
        least = min((count for count in below if count is not None), default=None)
        return None if least is None else held + least

    return words(first) or 0


def _behind(edge: Edge) -> set[str]:
    """Names of the units that tokens of an edge get to."""
    found: dict[str, Node] = {}
    waiting = [edge]
    while waiting:
        node = waiting.pop().target
        if node is not None and node.name not in found:
            found[node.name] = node
            waiting += node.outputs.values()
    return set(found)
