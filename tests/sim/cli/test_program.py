"""The program: how it starts, what it says of itself, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.cli import DATA, refused
from sdpaflow.pipelines import PIPELINES
from sdpaflow_sim.cli import values
from sdpaflow_sim.engines.choose import AUTO, ENGINES
from sdpaflow_sim.exporting.design import PORTS

VERBS = ["compare", "run", "graph", "count", "export", "study", "depths", "fpga"]


def test_names_are_those_of_the_package():
    """What the parser knows without importing it is what is there."""
    assert list(values.NAMES) == list(PIPELINES)
    assert list(values.ENGINES) == [AUTO, *ENGINES]
    assert values.PORTS == PORTS


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        [],
        ["run", "--tokens", "0"],
        *([verb, "--help"] for verb in VERBS),
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(words):
    """Help, the version and what the parser refuses come without what takes long to import."""
    program = (
        "import sys; from sdpaflow_sim.cli import main; main(sys.argv[1:]); "
        "print({'amaranth', 'numpy', 'matplotlib', 'rich'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "set()"


def test_a_module_is_the_command():
    """``python -m sdpaflow_sim`` is the same program."""
    words = [sys.executable, "-m", "sdpaflow_sim", "--version"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"sdpaflow \d+\.\d+\.\d+\n", done.stdout)


def test_installed_command(folder):
    """The command is installed, and knows its version."""
    command = Path(sys.executable).with_name("sdpaflow")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"sdpaflow \d+\.\d+\.\d+\n", done.stdout)


def test_refusals(folder, capsys):
    """Without a command, or with part of an option's name, nothing is run."""
    refused(capsys, "the following arguments are required: COMMAND")
    refused(capsys, "argument COMMAND: invalid choice: 'rum'", "rum")
    refused(capsys, "unrecognized arguments: --d 4", "run", "--pipeline", "naive", "--d", 4)
    refused(capsys, "unrecognized arguments: --token 4", "run", "--pipeline", "naive", "--token", 4)


def test_a_file_in_place_survives_a_refusal(folder, capsys):
    """A file that would have been written over is still there, whole, after an error."""
    Path("o.npy").write_text("precious")
    words = ["run", "--pipeline", "naive", *DATA, "--lanes", 3, "--out", "o.npy"]
    refused(capsys, "lanes must divide d = 4, not be 3", *words)
    assert Path("o.npy").read_text() == "precious"


def start(*arguments):
    """The command, on its way."""
    command = [sys.executable, "-m", "sdpaflow_sim", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, start_new_session=True, **pipes)


def test_a_reader_that_leaves(folder):
    """A pipe closed on the other side is no reason for a traceback."""
    running = start("graph", "--pipeline", "naive")
    running.stdout.close()
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait(60) == 1


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything(folder, kind):
    """Interrupted, a comparison says so in one line, and leaves no file and no process behind."""
    before = set(folder.iterdir())
    running = start("compare")
    time.sleep(4)
    running.send_signal(kind)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (130, "", "sdpaflow: error: interrupted\n")
    assert set(folder.iterdir()) == before
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and group_exists(running.pid):
        time.sleep(0.1)
    assert not group_exists(running.pid)


def group_exists(number):
    """Whether a process of a group is left."""
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True
