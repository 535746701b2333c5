"""Verilog that people can read: the graph's names, and ports in the order one expects."""

import re

from amaranth.back import rtlil

from sdpaflow_sim.rtlil_names import rename
from sdpaflow_sim.yosys import yosys

__all__ = ["to_verilog"]

PASSES = """
# Processes to registers and multiplexers, and away with what nobody reads.
proc
opt_expr
opt_clean -purge
# Memories with their ports to one array each.
memory_collect
# Operators no wider than their results.
wreduce
opt_clean -purge
write_verilog -noattr -decimal
"""
MODULE = re.compile(r"^module (\w+)\((.*?)\);\n(.*?)^endmodule\n", re.M | re.S)
PORT = re.compile(r"^  (input|output) (?:\[.*?\] )?(\w+);\n  ((?:wire|reg) .*);\n", re.M)


def to_verilog(component, name, order=()):
    """Text of a design as Verilog-2001, the same for equal designs.

    Modules below the top are called by their path from it, ``<name>_<node>``, and instances like
    the graph's nodes and FIFOs. No identifier needs escaping, so none has a ``$`` or a dot.

    Parameters
    ----------
    component : :class:`wiring.Component`
        What to convert.
    name : :class:`str`
        Of the top module.
    order : list of :class:`str`
        Streams of the top module in the order of their ports.

    Raises
    ------
    ToolError
        Yosys is not installed.
    """
    text = rename(rtlil.convert(component, name=name, emit_src=False), order)
    modules = [_module(*match.groups()) for match in MODULE.finditer(yosys("Export", text, PASSES))]
    modules.sort(key=lambda module: not module.startswith(f"module {name} "))
    return "\n".join(modules)


def _module(name, head, body):
    """A module whose ports are declared in its head, one per line."""
    declared = {}
    for direction, port, declaration in PORT.findall(body):
        kind, _, rest = declaration.partition(" ")
        declared[port] = f"  {direction} {kind} {rest}"
    ports = ",\n".join(declared[port.strip()] for port in head.split(","))
    return f"module {name} (\n{ports}\n);\n{PORT.sub('', body)}endmodule\n"
