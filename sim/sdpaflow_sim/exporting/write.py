"""A design as files for an FPGA flow: Verilog, a testbench with its vectors, a description."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from sdpaflow.graph import Dataflow, Stream

from sdpaflow_sim.attention.extras import sample_extras
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.attention.inputs import sample_of, split_heads
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.exporting import facts, fusesoc, header, naming, vectors
from sdpaflow_sim.exporting.design import PORTS, pipeline_design, unit_design
from sdpaflow_sim.exporting.testbench import testbench
from sdpaflow_sim.outputs import (
    FilePath,
    check_folder,
    check_outputs,
    make_folder,
    replacing,
    to_json,
    together,
)
from sdpaflow_sim.streams import sample_streams

__all__ = ["PORTS", "export", "files"]

TOKENS = 16
"""Tokens of each group in the testbench (queries and keys), unless told otherwise."""


def export(
    pipeline: Dataflow,
    out: str | os.PathLike,
    *,
    heads: list | None = None,
    inputs: Mapping[str, Stream] | None = None,
    ports: str = "native",
    tokens: int = TOKENS,
    unit: str | None = None,
    command: str | None = None,
    reads: Iterable[FilePath | None] = (),
) -> list[Path]:
    """Write a pipeline, or a unit of it, and its testbench into a folder, all files or none.

    Parameters
    ----------
    pipeline : :class:`Dataflow`
        What to export.
    out : path
        The folder; it is made if its parent is there.
    heads : list of tuple
        For an attention pipeline: q, k and v of the testbench, which takes the first tuple. A part
        of a real sentence encoder, unless given.
    inputs : dict of :class:`Stream`
        For any other graph: tokens of the testbench, by input. Random ones, unless given.
    ports : :class:`str`
        ``native`` for the streams as they are, or ``axi`` for AXI4-Stream.
    tokens : :class:`int`
        How many queries and keys the testbench takes at most, or how many tokens a random group
        has.
    unit : :class:`str`
        A unit of the pipeline to export instead of all of it: the name of a node (``x_ij``) or of a
        FIFO (``x_ij_fifo``), or a kind (``Scan``) of which there is one. Its testbench has the
        streams that pass it in the pipeline. Units have native ports.
    command : :class:`str`
        How a command names a pipeline of one's own, for headers: ``--pipeline my.py:Normalise``.
    reads : iterable of path
        Files that all this comes from, which must not be written over.

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
    check_folder(out)
    out = Path(out)
    texts = files(
        pipeline,
        heads=heads,
        inputs=inputs,
        ports=ports,
        tokens=tokens,
        unit=unit,
        command=command,
    )
    with together():
        make_folder(out)
        check_outputs((out / name for name in texts), reads)
        for name, text in texts.items():
            with replacing(out / name) as path:
                path.write_text(text, encoding="utf-8", newline="\n")
    return [out / name for name in texts]


def files(
    pipeline: Dataflow,
    *,
    heads: list | None = None,
    inputs: Mapping[str, Stream] | None = None,
    ports: str = "native",
    tokens: int = TOKENS,
    unit: str | None = None,
    command: str | None = None,
) -> dict[str, str]:
    """Texts of all files by name; parameters are those of :func:`export`."""
    if not isinstance(pipeline, Dataflow):
        raise InputError(f"only a Dataflow can be exported, not {pipeline!r}")
    if tokens < 1:
        raise InputError(f"the testbench takes at least 1 token, not {tokens}")
    if unit is not None and ports != "native":
        raise InputError(f"units have native ports, not {ports}")
    streams, described = _streams(pipeline, heads, inputs, tokens)
    if unit is None:
        design = pipeline_design(pipeline, ports, command)
        passing = vectors.of_pipeline(design, pipeline, streams)
    else:
        design = unit_design(pipeline, unit, command)
        passing = vectors.of_unit(design, pipeline, streams, design.facts["node"])
    name, verilog = design.name, design.verilog()
    about = header.of_design(design.facts)
    known = {**design.facts, "ports": facts.ports_of(verilog)}
    hexes = {
        f"{name}_tb_{stream.name}.hex": stream.hex()
        for stream in (*passing.inputs, *passing.outputs)
    }
    how = header.how_to_run(name, described)
    return {
        f"{name}.v": f"{header.comment(about)}\n{_once(verilog)}",
        f"{name}.json": to_json(known) + "\n",
        f"{name}_tb.v": f"{header.comment(how)}\n{testbench(design, passing)}",
        **hexes,
        f"{name}.core": fusesoc.core(name, about.partition(".\n")[0], list(hexes)),
    }


def _once(verilog: str) -> str:
    """Modules that count once, where a design reads a pipeline and a unit of it, which is in both.

    A name stands for one text: it has all that the text depends on.
    """
    return re.sub(
        r"^module (\w+)(.*?)^endmodule\n",
        r"`ifndef SDPAFLOW_\1\n`define SDPAFLOW_\1\nmodule \1\2endmodule\n`endif\n",
        verilog,
        flags=re.MULTILINE | re.DOTALL,
    )


def _streams(
    pipeline: Dataflow, heads: list | None, inputs: Mapping[str, Stream] | None, tokens: int
) -> tuple[Mapping[str, Stream], str]:
    """The testbench's inputs, and what they are in words."""
    if heads is not None and inputs is not None:
        raise InputError("heads and inputs are both data of the testbench: give one of them")
    if inputs is None and naming.is_attention(pipeline):
        config = pipeline.config
        heads = heads or split_heads(*sample_of(config.d, config.dv, config.row_max))
        rows = min(tokens, config.row_max or tokens)
        q, k, v = (array[:rows] for array in heads[0])
        extras = sample_extras(pipeline.modifiers, len(q), len(k))
        workload = Workload(config, [(q, k, v)], None, pipeline.modifiers, [extras])
        (head,) = workload.heads
        return workload.inputs(), f"{len(head.q)} queries and {len(head.k)} keys"
    if heads is not None:
        raise InputError(f"{pipeline.name} has no q, k and v: give inputs instead of heads")
    streams = sample_streams(pipeline, tokens) if inputs is None else inputs
    counts = [f"{len(stream)} tokens of {port}" for port, stream in streams.items()]
    return streams, " and ".join(filter(None, [", ".join(counts[:-1]), counts[-1]]))
