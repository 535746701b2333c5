"""Testbenches in plain Verilog, which check an exported design without Python."""

from sdpaflow_sim.exporting.design import Design
from sdpaflow_sim.exporting.vectors import Passing, Vectors

__all__ = ["testbench"]


def testbench(design: Design, passing: Passing) -> str:
    """Text of module ``<name>_tb``.

    It runs the vectors, in files ``<name>_tb_<stream>.hex``, twice: at full speed, counting cycles,
    and with stalls on every port. It prints PASS, or FAIL with the first token that differs, and in
    that case ends with ``$fatal``.

    Parameters
    ----------
    design : :class:`Design`
        What is tested.
    passing : :class:`Passing`
        What goes in, and what has to come out.
    """
    axi = any(port.axi for port in design.ports)
    clocks = [".aclk(clk)", ".aresetn(!rst)"] if axi else [".clk(clk)", ".rst(rst)"]
    inputs, outputs, flags = passing.inputs, passing.outputs, passing.flags
    streams = [*inputs, *outputs]
    connections = [wire for stream in streams for wire in _connections(stream)]
    known = [f".{flag}({flag})" for flag in flags]
    rest = [f".{port}()" for port in (*design.flags, *design.rest) if port not in flags]
    sources = [_SOURCE.format(n=s.name, N=s.name.upper(), bit=b) for b, s in enumerate(inputs)]
    sinks = [_SINK.format(n=s.name, N=s.name.upper(), **_where(design, s)) for s in outputs]
    readies = [
        f"      {s.name}_ready <= go[{bit}];\n" for bit, s in enumerate(outputs, len(inputs))
    ]
    fired = [f"({s.name}_valid && {s.name}_ready)" for s in inputs]
    done = [f"{s.name}_received == {s.name.upper()}_TOKENS" for s in outputs]
    silence = [f"      {s.name}_valid <= 0;\n      {s.name}_sent = 0;\n" for s in inputs]
    silence += [f"      {s.name}_ready <= 0;\n      {s.name}_received = 0;\n" for s in outputs]
    raised = "".join(_FLAG.format(flag=flag, up=int(up)) for flag, up in flags.items())
    return _TEXT.format(
        name=design.name,
        limit=1000 + 64 * passing.work,
        ports=len(streams),
        declarations="".join(_declaration(design, stream) for stream in streams)
        + "".join(f"  wire {flag};\n" for flag in flags),
        connections=",\n    ".join([*clocks, *connections, *known, *rest]),
        silence="".join(silence),
        fired=" || ".join(fired),
        done=" && ".join(done),
        sinks="".join(sinks),
        sources="".join(sources),
        readies="".join(readies),
        given=f"{outputs[0].name}_received",
        flags=raised,
    )


def _declaration(design: Design, stream: Vectors) -> str:
    n, count, high = stream.name, len(stream.tokens), stream.width - 1
    driven = not stream.port.output
    return (
        f"\n  localparam {n.upper()}_TOKENS = {count};\n"
        f"  reg [{high}:0] {n}_vectors [0:{count - 1}];\n"
        f'  initial $readmemh("{design.name}_tb_{n}.hex", {n}_vectors);\n'
        f"  {'reg ' if driven else 'wire'} [{high}:0] {n}_token;\n"
        f"  {'reg ' if driven else 'wire'} {n}_valid;\n"
        f"  {'wire' if driven else 'reg '} {n}_ready;\n"
        f"  integer {n}_{'sent' if driven else 'received'};\n"
    )


def _connections(stream: Vectors) -> list[str]:
    n, axi = stream.name, stream.port.axi
    wires, prefix = {"payload": f"{n}_token"}, f"{n}__"
    if axi:
        bits, prefix = 8 * axi.octets, f"{axi.prefix}_t"
        wires = {"data": f"{n}_token[{bits - 1}:0]", "last": f"{n}_token[{bits}]"}
        if axi.user:
            wires["user"] = f"{n}_token[{bits + axi.user}:{bits + 1}]"
    wires |= {"valid": f"{n}_valid", "ready": f"{n}_ready"}
    return [f".{prefix}{port}({wire})" for port, wire in wires.items()]


def _where(design: Design, stream: Vectors) -> dict[str, str]:
    """How a message says which token it is about."""
    if not design.beats:
        return {"where": "", "which": ""}
    count = f"{stream.name}_received"
    return {
        "where": " (query %0d, beat %0d)",
        "which": f" {count} / {design.beats}, {count} % {design.beats},",
    }


_SOURCE = """
      if (!{n}_valid || {n}_ready) begin
        {n}_valid <= 0;
        if (go[{bit}] && {n}_sent < {N}_TOKENS) begin
          {n}_valid <= 1;
          {n}_token <= {n}_vectors[{n}_sent];
          {n}_sent = {n}_sent + 1;
        end
      end
"""

_SINK = """\
      if ({n}_valid === 1'b1 && {n}_ready) begin
        if ({n}_received == {N}_TOKENS) begin
          failed = 1;
          $display("FAIL: one token of {n} more than the %0d expected", {N}_TOKENS);
        end else if ({n}_token !== {n}_vectors[{n}_received]) begin
          failed = 1;
          $display("FAIL: token %0d of {n}{where}, pass %0d: expected %h, got %h",
                   {n}_received,{which} pass, {n}_vectors[{n}_received], {n}_token);
        end else {n}_received = {n}_received + 1;
      end
"""

_FLAG = """\
      if ({flag} !== 1'b{up}) begin
        failed = 1;
        $display("FAIL: {flag} is %b after pass %0d, expected {up}", {flag}, pass);
        $fatal(1, "failed");
      end
"""

_TEXT = """\
// Vectors and counts are assigned at once, so that one process can read them again.
/* verilator lint_off BLKSEQ */
module {name}_tb;
  localparam TIMEOUT = {limit};  // cycles

  reg clk;
  reg rst;
  initial clk = 0;
  always #5 clk = !clk;
{declarations}
  {name} dut (
    {connections}
  );

  integer pass;
  integer cycles;
  integer waited;
  reg started;
  reg failed;
  reg [31:0] noise;
  reg [{ports}-1:0] go;
  wire done = {done};

  always @(posedge clk) begin
    // Full speed in the first pass; in the second, each port pauses in one of four cycles.
    noise = noise ^ (noise << 13);
    noise = noise ^ (noise >> 17);
    noise = noise ^ (noise << 5);
    go = pass == 0 ? {{{ports}{{1'b1}}}} : noise[{ports}-1:0] | noise[{ports}+7:8];
    if (rst) begin
{silence}      started = 0;
      cycles = 0;
      waited = 0;
    end else if (!failed) begin
      if ({fired}) started = 1;
      if (started && !done) cycles = cycles + 1;
      waited = waited + 1;
{sinks}      if (!failed && waited == TIMEOUT) begin
        failed = 1;
        $display("FAIL: after %0d cycles, %0d tokens came out", waited, {given});
      end
      if (failed) $fatal(1, "failed");
{readies}{sources}    end
  end

  initial begin
    failed = 0;
    noise = 1;
    for (pass = 0; pass < 2; pass = pass + 1) begin
      rst = 1;
      repeat (4) @(negedge clk);
      rst = 0;
      @(negedge clk);
      while (!done) @(negedge clk);
      repeat (32) @(negedge clk);  // nothing may follow
{flags}      if (pass == 0) $display("%0d output tokens in %0d cycles", {given}, cycles);
    end
    if (!failed) $display("PASS");
    $finish;
  end
endmodule
"""
