"""Measure the tables and drawings of the README and the documentation anew.

A table stands between ``<!-- begin NAME: what measures it -->`` and ``<!-- end NAME -->``, in any
page. ``--write`` measures, and puts tables and drawings in their places; ``--check`` writes
nothing, and fails if what was measured differs from what stands there. It measures only what can
have changed since, see ``kept.py``.
"""

import contextlib
import csv
import io
import json
import re
import sys

import amaranth.back.verilog
import bench
import fpga_table
import kept
import numpy as np
from pages import DOCS, ROOT, main, markdown
from sdpaflow import units
from sdpaflow.pipelines import PIPELINES, Config
from sdpaflow_sim.attention.inputs import build, sample, split_heads
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.cli import parser, tables
from sdpaflow_sim.cli.measure import measure_all
from sdpaflow_sim.drawing import comparison, draw
from sdpaflow_sim.verilog.convert import to_verilog

PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
HEAD = sample()
MARK = re.compile(r"^<!-- begin (\S+):", re.MULTILINE)
SIZES = (20, 32, 48)
PUBLISHED = {"naive": "2N² + 2N + 52", "memory-free": "2N² + 46"}


def cycles():
    """Cycles over N, and the formula that they follow."""
    rng, rows = np.random.default_rng(0), []
    for name, published in PUBLISHED.items():
        waits = PIPELINES[name].stores_rows
        for d in (1, 4, 16):
            taken = {n: run(name, *rng.normal(size=(3, n, d))).cycles for n in SIZES}
            (constant,) = {count - n * n - n * waits for n, count in taken.items()}
            formula = f"N² {'+ N ' * waits}+ {constant}"
            rows.append([name, d, *(f"{count:,}" for count in taken.values()), formula, published])
    sizes = [f"N = {n}" for n in SIZES]
    return markdown(["pipeline", "d", *sizes, "any N ≥ 17", "published, d = 1"], rows)


def accuracy():
    """Errors of memory-free on every shipped head, simulated."""
    rows = []
    for layer in (0, 2, 5):
        report = run("memory-free", *sample(layer, None))
        if not report.bit_exact:
            raise ValueError(f"layer {layer} must be right in every bit")
        errors = report.max_abs_error, report.mean_abs_error
        ulps = [f"{error / report.output_ulp:.2f}" for error in errors]
        rows.append([layer, report.heads, f"{report.cycles:,}", *ulps])
    return markdown(["layer", "heads", "cycles", "max error (ulp)", "mean error (ulp)"], rows)


def study(name):
    """What a kept study says of naive and memory-free, side by side."""
    with open(ROOT / f"docs/study/{name}/study.csv", encoding="utf-8", newline="") as file:
        found = {(r["d"], r["lanes"], r["n"], r["pipeline"]): r for r in csv.DictReader(file)}
    rows = []
    for d, lanes, n in dict.fromkeys(key[:3] for key in found):
        naive, free = (found[d, lanes, n, pipeline] for pipeline in ("naive", "memory-free"))
        exact = "yes" if {naive["bit_exact"], free["bit_exact"]} == {"yes"} else "no"
        row = [lanes] if d != "1" else []
        for one, words in ((naive, ["long_peak", "published_words"]), (free, ["long_peak"])):
            columns = ["cycles", "published", *words] if d == "1" else ["cycles", words[0]]
            row += [f"{int(one[column] or 0):,}" for column in columns]
        rows.append([f"{int(n):,}", *row, exact])
    header = ["N", "naive: cycles", "published", "long FIFO, words", "published"]
    header += ["memory-free: cycles", "published", "long FIFO, words", "every bit"]
    if d != "1":
        header = ["N", "lanes", *(title for title in header[1:] if title != "published")]
    return markdown(header, rows)


