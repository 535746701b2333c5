"""Tables for terminals and for Markdown."""

from rich import box
from rich.console import Console
from rich.table import Table

__all__ = ["comparison", "counts", "depths", "render", "summary"]


def render(table, *, markdown=False):
    """A table as text, as wide as it needs to be, its title on a line of its own."""
    title, table.title = table.title, None
    if markdown:
        table.box = box.MARKDOWN
        table.padding = (0, 1)
        for column in table.columns:
            column.header = str(column.header).replace("-\n", "-").replace("\n", " ")
    console = Console(width=240, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(table)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    heading = [f"{title}", ""] if title and not markdown else []
    return "\n".join([*heading, *(line for line in lines if line)]) + "\n"


def _table(title, first, *columns):
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def comparison(reports, counts, title=None):
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
        "bit-\nexact",
        "clamped\ntokens",
    )
    for report, count in zip(reports, counts, strict=True):
        table.add_row(
            report.pipeline,
            f"{report.cycles:,}",
            f"{report.cycles_per_score:.3f}",
            f"{sum(fifo.depth for fifo in report.fifos):,}",
            f"{sum(fifo.peak for fifo in report.fifos):,}",
            f"{report.state_words:,}",
            f"{count.flip_flops:,}",
            f"{count.memory_bits:,}",
            f"{report.max_abs_error / report.output_ulp:.2f}",
            f"{report.mean_abs_error / report.output_ulp:.2f}",
            "yes" if report.bit_exact else "NO",
            f"{sum(report.saturations.values()):,}",
        )
    return table


def summary(report):
    """One run, a line per figure."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column()
    ulp = report.output_ulp
    rows = {
        "pipeline": f"{report.pipeline}, d = {report.d}, dv = {report.dv}, lanes = {report.lanes}",
        "data": f"{report.heads} × {report.n_q} queries, {report.n_k} keys",
        "formats": ", ".join(f"{name} {shape}" for name, shape in report.formats.items()),
        "engine": report.engine,
        "cycles": f"{report.cycles:,} for {report.scores:,} scores, "
        f"{report.cycles_per_score:.4f} per score",
        "FIFO words": f"{sum(fifo.depth for fifo in report.fifos):,} configured, "
        f"{sum(fifo.peak for fifo in report.fifos):,} at peak",
        "state words": f"{report.state_words:,}",
        "error": f"max {report.max_abs_error / ulp:.2f} ulp, "
        f"mean {report.mean_abs_error / ulp:.2f} ulp (1 ulp = {ulp:.3g})",
        "saturated": ", ".join(f"{n:,} at {name}" for name, n in report.saturations.items())
        or "none",
        "bit-exact": "yes" if report.bit_exact else "NO",
    }
    for name, value in rows.items():
        table.add_row(f"{name}  ", value)
    return table


def counts(count, title=None):
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


def depths(found, edges, title=None):
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
