"""A pipeline as files for an FPGA flow: Verilog, a testbench with its vectors, a description."""

import json
from contextlib import ExitStack
from pathlib import Path

from sdpaflow.ports.axi import AxiStreams

from sdpaflow_sim import fusesoc
from sdpaflow_sim.datasheet import about, header, module_name
from sdpaflow_sim.files import check_outputs, replacing
from sdpaflow_sim.inputs import InputError
from sdpaflow_sim.jobs import Job
from sdpaflow_sim.testbench import Vectors, testbench
from sdpaflow_sim.verilog import to_verilog

__all__ = ["PORTS", "export", "files"]

PORTS = ("native", "axi")
TOKENS = 16
"""Queries and keys in the testbench, unless told otherwise."""


def export(pipeline, heads, out, ports="native", tokens=TOKENS):
    """Write a pipeline and its testbench into a folder, all files or none.

    Parameters
    ----------
    pipeline : :class:`Attention`
        What to export.
    heads : list of tuple
        From :func:`sdpaflow_sim.inputs.split_heads`: data for the testbench, which takes the first.
    out : path
        The folder; it is made if its parent is there.
    ports : :class:`str`
        ``native`` for the streams as they are, or ``axi`` for AXI4-Stream.
    tokens : :class:`int`
        How many queries and keys the testbench takes, at most.

    Returns
    -------
    list of :class:`pathlib.Path`
        What was written.

    Raises
    ------
    InputError
        The folder is not fit, or the data is not.
    ToolError
        Yosys is not installed.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; a folder is needed")
    check_outputs([out / module_name(pipeline, ports) if out.is_dir() else out])
    texts = files(pipeline, heads, ports, tokens)
    out.mkdir(exist_ok=True)
    check_outputs(out / name for name in texts)
    with ExitStack() as stack:
        for name, text in texts.items():
            path = stack.enter_context(replacing(out / name))
            path.write_text(text, encoding="utf-8", newline="\n")
    return [out / name for name in texts]


def files(pipeline, heads, ports="native", tokens=TOKENS):
    """Texts of all files by name; parameters are those of :func:`export`."""
    if ports not in PORTS:
        raise InputError(f"ports must be one of {', '.join(PORTS)}, not {ports!r}")
    if tokens < 1:
        raise InputError(f"the testbench takes at least 1 token, not {tokens}")
    name = module_name(pipeline, ports)
    config = pipeline.config
    rows = min(tokens, config.row_max or tokens)
    job = Job(config, [tuple(array[:rows] for array in heads[0])])
    streams, saturated = Vectors.all_of(job, pipeline, ports)
    limit = 1000 + 64 * job.scores * config.beats
    bench = testbench(name, streams, ports, saturated, limit, config.dv_beats)
    vectors = {f"{name}_tb_{stream.name}.hex": stream.hex() for stream in streams}
    top = pipeline if ports == "native" else AxiStreams(pipeline)
    order = list("qkvo") if ports == "native" else [AxiStreams.prefix(n) for n in "qkvo"]
    verilog = to_verilog(top, name, order)
    known = about(pipeline, name, ports, verilog)
    return {
        f"{name}.v": f"{_comment(header(known))}\n{verilog}",
        f"{name}.json": json.dumps(known, indent=2) + "\n",
        f"{name}_tb.v": f"{_comment(_how_to_run(name, job))}\n{bench}",
        **vectors,
        f"{name}.core": fusesoc.core(name, known, list(vectors)),
        f"{name}.vlt": fusesoc.waivers(name),
    }


def _how_to_run(name, job):
    """What stands at the top of the testbench."""
    (head,) = job.heads
    return (
        f"Checks {name}.v on {len(head.q)} queries and {len(head.k)} keys.\n"
        f"In this folder, with Icarus Verilog; the exit code of vvp is 0 if it passes:\n\n"
        f"  iverilog -g2005-sv -o {name}_tb.vvp {name}.v {name}_tb.v\n"
        f"  vvp -n {name}_tb.vvp"
    )


def _comment(text):
    return "".join(f"// {line}".rstrip() + "\n" for line in text.splitlines())
