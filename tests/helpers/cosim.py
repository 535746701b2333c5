"""Testbenches in Python on exported Verilog: where they are built, on what they run."""

from pathlib import Path

import pytest
from sdpaflow_sim.exporting.cosim import cosimulate

__all__ = ["bench", "on_simulators", "simulators"]

BENCHES = Path(__file__).parents[1] / "cocotb"
FOLDER = Path(__file__).parents[2] / "build" / "cocotb"


def simulators():
    """Once on each simulator."""
    return pytest.mark.parametrize(
        "simulator", ["verilator", pytest.param("icarus", marks=pytest.mark.icarus)]
    )


def on_simulators(*cases):
    """Pipelines of d = 2 and their simulators: all lanes on Verilator, half on Icarus."""
    lanes = {"verilator": 2, "icarus": 1}
    marks = {"verilator": (), "icarus": pytest.mark.icarus}
    return pytest.mark.parametrize(
        ("name", "simulator", "lanes"),
        [
            pytest.param(name, simulator, lanes[simulator], marks=marks[simulator])
            for name, simulator in cases
        ],
    )


def bench(dut, name, module, **options):
    """Run the tests of a bench; builds are kept from run to run."""
    return cosimulate(dut, name, BENCHES / f"{module}.py", folder=FOLDER, **options)
