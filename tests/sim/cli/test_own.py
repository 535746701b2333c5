"""Pipelines of one's own: how they are found, and what is said where they are not."""

import sys
from pathlib import Path

import pytest
from helpers.cli import refused
from sdpaflow.numerics.fixed import SQ, UQ
from sdpaflow.pipelines import MemoryFree, Naive
from sdpaflow_sim.cli import pipelines
from sdpaflow_sim.errors import InputError

BROKEN = {
    "syntax": ("class Broken(\n", "broken.py, line 1: '(' was never closed"),
    "name": ("x = 1\ny = z\n", "broken.py: broken.py, line 2: NameError: name 'z' is not defined"),
    "exit": ("import sys\nsys.exit('no')\n", "broken.py: broken.py, line 2: SystemExit: no"),
    "import": ("import nowhere\n", "broken.py: broken.py, line 1: there is no module nowhere"),
    "deep": (
        "import other\n",
        "broken.py: other.py, line 3: ZeroDivisionError: division by zero",
    ),
}  # fmt: skip


def test_found(own):
    """By name, in a file, in a module of this folder; the same each time."""
    assert pipelines.resolve("naive") is Naive
    found = pipelines.resolve("twice.py:Twice")
    assert issubclass(found, MemoryFree)
    assert pipelines.resolve(f"{own}/twice.py:Twice") is found
    assert pipelines.resolve("twice:Twice") is found
    assert pipelines.attention("twice.py:Twice") is found
    assert sys.modules[found.__module__].Twice is found
    assert not pipelines.is_attention(pipelines.resolve("normalise:Normalise"))


def test_a_file_may_import_its_neighbours(own):
    """Modules beside a file are found, wherever the command is run."""
    (own / "there").mkdir()
    (own / "there" / "beside.py").write_text("from sdpaflow.pipelines import Naive\n")
    (own / "there" / "mine_here.py").write_text("from beside import Naive\n")
    assert pipelines.resolve("there/mine_here.py:Naive") is Naive


def test_no_name():
    """What is neither a name nor a place is refused here as by the parser."""
    for text in ("fast", "mine.py:", ":Mine"):
        wanted = (
            rf"^pipeline must be one of naive, .*, or module:Class or file.py:Class, not '{text}'"
        )
        with pytest.raises(InputError, match=wanted):
            pipelines.resolve(text)


def test_values():
    """Literals, formats, and text."""
    texts = [
        "a=3",
        "b=-1.5",
        "c=(1, 'x')",
        "d=SQ(4,12)",
        "e= UQ(0,17)",
        "f=mean",
        "g=None",
        "h=a=b",
    ]
    assert pipelines.values(texts) == {
        "a": 3, "b": -1.5, "c": (1, "x"), "d": SQ(4, 12), "e": UQ(0, 17), "f": "mean", "g": None,
        "h": "a=b",
    }  # fmt: skip
    with pytest.raises(InputError, match=r"^d: Format must be written SQ\(i,f\) or UQ\(i,f\)"):
        pipelines.values(["d=SQ(4.12)"])


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("nowhere.py: no such file", "nowhere.py:Normalise"),
        (
            "there is no module nowhere, neither installed nor in this folder",
            "nowhere:Normalise",
        ),
        (
            "there is no module sdpaflow.nowhere, neither installed nor in this folder",
            "sdpaflow.nowhere:Normalise",
        ),
        ("normalise.py has no Normalize, only Normalise", "normalise.py:Normalize"),
        ("empty.py has no Normalise, and no other pipeline", "empty.py:Normalise"),
        (
            "normalise.py:Divide must be a class of Dataflow, or a function that returns a "
            "Dataflow, not <class ",
            "normalise.py:Divide",
        ),
        (
            "normalise.py:Dataflow must be a class of Dataflow, or a function that returns",
            "normalise.py:Dataflow",
        ),
        (
            "normalise.py:skew takes (early, late) (--arg NAME=VALUE): missing a required",
            "normalise.py:skew",
        ),
        ("empty.py:none must return a Dataflow, not None", "empty.py:none"),
        ("empty.py:Open has no output: its constructor must end with", "empty.py:Open"),
        ("json.py: cannot be imported as json, which is another module: call the", "json.py:x"),
        ("a-b.py: cannot be imported as a-b, which is no name of Python's: call", "a-b.py:x"),
        (
            "normalise.py:Normalise takes (row_max, shape=UQ(4,8), spare=0) (--arg NAME=VALUE): "
            "missing a required argument: 'row_max'",
            "normalise.py:Normalise",
        ),
    ],
)  # fmt: skip
def test_not_found(own, capsys, message, text):
    """One line says what is there and what is not."""
    lines = [
        "from sdpaflow.graph import Dataflow",
        "def none(): pass",
        "class Open(Dataflow): pass",
    ]
    Path("empty.py").write_text("\n".join(lines))
    Path("json.py").write_text("x = 1\n")
    Path("a-b.py").write_text("x = 1\n")
    if text == "empty.py:Normalise":
        Path("empty.py").write_text("from sdpaflow.graph import Dataflow\n")
    refused(capsys, message, "count", "--pipeline", text)


@pytest.mark.parametrize("case", BROKEN)
def test_a_module_that_fails(own, capsys, case):
    """One line names the line; nothing of it stays behind."""
    text, message = BROKEN[case]
    Path("other.py").write_text("def f():\n    return 0\nx = 1 / f()\n")
    Path("broken.py").write_text(text)
    refused(capsys, message, "count", "--pipeline", "broken.py:Broken")
    refused(
        capsys, message.replace("broken.py: ", "broken: "), "count", "--pipeline", "broken:Broken"
    )
    assert "broken" not in sys.modules


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("normalise.py:Normalise: Rows must have 1 number or more, not 0", ["--arg", "row_max=0"]),
        (
            "normalise.py:Normalise: normalise.py, line 15: AttributeError: 'int' object has no",
            ["--arg", "row_max=9", "--arg", "shape=3"],
        ),
        ("row_max is given twice", ["--arg", "row_max=9", "--arg", "row_max=8"]),
        ("must be NAME=VALUE, not 'row_max'", ["--arg", "row_max"]),
        ("must be NAME=VALUE, not 'row_max='", ["--arg", "row_max="]),
        ("must be PORT=FILE, not 'x.npy'", ["--input", "x.npy"]),
        ("x is given twice", ["--input", "x=a.npy", "--input", "x=b.npy"]),
        (
            "--lanes and --formats configure a class of Attention, which normalise.py:Normalise is "
            "not: use --arg",
            ["--arg", "row_max=9", "--lanes", 2, "--formats", "q=SQ(4,12),v=SQ(4,12)"],
        ),
        (
            "--q and --layer are data of an attention, which normalise.py:Normalise is not: use "
            "--input",
            ["--arg", "row_max=9", "--q", "q.npy", "--layer", 2],
        ),
        (
            "--tokens counts random tokens; leave it out with --input",
            ["--arg", "row_max=9", "--tokens", 3, "--input", "x=x.npy"],
        ),
    ],
)
def test_refusals(own, capsys, message, arguments):
    """A constructor's own words; options that are for attentions."""
    refused(capsys, message, "count", "--pipeline", "normalise.py:Normalise", *arguments)
