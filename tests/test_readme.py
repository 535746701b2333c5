"""The README: its figures are measured, its code runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = [
    code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "import" in code
]


def test_tables_and_drawings_are_fresh():
    """What is measured now is what stands in the README, to the last digit."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/readme.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("code", PROGRAMS, ids=["run", "own pipeline", "cocotb"])
def test_programs_run(code, capsys, tmp_path):
    """Every program in the README runs as it stands."""
    file = tmp_path / "program.py"
    file.write_text(code)
    done = subprocess.run([sys.executable, "-W", "error", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert any(said in done.stdout for said in ("0.125", "(10, 8)", "['adds_up']"))


def test_the_excerpt_is_the_source():
    """The pipeline that is shown is the one that is there."""
    excerpt = next(
        code
        for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL)
        if "RunningMax" in code
    )
    source = (ROOT / "hdl/sdpaflow/pipelines/memory_free.py").read_text(encoding="utf-8")
    for line in excerpt.splitlines():
        assert line in [source_line.strip() for source_line in source.splitlines()]
