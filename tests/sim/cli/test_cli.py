"""The command: what it prints, what it writes, and how it refuses."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from attention import head
from sdpaflow_sim.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with q, k and v of one head (q.npy …) and of three (q3.npy …)."""
    for name, array in zip("qkv", head(n_q=3, n_k=5), strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    for name, arrays in zip(
        "qkv", zip(*(head(seed=s, n_q=2) for s in range(3)), strict=True), strict=True
    ):
        np.save(tmp_path / f"{name}3.npy", np.stack(arrays))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sdpaflow(*arguments):
    """Exit code of the command."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as exit_:
        return exit_.code


DATA = ["--q", "q.npy", "--k", "k.npy", "--v", "v.npy"]
REPORT = {
    "pipeline", "n_q", "n_k", "d", "dv", "lanes", "formats", "engine", "cycles", "scores",
    "cycles_per_score", "bit_exact", "max_abs_error", "mean_abs_error", "max_abs_error_total",
    "saturations", "fifos", "intermediate_words", "intermediate_bits", "peak_words",
}  # fmt: skip


def test_run_writes_what_it_is_asked_for(folder, capsys):
    """Outputs, report and waveform are written; the summary is printed."""
    files = ["--out", "o.npy", "--json", "r.json", "--vcd", "w.vcd"]
    code = sdpaflow("run", "--pipeline", "memory-free", *DATA, "--lanes", 2, *files)
    assert code == 0
    report = json.loads(Path("r.json").read_text())
    assert set(report) >= REPORT
    assert report["bit_exact"] is True
    assert (report["n_q"], report["n_k"], report["d"], report["lanes"]) == (3, 5, 4, 2)
    assert all(set(fifo) == {"name", "depth", "width_bits", "peak"} for fifo in report["fifos"])
    outputs = np.load("o.npy")
    q, k, v = (np.load(f"{name}.npy") for name in "qkv")
    weights = np.exp(q @ k.T / 2)
    exact = weights @ v / weights.sum(axis=1, keepdims=True)
    assert np.abs(outputs - exact).max() == pytest.approx(report["max_abs_error_total"])
    assert report["max_abs_error_total"] < 4 * report["output_ulp"]
    assert {path.name for path in folder.iterdir()} >= {"o.npy", "r.json", "w.vcd", "w.gtkw"}
    assert re.search(r"^engine +amaranth.*bit-exact +yes", capsys.readouterr().out, re.M | re.S)


def test_run_with_stalls_and_seed(folder):
    """Stalls change the cycles but not the outputs; a seed makes them the same again."""
    cycles = []
    for number, options in enumerate([[], ["--seed", 1], ["--seed", 1], ["--seed", 2]]):
        stalls = ["--stalls", "k=random:0.5,v=110"] if options else []
        files = ["--out", f"{number}.npy", "--json", f"{number}.json"]
        assert (
            sdpaflow("run", "--pipeline", "naive", *DATA, *stalls, *options, *files, "--quiet") == 0
        )
        cycles.append(json.loads(Path(f"{number}.json").read_text())["cycles"])
        assert (np.load(f"{number}.npy") == np.load("0.npy")).all()
    assert cycles[0] < cycles[1] == cycles[2] != cycles[3]


def test_run_takes_heads(folder, capsys):
    """Arrays of three dimensions are heads; --quiet prints nothing."""
    files = ["--q", "q3.npy", "--k", "k3.npy", "--v", "v3.npy"]
    assert sdpaflow("run", "--pipeline", "scaled", *files, "--out", "o.npy", "--quiet") == 0
    assert np.load("o.npy").shape == (3, 2, 4)
    assert capsys.readouterr() == ("", "")


def test_all_heads(folder, capsys):
    """``--head all`` is every head of a layer; what is neither that nor a number is refused."""
    words = ["--head", "all", "--tokens", 2, "--lanes", 1, "--json", "r.json"]
    assert sdpaflow("run", "--pipeline", "memory-free", *words) == 0
    assert json.loads(Path("r.json").read_text())["heads"] == 12
    assert sdpaflow("run", "--pipeline", "memory-free", "--head", "some") == 2
    assert "head must be 0 to 11, or all, not 'some'" in capsys.readouterr().err


def test_formats(folder):
    """Formats can be given for each of q, k, v and o."""
    formats = "q=SQ(3,9),k=SQ(4,8),v=SQ(4,8),o=SQ(4,10)"
    code = sdpaflow(
        "run", "--pipeline", "reordered", *DATA, "--formats", formats, "--json", "r.json"
    )
    assert code == 0
    report = json.loads(Path("r.json").read_text())
    assert ",".join(f"{name}={shape}" for name, shape in report["formats"].items()) == formats


def test_compare(folder, capsys):
    """One table with a row per pipeline, one figure, and the reports."""
    assert sdpaflow("compare", *DATA, "--pipelines", "all", "--json", "c.json") == 0
    printed = capsys.readouterr()
    for name in ("naive", "reordered", "scaled", "scaled-reordered", "memory-free"):
        (row,) = re.findall(rf"^ *{name} +(.*)$", printed.out, re.MULTILINE)
        assert len(row.split()) == 11
        assert row.split()[9] == "yes"
    assert Path("compare.png").read_bytes().startswith(b"\x89PNG")
    assert [report["pipeline"] for report in json.loads(Path("c.json").read_text())][
        -1
    ] == "memory-free"
    assert printed.err == ""


def test_compare_draws_svg_and_markdown(folder, capsys):
    """The figure may be an SVG, the table Markdown."""
    assert sdpaflow("compare", *DATA, "--figure", "f.svg", "--markdown") == 0
    assert "<svg" in Path("f.svg").read_text()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(lines) >= 4
    assert len({line.count("|") for line in lines}) == 1


@pytest.mark.parametrize(
    ("name", "start"), [("g.svg", "<"), ("g.dot", "digraph"), ("g.mmd", "flowchart")]
)
def test_graph(folder, name, start):
    """A drawing's form follows the name of its file; after a run it has the peaks."""
    assert sdpaflow("graph", "--pipeline", "naive", *DATA, "--out", name) == 0
    assert start in Path(name).read_text()[:200]
    quiet = Path(name).read_text()
    assert sdpaflow("graph", "--pipeline", "naive", *DATA, "--run", "--out", name) == 0
    assert Path(name).read_text() != quiet


def test_graph_prints_mermaid(folder, capsys):
    """Without a file the drawing is printed, as Mermaid."""
    assert sdpaflow("graph", "--pipeline", "memory-free", "--tokens", 4) == 0
    assert "flowchart" in capsys.readouterr().out


def test_count(folder, capsys):
    """Every unit and FIFO has a line, and the totals are their sums."""
    assert sdpaflow("count", "--pipeline", "naive", *DATA, "--json", "c.json") == 0
    counted = json.loads(Path("c.json").read_text())
    assert sum(entry["flip_flops"] for entry in counted["entries"]) == counted["flip_flops"]
    out = capsys.readouterr().out
    for entry in counted["entries"]:
        assert re.search(rf"^ *{entry['name']} ", out, re.MULTILINE)


def bad_arrays():
    """Files that are wrong, and what is said of each."""
    nan, wide = np.ones((3, 4)), np.ones((3, 6))
    nan[1, 2] = np.nan
    return {
        "nan": (nan, r"q must be finite, but q\[1, 2\] is nan"),
        "inf": (np.full((3, 4), np.inf), r"q must be finite, but q\[0, 0\] is inf"),
        "wide": (wide, "queries and keys must be equally long, not d = 6 in q and 4 in k"),
        "flat": (np.ones(4), r"q must have shape \(N, d\) or \(heads, N, d\), not \(4,\)"),
        "empty": (np.ones((0, 4)), r"q must not be empty, but its shape is \(0, 4\)"),
        "text": (np.array([["a", "b"]]), "q must be an array of numbers, not of <U1"),
        "complex": (np.ones((3, 4), complex), "q must be an array of numbers, not of complex128"),
        "object": (np.array([[1, None]]), "q.npy: holds Python objects; an .npy file of numbers"),
        "heads": (np.ones((2, 3, 4)), "equally many heads, not 2 of q, 1 of k, 1 of v"),
        "huge": (
            np.full((3, 4), 1e9),
            "q reaches 7.21348e\\+08, which does not fit a format of 16 bits",
        ),
    }


@pytest.mark.parametrize("case", bad_arrays())
def test_bad_arrays(folder, capsys, case):
    """An array that is no good is refused, with what is wrong and what would be right."""
    array, message = bad_arrays()[case]
    np.save("q.npy", array, allow_pickle=True)
    refused(folder, capsys, message, "run", "--pipeline", "memory-free", *DATA, "--out", "o.npy")


@pytest.mark.parametrize(
    ("size", "content"), [("cut", 100), ("header", 20), ("nothing", 0), ("zip", None)]
)
def test_bad_files(folder, capsys, size, content):
    """A file that is cut off, or no array, is refused."""
    if content is None:
        np.savez("q.npz", q=np.ones(3))
        Path("q.npz").rename("q.npy")
        message = "q.npy: is an archive of several arrays"
    else:
        Path("q.npy").write_bytes(Path("q.npy").read_bytes()[:content])
        message = "q.npy: is cut off or no array; an .npy file of numbers is needed"
    refused(folder, capsys, message, "run", "--pipeline", "naive", *DATA, "--out", "o.npy")


LONG_KEYS = ["--q", "q.npy", "--k", "k3.npy", "--v", "v.npy"]


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("nowhere.npy: no such file", ["--q", "nowhere.npy", "--k", "k.npy", "--v", "v.npy"]),
        ("q, k and v go together: --v missing", ["--q", "q.npy", "--k", "k.npy"]),
        ("k and v must have equally many tokens, not 5 and 3", [*DATA[:4], "--v", "q.npy"]),
        ("lanes must divide d = 4, not be 3", [*DATA, "--lanes", 3]),
        ("lanes must be at least 1, not 0", [*DATA, "--lanes", 0]),
        ("row_max must be at least 1, not -1", [*DATA, "--row-max", -1]),
        ("rows have 5 keys, more than row_max = 4", [*DATA, "--row-max", 4]),
        ("scale must be a positive number, not -1.0", [*DATA, "--scale", -1]),
        ("scale must be a positive number, not nan", [*DATA, "--scale", "nan"]),
        ("Segments must be a power of two, not 7", [*DATA, "--segments", 7]),
        ("Format must be written SQ(i,f) or UQ(i,f), not 'S4.12'", [*DATA, "--formats", "q=S4.12"]),
        ("formats are of q, k, v and o, not 'x'", [*DATA, "--formats", "x=SQ(4,12)"]),
        ("Format of v must be signed, of 2 bits or more", [*DATA, "--formats", "v=UQ(4,12)"]),
        ("A signed format needs an integer bit for the sign", [*DATA, "--formats", "v=SQ(0,12)"]),
        ("Formats must keep sums within 62 bits", [*DATA, "--formats", "v=SQ(20,30)"]),
        ("Stalls must be written as a pattern", [*DATA, "--stalls", "q=00"]),
        ("Stalls are for ports q, k, v, o, not 'x'", [*DATA, "--stalls", "x=01"]),
        ("limit must be at least 1 cycle, not 0", [*DATA, "--limit", 0]),
        ("layer must be 0, 2 or 5, not 1", ["--layer", 1]),
        ("head must be 0 to 11, not 12", ["--head", 12]),
        ("tokens must be at least 1, not 0", ["--tokens", 0]),
        ("tokens must be at most the 145 that there are, not 146", ["--tokens", 146]),
        (": cannot be read: Is a directory", ["--q", ".", "--k", "k.npy", "--v", "v.npy"]),
        (": no such file", ["--q", "", "--k", "", "--v", ""]),
        ("Stalls must be written as a pattern", [*DATA, "--stalls", ""]),
        ("There are two stalls of q", [*DATA, "--stalls", "q=1,q=10"]),
        ("seed must be at least 0, not -4", [*DATA, "--seed", -4]),
        ("formats are of q, k, v and o, not ''", [*DATA, "--formats", ""]),
        ("there are two formats of q", [*DATA, "--formats", "q=SQ(4,12),q=SQ(3,13)"]),
        ("Format must be written SQ(i,f)", [*DATA, "--formats", f"q=SQ({'9' * 30},1)"]),
        ("segments must be 1 to 1024, not 4096", [*DATA, "--segments", 4096]),
        ("weight_bits must be 11 to 24, not 25", [*DATA, "--weight-bits", 25]),
        ("q.npy: stands for two files", [*DATA, "--json", "q.npy"]),
        ("same.npy: stands for two files", [*DATA, "--out", "same.npy", "--json", "same.npy"]),
        ("x.gtkw: stands for two files", [*DATA, "--vcd", "x.gtkw"]),
        ("cannot be written: File name too long", [*DATA, "--json", "x" * 300]),
        ("/dev/full: is not a regular file", [*DATA, "--vcd", "/dev/full"]),
        ("cannot be written: ", [*DATA, "--json", "/proc/report.json"]),
        ("--layer and --head choose shipped data", [*DATA, "--head", 3]),
        ("there is no folder nowhere", [*DATA, "--json", "nowhere/r.json"]),
        ("is a folder; a file name is needed", [*DATA, "--vcd", "."]),
        ("argument --engine: invalid choice: 'x'", [*DATA, "--engine", "x"]),
        ("argument --tokens: invalid int value: 'x'", ["--tokens", "x"]),
    ],
)
def test_bad_options(folder, capsys, message, arguments):
    """An option that is no good is refused, with what was given."""
    out = [] if "--out" in arguments else ["--out", "o.npy"]
    arguments = ["run", "--pipeline", "naive", *arguments, *out]
    refused(folder, capsys, re.escape(message), *arguments)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("pipeline must be one of naive, .*, not 'fast'", ["run", "--pipeline", "fast", *DATA]),
        (
            "reordered stores no rows: leave out row_max",
            ["run", "--pipeline", "reordered", "--row-max", 9],
        ),
        ("pipeline must be one of .*, not 'x'", ["compare", "--pipelines", "naive,x"]),
        ("pipelines must differ, not be naive,naive", ["compare", "--pipelines", "naive,naive"]),
        ("none of these .*stores rows", ["compare", "--pipelines", "reordered", "--row-max", 9]),
        ("figure must be a .png or .svg file, not a.jpg", ["compare", "--figure", "a.jpg"]),
        ("jobs must be at least 1, not 0", ["compare", "--jobs", 0]),
        (
            "format must be one of mermaid, dot, svg, not 'pdf'",
            ["graph", "--pipeline", "naive", "--out", "g.pdf"],
        ),
        ("the following arguments are required: COMMAND", []),
        ("the following arguments are required: --pipeline", ["count"]),
    ],
)
def test_bad_commands(folder, capsys, message, arguments):
    """The same holds for the other commands."""
    refused(folder, capsys, message, *arguments)


