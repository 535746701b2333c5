"""Tables for terminals and for Markdown."""

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from sdpaflow.graph import Edge

from sdpaflow_sim.attention.report import FifoUse, Report
from sdpaflow_sim.attention.verdict import verdict
from sdpaflow_sim.cli.running import GraphReport
from sdpaflow_sim.sizing import Depths
from sdpaflow_sim.verilog.count import Count

__all__ = ["comparison", "counts", "depths", "render", "summary"]


def render(table: Table, *, markdown: bool = False) -> str:
    """A table as text, as wide as it needs to be, its title on a line of its own."""
    title, table.title = table.title, None
    if markdown:
        table.box = box.MARKDOWN
        table.padding = (0, 1)
        for column in table.columns:
            column.header = str(column.header).replace("-\n", "-").replace("\n", " ")
    console = Console(width=2000, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(table)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    heading = [f"{title}", ""] if title and not markdown else []
    return "\n".join([*heading, *(line for line in lines if line)]) + "\n"


def _table(title: str | None, first: str, *columns: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def comparison(
    reports: Sequence[Report], counts: Sequence[Count], title: str | None = None
) -> Table:
    """Pipelines side by side.

    Parameters
    ----------
    reports : list of :class:`Report`
        One per pipeline, of the same data.
    counts : list of :class:`Count`
        Their netlists.
    """
    table = _table(
        title,
        "pipeline",
        "cycles",
        "cycles\n/ score",
        "FIFO\nwords",
        "of them\nat peak",
        "state\nwords",
        "flip-flop\nbits",
        "memory\nbits",
        "max error\n(ulp)",
        "mean error\n(ulp)",
        "max, inputs\nas given",
        "bit-\nexact",
        "clamped\ntokens",
    )
    for report, count in zip(reports, counts, strict=True):
        table.add_row(
            report.pipeline + ("" if report.is_attention else " *"),
            f"{report.cycles:,}",
            f"{report.cycles_per_score:.3f}",
            f"{sum(fifo.depth for fifo in report.fifos):,}",
            f"{sum(fifo.peak for fifo in report.fifos):,}",
            f"{report.state_words:,}",
            f"{count.flip_flops:,}",
            f"{count.memory_bits:,}",
            f"{report.max_abs_error / report.output_ulp:.2f}",
            f"{report.mean_abs_error / report.output_ulp:.2f}",
            f"{report.max_abs_error_total / report.output_ulp:.2f}",
            "yes" if report.bit_exact else "NO",
            f"{sum(report.saturations.values()):,}",
        )
    return table


def summary(report: Report | GraphReport, *, fitted: bool = False) -> Table:
    """One run, a line per figure; formats that were fitted to the data are said to be."""
    return _attention(report, fitted) if isinstance(report, Report) else _graph(report)


def _attention(report: Report, fitted: bool) -> Table:
    ulp = report.output_ulp
    formats = ",".join(f"{name}={shape}" for name, shape in report.formats.items())
    keep = {"": f"fitted to the data; other data keeps them with --formats '{formats}'"}
    said = verdict(report)
    return _lines({
        **({"NOT ATTENTION": said.partition(": NOT ATTENTION: ")[2]} if said else {}),
        "pipeline": f"{report.pipeline}, d = {report.d}, dv = {report.dv}, lanes = {report.lanes}",
        "data": f"{report.heads} × {report.n_q} queries, {report.n_k} keys",
        "formats": ", ".join(f"{name} {shape}" for name, shape in report.formats.items()),
        **(keep if fitted else {}),
        "engine": report.engine,
        "cycles": f"{report.cycles:,} for {report.scores:,} scores, "
        f"{report.cycles_per_score:.4f} per score",
        "FIFO words": _words(report.fifos),
        "state words": f"{report.state_words:,}",
        "error": f"max {report.max_abs_error / ulp:.2f} ulp, "
        f"mean {report.mean_abs_error / ulp:.2f} ulp (1 ulp = {ulp:.3g})"
        + ("" if report.error_bound is None else f", bound {report.error_bound:.2f} ulp"),
        "of inputs as given": f"max {report.max_abs_error_total / ulp:.2f} ulp, "
        f"mean {report.mean_abs_error_total / ulp:.2f} ulp",
        "saturated": _listed(report.saturations),
        "underflows": _listed(report.underflows),
        "bit-exact": "yes" if report.bit_exact else "NO",
    })


def _graph(report: GraphReport) -> Table:
    made_with = f", {', '.join(report.arguments)}" if report.arguments else ""
    tokens = {**report.inputs, **report.outputs}
    return _lines({
        "pipeline": f"{report.pipeline}{made_with}",
        "cycles": f"{report.cycles:,}",
        "tokens": _listed(tokens),
        "FIFO words": _words(report.fifos),
        "state words": f"{report.state_words:,}",
        "saturated": _listed(report.saturations),
        "other flags": "; ".join(f"{n}: {_listed(at)}" for n, at in report.flags.items()) or "none",
        "bit-exact": "yes" if report.bit_exact else "NO",
    })


def _lines(rows: Mapping[str, str]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column()
    for name, value in rows.items():
        table.add_row(f"{name}  ", value)
    return table


def _words(fifos: Iterable[FifoUse]) -> str:
    depths, peaks = zip(*((fifo.depth, fifo.peak) for fifo in fifos), strict=True)
    return f"{sum(depths):,} configured, {sum(peaks):,} at peak"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} at {name}" for name, count in counts.items()) or "none"


def counts(count: Count, title: str | None = None) -> Table:
    """Flip-flops, memory bits and words of every unit and FIFO."""
    table = _table(title, "unit", "words", "flip-flop bits", "memory bits")
    table.add_column("kind")
    for entry in count.entries:
        table.add_row(
            entry.name,
            f"{entry.words:,}",
            f"{entry.flip_flops:,}",
            f"{entry.memory_bits:,}",
            entry.kind,
        )
    table.add_section()
    words = sum(entry.words for entry in count.entries)
    table.add_row("total", f"{words:,}", f"{count.flip_flops:,}", f"{count.memory_bits:,}", "")
    return table


def depths(found: Sequence[Depths], edges: Sequence[Edge], title: str | None = None) -> Table:
    """Least depths of FIFOs, beside those they are built with.

    Parameters
    ----------
    found : list of :class:`Depths`
        One per FIFO.
    edges : list of :class:`Edge`
        The FIFOs of the graph, for where they run.
    """
    table = _table(title, "FIFO")
    for name in ("from", "to"):
        table.add_column(name)
    for name in ("words\nas built", "words to\ncomplete", "cycles\nthen", "words for\nfull rate"):
        table.add_column(name, justify="right")
    by_name = {edge.name: edge for edge in edges}
    for fifo in found:
        edge = by_name[fifo.name]
        table.add_row(
            fifo.name,
            edge.source.name if edge.source else "input",
            edge.target.name if edge.target else "output",
            f"{fifo.built:,}",
            f"{fifo.completes:,}",
            f"{fifo.cycles[fifo.completes]:,}",
            f"{fifo.full_rate:,}",
        )
    return table
