"""The suite itself: what is skipped and said, and what the time of the tests is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.budget import BUDGETS, folder_of

HERE = Path(__file__).parent
TESTS = """
import pytest

@pytest.mark.icarus
@pytest.mark.parametrize("n", range(3))
def test_verilog(n):
    pass

@pytest.mark.graphviz
def test_drawing():
    pass

def test_other():
    sum(range(20_000_000))
"""


@pytest.fixture
def suite(tmp_path):
    """Runs a small suite with the plugins on a machine that has only the named programs."""

    def run(*options, programs=()):
        (tmp_path / "tests/sim/low").mkdir(parents=True, exist_ok=True)
        (tmp_path / "tests/sim/low/test_few.py").write_text(TESTS)
        (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n icarus\n graphviz\n slow\n")
        for name in programs:
            (tmp_path / name).write_text("")
            (tmp_path / name).chmod(0o755)
        path = {"PATH": str(tmp_path), "PYTHONPATH": str(HERE)}
        words = ["-q", "-ra", "-p", "helpers.budget", "-p", "helpers.tools", *options]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *words],
            cwd=tmp_path,
            env=os.environ | path | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_absent_tools_are_said_in_one_line(suite):
    """With how to get them; the run passes."""
    done = suite()
    (line,) = [line for line in done.stdout.splitlines() if "apt-get" in line]
    assert line.startswith("SKIPPED [4] ")
    assert line.endswith("for want of icarus and graphviz: apt-get install iverilog graphviz")
    assert done.returncode == 0
    assert_adds_up(done.stdout)


def test_nothing_may_be_skipped(suite):
    """On demand such a run fails, and says why; also where several processes share the tests."""
    done = suite("--nothing-skipped", "-p", "xdist", "-n", "2", programs=["dot"])
    assert "--nothing-skipped: 3 skipped, so the run has failed" in done.stdout
    assert "apt-get install iverilog\n" in done.stdout
    assert done.returncode == 1
    assert_adds_up(done.stdout)


def test_nothing_is_skipped_with_all_tools(suite):
    """Then it passes."""
    done = suite("--nothing-skipped", programs=["dot", "iverilog"])
    assert "5 passed" in done.stdout
    assert done.returncode == 0


def assert_adds_up(printed):
    """The table has a row of the folder and one of the rest, and their sum."""
    found = dict(re.findall(r"^(sim/low|beside the tests|all) +([\d.]+)", printed, re.MULTILINE))
    one, beside, whole = map(float, found.values())
    assert one > 0.1
    assert beside > 0.1
    assert one + beside == pytest.approx(whole, abs=0.2)


def test_every_folder_has_a_budget():
    """And no folder that is gone."""
    files = [path.relative_to(HERE.parent) for path in HERE.rglob("test_*.py")]
    assert {folder_of(path.as_posix()) for path in files} == set(BUDGETS)


def test_ci_leaves_nothing_out():
    """Its one command says so."""
    text = (HERE.parent / ".ci/run").read_text(encoding="utf-8")
    assert text.splitlines()[-1] == "make test FLAGS=--nothing-skipped"
