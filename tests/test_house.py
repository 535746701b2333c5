"""Rules of the house that no linter knows."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [*ROOT.glob("hdl/**/*.py"), *ROOT.glob("sim/**/*.py")]


def test_there_are_sources():
    assert len(SOURCES) > 30


@pytest.mark.parametrize("path", [*ROOT.glob("hdl/**/*.py")], ids=lambda path: path.stem)
def test_hdl_imports_nothing_from_sim(path):
    """What becomes hardware does not know what simulates it."""
    assert "sdpaflow_sim" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_modules_say_what_they_export(path):
    """Every module lists its public names, and all of them exist."""
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^__all__ = ", text, re.MULTILINE) or not re.search(
        r"^(def|class) [a-z]", text, re.MULTILINE | re.IGNORECASE
    )


@pytest.mark.parametrize("folder", ["hdl", "sim", "tests", "scripts", "examples"])
def test_files_are_short(folder):
    """What is longer than 300 lines holds two things."""
    for path in (ROOT / folder).glob("**/*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path


def test_nothing_of_this_machine_in_the_tree():
    """No path of a machine and no package index's address is in any tracked file."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if Path(name).suffix in {".py", ".md", ".toml", ".lock", ".in", ".sh", ".yml", ""}:
            text = (ROOT / name).read_text(encoding="utf-8")
            assert not re.search(
                r"/(root|home|work)/[a-z]|/tmp/[a-z]|(--|index)-url|files\.pythonhosted",
                text.replace("--no-emit-index-url", ""),
            ), name
