"""What a unit computes: one object with shape, latency, hardware and bit-exact model.

An :class:`Operator` maps tokens to tokens (for ``Map``); a :class:`Fold` folds a group of tokens
into a state (for ``Reduce``, ``MemReduce`` and ``Scan``). Units know nothing of numbers and numbers
nothing of streams; this package is the border.

Models work on raw values as :mod:`sdpaflow.numerics.raw` lays them out: int64 arrays with the token
index first, ``(n,)`` for a number, ``(n, lanes)`` for a vector, a dict of those for a structure.
"""

from sdpaflow.numerics.operator.fold import Fold, Interleaved
from sdpaflow.numerics.operator.function import Operator
from sdpaflow.numerics.operator.wrappers import Carry, Chain, Serial

__all__ = ["Carry", "Chain", "Fold", "Interleaved", "Operator", "Serial"]
