"""Stalls that hypothesis draws: the same ones in every run, and shrunk where one fails."""

from hypothesis import HealthCheck, settings
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
    )


PATTERNS = st.text("01", min_size=1, max_size=8).filter(lambda text: "1" in text)
CHANCES = st.sampled_from([0.2, 0.5, 0.8]).map("random:{}".format)


def stall():
    """A schedule: any pattern of up to 8 cycles, or at random. The simplest is one that goes."""
    patterns = st.builds(Stall, st.just("1") | PATTERNS)
    return patterns | st.builds(Stall, CHANCES, st.integers(0, 1 << 30))


def stalls(ports):
    """One for each port."""
    return st.fixed_dictionaries({port: stall() for port in ports})
