"""One call: a pipeline and arrays in; outputs, cycles and counts out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sdpaflow.numerics import raw
from sdpaflow.pipelines import Attention
from sdpaflow.scores import Modifier

from sdpaflow_sim.attention import parts
from sdpaflow_sim.attention.expected import Expected
from sdpaflow_sim.attention.float64 import errors
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.attention.inputs import Heads, Matrices, as_given, build, split_heads
from sdpaflow_sim.attention.report import FifoUse, Report, fifos_of, state_of
from sdpaflow_sim.attention.verdict import bound_of, faint_rows, within
from sdpaflow_sim.engines.choose import AUTO, ENGINES, choose
from sdpaflow_sim.engines.stalls import Stall
from sdpaflow_sim.engines.trace import Trace
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.outputs import FilePath

__all__ = ["ENGINES", "FifoUse", "Report", "model", "run"]

Pipeline = Attention | type[Attention] | str
"""A pipeline, its class, or its name."""

Lengths = ArrayLike | Sequence[ArrayLike]
"""For each query, how many keys it attends to; or a list of those, per head."""


Extras = Mapping[str, ArrayLike] | Sequence[Mapping[str, ArrayLike]]
"""What modifiers take, by name; or a list of those, per head."""


def run(
    pipeline: Pipeline,
    q: Heads,
    k: Heads,
    v: Heads,
    *,
    lengths: Lengths | None = None,
    score: Sequence[Modifier] = (),
    extras: Extras | None = None,
    stalls: Mapping[str, Stall] | None = None,
    limit: int | None = None,
    engine: str = AUTO,
    watch: bool = False,
    vcd: FilePath | None = None,
    window: tuple[int, int | None] | None = None,
    progress: Callable[[int], None] | None = None,
    processes: int | None = None,
) -> Report:
    """Compute attention with a simulated pipeline and check every bit of it.

    Parameters
    ----------
    pipeline : :class:`Attention`, its class, or :class:`str`
        A pipeline; or its class or its name, to be built with formats and row length that fit the
        data.
    q, k, v : array-like
        Floats, (N_q, d), (N_k, d) and (N_k, dv). With one more dimension in front, or as lists of
        such arrays: heads, run back to back. With two, (batch, heads, N, d), one batch's after
        another's.
    lengths : array-like
        For each query, how many keys it attends to, counted from the first; for several heads, a
        list of those. All keys, unless given.
    score : list of :class:`sdpaflow.Modifier`
        What is done to scores; a pipeline that was built has its own.
    extras : dict of array-like
        What modifiers take, by name: ``bias_ij`` or ``keep_ij``, (N_q, N_k) or broadcast to it; the
        numbers of queries, ``i``, (N_q,), which are counted unless given. For several heads that
        differ, a list of such dicts.
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
    processes : :class:`int`
        Over how many processes the queries of a long run are split, from two million cycles on; one
        per core, unless given. The report is the same in every field. Runs with stalls, a limit or
        a waveform are not split, nor is one whose rows wait for the divider.

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
    if processes is not None and (type(processes) is not int or processes < 1):
        raise InputError(f"processes must be an integer of at least 1, not {processes!r}")
    dut, given, workload = _prepare(pipeline, q, k, v, lengths, score, extras)
    config: Any = dut.config  # where a field may be None, it has filled in what that stands for
    cycles = workload.scores * config.beats
    engine = choose(engine, dut, cycles, watch=watch, vcd=vcd, window=window)

    def simulate(part: Workload, told: Callable[[int], None] | None) -> Trace:
        return ENGINES[engine](
            dut,
            part.sources(),
            {"o": part.outputs},
            stalls=stalls,
            limit=1000 + 64 * part.scores * config.beats if limit is None else limit,
            watch=watch,
            vcd=vcd,
            window=window,
            progress=told,
        )

    told = progress and (lambda tokens: progress(tokens // config.dv_beats))
    alone = engine != "verilator" or stalls or limit is not None or vcd is not None
    starts = parts.cuts(workload, 1 if alone else processes)
    if len(starts) == 1:
        outcome = parts.simulate(dut, workload, given, simulate, told)
    else:
        outcome = parts.simulate_parts(dut, workload, given, simulate, starts, told)
    outputs, (expected, exact, total, clamped) = outcome.outputs, outcome.expected
    fifos = fifos_of(dut, outcome.peaks)
    state_words, state_bits = state_of(dut)
    floats = _by_head(workload, outputs)
    off, bound = errors(config, outputs, exact, total), bound_of(dut, workload)
    underflows = {**workload.underflows, "rows": faint_rows(dut, workload)}
    kept, dead = workload.kept(dut)
    return Report(
        pipeline=dut.name,
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
        cycles=outcome.cycles,
        scores=workload.scores,
        cycles_per_score=outcome.cycles / workload.scores,
        bit_exact=bool(np.array_equal(outputs, expected) and outcome.saturations == clamped),
        output_ulp=config.o.ulp,
        saturations={n: c for n, c in {**workload.clipped, **outcome.saturations}.items() if c},
        fifos=fifos,
        state_words=state_words,
        state_bits=state_bits,
        intermediate_words=state_words + sum(fifo.depth for fifo in fifos),
        intermediate_bits=state_bits + sum(fifo.depth * fifo.width_bits for fifo in fifos),
        peak_words=state_words + sum(fifo.peak for fifo in fifos),
        outputs=as_given(q, floats),
        fill=outcome.fill,
        error_bound=bound,
        is_attention=within(bound, off, config.o.ulp),
        underflows={name: count for name, count in underflows.items() if count},
        modifiers=[repr(modifier) for modifier in dut.modifiers],
        kept_scores=kept,
        dead_rows=dead,
        **off,
    )


def model(
    pipeline: Pipeline,
    q: Heads,
    k: Heads,
    v: Heads,
    *,
    lengths: Lengths | None = None,
    score: Sequence[Modifier] = (),
    extras: Extras | None = None,
) -> dict[str, Any]:
    """What :func:`run` would give, from the bit-exact model alone: no cycles, but fast.

    Parameters are those of :func:`run`.

    Returns
    -------
    :class:`dict`
        ``outputs``, ``saturations``, ``output_ulp``, ``error_bound``, ``is_attention`` and the four
        errors, as in :class:`Report`.
    """
    dut, given, workload = _prepare(pipeline, q, k, v, lengths, score, extras)
    outputs, exact, total, clamped = Expected(dut, workload, given).compute()
    floats = _by_head(workload, outputs)
    off, bound = errors(workload.config, outputs, exact, total), bound_of(dut, workload)
    return {
        "outputs": as_given(q, floats),
        "saturations": {n: c for n, c in {**workload.clipped, **clamped}.items() if c},
        "output_ulp": workload.config.o.ulp,
        "error_bound": bound,
        "is_attention": within(bound, off, workload.config.o.ulp),
        **off,
    }


def _prepare(
    pipeline: Pipeline,
    q: Heads,
    k: Heads,
    v: Heads,
    lengths: Any,
    score: Sequence[Modifier],
    extras: Extras | None,
) -> tuple[Attention, list[Matrices], Workload]:
    given = split_heads(q, k, v)
    if isinstance(pipeline, Attention):
        dut = pipeline
        if score:
            raise InputError("score is for a pipeline that is yet to be built: give its class")
    else:
        arguments = {"score": list(score)} if score else None
        dut = build(pipeline, given, arguments=arguments)
    if lengths is not None and len(given) == 1 and np.ndim(lengths) == 1:
        lengths = [lengths]
    each = [extras] * len(given) if isinstance(extras, Mapping) else extras
    return dut, given, Workload(dut.config, given, lengths, dut.modifiers, each)


def _by_head(workload: Workload, outputs: np.ndarray) -> list[np.ndarray]:
    """Floats of each head's outputs."""
    ends = np.cumsum([len(head.q) for head in workload.heads])
    return np.split(raw.to_float(outputs, workload.config.o), ends[:-1])
