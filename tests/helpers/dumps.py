"""Dumps of two engines, compared signal by signal."""

from amaranth.hdl import Value

__all__ = ["DUT", "same", "streams", "values"]

DUT = "bench.top.dut"
"""Where a design is in a dump."""


def streams(dut):
    """Names and widths of what is looked at: both sides of each FIFO and its level."""
    for edge in dut.edges:
        scope = f"{DUT}.{edge.name}_fifo"
        for side, port in (("i", edge.fifo.i), ("o", edge.fifo.o)):
            yield f"{scope}.{side}__payload", len(Value.cast(port.payload))
            yield from ((f"{scope}.{side}__{bit}", 1) for bit in ("valid", "ready"))
        yield f"{scope}.level", len(edge.fifo.level)


def values(dump, name):
    """What a variable is, cycle by cycle."""
    return [cycle[dump.codes[name]] for cycle in dump.cycles]


def same(one, other, dut, cycles=slice(None)):
    """Whether a dump has what the other has in these cycles; every stream and every level."""
    for name, width in streams(dut):
        assert one.widths[name] == other.widths[name] == width
        assert values(one, name) == values(other, name)[cycles], name
    return True
