"""A pipeline as files for an FPGA flow: Verilog, a testbench with its vectors, and what is known."""

import json
import re
from contextlib import ExitStack
from pathlib import Path

from sdpaflow import __version__
from sdpaflow.graph.describe import heading, is_long
from sdpaflow.pipelines import Config
from sdpaflow.ports.axi import AxiStreams

from sdpaflow_sim.files import check_writable, replacing
from sdpaflow_sim.inputs import InputError
from sdpaflow_sim.jobs import Job
from sdpaflow_sim.testbench import Vectors, testbench
from sdpaflow_sim.verilog import to_verilog

__all__ = ["PORTS", "export", "files", "module_name"]

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
    if out.is_dir():
        for name in ("*.v",):
            check_writable(out / name.replace("*", module_name(pipeline, ports)))
    else:
        check_writable(out)
    texts = files(pipeline, heads, ports, tokens)
    out.mkdir(exist_ok=True)
    for name in texts:
        check_writable(out / name)
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
    rows = min(tokens, pipeline.config.row_max or tokens)
    job = Job(pipeline.config, [tuple(array[:rows] for array in heads[0])])
    streams, saturated = Vectors.all_of(job, pipeline, ports)
    beats = pipeline.config.beats
    limit = 1000 + 64 * job.scores * beats
    about = _about(pipeline, name, ports)
    order = list("qkvo") if ports == "native" else [AxiStreams.prefix(n) for n in "qkvo"]
    top = pipeline if ports == "native" else AxiStreams(pipeline)
    verilog = to_verilog(top, name, order)
    about["ports"] = _ports(verilog)
    bench = testbench(name, streams, ports, saturated, limit, pipeline.config.dv_beats)
    given = (
        f"Checks {name}.v on {len(job.heads[0].q)} queries and {len(job.heads[0].k)} keys. "
        f"In this folder:\n\n"
        f"iverilog -g2005-sv -o tb.vvp {name}.v {name}_tb.v && vvp -n tb.vvp"
    )
    return {
        f"{name}.v": f"{_comment(_header(about))}\n{verilog}",
        f"{name}.json": json.dumps(about, indent=2) + "\n",
        f"{name}_tb.v": f"{_comment(given)}\n{bench}",
        **{f"{name}_tb_{stream.name}.hex": stream.hex() for stream in streams},
    }


def module_name(pipeline, ports="native"):
    """Name of the top module, different for different configurations.

    Pipeline, dimensions, lanes, formats as integer and fraction bits; and whatever else is not as
    it is unless told otherwise: ``memory_free_d16_l4_q2_14_k4_12_v2_14``.
    """
    config = pipeline.config
    plain = Config(d=config.d, v=config.v)
    parts = [heading(pipeline)[0].replace("-", "_"), f"d{config.d}"]
    if config.dv != config.d:
        parts.append(f"dv{config.dv}")
    parts.append(f"l{config.lanes}")
    if config.row_max is not None:
        parts.append(f"r{config.row_max}")
    for name in "qkv" if config.o == plain.o else "qkvo":
        shape = getattr(config, name)
        parts.append(f"{name}{shape.i_bits}_{shape.f_bits}")
    for name in ("scale", "segments", "score_bits", "weight_bits", "digits"):
        value = getattr(config, name)
        if value != getattr(plain, name):
            parts.append(f"{name.removesuffix('_bits')}{value!r}")
    if ports != "native":
        parts.append(ports)
    return "_".join(parts).replace("-", "m").replace(".", "p").replace("+", "")


def _about(pipeline, name, ports):
    """What is known of an exported pipeline, as plain data."""
    config = pipeline.config
    (output,) = pipeline.output_edges.values()
    return {
        "name": name,
        "generator": f"sdpaflow {__version__}",
        "command": _command(pipeline, ports),
        "pipeline": heading(pipeline)[0],
        "interface": ports,
        "config": {
            **{n: getattr(config, n) for n in ("d", "dv", "lanes", "dv_lanes", "row_max", "scale")},
            **{n: getattr(config, n) for n in ("segments", "score_bits", "weight_bits", "digits")},
        },
        "formats": {n: _format(getattr(config, n)) for n in "qkvo"},
        "beats": {"q": config.beats, "k": config.beats, "v": config.dv_beats, "o": config.dv_beats},
        "cycles_per_score": config.beats,
        "latency": _latency(output),
        "long_fifos": {edge.name: edge.depth for edge in pipeline.edges if is_long(edge)},
    }


