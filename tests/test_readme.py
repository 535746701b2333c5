"""Measured tables and drawings of the README and of all pages."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "scripts/readme.py"


def test_tables_and_drawings_are_fresh():
    """What is measured now is what stands there, to the last digit."""
    # What has changed since runs for long enough to be worth optimizing.
    env = {name: value for name, value in os.environ.items() if name != "CXX"}
    command = [sys.executable, SCRIPT, "--check"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
