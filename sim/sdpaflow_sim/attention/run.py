"""One call: a pipeline and arrays in; outputs, cycles and counts out."""

from dataclasses import asdict, dataclass, replace

import numpy as np
from sdpaflow.numerics import raw
from sdpaflow.pipelines import PIPELINES

from sdpaflow_sim.attention.expected import Expected
from sdpaflow_sim.attention.float64 import errors
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.attention.inputs import build, split_heads
from sdpaflow_sim.engines.choose import AUTO, ENGINES, choose

__all__ = ["ENGINES", "FifoUse", "Report", "model", "run"]


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
        Their names.
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
        Against float64 on the quantised inputs: the error of the arithmetic.
    max_abs_error_total : :class:`float`
        Against float64 on the inputs as given: that of quantisation too.
    output_ulp : :class:`float`
        Unit in the last place of an output.
    saturations : dict of :class:`int`
        Clamped tokens by unit, and clamped elements of the inputs; what never happened is left out.
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
    formats: dict
    scale: float
    engine: str
    cycles: int
    scores: int
    cycles_per_score: float
    bit_exact: bool
    max_abs_error: float
    mean_abs_error: float
    max_abs_error_total: float
    output_ulp: float
    saturations: dict
    fifos: list
    state_words: int
    state_bits: int
    intermediate_words: int
    intermediate_bits: int
    peak_words: int
    outputs: object = None
    fill: list | None = None

    @property
    def peaks(self):
        """Greatest fill by name of the FIFO."""
        return {fifo.name: fifo.peak for fifo in self.fifos}

    def to_dict(self):
        """Plain data for JSON: everything but the outputs and the fill."""
        plain = asdict(replace(self, outputs=None, fill=None))
        return {key: value for key, value in plain.items() if key not in {"outputs", "fill"}}


def run(
    pipeline,
    q,
    k,
    v,
    *,
    lengths=None,
    stalls=None,
    limit=None,
    engine=AUTO,
    watch=False,
    vcd=None,
    window=None,
    progress=None,
):
    """Compute attention with a simulated pipeline and check every bit of it.

    Parameters
    ----------
    pipeline : :class:`Attention` or :class:`str`
        A pipeline; or the name of one, to be built with formats and row length that fit the data.
    q, k, v : array-like
        Floats, (N_q, d), (N_k, d) and (N_k, dv). With one more dimension in front, or as lists of
        such arrays: heads, run back to back.
    lengths : array-like
        For each query, how many keys it attends to, counted from the first; for several heads, a
        list of those. All keys, unless given.
    stalls : dict of :class:`Stall`
        For inputs ``q``, ``k``, ``v`` and output ``o``.
    limit : :class:`int`
        Cycles after which to give up; unless given, 1000 and 64 for each that is needed.
    engine : :class:`str`
        A key of :data:`ENGINES`; or ``auto``, for the one sooner done.
    watch : :class:`bool`
        Check the contract of streams on every stream within the pipeline.
    vcd : path
        Where to write a waveform.
    window : tuple of (:class:`int`, :class:`int` or None)
        First and last cycle that the waveform shows, None for the end of the run; the whole run,
        unless given. Cycles of the run, as in the waveform's time: 0 is the one in which the first
        input token is accepted, unless all inputs stall at first. For the compiled engine only.
    progress : callable
        Called with the number of queries answered, after each.

    Returns
    -------
    :class:`Report`

    Raises
    ------
    InputError
        The data is not fit for the pipeline, or the window not for the run or the engine.
    ToolError
        There is no compiler for the engine that was named, or that the window needs.
    SimulationError
        The run did not end: a deadlock, with its cause, or the limit.
    """
    pipeline, given, workload = _prepare(pipeline, q, k, v, lengths)
    config = pipeline.config
    cycles = workload.scores * config.beats
    engine = choose(engine, pipeline, cycles, watch=watch, vcd=vcd, window=window)
    with Expected(pipeline, workload, given) as answers:
        trace = ENGINES[engine](
            pipeline,
            workload.sources(),
            {"o": workload.outputs},
            stalls=stalls,
            limit=limit or 1000 + 64 * cycles,
            watch=watch,
            vcd=vcd,
            window=window,
            progress=progress and (lambda tokens: progress(tokens // config.dv_beats)),
        )
        expected, exact, total, clamped = answers.result()
    outputs = workload.decode(trace.outputs["o"])
    fifos = [
        FifoUse(edge.name, edge.depth, edge.fifo.bits // edge.depth, trace.peaks[edge.name])
        for edge in pipeline.edges
    ]
    state_words = sum(node.unit.words for node in pipeline.nodes)
    state_bits = sum(node.unit.bits for node in pipeline.nodes)
    floats = _by_head(workload, outputs)
    return Report(
        pipeline=next(name for name, kind in PIPELINES.items() if isinstance(pipeline, kind)),
        n_q=max(len(head.q) for head in workload.heads),
        n_k=max(len(head.k) for head in workload.heads),
        d=config.d,
        dv=config.dv,
        lanes=config.lanes,
        heads=len(workload.heads),
        row_max=config.row_max,
        formats={name: repr(getattr(config, name)) for name in "qkvo"},
        scale=config.scale,
        engine=engine,
        cycles=trace.cycles,
        scores=workload.scores,
        cycles_per_score=trace.cycles / workload.scores,
        bit_exact=bool(np.array_equal(outputs, expected) and trace.saturations == clamped),
        output_ulp=config.o.ulp,
        saturations={n: c for n, c in {**workload.clipped, **trace.saturations}.items() if c},
        fifos=fifos,
        state_words=state_words,
        state_bits=state_bits,
        intermediate_words=state_words + sum(fifo.depth for fifo in fifos),
        intermediate_bits=state_bits + sum(fifo.depth * fifo.width_bits for fifo in fifos),
        peak_words=state_words + sum(fifo.peak for fifo in fifos),
        outputs=floats[0] if len(floats) == 1 else floats,
        fill=trace.fill,
        **errors(config, outputs, exact, total),
    )


def model(pipeline, q, k, v, *, lengths=None):
    """What :func:`run` would give, from the bit-exact model alone: no cycles, but fast.

    Parameters are those of :func:`run`.

    Returns
    -------
    :class:`dict`
        ``outputs``, ``saturations``, ``output_ulp`` and the three errors, as in :class:`Report`.
    """
    pipeline, given, workload = _prepare(pipeline, q, k, v, lengths)
    outputs, exact, total, clamped = Expected(pipeline, workload, given).compute()
    floats = _by_head(workload, outputs)
    return {
        "outputs": floats[0] if len(floats) == 1 else floats,
        "saturations": {n: c for n, c in {**workload.clipped, **clamped}.items() if c},
        "output_ulp": workload.config.o.ulp,
        **errors(workload.config, outputs, exact, total),
    }


def _prepare(pipeline, q, k, v, lengths):
    given = split_heads(q, k, v)
    if isinstance(pipeline, str):
        pipeline = build(pipeline, given)
    if lengths is not None and len(given) == 1 and np.ndim(lengths) == 1:
        lengths = [lengths]
    return pipeline, given, Workload(pipeline.config, given, lengths)


def _by_head(workload, outputs):
    """Floats of each head's outputs."""
    ends = np.cumsum([len(head.q) for head in workload.heads])
    return np.split(raw.to_float(outputs, workload.config.o), ends[:-1])
