"""Functions for units to apply: plain unsigned integers, sensitive to any token lost or swapped.

Units know nothing of numbers, so most of their tests do without fixed point. Each function comes as
hardware, for the unit, and as Python, for the reference.
"""

from amaranth.hdl import Mux, unsigned
from sdpaflow.numerics import Fold, Operator

__all__ = ["Horner", "Mix"]

PRIMES = (3, 5, 7)


class Mix(Operator):
    """``Σ_n (n + 1)-th odd prime · argument n``, modulo 256, in two stages."""

    shape = unsigned(8)

    def __init__(self, arguments=1):
        self.inputs = (unsigned(8),) * arguments

    def stages(self):
        def multiply(*values):
            return tuple(prime * v for prime, v in zip(PRIMES, values, strict=False))

        def add(*values):
            return (sum(values)[:8],)

        return [multiply, add]

    @staticmethod
    def of(*values):
        return sum(prime * v for prime, v in zip(PRIMES, values, strict=False)) % 256


class Horner(Fold):
    """``5 · state + token``, modulo 65536: tokens in another order give another state."""

    token = unsigned(8)
    state = unsigned(16)

    def step(self, first, state, token):
        return (Mux(first, 0, state) * 5 + token)[:16], None

    @staticmethod
    def of(group):
        """The last state."""
        return Horner.steps(group)[-1]

    @staticmethod
    def steps(group):
        """The state after each token."""
        states = [0]
        for token in group:
            states.append((5 * states[-1] + token) % 65536)
        return states[1:]
