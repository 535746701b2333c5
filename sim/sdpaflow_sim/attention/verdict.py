"""Whether what came out is attention: errors against the bound that a pipeline states."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sdpaflow.numerics import raw
from sdpaflow.pipelines import Attention

from sdpaflow_sim.attention.extras import columns
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.attention.report import Report

__all__ = ["bound_of", "faint_rows", "verdict", "within"]


def bound_of(pipeline: Attention, workload: Workload) -> float | None:
    """The most that an output may be off, in units of its last place, for rows of these lengths.

    None where the pipeline's own class states none: one that modifies scores on the way errs by
    more than the class it is derived from.
    """
    if "error_terms" not in vars(type(pipeline)):
        return None
    if not all(modifier.exact for modifier in pipeline.modifiers):
        return None
    lengths = np.concatenate([head.lengths for head in workload.heads])
    return max(pipeline.error_bound(int(keys)) for keys in (lengths.min(), lengths.max()))


def within(bound: float | None, off: Mapping[str, float], ulp: float) -> bool:
    """Whether errors, as :func:`.float64.errors` gives them, are within a bound, if any."""
    return bound is None or off["max_abs_error"] <= bound * ulp


def faint_rows(pipeline: Attention, workload: Workload) -> int:
    """Rows whose greatest score is below 0, where no maximum is subtracted.

    All weights of such a row are below 1, and lose a bit for every unit that the score is lower.
    """
    if pipeline.subtracts_maximum:
        return 0
    config, count = pipeline.config, 0
    for head in workload.heads:
        q, k = (raw.to_float(getattr(head, name), getattr(config, name)) for name in "qk")
        for rows in workload.batches(head):
            scores = q[rows] @ k.T * np.log(2)
            extras = {name: extra[rows] for name, extra in head.extras.items()}
            scores = pipeline.modify(scores, columns(extras, len(k)))
            kept = np.arange(len(k)) < head.lengths[rows, None]
            top = np.where(kept, scores, -np.inf).max(axis=1)
            count += int(np.count_nonzero((top < 0) & (top > -np.inf)))
    return count


def verdict(report: Report) -> str | None:
    """One line where an output is not attention: by how much it is off, and why; else None."""
    if report.is_attention:
        return None
    ulp: Any = report.output_ulp
    causes = [
        f"{_counted(count, 'token')} clamped in {unit}"
        for unit, count in report.saturations.items()
        if not unit.startswith("input ")
    ]
    if faint := report.underflows.get("rows"):
        causes.append(
            f"{_counted(faint, 'row')} of negative scores, whose maximum is not subtracted"
        )
    return (
        f"{report.pipeline}: NOT ATTENTION: an output is off by {report.max_abs_error / ulp:,.1f} "
        f"ulp, where {report.error_bound:,.2f} is the most: "
        f"{'; '.join(causes) or 'no cause is known'}"
    )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
