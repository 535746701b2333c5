"""Pipelines as recorded graphs, and functions over them."""

from sdpaflow.graph.dataflow import Dataflow
from sdpaflow.graph.interpret import FramingError, Stream, interpret
from sdpaflow.graph.latency import longest, skew
from sdpaflow.graph.parts import Edge, Node, Wire

__all__ = [
    "Dataflow",
    "Edge",
    "FramingError",
    "Node",
    "Stream",
    "Wire",
    "interpret",
    "longest",
    "skew",
]
