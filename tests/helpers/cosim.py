"""Testbenches in Python on exported Verilog: where they are built, on what they run."""

from pathlib import Path

import pytest
from sdpaflow_sim.exporting.cosim import cosimulate

__all__ = ["bench", "simulators", "simulators_and_lanes"]

BENCHES = Path(__file__).parents[1] / "cocotb"
FOLDER = Path(__file__).parents[2] / "build" / "cocotb"


def simulators():
    """Once on each simulator."""
    return pytest.mark.parametrize(
        "simulator", ["verilator", pytest.param("icarus", marks=pytest.mark.icarus)]
    )


def simulators_and_lanes():
    """Each simulator once, with all lanes or with half of them."""
    return pytest.mark.parametrize(
        ("simulator", "lanes"),
        [("verilator", 4), pytest.param("icarus", 2, marks=pytest.mark.icarus)],
    )


def bench(dut, name, module, **options):
    """Run the tests of a bench; builds are kept from run to run."""
    return cosimulate(dut, name, BENCHES / f"{module}.py", folder=FOLDER, **options)
