"""Verilog that people can read: the graph's names, and ports in the order one expects."""

from collections.abc import Sequence

from amaranth.back import rtlil
from amaranth.lib import wiring

from sdpaflow_sim.verilog.names import rename
from sdpaflow_sim.verilog.parts import apart
from sdpaflow_sim.verilog.tidy import tidy
from sdpaflow_sim.verilog.yosys import yosys

__all__ = ["PASSES", "from_rtlil", "to_verilog"]

PASSES = """
# Processes to registers and multiplexers; what is computed twice, computed once.
proc
opt_expr
opt_merge
opt_clean -purge
# Registers with their enables and resets, without bits that never change.
opt_dff
opt_expr -fine -mux_undef
opt_merge
# Memories with their ports to one array each, and away with what nobody reads.
memory_collect
opt_clean -purge
write_verilog -noattr -decimal
"""

ONE_FILE = """// All modules are in this file.
/* verilator lint_off DECLFILENAME */
"""


def to_verilog(component: wiring.Component, name: str, order: Sequence[str] = ()) -> str:
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
    return from_rtlil("Export", text, name)


def from_rtlil(purpose: str, text: str, name: str) -> str:
    """Text of a design as Verilog-2001.

    Parameters
    ----------
    purpose : :class:`str`
        What needs it, for the message if there is no Yosys.
    text : :class:`str`
        The design as RTLIL, as :func:`sdpaflow_sim.verilog.names.rename` gives it.
    name : :class:`str`
        Of the top module, which comes first.

    Raises
    ------
    ToolError
        Yosys is not installed.
    """
    modules = [apart(module) for module in tidy(yosys(purpose, text, PASSES))]
    modules.sort(key=lambda module: not module.startswith(f"module {name} "))
    if len(modules) > 1:
        modules.insert(0, ONE_FILE)
    return "\n".join(modules)
