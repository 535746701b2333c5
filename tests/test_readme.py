"""Measured tables and drawings of the README and of all pages."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "scripts/readme.py"


def test_tables_and_drawings_are_fresh():
    """What is measured now is what stands there, to the last digit."""
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
