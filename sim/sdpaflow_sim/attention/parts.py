"""A workload's queries in parts, each simulated by a process of its own; the sum is that of one.

A row's cycles depend on the rows shortly before it, and on none behind it. So a run of rows A and B
takes ``c(A) + c(B) - c(a) - c(b) + c(ab)`` cycles, where a is the end of A, b the beginning of B,
and ``ab`` both in one run: a few rows, run once more for each cut. That holds where rows take the
time of their keys; where they wait for the divider, what they leave behind in FIFOs reaches
further, and such runs are not cut. Two lengths of a and b must agree, or the run is not cut either.
"""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from sdpaflow.pipelines import Attention

from sdpaflow_sim.attention.expected import Expected, Result
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.attention.inputs import Matrices
from sdpaflow_sim.engines.trace import FILL, Trace

__all__ = ["Outcome", "Simulate", "cores", "cuts", "simulate", "simulate_parts"]

ROWS = (2, 4)
"""Rows on either side of a cut that are run once more."""

Simulate = Callable[[Workload, Callable[[int], None] | None], Trace]
"""Runs a workload; the function is told how many output tokens there are."""


@dataclass
class Outcome:
    """What a workload's simulation and its model gave.

    Attributes
    ----------
    outputs : numpy.ndarray
        Raw integers, (queries, dv).
    cycles, peaks, flags, fill
        As in :class:`Trace`.
    expected : tuple
        As :meth:`Expected.result` returns it.
    """

    outputs: np.ndarray
    cycles: int
    peaks: dict[str, int]
    flags: dict[str, dict[str, int]]
    fill: list[int]
    expected: Result = field(repr=False)

    @property
    def saturations(self) -> dict[str, int]:
        """Clamped tokens by name of the unit."""
        return self.flags.get("saturated", {})


def cores() -> int:
    """Processes that a run may use: one per core, and a single one within a process of a pool."""
    from multiprocessing import parent_process

    if parent_process() is not None:
        return 1
    if threading.active_count() > 1 or sys.platform == "darwin":
        return 1  # where a process that forks must have no other threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def cuts(workload: Workload, processes: int | None = None) -> list[int]:
    """Queries at which a workload's parts begin, the first one's 0 included.

    There are as many parts as :func:`cores` unless told otherwise, each so long that the recorded
    fill of FIFOs is that of the first. A workload of which a row may have to wait for the divider
    is one part.
    """
    config = workload.config
    taken = np.concatenate([head.lengths for head in workload.heads]) * config.beats
    ends = np.cumsum(taken)
    number = int(ends[-1]) // (FILL + FILL // 8)
    if number < 2 or taken.min() < 2 * (config.dv + 8) or not hasattr(os, "fork"):
        return [0]
    number = min(number, processes or cores())
    wanted = [int(np.searchsorted(ends, ends[-1] * n // number)) for n in range(1, number)]
    # Where the model begins a batch: floats would else be added in another order.
    starts = np.cumsum([0, *(len(head.q) for head in workload.heads[:-1])])
    batches = np.concatenate([
        [start + rows.start for rows in workload.batches(head)]
        for start, head in zip(starts, workload.heads, strict=True)
    ])
    found = (int(batches[np.searchsorted(batches, cut, "right") - 1]) for cut in wanted)
    return sorted({0, *found})


def simulate(
    dut: Attention,
    workload: Workload,
    given: Sequence[Matrices],
    run: Simulate,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """A workload in this process, its model in a thread beside it."""
    with Expected(dut, workload, given) as answers:
        trace = run(workload, progress)
        expected = answers.result()
    outputs = workload.decode(trace.outputs["o"])
    return Outcome(outputs, trace.cycles, trace.peaks, trace.flags, trace.fill, expected)


def simulate_parts(
    dut: Attention,
    workload: Workload,
    given: Sequence[Matrices],
    run: Simulate,
    starts: Sequence[int],
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """A workload cut at queries: equal in every field to :func:`simulate` of all of it.

    The first part runs in this process, the others in forks of it. A part whose process is killed
    is simulated here, which is said on standard error. Where any part fails, so does the whole, in
    the same cycle as uncut: it is run anew.

    Raises
    ------
    SimulationError
        As ``run`` raises it.
    """
    from sdpaflow_sim.attention.children import Child, Killed  # here: a short run does without

    ends = [*starts[1:], workload.queries]
    beats = workload.config.dv_beats
    parts = [workload.part(a, b) for a, b in zip(starts, ends, strict=True)]
    shares = [workload.share(given, a, b) for a, b in zip(starts, ends, strict=True)]

    def work(index: int, told: Callable[[int], None] | None) -> Outcome:
        return simulate(dut, parts[index], shares[index], run, told)

    with Child.several(work, range(1, len(parts))) as others:
        done = progress and (lambda count: progress(count + sum(p.count for p in others)))
        overlaps = [_overlap(workload, cut, run) for cut in starts[1:]]
        if None in overlaps:
            return simulate(dut, workload, given, run, progress)
        outcomes = [work(0, done)]
        for index, process in enumerate(others, 1):
            first, last = starts[index], ends[index] - 1
            try:
                outcome = process.result()
            except Killed as error:
                print(
                    f"sdpaflow: the process for queries {first:,} to {last:,} {error}; "
                    "they are simulated once more",
                    file=sys.stderr,
                )
                outcome = work(index, None)
            if outcome is None:
                return simulate(dut, workload, given, run, progress)
            outcomes.append(outcome)
            if progress:
                progress(beats * (last + 1))
    return _joined(outcomes, [overlap for overlap in overlaps if overlap is not None])


def _overlap(workload: Workload, cut: int, run: Simulate) -> tuple[int, dict[str, int]] | None:
    """Cycles by which two parts overlap at a cut, and peaks there; None where it reaches far."""
    found = []
    for rows in ROWS:
        low, high = max(0, cut - rows), min(workload.queries, cut + rows)
        apart = [run(workload.part(a, b), None).cycles for a, b in ((low, cut), (cut, high))]
        joint = run(workload.part(low, high), None)
        found.append(sum(apart) - joint.cycles)
    return (found[-1], joint.peaks) if len(set(found)) == 1 else None


def _joined(outcomes: Sequence[Outcome], overlaps: Sequence[tuple[int, dict[str, int]]]) -> Outcome:
    """The outcome of all parts as if they had been one."""
    peaks = [outcome.peaks for outcome in outcomes] + [peaks for _, peaks in overlaps]
    expected = [outcome.expected for outcome in outcomes]
    outputs, exact, total = (np.concatenate([result[n] for result in expected]) for n in range(3))
    return Outcome(
        outputs=np.concatenate([outcome.outputs for outcome in outcomes]),
        cycles=sum(outcome.cycles for outcome in outcomes) - sum(cycles for cycles, _ in overlaps),
        peaks={name: max(peak[name] for peak in peaks) for name in peaks[0]},
        flags={
            flag: _sum([outcome.flags[flag] for outcome in outcomes]) for flag in outcomes[0].flags
        },
        fill=outcomes[0].fill,
        expected=(outputs, exact, total, _sum([result[3] for result in expected])),
    )


def _sum(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    return {name: sum(count[name] for count in counts) for name in counts[0]}