def test_a_file_in_place_survives_a_refusal(folder, capsys):
    """A file that would have been written over is still there, whole, after an error."""
    Path("o.npy").write_text("precious")
    refused(
        folder, capsys, "lanes", "run", "--pipeline", "naive", *DATA, "--lanes", 3, "--out", "o.npy"
    )
    assert Path("o.npy").read_text() == "precious"


def refused(folder, capsys, message, *arguments):
    """Insist on one line, exit code 2, and nothing written or lost."""
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert sdpaflow(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"sdpaflow[a-z ]*: error: [^\n]*\n", printed.err), printed.err
    assert re.search(message, printed.err), printed.err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_run_that_does_not_end(folder, capsys):
    """Running out of cycles is no bad input: exit code 1, one line, and no outputs."""
    assert sdpaflow("run", "--pipeline", "naive", *DATA, "--limit", 20, "--out", "o.npy") == 1
    assert capsys.readouterr().err == (
        "sdpaflow: error: not finished after 20 cycles: tokens given, 0 of 3 at o\n"
    )
    assert not Path("o.npy").exists()


def test_installed_command(folder):
    """The command is installed, and knows its version."""
    command = Path(sys.executable).with_name("sdpaflow")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"sdpaflow \d+\.\d+\.\d+\n", done.stdout)


def test_a_link_is_followed(folder):
    """An output that is a link is written where the link points."""
    Path("link.json").symlink_to("target.json")
    assert sdpaflow("run", "--pipeline", "naive", *DATA, "--json", "link.json", "--quiet") == 0
    assert Path("link.json").is_symlink()
    assert json.loads(Path("target.json").read_text())["bit_exact"]


def test_formats_that_are_given_need_not_fit_16_bits(folder):
    """Values too large for a fitted format are fine in a format that holds them."""
    np.save("v.npy", np.full((5, 4), 40000.0))
    given = ["--formats", "v=SQ(17,2)"]
    assert sdpaflow("run", "--pipeline", "memory-free", *DATA, *given, "--quiet") == 0


def start(*arguments):
    """The installed command, on its way."""
    command = [Path(sys.executable).with_name("sdpaflow"), *arguments]
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
