"""What nextpnr says, read: utilisation, failures, and the slowest path."""

from types import SimpleNamespace

import pytest
from sdpaflow_sim.errors import DoesNotFitError, ToolError
from sdpaflow_sim.fpga.devices import DEVICES
from sdpaflow_sim.fpga.place import place_and_route, utilisation
from sdpaflow_sim.fpga.table import path_line
from sdpaflow_sim.fpga.timing import critical_path, fmax

LOG = """\
Info: Packing constants..
Info:     3264 LCs used as LUT4 only

Info: Device utilisation:
Info: \t         ICESTORM_LC:    6724/   5280   127%
Info: \t        ICESTORM_RAM:       0/     30     0%
Info: \t               SB_IO:       5/     39    12%
Info: \t        ICESTORM_DSP:      13/      8   162%

Info: Placed 0 cells based on constraints.
ERROR: Unable to place cell 'design.wv_ij._06__SB_MAC16_O_1_DSP', no BELs remaining to \
implement cell type 'ICESTORM_DSP'
"""
UP5K = DEVICES["ice40-up5k"]


def failed(log):
    """The error of a run that says this and fails, and the stages that were told."""
    stages = []

    def run(package, arguments, name, heard):
        for line in log.splitlines(keepends=True):
            heard(line)
        return 1

    tools = SimpleNamespace(run=run, log=lambda name: f"logs/{name}.log")
    with pytest.raises((DoesNotFitError, ToolError)) as caught:
        place_and_route(tools, UP5K, None, 7, stages.append)
    return caught.value, stages


def test_utilisation():
    """Used and available, of each kind."""
    assert utilisation(LOG) == {
        "ICESTORM_LC": (6724, 5280),
        "ICESTORM_RAM": (0, 30),
        "SB_IO": (5, 39),
        "ICESTORM_DSP": (13, 8),
    }


def test_too_large():
    """All that there is too little of is listed."""
    error, stages = failed(LOG)
    assert isinstance(error, DoesNotFitError)
    assert str(error) == (
        "The design does not fit Lattice iCE40 UP5K: it takes 6,724 logic cells of 5,280, "
        "13 DSP blocks of 8"
    )
    assert stages == ["loading", "packing"]


def test_too_full():
    """Where there is enough of everything, but no place for all of it, the scarcest is named."""
    log = LOG.replace("6724/   5280   127%", "5270/   5280    99%").replace("13/", " 7/")
    error, _ = failed(log.replace("Unable to place", "Unable to find legal placement for"))
    assert isinstance(error, DoesNotFitError)
    assert str(error).endswith("no place was found for all of it, with 5,270 logic cells of 5,280")


def test_other_failures():
    """Anything else is the tool's failure, in its words."""
    error, _ = failed("Info: constrained\nERROR: Failed to open JSON file 'netlist.json'.\n")
    assert isinstance(error, ToolError)
    assert str(error) == (
        "nextpnr failed: Failed to open JSON file 'netlist.json'. (see logs/seed7.log)"
    )
    error, _ = failed("")
    assert str(error) == "nextpnr failed: it says no reason (see logs/seed7.log)"


def step(kind, delay, source, sink, port="F", end="A"):
    """A step of a path in nextpnr's report."""
    return {
        "type": kind,
        "delay": delay,
        "from": {"cell": source, "port": port},
        "to": {"cell": sink, "port": end},
    }


INSIDE = {
    ("product", "A2"): ("v_fifo", "o[2]"),
    ("product", "M3"): ("wv_ij", "m[3]"),
    ("product", "P1"): ("wv_ij", "p[1]"),
}
NETLIST = SimpleNamespace(
    cells={
        "ff1": {"type": "TRELLIS_FF"},
        "sum": {"type": "CCU2C"},
        "product": {"type": "MULT18X18D"},
        "lut": {"type": "LUT4"},
        "ff2": {"type": "TRELLIS_FF"},
    },
    units={"ff1": "a_i", "sum": "a_i", "product": "wv_ij", "lut": "o_i", "ff2": "o_i"},
    register={"ff1": "acc[3]", "ff2": "held"}.get,
    register_inside=lambda *end: INSIDE.get(end),
    moved={},
)
PATH = [
    step("clk-to-q", 0.5, "ff1", "ff1", "Q"),
    step("routing", 1.0, "ff1", "sum$CCU2_COMB1", "Q"),
    step("logic", 0.4, "sum$CCU2_COMB1", "sum$CCU2_COMB1", "A"),
    step("routing", 0.5, "sum$CCU2_COMB1", "$nextpnr_CCU2C_59$CCU2_COMB0", "F"),
    step("logic", 0.4, "$nextpnr_CCU2C_59$CCU2_COMB0", "$nextpnr_CCU2C_59$CCU2_COMB0"),
    step("routing", 0.5, "$nextpnr_CCU2C_59$CCU2_COMB0", "product"),
    step("logic", 3.5, "product", "product"),
    step("routing", 0.25, "product", "lut"),
    step("logic", 0.25, "lut", "lut"),
    step("routing", 0.5, "lut", "ff2"),
    step("setup", 0.2, "ff2", "ff2"),
]
REPORT = {
    "fmax": {
        "$PACKER_GND_NET_$glb_clk": {"achieved": 9.0},
        "clk$SB_IO_IN_$glb_clk": {"achieved": 125.0049},
    },
    "critical_paths": [
        {"from": "<async>", "to": "posedge clk$SB_IO_IN_$glb_clk", "path": PATH * 3},
        {"from": "posedge clk$SB_IO_IN_$glb_clk", "to": "<async>", "path": PATH * 3},
        {"from": "posedge clk$SB_IO_IN_$glb_clk", "to": "posedge $PACKER_GND_NET_$glb_clk",
         "path": PATH * 3},
        {"from": "posedge clk$SB_IO_IN_$glb_clk", "to": "posedge clk$SB_IO_IN_$glb_clk",
         "path": PATH},
    ],
}  # fmt: skip