def catalogue():
    """Every unit and the first line of its documentation, linked to its datasheet."""
    classes = [getattr(units, name) for name in units.__all__]
    rows = [
        [f"[{kind.__name__}](units/{kind.__name__.lower()}.md)", kind.__doc__.splitlines()[0]]
        for kind in sorted(classes, key=lambda kind: getattr(kind, "__name__", ""))
        if isinstance(kind, type) and issubclass(kind, units.Unit) and kind is not units.Unit
    ]
    return markdown(["unit", "what it does"], rows)


def pipelines():
    """Every pipeline, what it is, and its long FIFOs."""
    rows = []
    for name, kind in PIPELINES.items():
        built = build(name, split_heads(*HEAD))
        deep = [f"`{edge.name}`" for edge in built.edges if edge.depth > 2]
        about = kind.__doc__.splitlines()[0]
        rows.append([f"[{name}](pipelines/{name}.md)", about, ", ".join(deep) or "none"])
    return markdown(["pipeline", "what it does", "long FIFOs"], rows)


def verilog():
    """Lines of an exported pipeline, and of what Amaranth's own back end writes."""
    exported = to_verilog(PIPELINES["memory-free"](Config(d=4)), "top").splitlines()
    raw = amaranth.back.verilog.convert(PIPELINES["memory-free"](Config(d=4))).splitlines()
    row = ["`memory-free`, 4 lanes", f"{len(exported):,}", f"{len(raw):,}"]
    return markdown(["pipeline", "lines of Verilog", "from Amaranth's own back end"], [row])


def printed(*arguments):
    """What the command prints."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        if parser.main([*arguments, "--quiet"]):
            raise ValueError(f"sdpaflow {' '.join(arguments)} must succeed")
    return f"```text\n{text.getvalue()}```\n"


def measure(writing):
    """Texts of all pages and drawings by path; and what writes the rest."""
    keep, names, reports = kept.Kept(anew=writing), list(PIPELINES), []

    def results():
        measured, counts = measure_all(names, split_heads(*HEAD))
        reports.extend(measured)
        table = tables.render(tables.comparison(measured, counts), markdown=True)
        return {"table": table, "peaks": {report.pipeline: report.peaks for report in measured}}

    speeds = json.loads((DOCS / "bench.json").read_text(encoding="utf-8"))
    found = keep(f"results of {', '.join(names)}", results)
    blocks = {
        "results": found["table"],
        "cycles": keep("cycles", cycles),
        "accuracy": keep("accuracy", accuracy),
        "depths": keep("depths", lambda: printed("depths", "--pipeline", "naive")),
        "published": study("published"),
        "real": study("real"),
        "bench": bench.table(speeds),
        "runs": bench.runs_table(speeds),
        **fpga_table.blocks(sha_of=lambda design: keep(design.name, lambda: design.fingerprint)),
        "verilog": keep("verilog", verilog),
        "units": catalogue(),
        "pipelines": pipelines(),
    }
    drawings = {
        DOCS / f"pictures/{name}.svg": draw.to_svg(build(name, split_heads(*HEAD)), peaks)
        for name, peaks in found["peaks"].items()
    }
    pages = filled({path: path.read_text(encoding="utf-8") for path in PAGES}, blocks)

    def others():
        comparison.comparison(DOCS / "pictures/compare.png", reports)
        kept.FILE.write_text(keep.text(), encoding="utf-8")

    return {**pages, **drawings}, others


def filled(texts, blocks):
    """Pages with their marked blocks replaced; every block has to be somewhere, and be known."""
    marked = {name for text in texts.values() for name in MARK.findall(text)}
    if marked != set(blocks):
        raise ValueError(f"Blocks must be {sorted(blocks)}, not {sorted(marked)}")
    for name, content in blocks.items():
        pattern = rf"(?<=<!-- begin {name}:)(.*?-->\n).*?(?=<!-- end {name} -->)"
        for path, text in texts.items():
            texts[path] = re.sub(
                pattern, lambda m, new=content: f"{m[1]}\n{new}\n", text, flags=re.DOTALL
            )
    return texts


if __name__ == "__main__":
    sys.exit(main(__doc__, measure, "make readme"))
