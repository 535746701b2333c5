"""Testbenches in plain Verilog, which check an exported pipeline without Python."""

from dataclasses import dataclass

from sdpaflow.numerics import raw
from sdpaflow.ports.axi import AxiStreams, element_bytes

__all__ = ["Vectors", "testbench"]


@dataclass(frozen=True)
class Vectors:
    """Tokens of one stream.

    Attributes
    ----------
    name : :class:`str`
        Of the stream.
    width : :class:`int`
        Bits of a token: of the payload; or of ``tdata`` and, above it, ``tlast``.
    tokens : list of :class:`int`
        In the order in which they pass.
    """

    name: str
    width: int
    tokens: list

    def hex(self):
        """The tokens as ``$readmemh`` takes them, one per line."""
        digits = (self.width + 3) // 4
        return "".join(f"{token:0{digits}x}\n" for token in self.tokens)

    @classmethod
    def all_of(cls, job, pipeline, ports):
        """Of streams q, k, v and, from the bit-exact model, o; and whether anything is clamped."""
        config = pipeline.config
        outputs, clamped = job.expected(pipeline)
        beats = config.dv_beats
        tokens = {name: list(source) for name, source in job.sources().items()}
        tokens["o"] = raw.pack(config.o_vector, outputs.reshape(len(outputs) * beats, -1))
        if beats > 1:
            close = 1 << raw.width(config.o_vector)
            for index in range(beats - 1, len(tokens["o"]), beats):
                tokens["o"][index] |= close
        edges = {**pipeline.input_edges, **pipeline.output_edges}
        streams = []
        for name, values in tokens.items():
            if ports == "axi":
                vector = getattr(config, f"{name}_vector")
                rank = edges[name].fifo.i.payload.shape().members["last"]
                if name == "o" and beats == 1:  # a vector in one beat closes itself
                    rank, values = 1, [value | 1 << raw.width(vector) for value in values]
                values = [_axi_word(vector, rank, token) for token in values]
                width = 8 * element_bytes(vector) * vector.length + 1
            else:
                width = raw.width(edges[name].fifo.i.payload.shape())
            streams.append(cls(name, width, values))
        return streams, any(clamped.values())


def _axi_word(vector, rank, token):
    """Token with its elements in whole bytes and, above them, ``tlast``: its outermost mark."""
    width, size = vector.elem_shape.width, 8 * element_bytes(vector)
    word = token >> raw.width(vector) + rank - 1 & 1 if rank else 0
    for lane in reversed(range(vector.length)):
        element = token >> lane * width & (1 << width) - 1
        if element >> width - 1:
            element |= (1 << size) - (1 << width)
        word = word << size | element
    return word


def testbench(name, streams, ports, saturated, limit, beats):
    """Text of module ``<name>_tb``.

    It runs the vectors twice: at full speed, counting cycles, and with stalls on every port. It
    prints PASS, or FAIL with the first token that differs, and in that case ends with ``$fatal``.

    Parameters
    ----------
    name : :class:`str`
        Of the module under test.
    streams : list of :class:`Vectors`
        In files ``<name>_tb_<stream>.hex``; the last one is the output.
    ports : :class:`str`
        ``native`` or ``axi``.
    saturated : :class:`bool`
        What the flag must be at the end.
    limit : :class:`int`
        Cycles after which to give up.
    beats : :class:`int`
        Tokens in an output vector.
    """
    clocks = ".aclk(clk),\n    .aresetn(!rst)" if ports == "axi" else ".clk(clk),\n    .rst(rst)"
    return _TEXT.format(
        name=name,
        declarations="".join(_declaration(name, stream) for stream in streams),
        connections=",\n    ".join([clocks, *(_connection(stream, ports) for stream in streams)]),
        silence="\n      ".join(
            f"{s.name}_valid <= 0;\n      {s.name}_sent = 0;" for s in streams[:3]
        ),
        sources="".join(
            _SOURCE.format(n=s.name, N=s.name.upper(), bit=bit) for bit, s in enumerate(streams[:3])
        ),
        saturated=int(saturated),
        limit=limit,
        beats=beats,
    )


