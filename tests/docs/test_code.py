"""The code on all pages: programs run and print what is said, commands are understood."""

import argparse
import re
import shlex
import subprocess
import sys

import pytest
from helpers.blocks import CUT, PAGES, ROOT, blocks, commands, name_of, program, same
from sdpaflow_sim.cli import parser

PROGRAMS = [path for path in PAGES if program(path)[0]]
COMMANDS = [(path, command, run) for path in PAGES for command, run in commands(path)]
KNOWN = {"python", "output", "text", "console", "sh", "tcl", "json", "{toctree}", "{eval-rst}"}


def test_there_are_programs_and_commands():
    assert len(PROGRAMS) >= 9
    assert len(COMMANDS) >= 25
    assert sum(run for _, _, run in COMMANDS) >= 5


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_blocks_are_of_known_kinds(path):
    """No block is left out of the tests by a slip of the pen."""
    assert {block.kind for block in blocks(path)} <= KNOWN


@pytest.mark.parametrize("path", PROGRAMS, ids=name_of)
@pytest.mark.slow
def test_program_runs(path, tmp_path):
    """All blocks of a page together are a program; it runs, and prints what the page says."""
    code, wanted = program(path)
    file = tmp_path / f"page_{path.stem.replace('-', '_')}.py"  # numbers.py would be Python's
    file.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", file], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split(CUT)
    assert len(printed) == len(wanted) + 1
    for text, right in zip(printed, wanted, strict=False):
        assert right is None or same(text, right), text


EXCERPTS = [(path, block) for path in PAGES for block in blocks(path) if "excerpt" in block.mark]


@pytest.mark.parametrize(("path", "block"), EXCERPTS, ids=lambda item: getattr(item, "stem", ""))
def test_excerpt_is_the_source(path, block):
    """What is shown of a file is what is there."""
    source = (ROOT / block.mark.partition(": ")[2]).read_text(encoding="utf-8")
    lines = {line.strip() for line in source.splitlines()}
    for line in block.text.splitlines():
        assert line.strip() in lines


@pytest.mark.parametrize(
    ("path", "command", "run"), COMMANDS, ids=lambda item: item if isinstance(item, str) else None
)
def test_command_is_understood(path, command, run):
    """The command line parses it, make has the target, the example is there."""
    tool, *words = shlex.split(command)
    if tool == "sdpaflow":
        arguments = parser._parser().parse_args(words)
        assert isinstance(arguments, argparse.Namespace)
    elif tool == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert all(re.search(rf"^{word}:", makefile, re.MULTILINE) for word in words)
    elif tool == "python":
        assert (ROOT / words[0]).exists()
    else:
        assert tool == "gtkwave"


@pytest.mark.parametrize(
    "path", [path for path in PAGES if any(run for _, run in commands(path))], ids=name_of
)
@pytest.mark.slow
def test_commands_run(path, tmp_path):
    """Those that are quick end with exit code 0, in the order of the page."""
    for command, run in commands(path):
        if run:
            words = shlex.split(command)
            assert words[0] == "sdpaflow"
            done = subprocess.run(
                [sys.executable, "-m", "sdpaflow_sim", *words[1:]],
                cwd=tmp_path,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{command}: {done.stderr}"
