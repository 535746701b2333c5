"""A top module with few pins: shift registers take the place of the design's ports."""

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["DESIGN", "PORTS", "TOP", "with_few_pins"]

TOP, PORTS, DESIGN = "few_pins", "ports", "design"
"""Names of the top module, and of its two instances."""

TEXT = """\
module {top} (input clk, input rst, input serial_in, input take, output serial_out);
  wire [{most_in}:0] to;
  wire [{most_out}:0] from;
  {top}_{ports} {ports} (
    .clk(clk), .serial_in(serial_in), .take(take), .serial_out(serial_out), .to(to), .from(from)
  );
  {name} {design} (.clk(clk), .rst(rst){connections});
endmodule

module {top}_{ports} (
  input clk, input serial_in, input take, output serial_out,
  output reg [{most_in}:0] to, input [{most_out}:0] from
);
  reg [{most_out}:0] taken;
  assign serial_out = taken[{most_out}];
  always @(posedge clk) to <= {{ to, serial_in }};
  always @(posedge clk) taken <= take ? from : {{ taken, 1'h0 }};
endmodule
"""


def with_few_pins(name: str, ports: Iterable[Mapping[str, Any]]) -> str:
    """Verilog of a top module with five pins around a design.

    A flip-flop drives each input of the design, and a flip-flop with a multiplexer takes each
    output. So every path at a port is between registers, as it is where the design has neighbours
    on the same chip.

    Parameters
    ----------
    name : :class:`str`
        The design's module.
    ports : list of :class:`dict`
        Its ports: ``name``, ``direction`` and ``width``, as
        :func:`sdpaflow_sim.exporting.facts.ports_of` returns them.
    """
    bits = {"input": 0, "output": 0}
    connections = []
    for port in ports:
        if port["name"] in {"clk", "rst"}:
            continue
        side = "to" if port["direction"] == "input" else "from"
        low = bits[port["direction"]]
        bits[port["direction"]] += port["width"]
        connections.append(f",\n    .{port['name']}({side}[{low + port['width'] - 1}:{low}])")
    return TEXT.format(
        top=TOP,
        ports=PORTS,
        design=DESIGN,
        name=name,
        connections="".join(connections),
        most_in=bits["input"] - 1,
        most_out=bits["output"] - 1,
    )
