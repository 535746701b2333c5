"""What must come out of a workload, computed while it is simulated."""

import threading
from collections.abc import Sequence
from typing import Self

import numpy as np
from sdpaflow.pipelines import Attention

from sdpaflow_sim.attention.extras import columns
from sdpaflow_sim.attention.float64 import quantised, reference
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.attention.inputs import Matrices

__all__ = ["Expected", "Result"]

Result = tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, int]]
"""As :meth:`Expected.result` returns it."""


class Expected:
    """The outputs of a workload by the bit-exact model and in float64, a few rows at a time.

    In float64 they are what :meth:`Attention.reference` of the pipeline says.

    As a context it computes in a thread of its own, which ends with the context, done or not.

    Parameters
    ----------
    pipeline : :class:`Attention`
        Whose model.
    workload : :class:`Workload`
        What is computed.
    given : list of tuple
        Its heads before they were quantised.
    """

    def __init__(self, pipeline: Attention, workload: Workload, given: Sequence[Matrices]) -> None:
        self._pipeline, self._job, self._given = pipeline, workload, given
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._stop = False
        self._error: Exception | None = None
        self._result: Result | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop = True
        self._thread.join()

    def result(self) -> Result:
        """Wait for the end.

        Returns
        -------
        expected : numpy.ndarray
            Raw integers of the bit-exact model, (queries, dv).
        exact, total : numpy.ndarray
            Floats from the quantised inputs, and from the inputs as given, (queries, dv).
        clamped : dict of :class:`int`
            Clamped tokens by unit.
        """
        self._thread.join()
        if self._error:
            raise self._error
        assert self._result is not None  # it was not stopped
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._compute()
        except Exception as error:
            self._error = error

    def compute(self) -> Result:
        """The same, here and now."""
        result = self._compute()
        assert result is not None
        return result

    def _compute(self) -> Result | None:
        """The same; None if it was stopped."""
        clamped: dict[str, int] = {}
        found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        for head, given in zip(self._job.heads, self._given, strict=True):
            rounded = quantised(self._job.config, head)
            for rows in self._job.batches(head):
                if self._stop:
                    return None
                outputs, counts = self._job.model(self._pipeline, head, rows)
                clamped = {name: clamped.get(name, 0) + n for name, n in counts.items()}
                extras = {name: extra[rows] for name, extra in head.extras.items()}
                exact, total = (
                    reference(
                        self._pipeline,
                        q[rows],
                        k,
                        v,
                        head.lengths[rows],
                        columns(extras, len(k), quantised=near) if self._pipeline.modifiers else {},
                    )
                    for near, (q, k, v) in ((True, rounded), (False, given))
                )
                found.append((outputs, exact, total))
        expected, exact, total = map(np.concatenate, zip(*found, strict=True))
        return expected, exact, total, clamped
