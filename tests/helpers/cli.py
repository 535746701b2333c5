"""The command line as tests use it."""

import re
from pathlib import Path

from sdpaflow_sim.cli import main

DATA = ["--q", "q.npy", "--k", "k.npy", "--v", "v.npy"]
"""What the fixture ``folder`` of the command line's tests has there."""


def sdpaflow(*arguments):
    """Exit code of the command."""
    return main([str(argument) for argument in arguments])


def refused(capsys, message, *arguments):
    """Insist on one line with a message, exit code 2, and nothing written or lost in this folder.

    Whoever refuses, the line begins alike: ``sdpaflow run: error: argument --n: `` is the parser.
    """
    before = {path: path.is_file() and path.read_bytes() for path in Path().iterdir()}
    assert sdpaflow(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    start = r"sdpaflow( [a-z]+)?: error: (argument --[a-z-]+: )?"
    assert re.fullmatch(f"{start}{re.escape(message)}[^\n]*\n", printed.err), printed.err
    assert {path: path.is_file() and path.read_bytes() for path in Path().iterdir()} == before
