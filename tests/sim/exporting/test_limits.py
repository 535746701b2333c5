"""What an exported design cannot take: as its header and JSON say, simulated in Icarus."""

import json
import re
import subprocess

import numpy as np
import pytest
from attention import head
from sdpaflow_sim.attention.inputs import build
from sdpaflow_sim.exporting.write import export

D = 1
BENCH = """
module bench;
  reg clk, rst;
  initial clk = 0;
  always #5 clk = !clk;
  integer n_q, n_k, n_v, n_o, row, vs, bad;
  wire q_ready, k_ready, v_ready, o_valid, saturated, misframed;
  reg [31:0] left_q, left_k, left_v;
  TOP dut (.aclk(clk), .aresetn(!rst), .s_axis_q_tdata(16'd9), .s_axis_q_tlast(1'b0),
    .s_axis_q_tvalid(!rst && left_q != 0), .s_axis_q_tready(q_ready),
    .s_axis_k_tdata(16'd9), .s_axis_k_tlast(n_k % row == row - 1),
    .s_axis_k_tvalid(!rst && left_k != 0), .s_axis_k_tready(k_ready),
    .s_axis_v_tdata(16'd9), .s_axis_v_tlast(n_v % vs == vs - 1),
    .s_axis_v_tvalid(!rst && left_v != 0), .s_axis_v_tready(v_ready),
    .m_axis_o_tvalid(o_valid), .m_axis_o_tready(1'b1), .m_axis_o_tdata(), .m_axis_o_tlast(),
    .saturated(saturated), .misframed(misframed));
  always @(posedge clk) if (!rst) begin
    if (left_q != 0 && q_ready) begin n_q <= n_q + 1; left_q <= left_q - 1; end
    if (left_k != 0 && k_ready) begin n_k <= n_k + 1; left_k <= left_k - 1; end
    if (left_v != 0 && v_ready) begin n_v <= n_v + 1; left_v <= left_v - 1; end
    if (o_valid) n_o <= n_o + 1;
  end
  task go(input integer rows, input integer keys, input integer values, input integer of_v);
    begin
      rst = 1; row = keys; vs = of_v;
      n_q = 0; n_k = 0; n_v = 0; n_o = 0;
      left_q = rows; left_k = rows * keys; left_v = values;
      repeat (4) @(negedge clk);
      rst = 0;
      repeat (1000) @(negedge clk);
      $display("k %0d v %0d o %0d flags %b", n_k, n_v, n_o, {saturated, misframed});
    end
  endtask
  initial begin
GO
    $finish;
  end
endmodule
"""


@pytest.fixture(scope="module", params=["naive", "scaled-reordered", "memory-free"])
def design(request, tmp_path_factory):
    """An AXI top, what is known of it, and how runs of it end."""
    folder = tmp_path_factory.mktemp(request.param)
    q, k, v = head(n_q=2, n_k=8, d=D)
    row = {} if request.param == "memory-free" else {"row_max": 8}
    pipeline = build(request.param, [(q, k, v)], **row)
    files = {path.suffix: path for path in export(pipeline, folder, ports="axi", tokens=2)}
    known = json.loads(next(folder.glob("*.json")).read_text())

    def ends(*jobs):
        """For each of rows, keys in a row, values and values in a row: k, v, o, and flags."""
        calls = "\n".join(f"    go{job};" for job in jobs)
        text = BENCH.replace("TOP", known["name"]).replace("GO", calls)
        (folder / "bench.v").write_text(text)
        verilog = folder / f"{known['name']}.v"
        made = ["iverilog", "-g2005-sv", "-o", "b.vvp", "bench.v", verilog.name]
        subprocess.run(made, cwd=folder, check=True)
        said = subprocess.run(
            ["vvp", "-n", "b.vvp"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout
        found = re.findall(r"k (\d+) v (\d+) o (\d+) flags ([01x]+)", said)
        return [(*map(int, counts), flags) for *counts, flags in found]

    return known, ends, (folder / f"{known['name']}.v").read_text(), files


@pytest.mark.icarus
def test_limits(design):
    """Long rows, K ahead of V, and frames that disagree; all is right after a reset."""
    known, ends, text, _ = design
    limits = known["limits"]
    ahead, longest = limits["k_ahead_of_v"], limits["row_keys"]
    rows = 300
    whole, short, long_, broken, again = ends(
        (3, 5, 15, 5), (rows, 1, 0, 1), (2, 400, 0, 1), (4, 5, 20, 4), (3, 5, 15, 5)
    )
    assert whole == (15, 15, 3, "00")
    # K alone: at least as many keys as documented, in rows of one or of many; then all waits.
    assert ahead <= short[0] < rows
    assert ahead <= long_[0] < 800
    assert short[1:] == long_[1:] == (0, 0, "00")
    # Rows of k and of v that end apart raise misframed; a reset makes all right again.
    assert broken[3][1] == "1"
    assert again == whole
    head_ = text[: text.index("module ")].replace("\n// ", " ")
    assert f"k is taken {ahead} keys or a few more ahead of v" in head_
    assert "After misframed, nothing is right until a reset" in head_
    assert "There is no tkeep" in head_
    if longest == 8:
        ((k, v, o, flags),) = ends((2, 400, 800, 400))
        assert (k < 800, o, flags) == (True, 0, "00")
        assert "from 1 to 8 keys. A longer one waits for ever, every flag down." in head_
    else:
        assert "from 1 to 65536 keys. Of a longer one sums overflow." in head_


def test_numbers_of_the_interface(design):
    """The factor of queries, and how they are rounded and clamped, are in the JSON."""
    known, *_ = design
    assert known["query_factor"] == pytest.approx(np.log2(np.e), rel=1e-12)
    assert known["quantisation"] == {
        "rounding": "to nearest, ties to even",
        "overflow": "clamped to the least or greatest",
    }
