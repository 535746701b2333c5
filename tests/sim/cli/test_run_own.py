"""``sdpaflow run`` of pipelines of one's own."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import DATA, refused, sdpaflow

RUN = ["run", "--pipeline", "normalise.py:Normalise", "--arg", "row_max=16"]


def test_a_file(own, capsys):
    """Outputs by port, as floats, with the ends of groups; a summary; a waveform with its view."""
    Path("x.json").write_text("[[1, 3], [2, 2, 4]]")
    files = ["--out", "o.npz", "--json", "r.json", "--vcd", "w.vcd"]
    assert sdpaflow(*RUN, "--input", "x=x.json", *files) == 0
    with np.load("o.npz") as arrays:
        found = dict(arrays)
    assert sorted(found) == ["share", "share.last"]
    assert found["share"] == pytest.approx([0.25, 0.75, 0.25, 0.25, 0.5], abs=2**-15)
    assert found["share.last"].tolist() == [[False], [True], [False], [False], [True]]
    report = json.loads(Path("r.json").read_text())
    assert (report["pipeline"], report["arguments"]) == ("normalise", ["row_max=16"])
    assert (report["inputs"], report["outputs"]) == ({"x": 5}, {"share": 5})
    assert report["bit_exact"] is True
    assert {fifo["name"] for fifo in report["fifos"]} >= {"x", "row", "share"}
    assert Path("w.gtkw").stat().st_size > 100
    printed = capsys.readouterr().out
    assert re.search(r"^pipeline +normalise, row_max=16$", printed, re.M)
    assert re.search(r"^tokens +5 at x, 5 at share$", printed, re.M)
    assert re.search(r"^FIFO words +29 configured, \d+ at peak$", printed, re.M)
    assert re.search(r"^(saturated|other flags) +none$", printed, re.M)
    assert re.search(r"^bit-exact +yes$", printed, re.M)


def test_random_tokens(own):
    """The same seed gives the same tokens, and stalls by the pipeline's own ports the same bits."""
    words = [*RUN, "--tokens", 5, "--quiet", "--out"]
    assert sdpaflow(*words, "a.npz") == 0
    assert sdpaflow(*words, "b.npz", "--stalls", "x=10,share=110", "--json", "b.json") == 0
    assert sdpaflow(*words, "c.npz", "--seed", 1) == 0
    a, b, c = (np.load(f"{name}.npz")["share"] for name in "abc")
    assert len(a) == 25
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_function(own):
    """A function that returns a pipeline is as good as a class."""
    words = ["--tokens", 4, "--quiet", "--json", "r.json"]
    assert sdpaflow("run", "--pipeline", "normalise:rows_of", "--arg", "row_max=5", *words) == 0
    assert json.loads(Path("r.json").read_text())["inputs"] == {"x": 16}


def test_an_attention(own, capsys):
    """It takes data and formats as the package's do; errors are against its own reference."""
    words = ["run", "--pipeline", "twice.py:Twice", *DATA, "--lanes", 2]
    assert sdpaflow(*words, "--formats", "o=SQ(5,11)", "--json", "r.json", "--out", "o.npy") == 0
    report = json.loads(Path("r.json").read_text())
    assert (report["pipeline"], report["lanes"], report["formats"]["o"]) == ("twice", 2, "SQ(5,11)")
    outputs = np.load("o.npy")
    assert report["max_abs_error_total"] == pytest.approx(np.abs(outputs).max(), abs=0.01)
    assert sdpaflow(*words, "--arg", "times=1", "--json", "s.json") == 0
    report = json.loads(Path("s.json").read_text())
    assert report["max_abs_error"] < 2 * report["output_ulp"]


