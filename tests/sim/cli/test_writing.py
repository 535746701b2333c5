"""What the command line leaves behind: all files of a command or none, and never half of one."""

import io
import json
import os
import resource
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import DATA, refused, sdpaflow
from sdpaflow_sim.cli.terminal import printable

RUN = ["run", "--pipeline", "memory-free", *DATA, "--engine", "amaranth", "--quiet"]


@contextmanager
def full(octets):
    """As on a full disk: files may have so many octets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("octets", "words", "message"),
    [
        (2000, [*RUN, "--out", "o.npy", "--json", "r.json", "--vcd", "w.vcd"],
         "w.vcd: cannot be written: File too large"),
        (500, [*RUN, "--out", "o.npy", "--json", "r.json"],
         "r.json: cannot be written: File too large"),
        (500, ["graph", "--pipeline", "naive", *DATA, "--out", "g.svg"],
         "g.svg: cannot be written: File too large"),
        (500, ["export", "--pipeline", "memory-free", "--d", "1", "--out", "new"],
         ".v: cannot be written: File too large"),
    ],
)  # fmt: skip
def test_a_full_disk(folder, capsys, monkeypatch, octets, words, message):
    """Exit code 2, one line, and none of the files; old ones stay."""
    monkeypatch.setattr(
        "sdpaflow_sim.exporting.design.to_verilog", lambda *_: "module x ();\n" * 99
    )
    for name in ("o.npy", "r.json", "w.vcd", "g.svg"):
        Path(name).write_text("precious")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    with full(octets):
        assert sdpaflow(*words) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert {path: path.is_file() and path.read_bytes() for path in Path().iterdir()} == before


def test_no_verb_writes_over_what_it_reads(own, capsys):
    """Data, tokens and pipelines; not by another path either."""
    Path("link.svg").symlink_to("normalise.py")
    lost = ": stands for two files, of which one would be lost"
    mine = ["--pipeline", "normalise.py:Normalise", "--arg", "row_max=9"]
    refused(capsys, f"link.svg{lost}", "graph", *mine, "--out", "link.svg")
    refused(capsys, f"normalise.py{lost}", "run", *mine, "--json", "normalise.py")
    refused(capsys, f"normalise.py{lost}", "count", *mine, "--json", "normalise.py")
    refused(capsys, f"normalise.py{lost}", "depths", *mine, "--json", "normalise.py")
    refused(capsys, f"normalise.py{lost}", "fpga", *mine, "--json", "normalise.py")
    both = ["compare", "--pipelines", "twice.py:Twice,naive", "--figure", "f.svg"]
    refused(capsys, f"twice.py{lost}", *both, "--json", "twice.py")
    np.save("x.npy", np.ones((2, 2)))
    refused(capsys, f"x.npy{lost}", "run", *mine, "--input", "x=x.npy", "--out", "x.npy")


def test_a_save_file_that_was_edited_is_kept(folder, capsys):
    """Told by its digest; one that was not is replaced, and one is written anew where asked for."""
    words = [word for word in RUN if word != "--quiet"] + ["--vcd", "w.vcd"]
    assert sdpaflow(*words) == sdpaflow(*words) == 0
    assert capsys.readouterr().err == ""
    fresh = Path("w.gtkw").read_text()
    assert str(Path(__import__("sdpaflow_sim").__file__).parent) not in fresh
    assert "green" in Path("w.states.txt").read_text()
    Path("w.gtkw").write_text(fresh + "@28\nmine\n")
    assert sdpaflow(*words) == 0
    assert capsys.readouterr().err == (
        "sdpaflow: note: w.gtkw was edited, and is kept as it is; --gtkw F writes one anew\n"
    )
    assert Path("w.gtkw").read_text().endswith("mine\n")
    assert sdpaflow(*words, "--gtkw", "w.gtkw") == 0
    assert Path("w.gtkw").read_text() == fresh
    capsys.readouterr()
    refused(capsys, "--gtkw is of a waveform: say with --vcd where that goes", *RUN, "--gtkw", "x")


def test_printing_that_fails(folder, monkeypatch, capfd):
    """A full device is one line; nobody to print to is no error."""
    with open("/dev/full", "w") as full_:
        monkeypatch.setattr(sys, "stdout", full_)
        assert sdpaflow("graph", "--pipeline", "naive", *DATA) == 2
        assert capfd.readouterr().err == "sdpaflow: error: output: No space left on device\n"
        full_.flush()  # as Python does when it ends
    monkeypatch.setattr(sys, "stdout", None)
    assert sdpaflow("graph", "--pipeline", "naive", *DATA) == 0
    sys.stdout.close()


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", "q x k -> -"), ("latin-1", "q × k -> -"), ("utf-8", "q × k → ─")],
)
def test_terminals_of_few_characters(monkeypatch, encoding, shown):
    """What an encoding has not is written in others; a name that is no text is escaped."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding))
    printable()
    print("q × k → ─ ж \udcff", end="", flush=True)
    assert written.getvalue().decode(encoding) == (
        f"{shown} ж \\udcff" if encoding == "utf-8" else f"{shown} \\u0436 \\udcff"
    )


def test_something_written_is_no_bad_input(own, capsys, monkeypatch):
    """What fails after something was kept has exit code 1: 2 says that nothing was written."""
    monkeypatch.setattr(
        "sdpaflow_sim.study.written.fills",
        lambda *_: (_ for _ in ()).throw(OSError(28, "full", "f")),
    )
    words = ["study", "--pipelines", "memory-free", "--n", 2, "--engine", "amaranth"]
    assert sdpaflow(*words, "--out", "a/b", "--quiet") == 1
    assert capsys.readouterr().err == "sdpaflow: error: f: full\n"
    assert [path.name[:11] for path in Path("a/b/points").iterdir()] == ["memory-free"]
    assert os.listdir("a/b") == ["points"]


def test_reports_hold_no_nan(folder):
    """Nor infinity, whatever the data: such a figure is null."""
    faults = np.full((3, 4), 1e300)
    np.save("q.npy", faults)
    words = [*RUN, "--formats", "q=SQ(4,12)", "--scale", "1e18", "--json", "r.json"]
    assert sdpaflow(*words) == 0
    found = json.loads(Path("r.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert found["max_abs_error_total"] is None
