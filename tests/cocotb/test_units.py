# amaranth: UnusedElaboratable=no
"""Every unit as Verilog."""

import pytest
from helpers.cases import CASES
from helpers.cosim import bench, simulators
from helpers.side_by_side import SideBySide

pytestmark = pytest.mark.slow


@simulators()
def test_units(simulator, tmp_path):
    """No stalls, idle sources, backpressure, stress and resets give the wanted bits, no more."""
    units = SideBySide({name: case.unit() for name, case in CASES.items()})
    done = bench(units, "units", "bench_units", simulator=simulator, run=tmp_path)
    assert len(done.tests) == 9 + 1 + 8
