"""The one call that runs a pipeline, and what it reports."""

import numpy as np
import pytest
from attention import NAMES, correct, head, pipeline
from sdpaflow.numerics.fixed import SQ
from sdpaflow.pipelines import MemoryFree, Scaled
from sdpaflow_sim.attention import run as run_module
from sdpaflow_sim.attention.inputs import build, fitting, sample, split_heads
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.engines.trace import Trace
from sdpaflow_sim.errors import InputError, LimitError


class Halved(MemoryFree):
    """Memory-free attention that says it computes half of that."""

    def reference(self, q, k, v, lengths=None):
        return super().reference(q, k, v, lengths) / 2


def test_by_name():
    """The name of a pipeline is enough; formats and row length fit the data."""
    report = run("scaled", *head(n_q=2, n_k=5))
    assert report.bit_exact
    assert (report.row_max, report.formats["k"], report.formats["v"]) == (5, "SQ(3,13)", "SQ(3,13)")


def test_by_class():
    """So is its class, and that of one's own."""
    data = head(n_q=2, n_k=5)
    assert run(Scaled, *data).to_dict() == run("scaled", *data).to_dict()
    report = run(Halved, *data)
    assert (report.pipeline, report.bit_exact) == ("halved", True)
    with pytest.raises(InputError, match="or a subclass of Attention, not <class 'int'>"):
        run(int, *data)


def test_errors_are_against_the_pipelines_own_reference():
    """Outputs are twice what this reference says, and errors say so; bits are right."""
    data = head(n_q=2, n_k=5)
    own, plain = run(Halved, *data), run("memory-free", *data)
    assert plain.max_abs_error < 2 * plain.output_ulp
    assert np.array_equal(own.outputs, plain.outputs)
    assert own.max_abs_error == pytest.approx(np.abs(own.outputs).max() / 2, abs=1e-3)
    assert own.max_abs_error_total == pytest.approx(own.max_abs_error, abs=1e-3)


@pytest.mark.parametrize(
    ("returned", "what"),
    [(np.zeros((4, 2)), r"float64 of \(4, 2\)"), (np.zeros((2, 4), int), r"int64 of \(2, 4\)")],
)
def test_a_reference_that_is_none(monkeypatch, returned, what):
    """What a reference gives must have the shape of the outputs."""
    monkeypatch.setattr(Halved, "reference", lambda *arguments: returned)
    wanted = r"Halved.reference must return floats of shape \(N_q, dv\) = \(2, 4\), not "
    with pytest.raises(InputError, match=wanted + what):
        run(Halved, *head(n_q=2, n_k=5))


def test_a_constructor_of_ones_own():
    """It is given a configuration that fits the data, and what else it takes."""

    class Weighted(MemoryFree):
        def __init__(self, config, weight):
            super().__init__(config)
            self.weight = weight

    heads = split_heads(*head())
    assert build(Weighted, heads, arguments={"weight": 3}, lanes=2).weight == 3
    with pytest.raises(InputError, match="unexpected keyword argument 'wait'"):
        build(Weighted, heads, arguments={"wait": 3})
    with pytest.raises(InputError, match="Weighted stores no rows: leave out row_max"):
        build(Weighted, heads, row_max=9)


def test_integers_and_lists():
    """Integer arrays, and lists of lists, are numbers too."""
    q, k, v = [[1, 0], [0, 1]], [[1, 0], [0, 1], [1, 1]], [[4], [5], [6]]
    assert run("memory-free", np.array(q), np.array(k), np.array(v)).bit_exact
    assert run("memory-free", q, k, v).bit_exact


@pytest.mark.parametrize("name", NAMES)
def test_report_counts_the_graph(name):
    """Words and bits are those of the graph's FIFOs and units, and peaks never exceed depths."""
    dut = pipeline(name, row_max=8)
    report = correct(dut, *head())
    assert report.pipeline == name
    assert [(f.name, f.depth) for f in report.fifos] == [(e.name, e.depth) for e in dut.edges]
    assert report.intermediate_words - report.state_words == sum(e.depth for e in dut.edges)
    assert report.intermediate_bits - report.state_bits == sum(e.fifo.bits for e in dut.edges)
    assert all(fifo.peak <= fifo.depth for fifo in report.fifos)
    assert report.peak_words - report.state_words == sum(fifo.peak for fifo in report.fifos)
    assert len(report.fill) == report.cycles
    assert max(report.fill) <= sum(fifo.peak for fifo in report.fifos)
    assert report.cycles_per_score == report.cycles / report.scores


