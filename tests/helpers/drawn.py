"""Stalls that hypothesis draws: the same ones in every run, and shrunk where one fails."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from sdpaflow_sim.engines.stalls import Stall

__all__ = ["drawn", "stall", "stalls"]


def drawn(examples):
    """Settings of a test of so many examples, with no time limit and no files."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )


SPECS = ["1", "01", "10", "110", "0111", "1001", "0001", "10010", "11110000", "00000001"]
SPECS += [f"random:{chance}" for chance in (0.2, 0.5, 0.8)]
"""From the plainest on: those that fail are shrunk towards the first."""


def stall():
    """A schedule; those at random from eight seeds."""
    return st.builds(Stall, st.sampled_from(SPECS), st.integers(0, 7))


def stalls(ports):
    """One for each port."""
    return st.fixed_dictionaries({port: stall() for port in ports})
