"""Every example runs, agrees with its model in every bit, and stays near float64."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"

BOUNDS = {
    "normalise": (r"float64: (\S+) ulp", 0.51),
    "top1": (r"error (\S+) ulp", 0.5),
    "softcap": (r"float64: (\S+) ulp", 1.0),
    "layer_norm": (r"float64: (\S+) ulp", 0.75),
}
"""What the errors are, in what an example prints, and the largest that is right."""


def test_every_example_is_here():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(BOUNDS)


@pytest.mark.parametrize("name", BOUNDS)
def test_example(name):
    """Its checks pass, nothing warns, and the error that it prints is small."""
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "every bit equal to the model" in done.stdout
    pattern, bound = BOUNDS[name]
    errors = [float(error) for error in re.findall(pattern, done.stdout)]
    assert errors
    assert max(errors) <= bound


def test_row_fifo_of_normalise():
    """As deep as its latencies say: one word less costs a cycle."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / "normalise.py"], capture_output=True, text=True, check=True
    )
    built, completes, full = re.search(
        r"(\d+) words as built; (\d+) to complete, (\d+) for full", done.stdout
    ).groups()
    assert built == full
    assert int(completes) == 8 - 1
