"""What is known of an exported unit: for people, a header; for tools, plain data."""

import re

from sdpaflow import __version__
from sdpaflow.numerics import raw

from sdpaflow_sim.drawing.describe import shape_text
from sdpaflow_sim.engines.cycle import streams_of
from sdpaflow_sim.exporting.facts import command, heading

__all__ = ["about", "header"]


def about(pipeline, unit, name, node):
    """What is known of a unit, as plain data.

    Parameters
    ----------
    pipeline : :class:`Attention`
        What it is part of.
    unit : :class:`Unit`
        What is exported.
    name, node : :class:`str`
        Of its module, and of the unit in the pipeline.
    """
    inputs, outputs = streams_of(unit)
    fn = getattr(unit, "fn", None)
    return {
        "name": name,
        "generator": f"sdpaflow {__version__}",
        "command": command(pipeline, unit=node),
        "unit": type(unit).__name__,
        "does": re.sub(r"``", "", type(unit).__doc__.partition("\n")[0]),
        "function": "" if fn is None else type(fn).__name__,
        "node": node,
        "pipeline": heading(pipeline)[0],
        "interface": "native",
        "streams": {
            **{port: _stream("input", stream) for port, stream in inputs.items()},
            **{port: _stream("output", stream) for port, stream in outputs.items()},
        },
        "latency": unit.latency,
        "cycles_per_token": getattr(fn, "interval", 1),
        "words": unit.words,
    }


def _stream(direction, port):
    shape = port.payload.shape()
    data, rank = shape.members["data"], shape.members["last"]
    text = shape_text(data).replace("×", "x")
    return {"direction": direction, "width": raw.width(shape), "data": text, "rank": rank}


def header(known):
    """What stands at the top of the Verilog, from what :func:`about` gives."""
    function = f" of {known['function']}" if known["function"] else ""
    streams = known["streams"]
    width = max(map(len, streams))
    return "\n".join([
        f"{known['name']}: {known['unit']}{function},",
        f"unit {known['node']} of the pipeline {known['pipeline']}.",
        "",
        known["does"],
        f"Cycles per token: {known['cycles_per_token']}. Latency: {known['latency']} cycles.",
        "Payloads, lowest bits first (SQ and UQ: integer bits, with the sign; fraction bits):",
        *(
            f"  {name:{width}}  {stream['data']}"
            + (f", then {stream['rank']} marks" if stream["rank"] > 1 else "")
            + (", then a mark" if stream["rank"] == 1 else "")
            for name, stream in streams.items()
        ),
        "Marks close groups of tokens, the lowest one the innermost group.",
        "rst is synchronous to clk, active high.",
        "",
        f"Made by {known['generator']}, with the command\n{known['command']}",
    ])
