"""Libraries are found by what a design is made of, without its netlist."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.hdl import Signal, signed, unsigned
from attention import NAMES, pipeline
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import SQ, UQ, Exp2, Narrow, Operator, Sum
from sdpaflow.pipelines import PIPELINES, Config
from sdpaflow.units import Fifo, Map, Reduce
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.engines.compiled import identity as identities
from sdpaflow_sim.engines.compiled import lookup
from sdpaflow_sim.engines.compiled.build import replicated
from sdpaflow_sim.engines.compiled.harness import Harness
from sdpaflow_sim.engines.compiled.identity import identity
from sdpaflow_sim.engines.cycle import Driver

X = SQ(4, 4)


class Table(Operator):
    """Looks its argument up."""

    inputs = (unsigned(2),)
    shape = unsigned(8)

    def __init__(self, values):
        self.values = values

    def stages(self):
        return [lambda x: (x,)]


class Chain(Dataflow):
    """As many FIFOs as it is told."""

    def __init__(self, length=2, depth=2):
        super().__init__()
        x = self.input(X)
        for n in range(length):
            x = self.map(Narrow(X, X), x.fifo(depth) if n else x, name=f"y{n}")
        self.output(o=x)


@pytest.mark.parametrize("name", NAMES)
def test_equal_pipelines_are_one(name):
    assert identity(pipeline(name)) == identity(pipeline(name)) is not None


def others():
    """Pairs of designs that differ in one thing."""
    yield Fifo(X, 0, depth=4), Fifo(X, 0, depth=5)
    yield Fifo(X, 0, depth=4), Fifo(X, 1, depth=4)
    yield Fifo(X, 0, depth=4), Fifo(SQ(5, 3), 0, depth=4)
    yield Fifo(unsigned(8), 0), Fifo(signed(8), 0)
    yield Map(Narrow(X, SQ(3, 4))), Map(Narrow(X, SQ(4, 3)))
    yield Map(Exp2(X, UQ(4, 4), 16)), Map(Exp2(X, UQ(4, 4), 32))
    yield Map(Table([1, 2, 3, 4])), Map(Table([1, 2, 4, 3]))
    yield Map(Table(np.arange(4))), Map(Table(np.arange(4)[::-1]))
    yield Map(Table({1: "a"})), Map(Table({1: "b"}))
    yield Map(Table(True)), Map(Table(1))
    yield Map(Table(Signal(4, init=1))), Map(Table(Signal(4, init=2)))
    yield Reduce(Sum(X, 2), 1), Reduce(Sum(X, 2), 2)
    yield Chain(2), Chain(3)
    yield Chain(2), Chain(2).resize({"y0": 3})
    yield Chain(2, depth=4), Chain(2, depth=5)
    made = PIPELINES["naive"]
    yield made(Config(d=2, row_max=8)), made(Config(d=2, row_max=9))
    yield made(Config(d=2, row_max=8)), PIPELINES["scaled"](Config(d=2, row_max=8))


@pytest.mark.parametrize(("one", "other"), [*others()])
def test_other_designs_are_others(one, other):
    assert None not in {identity(one), identity(other)}
    assert identity(one) != identity(other)


def test_what_cannot_be_described_has_none():
    """A function's own class or variable, a function without a name, an open file."""

    class Local(Table):
        pass

    known = 3
    with open(os.devnull, encoding="ascii") as file:
        for design in (Local([1]), Table(lambda: known), Table(file), Table(iter([1]))):
            assert identity(Map(design)) is None


def test_a_file_that_changed_since_is_not_what_was_imported(monkeypatch):
    assert identities.sources() is not None
    monkeypatch.setattr(identities, "BEGUN", 0)
    assert identities.sources() is None
    assert identity(Map(Table([1]))) is None  # of this file
    assert identity(pipeline("memory-free")) is not None


@pytest.mark.slow
def test_a_run_that_is_known_makes_no_netlist(monkeypatch, cache):
    """Neither does asking whether it is; another's library is not taken for it."""
    q, k, v = np.random.default_rng(1).normal(size=(3, 6, 1))

    def made(name="memory-free"):
        return pipeline(name, d=1, segments=16, digits=4)

    first = run(made(), q, k, v, engine="verilator")
    assert first.bit_exact
    (note,) = cache.glob("*.library")

    def netlist(self):
        raise AssertionError("made a netlist")

    with monkeypatch.context() as patched:
        patched.setattr(Harness, "rtlil", property(netlist))
        again = run(made(), q, k, v, engine="verilator")
        assert again.to_dict() == first.to_dict()
        assert lookup.is_built(Harness(Driver(made(), {}, False)))
        with pytest.raises(AssertionError, match="made a netlist"):
            lookup.is_built(Harness(Driver(made(), {}, True)))
        with pytest.raises(AssertionError, match="made a netlist"):
            run(made("scaled-reordered"), q, k, v, engine="verilator")
    note.write_text("gone.so")
    assert lookup.is_built(Harness(Driver(made(), {}, False)))  # by its netlist


MODULE = """
from sdpaflow import SQ, Dataflow, Narrow

class Pass(Dataflow):
    def __init__(self):
        super().__init__()
        x = self.input(SQ(4, 4))
        y = self.map(Narrow(SQ(4, 4), shape), x)
        self.output(o=y)
"""

IDENTITY = """
from mine import Pass
from sdpaflow_sim.engines.compiled.identity import identity
print(identity(Pass()))
"""


def test_modules_of_ones_own_are_told_by_their_sources(tmp_path):
    """Also those that a class's module imports."""
    (tmp_path / "mine.py").write_text(f"from other import shape\n{MODULE}")

    def found(source):
        (tmp_path / "other.py").write_text(f"from sdpaflow import SQ\n{source}")
        program = [sys.executable, "-B", "-c", IDENTITY]
        done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    first = found("shape = SQ(3, 4)")
    assert first == found("shape = SQ(3, 4)") != "None\n"
    assert first != found("shape = SQ(3, 4)  # a word")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x = { a[7], a[7], a[7], a };", "x = { {3{a[7]}}, a };"),
        ("x = { a, b, b, b, b };", "x = { a, {4{b}} };"),
        ("x = { 1'h0, 1'h0, 1'h0, a, a, a };", "x = { {3{1'h0}}, {3{a}} };"),
        ("x = { a, a };", "x = { a, a };"),
        ("x = { ab, ab, abc, b };", "x = { ab, ab, abc, b };"),
        ("x = { ab, b, b, b[1] };", "x = { ab, b, b, b[1] };"),
        ("f(a, a, a);", "f(a, a, a);"),
    ],
)
def test_what_is_written_out_is_counted(text, wanted):
    assert replicated(text) == wanted


def test_a_session_has_no_source(monkeypatch):
    """A class that was typed in has none to be told by."""
    session = SimpleNamespace(__name__="__main__", Table=Table)
    monkeypatch.setitem(sys.modules, "__main__", session)
    monkeypatch.setattr(Table, "__module__", "__main__")
    assert identity(Map(Table([1]))) is None
    session.__file__ = __file__
    assert identity(Map(Table([1]))) is not None
