# amaranth: UnusedElaboratable=no
"""Exported designs with modifiers: names of their own, a true header, a bench that passes."""

import json

import pytest
from helpers.exports import simulate
from helpers.modified import pipeline
from sdpaflow.scores import Alibi, Bias, Causal, Keep, Softcap
from sdpaflow_sim.exporting.naming import module_name
from sdpaflow_sim.exporting.write import PORTS, export

SETS = [[], [Causal()], [Causal(1)], [Softcap(50)], [Softcap(51)], [Alibi(0.5)], [Bias()], [Keep()]]


def test_names_tell_modifiers_apart():
    """Whatever is done to scores: no two designs that differ have one name."""
    names = [module_name(pipeline("memory-free", mods)) for mods in SETS]
    assert len(set(names)) == len(names)
    assert "_causal_" in names[1]


@pytest.mark.icarus
@pytest.mark.slow
@pytest.mark.parametrize("ports", PORTS)
def test_testbench(tmp_path, ports):
    """It has numbers for every input, and passes; no command is told that would make another."""
    dut = pipeline("memory-free", [Softcap(50), Bias(), Causal(), Keep()], lanes=1)
    export(dut, tmp_path, ports=ports)
    top = module_name(dut, ports)
    code, said = simulate(tmp_path, top)
    assert code == 0
    assert said.endswith("PASS\n")
    text = (tmp_path / f"{top}.v").read_text(encoding="utf-8")
    assert "Scores are modified on the way: Softcap(cap=50, segments=512), Bias(" in text
    assert "//   bias_ij  SQ(8,12)" in text
    assert "sdpaflow export" not in text
    known = json.loads((tmp_path / f"{top}.json").read_text(encoding="utf-8"))
    assert known["command"] is None
    assert known["modifiers"][2:] == ["Causal(offset=0)", "Keep()"]
    assert set(known["streams"]) == {"i", "bias_ij", "keep_ij"}
