"""What is known of an exported pipeline: for people, a header; for tools, plain data."""

import re

from sdpaflow import __version__
from sdpaflow.pipelines import Config

from sdpaflow_sim.drawing.describe import heading, is_long

__all__ = ["about", "command", "header", "heading", "module_name", "ports_of"]

CHOICES = ("scale", "segments", "score_bits", "weight_bits", "digits")
"""Fields of a configuration that are told only where they are not as usual."""


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
    for name in CHOICES:
        value = getattr(config, name)
        if value != getattr(plain, name):
            parts.append(f"{name.removesuffix('_bits')}{value!r}")
    if ports != "native":
        parts.append(ports)
    return "_".join(parts).replace("-", "m").replace(".", "p").replace("+", "")


def about(pipeline, name, ports):
    """What is known of a pipeline, as plain data.

    Parameters
    ----------
    pipeline : :class:`Attention`
        What is exported.
    name, ports : :class:`str`
        Name and kind of its top.
    """
    config = pipeline.config
    (output,) = pipeline.output_edges.values()
    return {
        "name": name,
        "generator": f"sdpaflow {__version__}",
        "command": command(pipeline, ports),
        "pipeline": heading(pipeline)[0],
        "interface": ports,
        "config": {
            **{n: getattr(config, n) for n in ("d", "dv", "lanes", "dv_lanes", "row_max")},
            **{n: getattr(config, n) for n in CHOICES},
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
    """Cycles along the longest path to a FIFO, from inputs accepted to its token offered."""
    if edge.source is None:
        return edge.latency
    behind = max(_latency(before) for before in edge.source.inputs.values())
    return behind + edge.source.unit.latency + edge.latency


def command(pipeline, ports="native", unit=None):
    """The command that makes the same Verilog."""
    config = pipeline.config
    plain = Config(d=config.d)
    formats = ",".join(f"{name}={getattr(config, name)!r}" for name in "qkvo")
    words = [f"sdpaflow export --pipeline {heading(pipeline)[0]} --d {config.d} --dv {config.dv}"]
    words.append(f"--lanes {config.lanes} --formats '{formats}'")
    if config.row_max is not None:
        words.append(f"--row-max {config.row_max}")
    for name in CHOICES:
        if getattr(config, name) != getattr(plain, name):
            words.append(f"--{name.replace('_', '-')} {getattr(config, name)!r}")
    words.append(f"--unit {unit}" if unit else f"--ports {ports}")
    return " ".join([*words, "--out ."])


def ports_of(verilog):
    """Ports of the first module of a text, in their order, as plain data."""
    head = verilog[: verilog.index(");")]
    found = re.findall(r"(input|output) (?:wire|reg) (?:\[(\d+):0\] )?(\w+)", head)
    return [
        {"name": name, "direction": direction, "width": int(high or 0) + 1}
        for direction, high, name in found
    ]


def header(known):
    """What stands at the top of the Verilog, from what :func:`about` gives."""
    config, beats = known["config"], known["beats"]
    long = known["long_fifos"]
    formats = [
        f"  {n}  {f['format']}, {f['width']} bits, {f['min']:.17g} to {f['max']:.17g}"
        for n, f in known["formats"].items()
    ]
    lines = [
        f"{known['name']}: scaled dot-product attention, pipeline {known['pipeline']}.",
        "",
        f"d = {config['d']}, dv = {config['dv']}, {config['lanes']} lanes of q and k, "
        f"{config['dv_lanes']} of v and o"
        + (f", rows of up to {config['row_max']} keys" if config["row_max"] else ""),
        "Formats, two's complement (integer bits with sign, fraction bits):",
        *formats,
        f"q holds queries times {config['scale']:.9g} * log2(e).",
        f"Cycles per score: {known['cycles_per_score']}.",
        f"Latency: {known['latency']} cycles along the longest path from inputs to output;",
        "what waits for a row, or for the beats of a vector, takes so many cycles more.",
        "FIFOs deeper than 2: "
        + (", ".join(f"{name} of {depth} words" for name, depth in long.items()) or "none")
        + ".",
        "",
        *_order(known["interface"], beats),
        "",
        f"Made by {known['generator']}, with the command\n{known['command']}",
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
