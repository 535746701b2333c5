"""Write a datasheet for every unit and every pipeline, from the sources and from measurements.

What a unit does, its parameters and ports come from its docstring; latency, rate and memory from
the units as the pipelines with 16 lanes build them; resources and frequencies from ``docs/fpga``;
errors from the bit-exact models on the shipped heads. Nothing is simulated or synthesized here.
"""

import inspect
import json
import re
import sys
import textwrap

import sdpaflow
import sheet_examples
from docstrings import sections
from pages import DOCS, main, markdown
from sdpaflow import PIPELINES, Config
from sdpaflow_sim import draw
from sdpaflow_sim.attention.inputs import sample
from sdpaflow_sim.attention.run import model
from sdpaflow_sim.drawing.describe import function, shape_text

D, ROW_MAX = 16, 1024
"""Of the pipelines whose units are listed; ``row_max`` where rows are stored."""

FEW = 4
"""Lanes of those with several beats per vector."""

LAYERS = (0, 2, 5)
RESOURCES = {"lut": "LUTs", "ff": "flip-flops", "dsp": "DSP blocks", "bram": "block RAMs"}
UNIT_HEADER = ["unit", "function", "cycles per token", "latency", "words", "bits"]
UNIT_HEADER += RESOURCES.values()
NOTE = "<!-- Written by scripts/datasheets.py; `make datasheets` writes it anew. -->\n"


def measure(_writing=False):
    """Texts of all pages by path."""
    graphs = {name: build(name) for name in PIPELINES}
    pages = {}
    for example in sheet_examples.EXAMPLES:
        name = example.__name__.lower()
        pages[DOCS / f"reference/units/{name}.md"] = unit_page(example, graphs)
        pages[DOCS / f"reference/units/{name}.svg"] = draw(example(), "svg")
    for name, graph in graphs.items():
        pages[DOCS / f"reference/pipelines/{name}.md"] = pipeline_page(name, graph)
    return pages, lambda: None


def build(name, lanes=D):
    """A pipeline with 16 lanes, as it is placed and routed; or with fewer."""
    row_max = ROW_MAX if PIPELINES[name].stores_rows else None
    return PIPELINES[name](Config(d=D, lanes=lanes, row_max=row_max))


def reports(name):
    """What was measured of a pipeline on FPGAs, the small designs first."""
    found = [json.loads(path.read_text()) for path in sorted((DOCS / "fpga").glob("*.json"))]
    found = [report for report in found if report.get("pipeline") == name]
    return sorted(found, key=lambda report: report["resources"]["lut"])


def placed(name):
    """Resources of each unit of the pipeline that :func:`build` gives; empty if not measured."""
    row_max = ROW_MAX if PIPELINES[name].stores_rows else None
    for report in reports(name):
        config = report["config"]
        if report["device"] == "ecp5-85f" and (config["d"], config["row_max"]) == (D, row_max):
            return report["units"]
    return {}


# Units.


def unit_page(example, graphs):
    """Datasheet of a unit."""
    kind = getattr(sdpaflow, example.__name__)
    doc = sections(kind.__doc__)
    return joined(
        NOTE,
        f"# {kind.__name__}",
        doc["summary"],
        f"![{kind.__name__} in a graph]({kind.__name__.lower()}.svg)",
        "In the constructor of a pipeline:",
        "<!-- excerpt: scripts/sheet_examples.py -->",
        "```python\n" + lines_of(example) + "```",
        "## Contract",
        doc["body"],
        "## Parameters",
        markdown(["parameter", "type", "meaning"], doc["Parameters"]),
        "## Ports",
        markdown(["port", "direction", "meaning"], doc["Members"]),
        "## Where it is used",
        uses(kind, graphs),
    )


def joined(*parts):
    """Parts of a page, a blank line between them."""
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def lines_of(example):
    """What the constructor of an example says, without its frame."""
    source = inspect.getsource(example.__init__)
    body = source.partition("super().__init__()\n")[2]
    return textwrap.dedent(body).strip() + "\n"


