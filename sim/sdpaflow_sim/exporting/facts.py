"""What is known of an exported design, as plain data for tools."""

import re

from amaranth.hdl import Shape
from amaranth.lib import data
from sdpaflow import __version__
from sdpaflow.graph import Dataflow, Edge
from sdpaflow.numerics import fixed, raw
from sdpaflow.pipelines import Attention
from sdpaflow.units import TokenStream, Unit

from sdpaflow_sim.drawing.describe import shape_text
from sdpaflow_sim.engines.cycle import streams_of
from sdpaflow_sim.exporting import limits, naming

__all__ = ["of_pipeline", "of_unit", "ports_of"]


def of_pipeline(pipeline: Dataflow, name: str, ports: str, spec: str | None = None) -> dict:
    """What is known of a pipeline.

    Parameters
    ----------
    pipeline : :class:`Dataflow`
        What is exported.
    name, ports : :class:`str`
        Name and kind of its top.
    spec : :class:`str`
        How a command names it.
    """
    known = {
        "name": name,
        "generator": f"sdpaflow {__version__}",
        "command": naming.command(pipeline, ports, spec=spec),
        "pipeline": pipeline.name,
        "interface": ports,
    }
    known |= _attention(pipeline) if naming.is_attention(pipeline) else _graph(pipeline)
    latencies = [_latency(edge) for edge in pipeline.output_edges.values()]
    return {
        **known,
        "latency": max(latencies),
        "long_fifos": {edge.name: edge.depth for edge in pipeline.edges if edge.is_long},
        "limits": limits.of_attention(pipeline)
        if naming.is_attention(pipeline)
        else {"reset_after_misframed": True},
    }


def _attention(pipeline: Attention) -> dict:
    """What only attention pipelines have."""
    config = pipeline.config
    beats = {name: getattr(config, "dv_beats" if name in "vo" else "beats") for name in "qkvo"}
    return {
        "query_factor": config.factor,
        "quantisation": {
            "rounding": "to nearest, ties to even",
            "overflow": "clamped to the least or greatest",
        },
        "config": {
            **{n: getattr(config, n) for n in ("d", "dv", "lanes", "dv_lanes", "row_max")},
            **{n: getattr(config, n) for n in naming.CHOICES},
        },
        "formats": {name: _format(getattr(config, name)) for name in "qkvo"},
        "beats": beats,
        "cycles_per_score": config.beats,
        **(_modified(pipeline) if pipeline.modifiers else {}),
    }


def _modified(pipeline: Attention) -> dict:
    """What is done to scores, and the inputs for it."""
    more = {n: edge for n, edge in pipeline.input_edges.items() if n not in "qkv"}
    return {
        "modifiers": [repr(modifier) for modifier in pipeline.modifiers],
        "streams": {name: _stream("input", edge.fifo.i) for name, edge in more.items()},
    }


def _graph(pipeline: Dataflow) -> dict:
    """What is known of any other graph."""
    ports = {**pipeline.input_edges, **pipeline.output_edges}
    return {
        "does": _first_line(pipeline),
        "made_from": f"{type(pipeline).__module__}:{type(pipeline).__qualname__}",
        "parameters": {name: _plain(value) for name, value in pipeline.parameters.items()},
        "streams": {
            name: _stream("input" if name in pipeline.input_edges else "output", edge.fifo.i)
            for name, edge in ports.items()
        },
    }


def of_unit(pipeline: Dataflow, unit: Unit, name: str, node: str, spec: str | None = None) -> dict:
    """What is known of a unit.

    Parameters
    ----------
    pipeline : :class:`Dataflow`
        What it is part of.
    unit : :class:`Unit`
        What is exported.
    name, node : :class:`str`
        Of its module, and of the unit in the pipeline.
    spec : :class:`str`
        How a command names the pipeline.
    """
    inputs, outputs = streams_of(unit)
    fn = getattr(unit, "fn", None)
    return {
        "name": name,
        "generator": f"sdpaflow {__version__}",
        "command": naming.command(pipeline, unit=node, spec=spec),
        "unit": type(unit).__name__,
        "does": _first_line(unit),
        "function": "" if fn is None else type(fn).__name__,
        "node": node,
        "pipeline": pipeline.name,
        "interface": "native",
        "streams": {
            **{port: _stream("input", stream) for port, stream in inputs.items()},
            **{port: _stream("output", stream) for port, stream in outputs.items()},
        },
        "latency": unit.latency,
        "cycles_per_token": getattr(fn, "interval", 1),
        "words": unit.words,
    }


def _first_line(thing: object) -> str:
    """What a class says that it does."""
    return (type(thing).__doc__ or "").strip().partition("\n")[0].replace("``", "")


def _stream(direction: str, port: TokenStream) -> dict:
    shape = port.payload.shape()
    inner, rank = shape.members["data"], shape.members["last"]
    text = shape_text(inner).replace("×", "x")
    return {"direction": direction, "width": raw.width(shape), "data": text, "rank": rank}


def _format(shape: fixed.Shape) -> dict:
    low, high = -(2.0 ** (shape.i_bits - 1)), 2.0 ** (shape.i_bits - 1) - 2.0**-shape.f_bits
    return {
        "format": repr(shape),
        "signed": True,
        "width": shape.width,
        "fraction_bits": shape.f_bits,
        "min": low,
        "max": high,
    }


def _plain(value: object) -> object:
    """A parameter as JSON has it; what JSON has not, as text without addresses."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (Shape, fixed.Shape, data.Layout)):
        return shape_text(value)
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _latency(edge: Edge) -> int:
    """Cycles along the longest path to a FIFO, from inputs accepted to its token offered."""
    if edge.source is None:
        return edge.latency
    behind = max((_latency(before) for before in edge.source.inputs.values()), default=0)
    return behind + edge.source.unit.latency + edge.latency


def ports_of(verilog: str) -> list[dict]:
    """Ports of the first module of a text, in their order, as plain data."""
    head = verilog[: verilog.index(");")]
    found = re.findall(r"(input|output) (?:wire|reg) (?:\[(\d+):0\] )?(\w+)", head)
    return [
        {"name": name, "direction": direction, "width": int(high or 0) + 1}
        for direction, high, name in found
    ]