def test_an_attention_that_is_built_already(own):
    """A function may configure it; data is cut to its size unless given."""
    words = ["run", "--pipeline", "twice.py:whole", "--json", "r.json", "--quiet"]
    assert sdpaflow(*words) == 0
    report = json.loads(Path("r.json").read_text())
    assert (report["pipeline"], report["d"], report["n_k"], report["row_max"]) == ("naive", 4, 8, 8)
    assert sdpaflow(*words, "--arg", "d=2", "--tokens", 3) == 0
    report = json.loads(Path("r.json").read_text())
    assert (report["d"], report["n_q"], report["n_k"]) == (2, 3, 3)
    assert sdpaflow(*words, *DATA) == 0
    assert json.loads(Path("r.json").read_text())["n_q"] == 3


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("Stalls are for ports x, share, not 'q'", [*RUN, "--stalls", "q=10"]),
        ("--jobs splits the queries of an attention, which normalise.py:Normalise is not",
         [*RUN, "--jobs", 2]),
        ("there is no input 'y'; inputs are: x", [*RUN, "--input", "y=x.json"]),
        ("twice.py:Twice is an attention, which takes --q, --k and --v, not --input",
         ["run", "--pipeline", "twice.py:Twice", "--input", "q=q.npy"]),
        ("twice.py:whole is an attention, which takes --q, --k and --v, not --input",
         ["run", "--pipeline", "twice.py:whole", "--input", "q=q.npy"]),
        ("--lanes configure a class of Attention, which twice.py:whole is not: use --arg",
         ["run", "--pipeline", "twice.py:whole", "--lanes", 2]),
        ("the pipeline is for d = 2, dv = 2, not 4 and 4",
         ["run", "--pipeline", "twice.py:whole", "--arg", "d=2", *DATA]),
        ("Times must be above 0, not 0",
         ["run", "--pipeline", "twice.py:Twice", "--arg", "times=0"]),
    ],
)  # fmt: skip
def test_refusals(own, capsys, message, arguments):
    """One line, and nothing is written."""
    refused(capsys, message, *arguments)


def test_a_run_that_gets_stuck(own, capsys):
    """Exit code 1, with the cause; the waveform is kept, with its view."""
    words = ["run", "--pipeline", "normalise.py:Normalise", "--arg", "row_max=2", "--vcd", "w.vcd"]
    assert sdpaflow(*words) == 1
    assert "waits for room in FIFO row, which is full with 5 words" in capsys.readouterr().err
    assert Path("w.gtkw").exists()


PASSED = """
from amaranth.hdl import unsigned
from amaranth.lib import data
from sdpaflow.graph import Dataflow


class Passed(Dataflow):
    def __init__(self):
        super().__init__()
        pair = data.StructLayout({"a": unsigned(4), "b": data.ArrayLayout(unsigned(3), 2)})
        x = self.input(pair)
        self.output(x_out=x)
"""


def test_structures(own):
    """A structure is an array per field; whole numbers stay whole."""
    Path("passed.py").write_text(PASSED)
    words = ["run", "--pipeline", "passed.py:Passed", "--tokens", 3, "--out", "o.npz", "--quiet"]
    assert sdpaflow(*words) == 0
    with np.load("o.npz") as arrays:
        assert {name: array.shape for name, array in arrays.items()} == {
            "x_out.a": (3,), "x_out.b": (3, 2)
        }  # fmt: skip
        assert arrays["x_out.b"].dtype == np.int64


def test_inputs_that_do_not_fit_together(own, capsys):
    """Bad input, not a run that went wrong."""
    Path("both_ends.py").write_text(
        "from sdpaflow.graph import Dataflow\nfrom sdpaflow.numerics import UQ, Add\n"
        "class Both(Dataflow):\n    def __init__(self):\n        super().__init__()\n"
        "        a = self.input(UQ(4, 4), 1)\n        b = self.input(UQ(4, 4), 1)\n"
        "        both = self.map(Add(UQ(4, 4), UQ(4, 4)), a, b)\n        self.output(o=both)\n"
    )
    Path("a.json").write_text("[[1, 2]]")
    Path("b.json").write_text("[[1], [2]]")
    words = ["--pipeline", "both_ends.py:Both", "--input", "a=a.json", "--input", "b=b.json"]
    refused(capsys, "both (Map): a and b disagree on where groups end", "run", *words)