def uses(kind, graphs):
    """Each such unit of the pipelines with 16 lanes: rate, latency, memory, resources."""
    if kind is sdpaflow.Fifo:
        return fifo_uses(graphs)
    about = (
        f"In the pipelines with d = lanes = {D} and 16-bit formats. Latency is in cycles; words "
        "and bits are what the unit itself can hold. LUTs to block RAMs are those of a "
        "Lattice ECP5-85F, placed and routed with the whole pipeline. A unit alone has "
        "no clock rate of its own."
    )
    found = [(name, node, placed(name)) for name, g in graphs.items() for node in g.nodes]
    if not any(type(node.unit) is kind for _, node, _ in found):
        about = (
            f"Only where a vector takes several beats. Here d = {D} with {FEW} lanes, which is not "
            "placed and routed. Latency is in cycles."
        )
        graphs = {name: build(name, lanes=FEW) for name in graphs}
        found = [(name, node, {}) for name, g in graphs.items() for node in g.nodes]
    rows = [
        [f"[{name}](../pipelines/{name}.md)", *line(node, cells)]
        for name, node, cells in found
        if type(node.unit) is kind
    ]
    return filled(about) + "\n\n" + markdown(["pipeline", *UNIT_HEADER], rows)


def fifo_uses(graphs):
    """The long FIFOs, and the sum of the short ones, of each pipeline."""
    rows = []
    for name, graph in graphs.items():
        for label, *rest in fifo_lines(graph, placed(name)):
            rows.append([f"[{name}](../pipelines/{name}.md)", label, *rest])
    about = (
        f"In the pipelines with d = lanes = {D}; those that store rows, of up to {ROW_MAX:,} keys."
    )
    return filled(about) + "\n\n" + markdown(["pipeline", *UNIT_HEADER], rows)


def fifo_lines(graph, cells):
    """A line for each long FIFO, and one for all others."""
    long = [edge for edge in graph.edges if edge.is_long]
    short = [edge for edge in graph.edges if not edge.is_long]
    for label, edges in (*((f"`{e.name}`", [e]) for e in long), (f"{len(short)} short", short)):
        words, bits = (sum(getattr(e.fifo, what) for e in edges) for what in ("words", "bits"))
        found = [cells[f"{edge.name}_fifo"] for edge in edges if f"{edge.name}_fifo" in cells]
        sums = [f"{sum(one[key] for one in found):,}" if found else "–" for key in RESOURCES]
        latency = "–" if len(edges) > 1 else edges[0].latency
        yield [label, "", 1, latency, f"{words:,}", f"{bits:,}", *sums]


def filled(text):
    """A paragraph."""
    return textwrap.fill(text, 100)


def line(node, cells):
    """A unit of a pipeline: what is known of it."""
    unit = node.unit
    interval = getattr(getattr(unit, "fn", None), "interval", 1)
    found = cells.get(node.name)
    measured = [f"{found[key]:,}" if found else "–" for key in RESOURCES]
    memory = [f"{unit.words:,}", f"{unit.bits:,}"]
    return [f"`{node.name}`", function(node), interval, unit.latency, *memory, *measured]


# Pipelines.


def pipeline_page(name, graph):
    """Datasheet of a pipeline."""
    doc = sections(type(graph).__doc__)
    return joined(
        NOTE,
        f"# {name}",
        doc["summary"],
        f"![{name}, drawn, with the fill of every FIFO](../../pictures/{name}.svg)",
        doc["body"],
        "## Streams",
        f"The drawing has d = lanes = 32, these tables d = lanes = {D}. Clock `clk`; `rst` is "
        "synchronous, active high.",
        markdown(["stream", "direction", "data of a token", "rank", "bits"], streams(graph)),
        "## Units",
        unit_table(name, graph),
        "## Memory",
        memory(graph),
        "## Accuracy",
        accuracy(name),
        "## On FPGAs",
        fpga_table(name),
    )


