"""Waveforms that any viewer takes, wherever they are moved to."""

import re
from pathlib import Path

import pytest
import sdpaflow_sim
from attention import head
from sdpaflow_sim.attention.inputs import build
from sdpaflow_sim.attention.run import run
from sdpaflow_sim.waves.view import is_own, save_path, save_view, states_path


@pytest.mark.parametrize("engine", ["amaranth", "verilator"])
def test_nothing_of_this_machine(tmp_path, engine):
    """No path into the installation; no variable without bits; what is beside is found there."""
    q, k, v = head(n_q=1, n_k=2, d=1)
    dut = build("memory-free", [(q, k, v)])
    vcd = tmp_path / "w.vcd"
    run(dut, q, k, v, vcd=vcd, engine=engine)
    save_view(save_path(vcd), vcd, dut)
    save, installed = save_path(vcd), str(Path(sdpaflow_sim.__file__).parent)
    texts = [path.read_text() for path in tmp_path.iterdir()]
    assert len(texts) == 3
    assert not any(installed in text for text in texts)
    assert set(re.findall(r"^\^1 (.*)$", save.read_text(), re.MULTILINE)) == {
        str(states_path(save))
    }
    assert not re.search(r"^\s*\$var \w+ 0 ", vcd.read_text(), re.MULTILINE)
    assert is_own(save)
    save.write_text(save.read_text() + "@28\n")
    assert not is_own(save)
