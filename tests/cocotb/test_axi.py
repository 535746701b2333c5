"""Pipelines with AXI4-Stream ports as Verilog."""

import json

import pytest
from attention import head, pipeline
from helpers.cosim import bench, on_simulators
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.exporting import vectors
from sdpaflow_sim.exporting.design import pipeline_design

pytestmark = pytest.mark.slow

LENGTHS = [7, 1, 9, 3]


def frames(stream, beats=None):
    """Bytes of a stream's frames, in hexadecimal; ``beats`` says how long where no mark does."""
    width = stream.width - 1
    found = [b""]
    for index, token in enumerate(map(int, stream.tokens), 1):
        found[-1] += (token & (1 << width) - 1).to_bytes(width // 8, "little")
        if index % beats == 0 if beats else token >> width:
            found.append(b"")
    assert not found.pop()
    return [frame.hex() for frame in found]


@on_simulators(("naive", "icarus"), ("memory-free", "verilator"))
def test_axi(name, simulator, lanes, tmp_path):
    """All bits and marks whatever the rhythm, and after a reset in the middle."""
    dut = pipeline(name, 2, lanes, row_max=16, segments=16)
    workload = Workload(dut.config, [head(2, len(LENGTHS), max(LENGTHS))], [LENGTHS])
    design = pipeline_design(dut, "axi")
    passing = vectors.of_pipeline(design, dut, workload.inputs())
    q, k, v, o = *passing.inputs, *passing.outputs
    given = {
        "sources": {"q": frames(q, dut.config.beats), "k": frames(k), "v": frames(v)},
        "wanted": frames(o),
        "limit": 5000,
    }
    assert [len(given["sources"]["k"]), len(given["wanted"])] == [len(LENGTHS)] * 2
    (tmp_path / "job.json").write_text(json.dumps(given), encoding="ascii")
    options = {"simulator": simulator, "order": design.order, "run": tmp_path}
    done = bench(design.component, f"{name.replace('-', '_')}_{lanes}_axi", "bench_axi", **options)
    assert len(done.tests) == 9 + 1 + 1 + 4
