"""What drawings of a graph say about its units and FIFOs, and how loudly."""

import math
import re
from collections.abc import Mapping
from typing import Any

from amaranth.lib import data
from sdpaflow.graph import Dataflow, Edge, Node
from sdpaflow.graph.parts import DEPTH

__all__ = [
    "QUIET",
    "capacity",
    "check_peaks",
    "colour",
    "function",
    "heading",
    "label",
    "peak_label",
    "shape_text",
    "thickness",
    "tooltip",
]

QUIET = "#7d8590"
_MILD, _LOUD = (0xE3, 0x9A, 0x2D), (0xC8, 0x40, 0x3A)
_LOUDEST = 128
"""Words from which on a FIFO is drawn as loudly as can be."""


def function(node: Node) -> str:
    """What a unit computes, in a word or two (``running max``); empty if it has no function."""
    fn = getattr(node.unit, "fn", None)
    while (inner := getattr(fn, "fn", None)) is not None:
        fn = inner
    return "" if fn is None else _words(fn)


def heading(dataflow: Dataflow) -> tuple[str, str]:
    """A pipeline's name (``memory-free``), and its configuration as text; empty if it has none."""
    config = getattr(dataflow, "config", None)
    return dataflow.name, "" if config is None else str(config)


def _words(fn: object) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", type(fn).__name__).lower()


def capacity(dataflow: Dataflow) -> str:
    """How much all FIFOs hold, and the long ones."""
    long = [edge for edge in dataflow.edges if edge.is_long]
    total = f"{sum(edge.depth for edge in dataflow.edges)} words in FIFOs"
    if not long:
        return f"{total}, none of them long"
    names = " and ".join(edge.name for edge in long)
    return f"{total}, {sum(edge.depth for edge in long)} of them in {names}"


def label(edge: Edge, peaks: Mapping[str, int]) -> str:
    """What is written along a FIFO: its depth, and its name unless the unit before it says that.

    Where there are peaks, a short FIFO reads ``peak/depth``; see :func:`peak_label` for long ones.
    """
    named = edge.source is not None and edge.source.name != edge.name
    if edge.is_long:
        return f"{edge.name} {edge.depth} words"
    depth = f"{peaks[edge.name]}/{edge.depth}" if edge.name in peaks else f"{edge.depth}"
    return f"{edge.name} {depth}" if named else depth


def peak_label(edge: Edge, peaks: Mapping[str, int]) -> str:
    """The second line along a long FIFO; empty where no peak is known."""
    known = edge.is_long and edge.name in peaks
    return f"peak {peaks[edge.name]} of {edge.depth}" if known else ""


def tooltip(item: Node | Edge, peaks: Mapping[str, int]) -> str:
    """All that is known of a node or an edge, in one line."""
    if isinstance(item, Edge):
        tokens, rank = shape_text(item.shape), item.rank
        peak = f", peak {peaks[item.name]}" if item.name in peaks else ""
        return f"{item.name}: FIFO of {_count(item.depth, 'word')}{peak}; {tokens}, rank {rank}"
    fn = getattr(item.unit, "fn", None)
    of = "" if fn is None else f" of {function(item)}"
    latency, words = _count(item.unit.latency, "cycle"), _count(item.unit.words, "word")
    return f"{item.name}: {item.kind}{of}, latency {latency}, holds {words}"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def shape_text(shape: Any) -> str:
    """A shape as it is read aloud: ``16 × SQ(4,12)``, ``{x: SQ(15,13), shift: UQ(6,0)}``."""
    if isinstance(shape, data.ArrayLayout):
        return f"{shape.length} × {shape_text(shape.elem_shape)}"
    if isinstance(shape, data.StructLayout):
        members = (f"{name}: {shape_text(member)}" for name, member in shape.members.items())
        return f"{{{', '.join(members)}}}"
    return repr(shape)


def thickness(edge: Edge) -> float:
    """Width of a FIFO's line in pixels: the deeper, the thicker."""
    return 4 + 6 * _heat(edge) if edge.is_long else 1.4


def colour(edge: Edge) -> str:
    """Colour of a FIFO's line: the deeper, the redder."""
    if not edge.is_long:
        return QUIET
    mixed = (a + (b - a) * _heat(edge) for a, b in zip(_MILD, _LOUD, strict=True))
    return "#" + "".join(f"{round(part):02x}" for part in mixed)


def _heat(edge: Edge) -> float:
    """From 0 for the default depth to 1 for a row."""
    return min(1, math.log2(edge.depth / DEPTH) / math.log2(_LOUDEST / DEPTH))


def check_peaks(dataflow: Dataflow, peaks: Mapping[str, int] | None) -> Mapping[str, int]:
    """Peaks by name of the edge, or an error; none given is none known."""
    peaks = peaks or {}
    strangers = sorted(peaks.keys() - {edge.name for edge in dataflow.edges})
    if strangers:
        raise ValueError(f"Peaks must be of the graph's FIFOs, not of {', '.join(strangers)}")
    return peaks