def test_wrong_bits_are_noticed(monkeypatch):
    """An engine that returns one wrong bit, or one wrong count, makes the report say so."""
    dut, data = pipeline("naive", row_max=8), head()
    honest = run_module.ENGINES["amaranth"]

    def flipped(*arguments, **options):
        trace = honest(*arguments, **options)
        trace.outputs["o"][3] ^= 1
        return trace

    def miscounted(*arguments, **options):
        trace = honest(*arguments, **options)
        trace.saturations["e_ij"] += 1
        return trace

    for dishonest in (flipped, miscounted):
        monkeypatch.setitem(run_module.ENGINES, "amaranth", dishonest)
        assert not run(dut, *data).bit_exact


def test_another_engine_can_stand_in(monkeypatch):
    """Whatever returns a trace is an engine; the report says which ran."""

    def replay(dut, sources, counts, **options):
        return Trace(
            outputs=first.outputs, times=first.times, cycles=7, peaks=first.peaks,
            flags=first.flags,
        )  # fmt: skip

    dut, data = pipeline("memory-free"), head()
    traces = []
    honest = run_module.ENGINES["amaranth"]
    monkeypatch.setitem(
        run_module.ENGINES, "amaranth", lambda *a, **o: traces.append(honest(*a, **o)) or traces[-1]
    )
    assert run(dut, *data).bit_exact
    (first,) = traces
    monkeypatch.setitem(run_module.ENGINES, "replay", replay)
    report = run(dut, *data, engine="replay")
    assert (report.engine, report.cycles, report.bit_exact) == ("replay", 7, True)


def test_limit():
    """A run that takes too long is given up, saying how far it came."""
    dut = pipeline("memory-free")
    with pytest.raises(
        LimitError, match=r"not finished after 70 cycles: tokens given, [1-5] of 6 at o"
    ):
        run(dut, *head(), limit=70)


def test_progress():
    """Progress is told after each query."""
    seen = []
    run(pipeline("memory-free", lanes=1), *head(n_q=3), progress=seen.append)
    assert sorted(set(seen)) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1, 2], "lengths must be 6 integers"),
        ([1, 2, 3, 4, 5, 9], "lengths must be 1 to 8, not 1 to 9"),
        ([0] * 6, "lengths must be 1 to 8, not 0 to 0"),
        ([1.5] * 6, "lengths must be 6 integers, not float64"),
    ],
)
def test_bad_lengths(lengths, message):
    """Row lengths that make no sense are refused."""
    with pytest.raises(InputError, match=message):
        run(pipeline("memory-free"), *head(), lengths=lengths)


def test_data_for_another_pipeline():
    """Data that a pipeline was not built for is refused."""
    with pytest.raises(InputError, match="the pipeline is for d = 4, dv = 4, not 8 and 8"):
        run(pipeline("memory-free"), *head(d=8))
    with pytest.raises(InputError, match="rows have up to 8 keys, more than row_max = 7"):
        run(pipeline("naive", row_max=7), *head())
    with pytest.raises(
        InputError, match="engine must be one of auto, amaranth, verilator, not 'x'"
    ):
        run("naive", *head(), engine="x")
    with pytest.raises(InputError, match="all heads must have the same d and dv"):
        split_heads(*map(list, zip(head(), head(d=8), strict=True)))


@pytest.mark.parametrize(
    ("largest", "shape"),
    [(0.5, SQ(1, 15)), (0.99999, SQ(2, 14)), (1, SQ(2, 14)), (3.3, SQ(3, 13)), (0, SQ(1, 15))],
)
def test_fitting_formats(largest, shape):
    """The binary point lies as far left as the largest value allows once it is rounded."""
    assert fitting([np.array([largest, -largest / 2])]) == shape


def test_shipped_data():
    """Three layers of twelve heads of 145 tokens of a real encoder, with scores as documented."""
    for layer in (0, 2, 5):
        assert [array.shape for array in sample(layer, 11)] == [(145, 32)] * 3
    scores = [q.astype(float) @ k.T / np.sqrt(32) for q, k, _ in (sample(5, h) for h in range(12))]
    assert np.abs(scores).max() < 8
    build("memory-free", split_heads(*sample()))
