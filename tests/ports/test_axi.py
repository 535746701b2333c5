# amaranth: UnusedElaboratable=no
"""The AXI4-Stream top: its marks, and what it says of wrong ones. Data: see the exports' tests."""

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator
from attention import pipeline
from sdpaflow.ports import AxiStreams

LIMIT = 200


def drive(dut, beats, cycles=LIMIT):
    """Offer beats, (tdata, tlast) by stream; the marks of the output's beats, and the flag."""
    top = Module()
    top.submodules.dut = dut
    simulator = Simulator(top)
    marks, flag = [], []

    async def testbench(ctx):
        waiting = {name: list(values) for name, values in beats.items()}
        ctx.set(dut.m_axis_o_tready, 1)
        for cycle in range(cycles):
            ctx.set(dut.aresetn, cycle > 1)
            for name, values in waiting.items():
                ctx.set(getattr(dut, f"s_axis_{name}_tvalid"), bool(values) and cycle > 1)
                if values:
                    ctx.set(getattr(dut, f"s_axis_{name}_tdata"), values[0][0])
                    ctx.set(getattr(dut, f"s_axis_{name}_tlast"), values[0][1])
            for name, values in waiting.items():
                if cycle > 1 and values and ctx.get(getattr(dut, f"s_axis_{name}_tready")):
                    values.pop(0)
            if ctx.get(dut.m_axis_o_tvalid):
                marks.append(ctx.get(dut.m_axis_o_tlast))
            ctx.set(dut.aclk, 1)
            await ctx.delay(1e-9)
            ctx.set(dut.aclk, 0)
            await ctx.delay(1e-9)
        flag.append(ctx.get(dut.misframed))

    simulator.add_testbench(testbench)
    simulator.run()
    return marks, flag[0]


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
        marks, misframed = drive(AxiStreams(pipeline(name, lanes=lanes)), beats)
        assert marks == ([1, 1] if lanes == 4 else [0, 1, 0, 1])
        assert not misframed


@pytest.mark.parametrize("stream", "qkv")
def test_mark_within_a_vector(stream):
    """A ``tlast`` before the last beat of a vector raises the flag, and closes nothing."""
    beats = rows(2, 0)
    beats[stream][0] = (1, 1)
    marks, misframed = drive(AxiStreams(pipeline("memory-free", lanes=2)), beats)
    assert marks == [0, 1, 0, 1]
    assert misframed