def _format(shape):
    low, high = -(2.0 ** (shape.i_bits - 1)), 2.0 ** (shape.i_bits - 1) - 2.0**-shape.f_bits
    return {
        "format": repr(shape),
        "signed": True,
        "width": shape.width,
        "fraction_bits": shape.f_bits,
        "min": low,
        "max": high,
    }


def _latency(edge):
    """Cycles along the longest path that leads to a FIFO, from the inputs accepted to it offered."""
    if edge.source is None:
        return edge.latency
    behind = max(_latency(before) for before in edge.source.inputs.values())
    return behind + edge.source.unit.latency + edge.latency


def _command(pipeline, ports):
    """The command that makes the same Verilog; empty if no command can."""
    config = pipeline.config
    plain = Config(d=config.d)
    if any(getattr(config, n) != getattr(plain, n) for n in ("score_bits", "weight_bits", "digits")):
        return ""
    formats = ",".join(f"{name}={getattr(config, name)!r}" for name in "qkvo")
    words = [f"sdpaflow export --pipeline {heading(pipeline)[0]} --d {config.d} --dv {config.dv}"]
    words.append(f"--lanes {config.lanes} --formats '{formats}'")
    if config.row_max is not None:
        words.append(f"--row-max {config.row_max}")
    if config.scale != plain.scale:
        words.append(f"--scale {config.scale!r}")
    if config.segments != plain.segments:
        words.append(f"--segments {config.segments}")
    return " ".join([*words, f"--ports {ports} --out ."])


def _ports(verilog):
    """Ports of the first module, in their order."""
    head = verilog[: verilog.index(");")]
    found = re.findall(r"(input|output) (?:wire|reg) (?:\[(\d+):0\] )?(\w+)", head)
    return [
        {"name": name, "direction": direction, "width": int(high or 0) + 1}
        for direction, high, name in found
    ]


def _header(about):
    """What stands at the top of the Verilog."""
    config, beats = about["config"], about["beats"]
    long = about["long_fifos"]
    formats = [
        f"  {n}  {f['format']}, {f['width']} bits, {f['min']:.17g} to {f['max']:.17g}"
        for n, f in about["formats"].items()
    ]
    lines = [
        f"{about['name']}: scaled dot-product attention, pipeline {about['pipeline']}.",
        "",
        f"d = {config['d']}, dv = {config['dv']}, {config['lanes']} lanes of q and k, "
        f"{config['dv_lanes']} of v and o"
        + (f", rows of up to {config['row_max']} keys" if config["row_max"] else ""),
        "Formats, two's complement (integer bits with sign, fraction bits):",
        *formats,
        f"q holds queries times {config['scale']:.9g} * log2(e).",
        f"Cycles per score: {about['cycles_per_score']}.",
        f"Latency: {about['latency']} cycles along the longest path from inputs to output.",
        "Long FIFOs: "
        + (", ".join(f"{name} of {depth} words" for name, depth in long.items()) or "none")
        + ".",
        "",
        *_order(about["interface"], beats),
        "",
        f"Made by {about['generator']}"
        + (f", with the command\n{about['command']}" if about["command"] else "."),
    ]
    return "\n".join(lines)


def _order(ports, beats):
    """How the matrices are streamed."""
    lines = [
        "q brings each query once. k and v bring all keys and all values, in the same order, once",
        "for each query. o gives one vector for each query. Element 0 is in the lowest bits.",
    ]
    if beats["q"] > 1:
        lines.append(
            f"A vector of q or k takes {beats['q']} beats, one of v or o {beats['v']}, first "
            "elements first."
        )
    if ports == "axi":
        return [
            *lines,
            "Each element takes whole bytes; padding of inputs is ignored, that of o is its sign.",
            "tlast closes a row of keys on k, a row of values on v, and a vector on o; on q it is",
            "free. aresetn is synchronous to aclk, active low.",
        ]
    lines.append("Above the elements of a payload are the marks of a token, lowest first:")
    for name in "qkvo":
        marks = (["last beat of the vector"] if beats[name] > 1 else []) + (
            ["last key of the row"] if name in "kv" else []
        )
        lines.append(f"  {name}  {', '.join(marks) or 'none'}")
    return [*lines, "rst is synchronous to clk, active high."]


def _comment(text):
    return "".join(f"// {line}".rstrip() + "\n" for line in text.splitlines())
