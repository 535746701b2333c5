"""A design as files for an FPGA flow: Verilog, a testbench with its vectors, a description."""

import json
from contextlib import ExitStack
from pathlib import Path

from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.exporting import fusesoc
from sdpaflow_sim.exporting.design import PORTS, pipeline_top, unit_top
from sdpaflow_sim.exporting.facts import ports_of
from sdpaflow_sim.exporting.testbench import testbench
from sdpaflow_sim.outputs import check_outputs, replacing
from sdpaflow_sim.verilog.convert import to_verilog

__all__ = ["PORTS", "export", "files"]

TOKENS = 16
"""Queries and keys in the testbench, unless told otherwise."""


def export(pipeline, heads, out, ports="native", tokens=TOKENS, unit=None):
    """Write a pipeline, or a unit of it, and its testbench into a folder, all files or none.

    Parameters
    ----------
    pipeline : :class:`Attention`
        What to export.
    heads : list of tuple
        From :func:`.inputs.split_heads`: data for the testbench, which takes the first.
    out : path
        The folder; it is made if its parent is there.
    ports : :class:`str`
        ``native`` for the streams as they are, or ``axi`` for AXI4-Stream.
    tokens : :class:`int`
        How many queries and keys the testbench takes, at most.
    unit : :class:`str`
        A unit of the pipeline to export instead of all of it: the name of a node (``x_ij``) or of a
        FIFO (``x_ij_fifo``), or a kind (``Scan``) of which there is one. Its testbench has the
        streams that pass it in the pipeline. Units have native ports.

    Returns
    -------
    list of :class:`pathlib.Path`
        What was written.

    Raises
    ------
    InputError
        The folder is not fit, the data is not, or there is no such unit.
    ToolError
        Yosys is not installed.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; a folder is needed")
    check_outputs([out / "any" if out.is_dir() else out])
    texts = files(pipeline, heads, ports, tokens, unit)
    out.mkdir(exist_ok=True)
    check_outputs(out / name for name in texts)
    with ExitStack() as stack:
        for name, text in texts.items():
            path = stack.enter_context(replacing(out / name))
            path.write_text(text, encoding="utf-8", newline="\n")
    return [out / name for name in texts]


def files(pipeline, heads, ports="native", tokens=TOKENS, unit=None):
    """Texts of all files by name; parameters are those of :func:`export`."""
    if tokens < 1:
        raise InputError(f"the testbench takes at least 1 token, not {tokens}")
    rows = min(tokens, pipeline.config.row_max or tokens)
    workload = Workload(pipeline.config, [tuple(array[:rows] for array in heads[0])])
    if unit is not None and ports != "native":
        raise InputError(f"units have native ports, not {ports}")
    top = unit_top(pipeline, workload, unit) if unit else pipeline_top(pipeline, workload, ports)
    name = top.name
    verilog = to_verilog(top.component, name, top.order)
    known = {**top.known, "ports": ports_of(verilog)}
    vectors = {f"{name}_tb_{s.name}.hex": s.hex() for s in (*top.inputs, *top.outputs)}
    return {
        f"{name}.v": f"{_comment(top.header)}\n{verilog}",
        f"{name}.json": json.dumps(known, indent=2) + "\n",
        f"{name}_tb.v": f"{_comment(_how_to_run(name, workload))}\n{testbench(top)}",
        **vectors,
        f"{name}.core": fusesoc.core(name, top.header.partition(".\n")[0], list(vectors)),
    }


def _how_to_run(name, workload):
    """What stands at the top of the testbench."""
    (head,) = workload.heads
    return (
        f"Checks {name}.v\non data of {len(head.q)} queries and {len(head.k)} keys.\n"
        f"In this folder, with Icarus Verilog; the exit code of vvp is 0 if it passes:\n\n"
        f"  iverilog -g2005-sv -o {name}_tb.vvp {name}.v {name}_tb.v\n"
        f"  vvp -n {name}_tb.vvp"
    )


def _comment(text):
    return "".join(f"// {line}".rstrip() + "\n" for line in text.splitlines())