def test_slowest_path():
    """The path between registers, in the names of units, with what it passes."""
    path = critical_path(REPORT, NETLIST)
    assert path == {
        "from": {"unit": "a_i", "register": "acc[3]"},
        "to": {"unit": "o_i", "register": "held"},
        "units": ["a_i", "wv_ij", "o_i"],
        "delay_ns": 8.0,
        "logic_ns": 5.25,
        "routing_ns": 2.75,
        "luts": 1,
        "carries": 2,
        "dsps": 1,
    }
    assert path_line(path) == (
        "a_i.acc[3] to o_i.held by way of wv_ij: 8.00 ns, 5.25 of it logic and 2.75 routing, "
        "through 1 LUTs, 2 bits of carry, 1 DSP blocks"
    )


def test_ends_of_its_own():
    """A register that placing has made is called as it calls it, and is of no unit."""
    made = [step("clk-to-q", 0.5, "$made", "$made", "Q"), *PATH[1:]]
    report = {**REPORT, "critical_paths": [{**REPORT["critical_paths"][3], "path": made}]}
    assert critical_path(report, NETLIST)["from"] == {"unit": "(other)", "register": "$made"}


def registered(**ranks):
    """The netlist with registers in the DSP block."""
    return SimpleNamespace(**vars(NETLIST) | {"moved": {"product": ranks}})


def test_ends_in_blocks():
    """A register that is in a DSP block is called as in the Verilog; nothing passes the block."""
    steps = [
        step("clk-to-q", 0.5, "product", "product", "P1", "P1"),
        step("routing", 5.0, "product", "product", "P1", "A2"),
        step("setup", 0.1, "product", "product", "A2", "A2"),
    ]
    report = {**REPORT, "critical_paths": [{**REPORT["critical_paths"][3], "path": steps}]}
    path = critical_path(report, registered(A={"A2": 7}, P={"P1": 8}), 3.9)
    assert path["from"] == {"unit": "wv_ij", "register": "p[1]"}
    assert path["to"] == {"unit": "v_fifo", "register": "o[2]"}
    assert (path["delay_ns"], path["logic_ns"], path["dsps"]) == (5.6, 0.6, 0)


@pytest.mark.parametrize(
    ("ranks", "end"),
    [
        ({"A": {"A2": 7}, "B": {}, "P": {"P1": 8}}, "p[1]"),
        ({"A": {"A2": 7}, "B": {}, "M": {"M3": 9}, "P": {"P1": 8}}, "m[3]"),
        ({"P": {"P1": 8}}, None),
        ({"A": {"A2": 7}, "B": {}}, None),
    ],
)
def test_inside_blocks(ranks, end):
    """A multiplication from register to register of a block is a path too, which limits."""
    path = critical_path(REPORT, registered(**ranks), 8.5)
    if end is None:
        assert path == critical_path(REPORT, NETLIST)
        assert fmax(REPORT, registered(**ranks), 8.5) == 125.0
        return
    assert path == {
        "from": {"unit": "v_fifo", "register": "o[2]"},
        "to": {"unit": "wv_ij", "register": end},
        "units": ["wv_ij"],
        "delay_ns": 8.5,
        "logic_ns": 8.5,
        "routing_ns": 0,
        "luts": 0,
        "carries": 0,
        "dsps": 1,
    }
    assert fmax(REPORT, registered(**ranks), 8.5) == round(1000 / 8.5, 2)
    assert critical_path(REPORT, registered(**ranks), 3.9) == critical_path(REPORT, NETLIST)


def test_frequency():
    """That of the clock, not of a ground that DSP blocks have for one."""
    assert fmax(REPORT, NETLIST) == 125.0
