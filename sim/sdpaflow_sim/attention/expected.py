"""What must come out of a workload, computed while it is simulated."""

import threading

import numpy as np

from sdpaflow_sim.attention.float64 import attention, quantised_and_given

__all__ = ["Expected"]


class Expected:
    """The outputs of a workload by the bit-exact model and by float64, a few rows at a time.

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

    def __init__(self, pipeline, workload, given):
        self._pipeline, self._job, self._given = pipeline, workload, given
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._stop = False
        self._error = self._result = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._stop = True
        self._thread.join()

    def result(self):
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
        return self._result

    def _run(self):
        try:
            self._result = self.compute()
        except Exception as error:
            self._error = error

    def compute(self):
        """The same, here and now; None if it was stopped."""
        workload, clamped = self._job, {}
        expected, exact, total = [], [], []
        for head, given in zip(workload.heads, self._given, strict=True):
            references = quantised_and_given(workload.config, head, given)
            for rows in workload.batches(head):
                if self._stop:
                    return None
                outputs, counts = workload.model(self._pipeline, head, rows)
                clamped = {name: clamped.get(name, 0) + n for name, n in counts.items()}
                expected.append(outputs)
                for found, (q, k, v, scale) in zip((exact, total), references, strict=True):
                    lengths = head.lengths[rows]
                    found.append(attention(q[rows], k, v, base2_scale=scale, lengths=lengths))
        return *map(np.concatenate, (expected, exact, total)), clamped
