"""What Yosys and nextpnr write as JSON, as types, and what is read out of it."""

from collections.abc import Mapping
from typing import NotRequired, TypeAlias, TypedDict

__all__ = [
    "Bit",
    "Cell",
    "Counts",
    "CriticalPath",
    "End",
    "Module",
    "ModulePort",
    "Moved",
    "Net",
    "Pin",
    "Ranks",
    "Run",
    "Step",
    "TimedPath",
    "TimingReport",
    "Usage",
]

Bit: TypeAlias = int | str
"""A bit of a netlist: a number, or ``"0"``, ``"1"``, ``"x"`` or ``"z"`` for a constant."""

Counts: TypeAlias = dict[str, int]
"""How many of each resource (a key is one of :data:`sdpaflow_sim.fpga.devices.RESOURCES`)."""

Ranks: TypeAlias = dict[str, dict[str, Bit]]
"""The bits of a DSP block's registers: by register (``A``, ``B``, ``M``, ``P``), then by port."""

Moved: TypeAlias = Mapping[str, Ranks]
"""Registers of DSP blocks, by name of the block."""


class Cell(TypedDict):
    """A cell of a netlist, or an instance of a module."""

    type: str
    parameters: dict[str, str]
    attributes: dict[str, str]
    port_directions: dict[str, str]
    connections: dict[str, list[Bit]]


class ModulePort(TypedDict):
    """A port of a module."""

    direction: str
    bits: list[Bit]


class Net(TypedDict):
    """A name of the Verilog, and the bits that it stands for."""

    bits: list[Bit]
    attributes: dict[str, str]


class Module(TypedDict):
    """A module as Yosys writes it."""

    attributes: dict[str, str]
    ports: dict[str, ModulePort]
    cells: dict[str, Cell]
    netnames: dict[str, Net]


class Pin(TypedDict):
    """A port of a cell in nextpnr's report; its place on the chip is left out here."""

    cell: str
    port: str


Step = TypedDict("Step", {"from": Pin, "to": Pin, "type": str, "delay": float})
"""A step of a path: ``clk-to-q``, ``routing``, ``logic`` or ``setup``; the delay is in ns."""

TimedPath = TypedDict("TimedPath", {"from": str, "to": str, "path": list[Step]})
"""A path with its start and its end, each a clock and its edge, or ``<async>``."""


class Achieved(TypedDict):
    """The highest frequency of a clock, in MHz."""

    achieved: float


class Usage(TypedDict):
    """How many of one kind of cell a design takes of a device."""

    used: int
    available: int


class TimingReport(TypedDict):
    """The report that nextpnr writes: frequency by clock, paths, and utilisation by kind."""

    fmax: dict[str, Achieved]
    critical_paths: list[TimedPath]
    utilization: dict[str, Usage]


class End(TypedDict):
    """An end of a path, in the names of the graph."""

    unit: str
    register: str | None


CriticalPath = TypedDict(
    "CriticalPath",
    {
        "from": End,
        "to": End,
        "units": list[str],
        "delay_ns": float,
        "logic_ns": float,
        "routing_ns": float,
        "luts": int,
        "carries": int,
        "dsps": int,
    },
)
"""The slowest path, as :func:`sdpaflow_sim.fpga.timing.critical_path` returns it."""


class Run(TypedDict):
    """A run of place and route; the utilisation is the same for all seeds, and is kept once."""

    seed: int
    fmax_mhz: float
    critical_path: CriticalPath
    utilisation: NotRequired[dict[str, Usage]]
