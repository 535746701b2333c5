"""What the commands do, once their arguments are read."""

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
from sdpaflow.pipelines import PIPELINES

from sdpaflow_sim.attention.inputs import build, load, sample, sample_of, split_heads
from sdpaflow_sim.attention.run import run as run_pipeline
from sdpaflow_sim.cli import tables
from sdpaflow_sim.cli.progress import Progress
from sdpaflow_sim.drawing import comparison, draw
from sdpaflow_sim.engines import stalls
from sdpaflow_sim.errors import InputError, SimulationError
from sdpaflow_sim.exporting.write import export as write_export
from sdpaflow_sim.outputs import check_outputs, replacing
from sdpaflow_sim.verilog.count import count as count_design
from sdpaflow_sim.waves import view, window

__all__ = ["chosen", "compare", "count", "export", "graph", "measure_all", "run", "write_json"]

ALL = "all"
"""In place of a head's number."""


def compare(arguments):
    """Several pipelines on the same data: a table, and a figure."""
    if Path(arguments.figure).suffix not in {".png", ".svg"}:
        raise InputError(f"figure must be a .png or .svg file, not {arguments.figure}")
    if arguments.jobs is not None and arguments.jobs < 1:
        raise InputError(f"jobs must be at least 1, not {arguments.jobs}")
    check_outputs([arguments.figure, arguments.json], _files(arguments))
    heads = _heads(arguments)
    reports, counts = measure_all(
        arguments.pipelines, heads, _options(arguments), arguments.jobs, quiet=arguments.quiet
    )
    first = reports[0]
    title = (
        f"{first.n_q} queries, {first.n_k} keys, d = {first.d}, {first.lanes} lanes, formats "
        + " ".join(f"{name} {shape}" for name, shape in first.formats.items())
    )
    print(tables.render(tables.comparison(reports, counts, title), markdown=arguments.markdown))
    with replacing(arguments.figure) as path:
        comparison.comparison(path, reports)
    print(f"figure: {arguments.figure}")
    if arguments.json:
        write_json(arguments.json, [report.to_dict() for report in reports])
    return 0 if all(report.bit_exact for report in reports) else 1


def measure_all(names, heads, options=None, processes=None, *, quiet=False):
    """Reports and counts of several pipelines on the same data, side by side in processes.

    Parameters
    ----------
    names : list of :class:`str`
        Keys of :data:`sdpaflow.pipelines.PIPELINES`.
    heads : list of tuple
        From :func:`sdpaflow_sim.attention.inputs.split_heads`.
    options : dict
        Fields of :class:`Config`; ``row_max`` goes to those that store rows.
    processes : :class:`int`
        At most so many at a time; one per core unless given.
    quiet : :class:`bool`
        Show no progress.
    """
    if (options or {}).get("row_max") and not any(PIPELINES[name].stores_rows for name in names):
        raise InputError("none of these pipelines stores rows: leave out row_max")
    jobs = []
    for name in names:
        stores_rows = PIPELINES[name].stores_rows
        mine = {k: v for k, v in (options or {}).items() if k != "row_max" or stores_rows}
        build(name, heads, **mine)  # complain before anything is started
        jobs.append((name, mine, heads))
    queries = sum(len(head[0]) for head in heads)
    with Progress(dict.fromkeys(names, queries), quiet=quiet) as progress:
        return tuple(zip(*progress.run_all(_measure, jobs, processes), strict=True))


def _measure(counter, name, options, heads):
    pipeline = build(name, heads, **options)
    report = run_pipeline(pipeline, *_columns(heads), progress=counter)
    return report, count_design(pipeline)


def run(arguments):
    """One pipeline: its outputs and its report."""
    check_outputs([arguments.vcd])
    save = None if arguments.vcd is None else view.save_path(arguments.vcd)
    check_outputs([arguments.vcd, save, arguments.out, arguments.json], _files(arguments))
    if arguments.limit is not None and arguments.limit < 1:
        raise InputError(f"limit must be at least 1 cycle, not {arguments.limit}")
    window.check(arguments.window, arguments.vcd, arguments.limit)
    heads = _heads(arguments)
    pipeline = build(arguments.pipeline, heads, **_options(arguments))
    schedules = None
    if arguments.seed < 0:
        raise InputError(f"seed must be at least 0, not {arguments.seed}")
    if arguments.stalls is not None:
        try:
            schedules = stalls.parse(arguments.stalls, ["q", "k", "v", "o"], arguments.seed)
        except ValueError as error:
            raise InputError(str(error)) from None
    queries = sum(len(head[0]) for head in heads)
    try:
        with Progress({arguments.pipeline: queries}, quiet=arguments.quiet) as progress:
            report = run_pipeline(
                pipeline,
                *_columns(heads),
                stalls=schedules,
                limit=arguments.limit,
                engine=arguments.engine,
                vcd=arguments.vcd,
                window=arguments.window,
                progress=progress.counter(arguments.pipeline),
            )
    except (SimulationError, KeyboardInterrupt):
        with suppress(OSError, ValueError):  # there is no dump if it ended before the window
            _save_view(arguments.vcd, pipeline)  # wanted most where a run got stuck
        raise
    _save_view(arguments.vcd, pipeline)
    if arguments.out:
        with replacing(arguments.out) as path, open(path, "wb") as file:
            np.save(file, np.asarray(report.outputs))
    if arguments.json:
        write_json(arguments.json, report.to_dict())
    if not arguments.quiet:
        print(tables.render(tables.summary(report)), end="")
    return 0 if report.bit_exact else 1


