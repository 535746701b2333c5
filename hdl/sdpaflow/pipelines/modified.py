"""Scores on their way through modifiers."""

from collections.abc import Iterable, Sequence

from sdpaflow.graph import Dataflow, Wire
from sdpaflow.scores import INDEX, Modifier
from sdpaflow.scores.kept import Beside, Kept, Modified, Position, members_of

__all__ = ["checked", "modified"]


def checked(modifiers: Iterable[Modifier]) -> tuple[Modifier, ...]:
    """Modifiers in order, or an error."""
    found = tuple(modifiers)
    for modifier in found:
        if not isinstance(modifier, Modifier):
            raise TypeError(f"score must be a list of modifiers, not {modifier!r} in it")
    return found


def modified(graph: Dataflow, s_ij: Wire, modifiers: Sequence[Modifier]) -> tuple[Wire, bool]:
    """Scores after all modifiers, and whether there are holes: scores that are not kept.

    A unit for each modifier, named after it. What a modifier takes beside the score is an input of
    the graph, or the number of the query or the key.
    """
    wanted = {name: shape for one in modifiers for name, shape in one.takes.items()}
    if "j" in wanted:
        s_ij = graph.scan(Position(s_ij.shape), s_ij, name="j_ij")
    if "i" in wanted:
        is_ij = graph.repeat(graph.input(INDEX, name="i"), over=s_ij, name="si_ij")
        s_ij = graph.map(Beside(s_ij.shape, "i", INDEX), is_ij, name="i_ij")
    inputs: dict[str, Wire] = {}
    for number, modifier in enumerate(modifiers):
        fn = modifier.operator(members_of(s_ij.shape)["score"])
        modify = Modified(fn, s_ij.shape, list(modifier.takes))
        for name in modify.joined:
            if name in inputs:
                raise ValueError(f"two modifiers take {name!r}: one of them must name another")
            inputs[name] = graph.input(wanted[name], 1, name=name)
        extra = [inputs[name] for name in modify.joined]
        name = f"{type(modifier).__name__.lower()}_{number}"
        s_ij = graph.map(modify, s_ij, *extra, name=name)
    last = Kept(s_ij.shape)
    return graph.map(last, s_ij, name="kept_ij"), last.holes