def streams(graph):
    """Inputs and outputs."""
    for way, edges in (("in", graph.input_edges), ("out", graph.output_edges)):
        for port, edge in edges.items():
            shape = edge.fifo.o.payload.shape()
            token, rank = shape.members["data"], shape.members["last"]
            yield [f"`{port}`", way, f"`{shape_text(token)}`", rank, shape.size]


def unit_table(name, graph):
    """Every unit of a pipeline, then its FIFOs: each long one, and all others together."""
    cells, rows = placed(name), []
    for node in graph.nodes:
        kind = type(node.unit).__name__
        label, *rest = line(node, cells)
        rows.append([f"{label}, [{kind}](../units/{kind.lower()}.md)", *rest])
    for label, *rest in fifo_lines(graph, cells):
        rows.append([f"{label}, [Fifo](../units/fifo.md)", *rest])
    about = (
        "In the order of the data; latency is in cycles, words and bits are what a unit can hold."
    )
    if cells:
        about += f" LUTs to block RAMs are those of an ECP5-85F{rows_of(graph)}."
    return filled(about) + "\n\n" + markdown(UNIT_HEADER, rows)


def rows_of(graph):
    """For how long rows it is built, where it stores any."""
    return f", for rows of up to {ROW_MAX:,} keys" if graph.stores_rows else ""


def memory(graph):
    """Words between inputs and outputs."""
    fifos = sum(edge.fifo.words for edge in graph.edges)
    state = sum(node.unit.words for node in graph.nodes)
    bits = sum(e.fifo.bits for e in graph.edges) + sum(n.unit.bits for n in graph.nodes)
    long = [f"`{edge.name}` of {edge.depth:,} words" for edge in graph.edges if edge.is_long]
    return filled(
        f"{fifos:,} words in FIFOs and {state:,} in units{rows_of(graph)}: {bits:,} bits. "
        f"FIFOs deeper than 2 words: {' and '.join(long) or 'none'}."
    )


def accuracy(name):
    """Errors of the bit-exact model on all shipped heads."""
    rows, clamped = [], 0
    for layer in LAYERS:
        found = model(name, *sample(layer, None))
        errors = [found["max_abs_error"], found["mean_abs_error"]]
        tokens = sum(found["saturations"].values())
        clamped += tokens
        ulps = [f"{error / found['output_ulp']:,.2f}" for error in errors]
        rows.append([layer, *(f"{error:.2g}" for error in errors), *ulps, f"{tokens:,}"])
    about = (
        "Against float64 on the quantised inputs: 12 heads of each shipped layer, 145 tokens each. "
        "The hardware has the same bits as the model that gives these figures."
    )
    if clamped:
        about += (
            " **Clamped tokens make results wrong**, by as much as the table says, although "
            "hardware and model agree in every bit."
        )
    header = ["layer", "max error", "mean error", "max (ulp)", "mean (ulp)", "clamped tokens"]
    return filled(about) + "\n\n" + markdown(header, rows)


def fpga_table(name):
    """All that was placed and routed."""
    header = ["device", "lanes", "longest row", "bits of q, k, v", *RESOURCES.values()]
    rows = []
    for report in reports(name):
        config, formats = report["config"], report["formats"]
        bits = {sum(map(int, re.findall(r"\d+", formats[port]))) for port in "qkv"}
        row_max = f"{config['row_max']:,}" if config["row_max"] else "any"
        row = [report["device"], config["lanes"], row_max, ", ".join(map(str, sorted(bits)))]
        row += [f"{count:,}" for count in report["resources"].values()]
        rows.append([*row, *(f"{report[key]:.1f}" for key in ("fmax_mhz", "fmax_mhz_median"))])
    if not rows:
        return "Not measured."
    about = (
        "Best and median clock rate of the seeds. Figures of an earlier version of a design are "
        "marked in [the results](../../results/fpga.md)."
    )
    return filled(about) + "\n\n" + markdown([*header, "MHz", "median"], rows)


if __name__ == "__main__":
    sys.exit(main(__doc__, measure, "make datasheets"))