def _save_view(vcd, pipeline):
    if vcd:
        view.write_gtkw(view.save_path(vcd), vcd, pipeline)


def graph(arguments):
    """A drawing of a pipeline."""
    kind = arguments.format or (arguments.out and Path(arguments.out).suffix[1:]) or "mermaid"
    kind = {"mmd": "mermaid", "md": "mermaid", "gv": "dot"}.get(kind, kind)
    drawers = {"mermaid": draw.to_mermaid, "dot": draw.to_dot, "svg": draw.to_svg}
    if kind not in drawers:
        raise InputError(f"format must be one of {', '.join(drawers)}, not {kind!r}")
    check_outputs([arguments.out], _files(arguments))
    heads = _heads(arguments)
    pipeline = build(arguments.pipeline, heads, **_options(arguments))
    peaks = None
    if arguments.run:
        queries = sum(len(head[0]) for head in heads)
        with Progress({arguments.pipeline: queries}) as progress:
            counter = progress.counter(arguments.pipeline)
            peaks = run_pipeline(pipeline, *_columns(heads), progress=counter).peaks
    drawing = drawers[kind](pipeline, peaks)
    if arguments.out:
        with replacing(arguments.out) as path:
            path.write_text(drawing, encoding="utf-8")
    else:
        print(drawing, end="" if drawing.endswith("\n") else "\n")
    return 0


def count(arguments):
    """Flip-flops, memory bits and words of a pipeline, unit by unit."""
    check_outputs([arguments.json], _files(arguments))
    pipeline = build(arguments.pipeline, _heads(arguments), **_options(arguments))
    counted = count_design(pipeline)
    title = f"{arguments.pipeline}, {pipeline.config}"
    print(tables.render(tables.counts(counted, title)), end="")
    if arguments.json:
        write_json(arguments.json, asdict(counted))
    return 0


def export(arguments):
    """Files for an FPGA flow: Verilog, a testbench, what is known of them."""
    if arguments.pipeline is None and arguments.unit is None:
        raise InputError("--pipeline says what to export, or --unit")
    pipeline, heads = chosen(arguments, arguments.pipeline or "memory-free")
    for path in write_export(
        pipeline,
        arguments.out,
        heads=heads,
        ports=arguments.ports,
        tokens=arguments.test_tokens,
        unit=arguments.unit,
    ):
        print(path)
    return 0


def chosen(arguments, name):
    """A pipeline by its dimensions or its data, with heads that fit it."""
    if arguments.d is None:
        if arguments.dv is not None:
            raise InputError("--dv goes with --d; data has its own dimensions")
        heads = _heads(arguments)
    else:
        given = ("q", "k", "v", "layer", "head", "tokens")
        other = [f"--{name}" for name in given if getattr(arguments, name) is not None]
        if other:
            raise InputError(f"--d is instead of data; leave out {' and '.join(other)}")
        heads = split_heads(*sample_of(arguments.d, arguments.dv, arguments.row_max))
    pipeline = build(name, heads, **_options(arguments))
    return pipeline, heads


def _heads(arguments):
    """The heads that the arguments ask for."""
    files = _files(arguments)
    if any(file is not None for file in files):
        if None in files:
            missing = [f"--{n}" for n, file in zip("qkv", files, strict=True) if file is None]
            raise InputError(f"q, k and v go together: {' and '.join(missing)} missing")
        if arguments.layer is not None or arguments.head is not None:
            raise InputError("--layer and --head choose shipped data; leave them out with --q")
        arrays = [load(file) for file in files]
    else:
        layer = 5 if arguments.layer is None else arguments.layer
        arrays = sample(layer, None if arguments.head == ALL else arguments.head or 0)
    heads = split_heads(*arrays)
    if arguments.tokens is not None:
        if arguments.tokens < 1:
            raise InputError(f"tokens must be at least 1, not {arguments.tokens}")
        most = min(len(array) for head in heads for array in head)
        if arguments.tokens > most:
            raise InputError(
                f"tokens must be at most the {most} that there are, not {arguments.tokens}"
            )
        heads = [tuple(array[: arguments.tokens] for array in head) for head in heads]
    return heads


def _files(arguments):
    """The files of q, k and v; None where not given."""
    return [arguments.q, arguments.k, arguments.v]


def _columns(heads):
    """Lists of queries, of keys and of values."""
    return map(list, zip(*heads, strict=True))


def _options(arguments):
    """Fields of the configuration as given; None where not."""
    names = ("lanes", "scale", "row_max", "segments", "score_bits", "weight_bits", "digits")
    return {**{name: getattr(arguments, name) for name in names}, **arguments.formats}


def write_json(path, data):
    """Write plain data."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
