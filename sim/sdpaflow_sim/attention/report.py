"""What a run of an attention gave, and what it took."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from sdpaflow.graph import Dataflow

from sdpaflow_sim.outputs import finite

__all__ = ["FifoUse", "Report", "fifos_of", "state_of"]


@dataclass
class FifoUse:
    """A FIFO: its depth and greatest fill in words, its width in bits, ``last`` included."""

    name: str
    depth: int
    width_bits: int
    peak: int


@dataclass
class Report:
    """What a run gave and what it took.

    Attributes
    ----------
    pipeline, engine : :class:`str`
        Their names; that of a pipeline of one's own is its class's.
    n_q, n_k, d, dv, lanes, heads, row_max : :class:`int`
        Queries and keys (of the longest head), dimensions, and heads run.
    formats : dict of :class:`str`
        Of ``q``, ``k``, ``v`` and ``o``. ``q`` holds scale · log2(e) · q.
    cycles : :class:`int`
        From the first input token accepted to the last output token accepted, inclusive.
    scores, cycles_per_score
        All heads together.
    bit_exact : :class:`bool`
        Every output, and every count of clamped tokens, equals that of the bit-exact model.
    max_abs_error, mean_abs_error : :class:`float`
        Against the pipeline's own reference in float64, of the quantised inputs: the error of the
        arithmetic.
    max_abs_error_total, mean_abs_error_total : :class:`float`
        The same of the inputs as given: the error of quantisation too.
    output_ulp : :class:`float`
        Unit in the last place of an output.
    error_bound : :class:`float`
        The most that an output may be off against the quantised inputs, in units of its last
        place; None where the pipeline states no bound.
    is_attention : :class:`bool`
        No output is off by more than that. Bits may be exact all the same: hardware and model then
        compute the same, but not attention.
    saturations : dict of :class:`int`
        Clamped tokens by unit, and clamped elements of the inputs; what never happened is left out.
    underflows : dict of :class:`int`
        Elements of each input that are not 0 and are 0 in its format; under ``rows``, rows whose
        weights all lose bits, since no score reaches 0 and no maximum is subtracted.
    modifiers : list of :class:`str`
        What was done to scores, in order.
    kept_scores, dead_rows : :class:`int`
        Scores that count; rows of which none does, whose outputs are 0.
    fifos : list of :class:`FifoUse`
        In the order of the graph.
    state_words, state_bits : :class:`int`
        What the units themselves can hold.
    intermediate_words, intermediate_bits : :class:`int`
        All FIFOs as configured, those at the ports included, and state.
    peak_words : :class:`int`
        FIFOs at their greatest fill, and state.
    outputs : numpy.ndarray
        Floats, (N_q, dv), or a list of those for several heads.
    fill : list of :class:`int`
        Words in all FIFOs together, in each cycle.
    """

    pipeline: str
    n_q: int
    n_k: int
    d: int
    dv: int
    lanes: int
    heads: int
    row_max: int | None
    formats: dict[str, str]
    scale: float
    engine: str
    cycles: int
    scores: int
    cycles_per_score: float
    bit_exact: bool
    max_abs_error: float
    mean_abs_error: float
    max_abs_error_total: float
    mean_abs_error_total: float
    output_ulp: float
    error_bound: float | None
    is_attention: bool
    saturations: dict[str, int]
    underflows: dict[str, int]
    fifos: list[FifoUse]
    state_words: int
    state_bits: int
    intermediate_words: int
    intermediate_bits: int
    peak_words: int
    modifiers: list[str]
    kept_scores: int
    dead_rows: int
    outputs: np.ndarray | list[np.ndarray] | None = None
    fill: list[int] | None = None

    @property
    def peaks(self) -> dict[str, int]:
        """Greatest fill by name of the FIFO."""
        return {fifo.name: fifo.peak for fifo in self.fifos}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything but the outputs and the fill.

        An error that float64 cannot hold, of data far beyond the formats, is None.
        """
        plain = asdict(replace(self, outputs=None, fill=None))
        return finite({key: plain[key] for key in plain if key not in {"outputs", "fill"}})


def fifos_of(dataflow: Dataflow, peaks: Mapping[str, int]) -> list[FifoUse]:
    """The FIFOs of a graph, with their greatest fill in words by name."""
    return [
        FifoUse(edge.name, edge.depth, edge.fifo.bits // edge.depth, peaks[edge.name])
        for edge in dataflow.edges
    ]


def state_of(dataflow: Dataflow) -> tuple[int, int]:
    """Words and bits that the units of a graph can hold themselves."""
    units = [node.unit for node in dataflow.nodes]
    return sum(unit.words for unit in units), sum(unit.bits for unit in units)
