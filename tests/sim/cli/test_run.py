"""``sdpaflow run`` of an attention: what it prints and what it writes."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import DATA, sdpaflow

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


def test_formats(folder):
    """Formats can be given for each of q, k, v and o."""
    formats = "q=SQ(3,9),k=SQ(4,8),v=SQ(4,8),o=SQ(4,10)"
    code = sdpaflow(
        "run", "--pipeline", "reordered", *DATA, "--formats", formats, "--json", "r.json"
    )
    assert code == 0
    report = json.loads(Path("r.json").read_text())
    assert ",".join(f"{name}={shape}" for name, shape in report["formats"].items()) == formats


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


def test_a_run_that_does_not_end(folder, capsys):
    """Running out of cycles is no bad input: exit code 1, one line, and no outputs."""
    assert sdpaflow("run", "--pipeline", "naive", *DATA, "--limit", 20, "--out", "o.npy") == 1
    assert capsys.readouterr().err == (
        "sdpaflow: error: not finished after 20 cycles: tokens given, 0 of 3 at o\n"
    )
    assert not Path("o.npy").exists()


def test_fitted_formats_are_said_to_be(capsys):
    """With the option that keeps them, and the compiled design, for other data."""
    words = ["run", "--pipeline", "memory-free", "--tokens", "3"]
    assert sdpaflow(*words) == 0
    said = capsys.readouterr().out
    option = re.search(r"fitted to the data; other data keeps them with --formats '(\S+)'", said)[1]
    assert sdpaflow(*words, "--formats", option) == 0
    kept = capsys.readouterr().out
    assert "fitted" not in kept
    assert kept.splitlines()[2] == said.splitlines()[2]
