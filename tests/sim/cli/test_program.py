"""The program: how it starts, what it says of itself, and how it ends."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.cli import DATA, refused, sdpaflow
from sdpaflow.pipelines import PIPELINES
from sdpaflow_sim.cli import values
from sdpaflow_sim.engines.choose import AUTO, ENGINES
from sdpaflow_sim.exporting.design import PORTS

VERBS = ["compare", "run", "graph", "count", "export", "study", "depths", "fpga", "cache"]


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


def start(*arguments, before=""):
    """The command, on its way."""
    command = [sys.executable, "-m", "sdpaflow_sim", *arguments]
    if before:
        command = ["sh", "-c", f"{before}{shlex.join(command)}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, start_new_session=True, **pipes)


def test_a_reader_that_leaves(folder):
    """A pipe closed on the other side is no reason for a traceback."""
    running = start("graph", "--pipeline", "naive")
    running.stdout.close()
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait(60) == 1


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_everything(folder, kind):
    """Interrupted, a comparison says so in one line, and leaves no file and no process behind."""
    before = set(folder.iterdir())
    running = start("compare", "--pipelines", "memory-free")
    until_it_has_workers(running.pid)
    running.send_signal(kind)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (130, "", "sdpaflow: error: interrupted\n")
    assert set(folder.iterdir()) == before
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and group_exists(running.pid):
        time.sleep(0.1)
    assert not group_exists(running.pid)


def children(number):
    """Processes that a process has started, as Linux lists them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            after = path.read_text().rpartition(")")[2].split()
            if int(after[1]) == number and after[0] != "Z":
                found.append(int(path.parent.name))
    return found


def worker_of(number):
    """The process that computes for another, once it has one."""
    for child in children(number):
        with contextlib.suppress(OSError):
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                return child
    return None


def until_it_has_workers(number):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and worker_of(number) is None:
        time.sleep(0.05)
    time.sleep(0.5)


def gone(number):
    """Whether a process ends, soon."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_worker_that_is_killed_is_named(folder):
    """As by the kernel when memory ends: one line, exit code 1."""
    running = start("compare", "--pipelines", "memory-free")
    until_it_has_workers(running.pid)
    os.kill(worker_of(running.pid), signal.SIGKILL)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (1, "")
    assert err == (
        "sdpaflow: error: memory-free: its process was killed by SIGKILL: out of memory?\n"
    )
    assert not Path("compare.png").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_end_with_the_command(folder):
    """Even if that is killed, so that it cannot end them itself."""
    running = start("compare", "--pipelines", "memory-free")
    until_it_has_workers(running.pid)
    worker = worker_of(running.pid)
    running.kill()
    running.communicate(timeout=60)
    assert gone(worker)


def test_signals_are_as_they_were(folder):
    """A command called as a function leaves no handler behind; what is ignored stays so."""
    before = [signal.getsignal(kind) for kind in (signal.SIGTERM, signal.SIGHUP)]
    assert sdpaflow("graph", "--pipeline", "naive", *DATA) == 0
    assert [signal.getsignal(kind) for kind in (signal.SIGTERM, signal.SIGHUP)] == before
    running = start("compare", "--pipelines", "memory-free", before="trap '' HUP; exec ")
    until_it_has_workers(running.pid)
    running.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert running.poll() is None
    running.kill()
    running.communicate(timeout=60)


def group_exists(number):
    """Whether a process of a group is left."""
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True
