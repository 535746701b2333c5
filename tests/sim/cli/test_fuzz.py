"""Calls that nobody meant: each ends in words, with a known exit code and no half a file."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "fuzz.py"


@pytest.mark.slow
def test_calls_that_nobody_meant(tmp_path):
    """500 of them, the same each time; ``scripts/fuzz.py --seed`` makes others."""
    spec = importlib.util.spec_from_file_location("fuzz", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "calls").mkdir()
    faults, codes = module.fuzz(0, 500, tmp_path / "calls")
    assert faults == []
    assert codes[0] > 50
    assert codes[2] > 200
