# amaranth: UnusedElaboratable=no
"""The AXI4-Stream top of attention: its marks, and what it says of wrong ones.

Data of attention: see the exports' tests. Other dataflows: see ``test_axi_dataflow.py``.
"""

import pytest
from attention import pipeline
from helpers.axi import drive
from sdpaflow.ports import AxiStreams

LIMIT = 200


def marks_of(dut, beats):
    """The marks of the output's beats, and the flag."""
    received, flags = drive(dut, beats, LIMIT)
    return [tlast for _, tlast, _ in received["o"]], flags["misframed"]


def rows(lanes, q_last, keys=3, queries=2):
    """Beats of two queries over three keys, ``tlast`` of q as given."""
    count = 4 // lanes
    row = [(1, last == keys * count - 1) for last in range(keys * count)]
    return {"q": [(1, q_last)] * queries * count, "k": row * queries, "v": row * queries}


@pytest.mark.parametrize("name", ["naive", "memory-free"])
@pytest.mark.parametrize("lanes", [4, 2])
def test_marks(name, lanes):
    """Each vector of the output is closed, whether or not queries were."""
    beats = rows(lanes, 0)
    beats["q"][-1] = (1, 1)
    for given in ([0, 0], [0, 1], [1, 1]):
        for query, last in enumerate(given):
            beats["q"][(query + 1) * 4 // lanes - 1] = (1, last)
        marks, misframed = marks_of(AxiStreams(pipeline(name, lanes=lanes)), beats)
        assert marks == ([1, 1] if lanes == 4 else [0, 1, 0, 1])
        assert not misframed


@pytest.mark.parametrize("stream", "qkv")
def test_mark_within_a_vector(stream):
    """A ``tlast`` before the last beat of a vector raises the flag, and closes nothing."""
    beats = rows(2, 0)
    beats[stream][0] = (1, 1)
    marks, misframed = marks_of(AxiStreams(pipeline("memory-free", lanes=2)), beats)
    assert marks == [0, 1, 0, 1]
    assert misframed
