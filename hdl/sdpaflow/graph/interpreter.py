"""A graph run without time: the bit-exact model of a whole pipeline.

There is no second description of a pipeline. Each unit has a model of its own; this module applies
them in the order of the graph, to whole streams at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sdpaflow.graph.dataflow import Dataflow
from sdpaflow.graph.parts import Node
from sdpaflow.numerics.operator import Fold
from sdpaflow.units import FramingError, Stream, Unit, check_stream

__all__ = ["Interpretation", "interpret", "interpret_all"]


@dataclass(frozen=True)
class Interpretation:
    """What a graph's model gives.

    Attributes
    ----------
    streams : dict of :class:`Stream`
        By name of the edge.
    outputs : dict of :class:`Stream`
        Those that leave the graph, by name of the output.
    counts : dict of dict of :class:`int`
        How many tokens raised a flag, by name of the node and of the flag. Flags that a unit's
        model does not count are left out.
    """

    streams: dict[str, Stream]
    outputs: dict[str, Stream]
    counts: dict[str, dict[str, int]]

    @property
    def saturations(self) -> dict[str, int]:
        """Clamped tokens, by name of the node; nodes that cannot saturate are left out."""
        return {
            name: counts["saturated"]
            for name, counts in self.counts.items()
            if "saturated" in counts
        }


def interpret(
    dataflow: Dataflow, inputs: Mapping[str, Stream]
) -> tuple[dict[str, Stream], dict[str, int]]:
    """Every stream of a graph, from its inputs.

    Parameters
    ----------
    dataflow : :class:`Dataflow`
        The graph.
    inputs : dict of :class:`Stream`
        By name of the input.

    Returns
    -------
    streams : dict of :class:`Stream`
        By name of the edge.
    saturations : dict of :class:`int`
        Clamped tokens, by name of the node; nodes that cannot saturate are left out.

    Raises
    ------
    TypeError, ValueError
        An input is missing, or not fit for its port (:func:`sdpaflow.units.check_stream`).
    FramingError
        Streams that are joined disagree on where their groups end.
    NotImplementedError
        A unit, or its operator or fold, has no model.
    """
    result = interpret_all(dataflow, inputs)
    return result.streams, result.saturations


def interpret_all(dataflow: Dataflow, inputs: Mapping[str, Stream]) -> Interpretation:
    """Every stream of a graph and the counts of every flag; otherwise as :func:`interpret`."""
    dataflow.check_complete()
    streams = _entering(dataflow, inputs)
    counts = {}
    for node in dataflow.nodes:
        results, counts[node.name] = _run(node, streams)
        for port, edge in node.outputs.items():
            streams[edge.name] = results[port]
    outputs = {port: streams[edge.name] for port, edge in dataflow.output_edges.items()}
    return Interpretation(streams, outputs, counts)


def _entering(dataflow: Dataflow, inputs: Mapping[str, Stream]) -> dict[str, Stream]:
    """The inputs by name of the edge, checked against its port."""
    if not isinstance(inputs, Mapping):
        raise TypeError(f"Inputs must be a dict of Streams by name of the input, not {inputs!r}")
    wanted = dataflow.input_edges
    listed = ", ".join(wanted) or "none"
    for name in inputs:
        if name not in wanted:
            raise ValueError(f"There is no input {name!r}; inputs are: {listed}")
    for name in wanted:
        if name not in inputs:
            raise ValueError(f"Input {name} is missing; inputs are: {listed}")
    return {
        edge.name: check_stream(port, inputs[port], edge.shape, edge.rank)
        for port, edge in wanted.items()
    }


def _run(node: Node, streams: dict[str, Stream]) -> tuple[dict[str, Stream], dict[str, int]]:
    """A unit's outputs by port, and its counts."""
    arrived = {port: streams[edge.name] for port, edge in node.inputs.items()}
    try:
        result = node.unit.model(**arrived)
    except FramingError as error:
        names = {port: edge.name for port, edge in node.inputs.items()}
        raise error.renamed(str(node), names) from None
    except NotImplementedError as error:
        raise NotImplementedError(f"{node}: {str(error) or _missing(node.unit)}") from error
    results, counts = result if isinstance(result, tuple) else (result, {})
    if not isinstance(results, dict):
        results = dict.fromkeys(node.outputs, results) if len(node.outputs) == 1 else {"": results}
    if results.keys() != node.outputs.keys():
        raise TypeError(
            f"{node}: its model must give a Stream for {', '.join(node.outputs)}, not for "
            f"{', '.join(results) or 'none'}"
        )
    for port, edge in node.outputs.items():
        stream = results[port]
        if not isinstance(stream, Stream):
            raise TypeError(f"{node}: its model must give a Stream for {port}, not {stream!r}")
        if stream.last.shape[1] != edge.rank:
            raise TypeError(
                f"{node}: its model must give rank {edge.rank} for {port}, not "
                f"{stream.last.shape[1]}"
            )
    for flag in counts:
        if flag not in node.unit.events:
            raise TypeError(f"{node}: its model counts {flag}, which is no flag of the unit")
    return results, counts


def _missing(unit: Unit) -> str:
    """What there is to write where a function has no model."""
    fn = getattr(unit, "fn", None)
    wanted = "model(first, state, token)" if isinstance(fn, Fold) else "evaluate(*raw)"
    return f"{fn!r} has no model: write {wanted}"
