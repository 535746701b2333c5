"""Pipelines as Verilog: right, and cycle by cycle what Amaranth's simulator shows."""

import json

import pytest
from attention import head, pipeline
from helpers.cosim import bench, on_simulators
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.engines.amaranth import simulate
from sdpaflow_sim.engines.stalls import Stall
from sdpaflow_sim.exporting import vectors
from sdpaflow_sim.exporting.design import pipeline_design
from sdpaflow_sim.verilog.count import count

pytestmark = pytest.mark.slow

ROW_MAX = 16
SCHEDULES = {
    "none": {},
    "pattern": {"q": ["100"], "k": ["0111"], "v": ["01"], "o": ["001"]},
    "random": {port: ["random:0.4", seed] for seed, port in enumerate("qkvo")},
}
LENGTHS = [7, 1, 9, 3]
"""Keys of each query: rows shorter than the divider's latency among them."""


def given(dut):
    """Tokens of a job with rows of several lengths, and those that the model says come out."""
    workload = Workload(dut.config, [head(2, len(LENGTHS), max(LENGTHS))], [LENGTHS])
    passing = vectors.of_pipeline(pipeline_design(dut), dut, workload.inputs())
    return tuple(
        {stream.name: list(map(int, stream.tokens)) for stream in streams}
        for streams in (passing.inputs, passing.outputs)
    )


@on_simulators(
    ("naive", "verilator"),
    ("scaled", "icarus"),
    ("memory-free", "verilator"),
    ("memory-free", "icarus"),
)
def test_pipelines(name, simulator, lanes, tmp_path):
    """All bits whatever the rhythm; bits, cycles, times and peaks of the other engine."""
    dut = pipeline(name, 2, lanes, row_max=ROW_MAX, segments=16)
    sources, wanted = given(dut)
    netlist = {entry.name: entry for entry in count(dut).entries}
    parts = {edge.name: netlist[f"{edge.name}_fifo"] for edge in dut.edges}
    fifos = {n: [e.words, e.flip_flops, e.memory_bits] for n, e in parts.items()}
    job = {
        "sources": sources,
        "wanted": wanted,
        "fifos": fifos,
        "stalls": SCHEDULES,
        "limit": 5000,
        "repeats": 4,
    }
    (tmp_path / "job.json").write_text(json.dumps(job), encoding="ascii")
    top = f"{name.replace('-', '_')}_{lanes}"
    options = {"simulator": simulator, "order": list("qkvo"), "run": tmp_path}
    done = bench(dut, top, "bench_pipeline", **options)
    assert len(done.tests) == 9 + 1 + 4 + len(SCHEDULES)

    for schedule, stalls in SCHEDULES.items():
        seen = json.loads((tmp_path / f"{schedule}.json").read_text(encoding="ascii"))
        counts = {port: len(tokens) for port, tokens in wanted.items()}
        schedules = {port: Stall(*stall) for port, stall in stalls.items()}
        trace = simulate(dut, sources, counts, stalls=schedules)
        assert trace.outputs == wanted
        for what in ("outputs", "times", "cycles", "peaks", "fill"):
            assert seen[what] == getattr(trace, what), f"{what}, {schedule}"
        log = done.log.read_text(encoding="utf-8")
        for edge, row in fifos.items():
            cells = [edge, *(str(cell) for cell in (row[0], trace.peaks[edge], *row[1:]))]
            assert any(line.split()[-5:] == cells for line in log.splitlines())
