"""Pipelines as recorded graphs, and functions over them."""

from sdpaflow.graph.dataflow import Dataflow
from sdpaflow.graph.interpreter import Interpretation, interpret, interpret_all
from sdpaflow.graph.latency import longest, skew
from sdpaflow.graph.parts import Edge, Node, Wire
from sdpaflow.units.streams import FramingError, Stream

__all__ = [
    "Dataflow",
    "Edge",
    "FramingError",
    "Interpretation",
    "Node",
    "Stream",
    "Wire",
    "interpret",
    "interpret_all",
    "longest",
    "skew",
]
