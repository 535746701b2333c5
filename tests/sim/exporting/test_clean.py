# amaranth: UnusedElaboratable=no
"""What is exported has nothing in it that tools of others stumble over."""

import json
import os
import re
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from helpers.cli import sdpaflow
from helpers.exports import HEADS, exported
from sdpaflow.numerics import SQ
from sdpaflow_sim.cli import arguments as shared
from sdpaflow_sim.cli.chosen import choose
from sdpaflow_sim.exporting.write import export
from sdpaflow_sim.verilog.parts import apart
from sdpaflow_sim.verilog.verilator import home


def run(folder, *command, **environment):
    """Exit code and output of a program."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.slow
@pytest.mark.icarus
def test_a_pipeline_a_unit_and_testbenches_together(tmp_path):
    """One design may read both; nothing is said of either testbench, however much is asked."""
    _, top, dut = exported(tmp_path, "memory-free", 2, digits=4)
    export(dut, tmp_path, heads=HEADS, unit="m_ij")
    files = [f"{top}.v", f"{top}_m_ij.v"]
    assert run(tmp_path, "iverilog", "-g2005-sv", "-Wall", "-o", "both", *files) == (0, "")
    root = home("This test")
    for name in (top, f"{top}_m_ij"):
        bench = [f"{name}.v", f"{name}_tb.v"]
        assert run(tmp_path, "iverilog", "-g2005-sv", "-Wall", "-o", "tb", *bench) == (0, "")
        lint = [root / "bin" / "verilator_bin", "--lint-only", "--timing", "-Wall"]
        lint += ["--top-module", f"{name}_tb", *bench]
        code, said = run(tmp_path, *lint, VERILATOR_ROOT=str(root))
        assert (code, re.findall(r"^%.*", said, re.MULTILINE)) == (0, [])
    text = (tmp_path / f"{top}.v").read_text()
    for module in re.findall(r"^module .*?^endmodule", text, re.DOTALL | re.MULTILINE):
        assert not loops(module), module[:80]


def loops(module):
    """Wires of a module that are made of themselves, taken whole as older tools take them."""
    made = {}
    for left, right in re.findall(r"assign (\w+)(?:\[[\d:]+\])? = ([^;]*);", module):
        made.setdefault(left, set()).update(re.findall(r"(?<![\w'])[A-Za-z_]\w*", right))
    graph = {left: right & made.keys() for left, right in made.items()}
    try:
        TopologicalSorter(graph).prepare()
    except ValueError as error:
        return error.args[1]
    return []


MADE = """\
module m (
  input wire a,
  input wire [3:0] b,
  output wire [5:0] o
);
  wire [6:0] w;
  wire [3:0] v;
  assign w[6] = ~a;
  assign w[3:0] = b ^ { w[6], w[6], w[6], w[6] };
  assign v[3] = a;
  assign v[2:0] = b[2:0];
  assign o = { w[6], w[6:6], w[3:1], v[3:3] } + w[2];
endmodule
"""


def test_wires_are_taken_apart():
    """Only those that are made of themselves; the rest of the text stays."""
    assert loops(MADE) == ["w", "w"]
    text = apart(MADE)
    assert not loops(text)
    assert apart(text) == text
    assert "  wire w6;\n  wire [3:0] w0;\n  wire [3:0] v;\n  assign w6 = ~a;\n" in text
    assert "  assign w0 = b ^ { w6, w6, w6, w6 };\n" in text
    assert "  assign o = { w6, w6, w0[3:1], v[3:3] } + w0[2];\n" in text
    with pytest.raises(AssertionError, match="are names already"):
        apart(MADE.replace("wire a,", "wire w6,"))


def test_formats_do_not_depend_on_row_max():
    """Without data an export has the formats of all shipped data, however long its rows."""
    spec, data = shared.Spec("naive"), shared.Data(d=4)
    configs = [choose(spec, data, {"row_max": rows}).pipeline.config for rows in (1, 3, 145, 999)]
    assert len({(config.q, config.k, config.v) for config in configs}) == 1
    given = choose(spec, data, {"row_max": 3, "q": SQ(4, 8)}).pipeline.config
    assert (given.q, given.k) == (SQ(4, 8), configs[0].k)


def test_json_says_what_a_host_has_to_do(tmp_path, monkeypatch):
    """The command is portable, as the files are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sdpaflow_sim.exporting.design.to_verilog", lambda *_: "module x (\n);")
    Path("mine_abs.py").write_text(
        "from sdpaflow.pipelines import MemoryFree\nclass Mine(MemoryFree):\n    pass\n"
    )
    spec = f"{tmp_path}/mine_abs.py:Mine"
    assert sdpaflow("export", "--pipeline", spec, "--d", 1, "--out", "e") == 0
    (path,) = Path("e").glob("*.json")
    known = json.loads(path.read_text())
    assert "--pipeline mine_abs.py:Mine" in known["command"]
    assert str(tmp_path) not in path.read_text()
