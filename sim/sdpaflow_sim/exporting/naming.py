"""Names of exported modules, and the commands that make them."""

import hashlib
import re
from typing import TypeGuard

from amaranth.back import rtlil
from amaranth.lib import data
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import fixed
from sdpaflow.pipelines import PIPELINES, Attention, Config

__all__ = ["CHOICES", "command", "is_attention", "is_built_in", "module_name"]

CHOICES = ("scale", "segments", "score_bits", "weight_bits", "digits")
"""Fields of a configuration that are told only where they are not as usual."""

DIGITS = 6
"""Hexadecimal digits that tell pipelines of one's own apart."""


def is_attention(pipeline: Dataflow) -> TypeGuard[Attention]:
    """Whether a graph is an attention pipeline, with streams q, k, v and o."""
    return isinstance(pipeline, Attention)


def is_built_in(pipeline: Dataflow) -> bool:
    """Whether a graph is a pipeline of this package, no FIFO resized and no score modified."""
    changed = pipeline.parameters.keys() & {"depths", "score"}
    return type(pipeline) in PIPELINES.values() and not changed


def module_name(pipeline: Dataflow, ports: str = "native") -> str:
    """Name of the top module, different for different designs.

    Of this package's own pipelines: the pipeline, dimensions, lanes, formats as integer and
    fraction bits, and whatever else is not as it is unless told otherwise
    (``memory_free_d16_l4_q2_14_k4_12_v2_14``). Where scores are modified, their modifiers, and six
    digits of a digest of the hardware. Of any other graph: its name, its parameters, and six such
    digits (``normalise_row_max8_5e1f03``), since nobody else keeps their names apart.

    Parameters
    ----------
    pipeline : :class:`Dataflow`
        The graph.
    ports : :class:`str`
        Kind of its ports, at the end of the name where it is not ``native``.
    """
    parts = [pipeline.name.replace("-", "_")]
    if is_attention(pipeline):
        parts += _of_config(pipeline.config)
        parts += [type(modifier).__name__.lower() for modifier in pipeline.modifiers]
    else:
        parts += _of_parameters(pipeline)
    if not is_built_in(pipeline):
        text = rtlil.convert(pipeline, name="top", emit_src=False)
        parts.append(hashlib.sha256(text.encode()).hexdigest()[:DIGITS])
    if ports != "native":
        parts.append(ports)
    return _identifier("_".join(parts))


def _of_config(config: Config) -> list[str]:
    """What a configuration adds to a name."""
    plain = Config(d=config.d, v=config.v)
    parts = [f"d{config.d}"]
    if config.dv != config.d:
        parts.append(f"dv{config.dv}")
    parts.append(f"l{config.lanes}")
    if config.row_max is not None:
        parts.append(f"r{config.row_max}")
    for name in "qkv" if config.o == plain.o else "qkvo":
        parts.append(f"{name}{_short(getattr(config, name))}")
    for name in CHOICES:
        value = getattr(config, name)
        if value != getattr(plain, name):
            parts.append(f"{name.removesuffix('_bits')}{value!r}")
    return parts


def _of_parameters(pipeline: Dataflow) -> list[str]:
    """What a graph's parameters add to a name; those that have no short form are left out."""
    found = ((name, _short(value)) for name, value in pipeline.parameters.items())
    return [f"{name}{text}" for name, text in found if text is not None]


def _short(value: object) -> str | None:
    """A parameter in a few characters; None where it has no short form."""
    if isinstance(value, fixed.Shape):
        return f"{value.i_bits}_{value.f_bits}"
    if isinstance(value, data.ArrayLayout):
        inner = _short(value.elem_shape)
        return None if inner is None else f"{value.length}x{inner}"
    if isinstance(value, (bool, int, float)):
        return repr(value).lower()
    if isinstance(value, str) and re.fullmatch(r"\w{1,16}", value, re.ASCII):
        return f"_{value}"
    return None


def _identifier(text: str) -> str:
    """The text as a name that Verilog takes as it is."""
    plain = text.replace("-", "m").replace(".", "p").replace("+", "")
    plain = re.sub(r"\W+", "_", plain, flags=re.ASCII)
    return plain if re.match(r"[A-Za-z_]", plain) else f"p_{plain}"


def command(
    pipeline: Dataflow, ports: str = "native", unit: str | None = None, spec: str | None = None
) -> str | None:
    """The command that makes the same Verilog; None where there is none.

    There is none for a graph that was made in Python and is not known by name: one of a class of
    one's own without ``spec``, or one whose FIFOs were resized or whose scores are modified.

    Parameters
    ----------
    pipeline : :class:`Dataflow`
        The graph.
    ports : :class:`str`
        Kind of its ports.
    unit : :class:`str`
        Node or FIFO that is exported instead of all of it.
    spec : :class:`str`
        ``--pipeline my.py:Normalise --arg row_max=8``, for a pipeline of one's own.
    """
    if spec is None:
        if not is_built_in(pipeline):
            return None
        spec = f"--pipeline {pipeline.name}"
    words = [f"sdpaflow export {spec}"]
    if is_attention(pipeline):
        words += _options(pipeline.config)
    words.append(f"--unit {unit}" if unit else f"--ports {ports}")
    return " ".join([*words, "--out ."])


def _options(config: Config) -> list[str]:
    """The options that make a configuration."""
    plain = Config(d=config.d)
    formats = ",".join(f"{name}={getattr(config, name)!r}" for name in "qkvo")
    words = [f"--d {config.d} --dv {config.dv} --lanes {config.lanes} --formats '{formats}'"]
    if config.row_max is not None:
        words.append(f"--row-max {config.row_max}")
    for name in CHOICES:
        if getattr(config, name) != getattr(plain, name):
            words.append(f"--{name.replace('_', '-')} {getattr(config, name)!r}")
    return words
