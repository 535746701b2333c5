"""Verilog that is made readable: what changes, and what must not."""

import pytest
from sdpaflow_sim.verilog.expressions import Widths, parts, reads
from sdpaflow_sim.verilog.tidy import tidy

WIDTHS = Widths(a=4, b=9, bit=1)


@pytest.mark.parametrize(
    ("term", "width"),
    [
        ("a", 4),
        ("b[7:3]", 5),
        ("b[2]", 1),
        ("12'h0ff", 12),
        ("{ a, b[1:0], 3'h5 }", 9),
        ("{ a, { bit, bit } }", 6),
        ("$signed(b[7:3])", 5),
        ("unknown", None),
        ("a + b", None),
    ],
)
def test_width(term, width):
    """Names, bits of names, literals and concatenations have the width the language gives them."""
    assert WIDTHS.of(term) == width


@pytest.mark.parametrize(
    ("term", "wider"),
    [
        ("a", "{ 3'h0, a }"),
        ("3'h5", "7'h5"),
        ("{ 1'h0, a }", "{ 3'h0, a }"),
        ("{ a, bit }", "{ 2'h0, a, bit }"),
        ("$signed(a)", "$signed({ {3{a[3]}}, a })"),
        ("$signed(b[5:0])", "$signed({ b[5], b[5:0] })"),
        ("$signed(bit)", "$signed({ {6{bit}}, bit })"),
        ("$signed(4'h9)", "$signed(7'h79)"),
        ("$signed(4'h7)", "$signed(7'h7)"),
        ("$signed({ 1'h0, a })", "$signed({ 3'h0, a })"),
        ("$signed({ 1'h1, a })", "$signed({ 3'h7, a })"),
        ("$signed({ bit, a })", "$signed({ {2{bit}}, bit, a })"),
    ],
)
def test_widened(term, wider):
    """To 7 bits, with zeros or, where it is signed, with its sign."""
    assert WIDTHS.widened(term, 7) == wider
    assert WIDTHS.of(wider) == 7 or "{{" in wider.replace("{ {", "{{")


def test_terms():
    """Parts of concatenations, and signals that an expression reads."""
    assert parts("{ a, { b, c }, $signed({ d, e }) }") == ["a", "{ b, c }", "$signed({ d, e })"]
    found = [("a", None, None), ("b", 7, 3), ("c", 2, 2)]
    assert list(reads("if ($signed(a) > { b[7:3], c[2], 4'hb })")) == found


def tidied(body, ports=("a", "b", "c"), out="x"):
    """Statements of a module after tidying; inputs of a bit, one output of a bit."""
    heads = "".join(f"  input {port};\n  wire {port};\n" for port in ports)
    text = f"module m({', '.join(ports)}, {out});\n{heads}  output {out};\n  wire {out};\n{body}"
    (module,) = tidy(f"{text}endmodule\n")
    return [line.strip() for line in module.partition(");\n")[2].splitlines()[:-1]]


ONE = "  wire _0_;\n  wire _1_;\n"


@pytest.mark.parametrize(
    ("assigns", "merged"),
    [
        # Each temporary moves to its only use, in parentheses where operators differ.
        ({"_0_": "~ a", "_1_": "_0_ & b", "x": "_1_ & c"}, "~a & b & c"),
        ({"_0_": "a | b", "_1_": "~ _0_", "x": "_1_ | c"}, "~(a | b) | c"),
        ({"_0_": "a & b", "_1_": "_0_ | c", "x": "~ _1_"}, "~((a & b) | c)"),
        ({"_0_": "a == b", "_1_": "_0_ & c", "x": "_1_ | a"}, "((a == b) & c) | a"),
        ({"_0_": "| { a, b }", "_1_": "~ _0_", "x": "_1_ ? b : c"}, "~(a | b) ? b : c"),
    ],
)
def test_put_together(assigns, merged):
    """Conditions are read where they are used."""
    body = "".join(f"  assign {target} = {value};\n" for target, value in reversed(assigns.items()))
    assert tidied(ONE + body) == [f"assign x = {merged};"]


def test_kept_apart():
    """What is used twice keeps its name; so does what the width around it would change."""
    body = "  assign _0_ = a & b;\n  assign _1_ = ~ _0_;\n  assign x = _1_ | _0_;\n"
    assert tidied(ONE + body)[1:3] == ["assign _0_ = a & b;", "assign x = ~_0_ | _0_;"]
    body = "  assign _0_ = ~ a;\n  assign x = _0_ != b;\n"
    assert {"assign _0_ = ~a;", "assign x = _0_ != b;"} <= set(tidied(ONE + body))


def test_order():
    """Assignments follow the data, whatever order they came in."""
    body = (
        "  wire [1:0] y;\n  assign x = y[1];\n  assign y[1] = y[0] ^ b;\n  assign y[0] = a ^ c;\n"
    )
    assert tidied(body)[1:] == [
        "assign y[0] = a ^ c;",
        "assign y[1] = y[0] ^ b;",
        "assign x = y[1];",
    ]


def test_registers_start():
    """Start values stand in one block, without leading zeros."""
    body = (
        "  reg [7:0] r = 8'h00;\n  reg s = 1'h1;\n  assign x = s ^ r[0];\n"
        "  always @(posedge a)\n    if (b) r <= 8'h00;\n    else s <= c;\n"
    )
    lines = tidied(body)
    assert lines[:2] == ["reg [7:0] r;", "reg s;"]
    start = lines.index("initial begin")
    assert lines[start : start + 4] == ["initial begin", "r = 8'h0;", "s = 1'h1;", "end"]
    assert "if (b) r <= 8'h0;" in lines


def test_unused():
    """Bits that nobody reads are named, ports among them."""
    body = (
        "  wire [7:0] y;\n  assign y = { 4'h0, a, b, a, b } + 8'h03;\n  assign x = y[5] ^ y[2];\n"
    )
    text = " ".join(tidied(body))
    assert text.endswith("wire unused = &{ 1'h0, c, y[7:6], y[4:3], y[1:0] };")
