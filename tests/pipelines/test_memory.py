"""What has to wait, and where: the FIFOs of the pipelines."""

import pytest
from attention import NAMES, STORING, correct, cycles, head, pipeline, shared
from sdpaflow_sim.errors import DeadlockError

LONG = {
    "naive": ["row"],
    "reordered": [],
    "scaled": ["s_wait", "e_wait"],
    "scaled-reordered": ["row"],
    "memory-free": [],
}
"""Long FIFOs."""

SKEWS = {"row": 3, "s_wait": 3, "e_wait": 14}
"""By how many cycles more than a row each waits: for a maximum, or for a sum that is normalised."""


def skew(name, fifo):
    return SKEWS["e_wait" if name == "naive" else fifo]


CASES = [(name, fifo) for name in STORING for fifo in LONG[name]]


@pytest.mark.parametrize("name", NAMES)
def test_long_fifos(name):
    """With lanes = d, all FIFOs but those that hold a row are no more than 2 deep."""
    dut = pipeline(name, row_max=50)
    deep = {edge.name: edge.depth for edge in dut.edges if edge.depth > 2}
    assert deep == {fifo: 50 + skew(name, fifo) for fifo in LONG[name]}


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("name", ["reordered", "memory-free"])
def test_constant_fill(name, lanes):
    """Without long FIFOs, every FIFO peaks at the same fill whatever the length of the rows."""
    dut = shared(name, lanes=lanes)
    peaks = [correct(dut, *head(n_q=3, n_k=n_k)).peaks for n_k in (20, 32)]
    assert peaks[0] == peaks[1]
    assert max(peaks[0].values()) <= max(2, dut.config.dv_beats)


@pytest.mark.parametrize("name", STORING)
def test_peak_fill_of_a_row(name):
    """A row FIFO peaks at N + (latency of what it waits for) + 1, a word below its depth."""
    for n_k in (16, 40):
        peaks = correct(shared(name, 4, None, n_k), *head(n_q=2, n_k=n_k)).peaks
        for fifo in LONG[name]:
            assert peaks[fifo] == n_k + skew(name, fifo) - 1
        assert all(peak <= 2 for fifo, peak in peaks.items() if fifo not in LONG[name])


@pytest.mark.parametrize(("lanes", "n_k"), [(4, 13), (2, 8)])
@pytest.mark.parametrize(("name", "fifo"), CASES)
def test_least_depth_that_completes(name, fifo, n_k, lanes):
    """N − 1 words are enough to finish; with one less the pipeline stops and says why."""
    least = pipeline(name, lanes=lanes, row_max=n_k, depths={fifo: n_k - 1})
    correct(least, *head(n_q=2, n_k=n_k))
    less = pipeline(name, lanes=lanes, row_max=n_k, depths={fifo: n_k - 2})
    with pytest.raises(
        DeadlockError, match=rf"room in FIFO {fifo}, which is full with {n_k - 2} words"
    ):
        correct(less, *head(n_q=2, n_k=n_k))


@pytest.mark.parametrize(("name", "fifo"), CASES)
def test_least_depth_that_keeps_the_rate(name, fifo):
    """The derived depth keeps one score per cycle; each word less costs a cycle per row."""
    n_q, n_k, depth = 5, 20, 20 + skew(name, fifo)
    full = cycles(name, n_q, n_k)
    for missing in (1, 2):
        fewer = cycles(name, n_q, n_k, depths={fifo: depth - missing})
        assert fewer - full == missing * (n_q - 1)
    assert cycles(name, n_q, n_k, depths={fifo: depth + 1}) == full


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize(("name", "fifo"), CASES)
def test_fewer_lanes_need_less(name, fifo, lanes):
    """With several cycles per score the FIFOs around absorb the skew: N − 1 words keep the rate."""
    n_k = 20
    assert cycles(name, 3, n_k, lanes=lanes, depths={fifo: n_k - 1}) == cycles(
        name, 3, n_k, lanes=lanes
    )


@pytest.mark.parametrize("name", STORING)
def test_shorter_rows_need_no_more(name):
    """A pipeline built for long rows gives the same bits in the same cycles for short ones."""
    q, k, v = head(n_q=5, n_k=9)
    fitted = correct(shared(name, 4, None, 9), q, k, v)
    roomy = correct(shared(name, 4, None, 40), q, k, v)
    assert (fitted.outputs == roomy.outputs).all()
    assert fitted.cycles == roomy.cycles
    assert fitted.peaks == roomy.peaks
