"""DSP blocks of an ECP5 with registers, in Verilog, and a bench that compares two netlists."""

WIDTHS = {"a": 16, "b": 16, "ce": 4, "o": 32}
"""Bits of the ports of a case: operands, clock enables, and what it computes."""

RANKS = {"A": "INPUTA", "B": "INPUTB", "M": "PIPELINE", "P": "OUTPUT"}
"""A block's registers, as its parameters call them."""

CELLS = """
module LUT4(input A, B, C, D, output Z);
parameter [15:0] INIT = 0;
assign Z = INIT[{D, C, B, A}];
endmodule
module TRELLIS_FF(input CLK, LSR, CE, DI, output reg Q = REGSET == "SET");
parameter GSR = "", CEMUX = "", CLKMUX = "", LSRMUX = "", SRMODE = "LSR_OVER_CE", REGSET = "";
wire loads = CEMUX == "1" || CE;
always @(posedge CLK ^ (CLKMUX == "INV"))
  if (LSR && (loads || SRMODE == "LSR_OVER_CE")) Q <= REGSET == "SET";
  else if (loads) Q <= DI;
endmodule
"""
"""What there is beside blocks in a netlist without sums."""


def ports(width):
    """Declarations of a module with so many cases in it."""
    return ["input clk", "input slow"] + [
        f"{'output' if port == 'o' else 'input'} [{width * bits - 1}:0] {port}"
        for port, bits in WIDTHS.items()
    ]


def block():
    """Verilog of a block with registers, in the words of the vendor's documentation."""
    pins = [f"{p}{i}" for p, n in {"A": 18, "B": 18, "C": 18}.items() for i in range(n)]
    pins += [f"{p}{i}" for p in ("CLK", "CE", "RST") for i in range(4)]
    pins += ["SIGNEDA", "SIGNEDB", "SOURCEA", "SOURCEB"]
    vector = {p: ", ".join(f"{p}{i}" for i in reversed(range(n))) for p, n in
              {"A": 18, "B": 18, "P": 36, "CE": 4, "CLK": 4, "RST": 4}.items()}  # fmt: skip
    text = [
        f"module MULT18X18D(input {', '.join(pins)}, output {vector['P']});\n",
        'parameter GSR = "ENABLED";\n',
        *(f"wire [3:0] {p.lower()} = {{{vector[p]}}};\n" for p in ("CE", "CLK", "RST")),
        f"wire signed [18:0] in_A = {{SIGNEDA & A17, {vector['A']}}};\n",
        f"wire signed [18:0] in_B = {{SIGNEDB & B17, {vector['B']}}};\n",
        "wire signed [37:0] in_M = out_A * out_B, in_P = out_M;\n",
        f"assign {{{vector['P']}}} = out_P;\n",
    ]
    for rank, name in RANKS.items():
        width = 19 if rank in "AB" else 38
        index = {
            pin: " : ".join(f'REG_{name}_{pin} == "{pin}{i}" ? {i}' for i in range(4)) + " : 0"
            for pin in ("CLK", "CE", "RST")
        }
        text.append(
            f'parameter REG_{name}_CLK = "NONE", REG_{name}_CE = "CE0", REG_{name}_RST = "RST0";\n'
            f"reg signed [{width - 1}:0] reg_{rank} = 0;\n"
            f"always @(posedge clk[{index['CLK']}])\n"
            f"  if (rst[{index['RST']}]) reg_{rank} <= 0;\n"
            f"  else if (ce[{index['CE']}]) reg_{rank} <= in_{rank};\n"
            f"wire signed [{width - 1}:0] out_{rank} ="
            f' REG_{name}_CLK == "NONE" ? in_{rank} : reg_{rank};\n'
        )
    return "".join(text) + "endmodule\n"


def bench(n, cycles):
    """A testbench with both netlists of ``n`` cases: random operands and enables.

    It prints, for each case, whether the two differed and in how many cycles the output changed.
    """
    declared = "".join(f"reg [{n * WIDTHS[p] - 1}:0] {p};\n" for p in ("a", "b", "ce"))
    stimuli = "".join(
        f"{p} = {{{', '.join(['$random(seed)'] * -(-n * WIDTHS[p] // 32))}}};\n"
        for p in ("a", "b", "ce")
    )
    wires = ".clk(clk), .slow(slow), .a(a), .b(b), .ce(ce)"
    return f"""module bench;
reg clk = 0, slow = 0;
integer seed = 1, i, cycle;
{declared}wire [{n * 32 - 1}:0] was, now;
reg [{n * 32 - 1}:0] last;
reg [{n - 1}:0] differs = 0;
integer changes [0:{n - 1}];
plain x({wires}, .o(was));
moved y({wires}, .o(now));
initial begin
  for (i = 0; i < {n}; i = i + 1) changes[i] = 0;
  for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin
    {stimuli}
    #1;
    for (i = 0; i < {n}; i = i + 1) begin
      if (was[32*i +: 32] !== now[32*i +: 32]) differs[i] = 1;
      if (was[32*i +: 32] !== last[32*i +: 32]) changes[i] = changes[i] + 1;
    end
    last = was;
    #1 clk = 1; if (cycle % 3 == 0) slow = 1;
    #1 clk = 0; slow = 0;
  end
  for (i = 0; i < {n}; i = i + 1) $display("%0d %0d", differs[i], changes[i]);
  $finish;
end
endmodule
"""