def _declaration(name, stream):
    n, count, high = stream.name, len(stream.tokens), stream.width - 1
    inputs = n != "o"
    return (
        f"\n  localparam {n.upper()}_TOKENS = {count};\n"
        f"  reg [{high}:0] {n}_vectors [0:{count - 1}];\n"
        f'  initial $readmemh("{name}_tb_{n}.hex", {n}_vectors);\n'
        f"  {'reg ' if inputs else 'wire'} [{high}:0] {n}_token;\n"
        f"  {'reg ' if inputs else 'wire'} {n}_valid;\n"
        f"  {'wire' if inputs else 'reg '} {n}_ready;\n"
        + (f"  integer {n}_sent;\n" if inputs else "")
    )


def _connection(stream, ports):
    n, high = stream.name, stream.width - 1
    if ports == "axi":
        prefix = f"{AxiStreams.prefix(n)}_t"
        wires = {"data": f"{n}_token[{high - 1}:0]", "last": f"{n}_token[{high}]"}
    else:
        prefix, wires = f"{n}__", {"payload": f"{n}_token"}
    wires |= {"valid": f"{n}_valid", "ready": f"{n}_ready"}
    return ",\n    ".join(f".{prefix}{port}({wire})" for port, wire in wires.items())


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

_TEXT = """\
`timescale 1ns / 1ps

module {name}_tb;
  localparam TIMEOUT = {limit};  // cycles
  localparam BEATS = {beats};  // tokens in an output vector

  reg clk = 0;
  reg rst = 1;
  always #5 clk = !clk;
{declarations}
  wire saturated;
  wire misframed;

  {name} dut (
    {connections},
    .saturated(saturated),
    .misframed(misframed)
  );

  integer pass;
  integer cycles;
  integer waited;
  integer received;
  reg started;
  reg failed = 0;
  reg [31:0] noise = 1;
  reg [3:0] go;

  always @(posedge clk) begin
    // Full speed in the first pass; in the second, each port pauses in one of four cycles.
    noise = noise ^ (noise << 13);
    noise = noise ^ (noise >> 17);
    noise = noise ^ (noise << 5);
    go = pass == 0 ? 4'b1111 : noise[3:0] | noise[7:4];
    if (rst) begin
      {silence}
      o_ready <= 0;
      started = 0;
      cycles = 0;
      waited = 0;
      received = 0;
    end else if (!failed) begin
      if ((q_valid && q_ready) || (k_valid && k_ready) || (v_valid && v_ready)) started = 1;
      if (started && received < O_TOKENS) cycles = cycles + 1;
      waited = waited + 1;
      if (o_valid === 1'b1 && o_ready) begin
        if (received == O_TOKENS) begin
          failed = 1;
          $display("FAIL: one output token more than the %0d expected", O_TOKENS);
        end else if (o_token !== o_vectors[received]) begin
          failed = 1;
          $display("FAIL: output token %0d (query %0d, beat %0d), pass %0d: expected %h, got %h",
                   received, received / BEATS, received % BEATS, pass,
                   o_vectors[received], o_token);
        end else received = received + 1;
      end
      if (!failed && waited == TIMEOUT) begin
        failed = 1;
        $display("FAIL: after %0d cycles, %0d of %0d output tokens", waited, received, O_TOKENS);
      end
      if (failed) $fatal(1, "{name}_tb failed");
      o_ready <= go[3];
{sources}    end
  end

  initial begin
    for (pass = 0; pass < 2; pass = pass + 1) begin
      rst = 1;
      repeat (4) @(negedge clk);
      rst = 0;
      @(negedge clk);
      while (received < O_TOKENS) @(negedge clk);
      repeat (32) @(negedge clk);  // nothing may follow
      if (saturated !== 1'b{saturated} || misframed !== 1'b0) begin
        failed = 1;
        $display("FAIL: flags after pass %0d: saturated %b, misframed %b; expected {saturated}, 0",
                 pass, saturated, misframed);
        $fatal(1, "{name}_tb failed");
      end
      if (pass == 0) $display("%0d output tokens in %0d cycles", received, cycles);
    end
    if (!failed) $display("PASS");
    $finish;
  end
endmodule
"""
