# amaranth: UnusedElaboratable=no
"""Tables in docstrings, cycle by cycle: a simulation of the same tokens shows the same.

Tokens weigh 1, 2, 4, …, so that a sum tells which of them are in it.
"""

import inspect
import re
import sys

import numpy as np
import pytest
from amaranth.hdl import ClockDomain, Module, Value
from amaranth.lib import data
from amaranth.sim import Simulator
from sdpaflow.numerics import UQ, RescaledSum, raw
from sdpaflow.units import MemReduce, Reduce, token

LAYOUT = data.StructLayout({"weight": UQ(12), "down": UQ(3), "shift": UQ(5)})
FOLD = RescaledSum(LAYOUT, "weight", 4)
LETTERS = "abcdefghijkl"


def letters(bits, fine=FOLD.element.f_bits):
    """The tokens that are in a sum of so many fraction bits."""
    return "+".join(letter for n, letter in enumerate(LETTERS) if bits >> fine + n & 1) or "-"


def packed(rank, marks):
    """One token for each mark, the number that its ``last`` bits make."""
    n = len(marks)
    values = {"weight": 1 << np.arange(n), "down": np.zeros(n, int), "shift": np.ones(n, int)}
    return raw.pack(token(LAYOUT, rank), {"data": values, "last": np.array(marks)})


def elaborated(unit):
    """A unit's module, and what its method with the table calls its signals."""
    found = {}

    def keep(frame, event, _):
        if event == "return" and frame.f_code.co_name == "_interleave":
            found.update(frame.f_locals)

    sys.setprofile(keep)
    try:
        module = unit.elaborate(None)
    finally:
        sys.setprofile(None)
    return module, found


def shown(unit, tokens, columns, cycles):
    """Rows of a table: what goes in, and what each column says of a cycle."""
    m = Module()
    m.domains.sync = ClockDomain()
    m.submodules.unit, signals = elaborated(unit)
    cells = columns(unit, signals)
    rows = []

    async def testbench(ctx):
        waiting = list(enumerate(tokens))
        ctx.set(unit.o.ready, 1)
        for cycle in range(cycles):
            ctx.set(unit.i.valid, bool(waiting))
            if waiting:
                ctx.set(Value.cast(unit.i.payload), waiting[0][1])
            given = LETTERS[waiting[0][0]] if waiting else ""
            rows.append([str(cycle), given, *(cell(ctx) for cell in cells)])
            taken = ctx.get(unit.i.ready)
            await ctx.tick()
            if taken:
                del waiting[:1]

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()
    return rows


def sums(value, valid=None):
    """A cell of a register's sums; empty while it is not valid."""
    shown = Value.cast(value)
    return lambda ctx: letters(ctx.get(shown)) if valid is None or ctx.get(valid) else ""


def numbers(value, valid):
    """A cell of a register's tokens on their way, which grow by fraction bits; likewise."""
    number = value["number"]
    return lambda ctx: letters(ctx.get(number.as_value()), number.f_bits) if ctx.get(valid) else ""


def of_reduce(unit, s):
    return [
        numbers(s["waiting"], s["waits"]),
        numbers(s["addend"], s["adds"]),
        sums(s["shrunk"], s["adds"]),
        sums(s["newer"]),
        sums(s["older"]),
        sums(s["result"], unit.o.valid),
    ]


def of_mem_reduce(unit, s):
    def place(number, at):
        rows = getattr(s["m"].submodules, f"partial_{number}").data
        return lambda ctx: letters(int(ctx.get(rows[at])) << 7)

    return [
        numbers(s["waiting"].data, s["waiting"].valid),
        numbers(s["adding"].data, s["adding"].valid),
        sums(s["shrunk"], s["adding"].valid),
        *(place(number, at) for number in range(2) for at in range(unit.size)),
        lambda ctx: "yes" if ctx.get(s["leaving"]) else "no",
        sums(s["result"], unit.o.valid),
    ]


@pytest.mark.parametrize(
    ("make", "marks", "columns"),
    [
        (lambda: Reduce(FOLD), [0, 0, 0, 1, 0, 1], of_reduce),
        (lambda: MemReduce(FOLD, 2), [0, 1, 0, 1, 0, 3, 0, 1, 0, 1], of_mem_reduce),
    ],
    ids=["Reduce", "MemReduce"],
)
def test_what_registers_hold(make, marks, columns):
    """Each row says the same, cell by cell; a dash is a sum with nothing in it."""
    unit = make()
    text = inspect.getdoc(type(unit)._interleave)
    _, *table = re.search(r" *cycle .*?(?=\n\n)", text, re.DOTALL).group().splitlines()
    rank = unit.i.payload.shape().members["last"]
    rows = shown(unit, packed(rank, marks), columns, len(table))
    for line, row in zip(table, rows, strict=True):
        assert line.split() == [cell for cell in row if cell]
