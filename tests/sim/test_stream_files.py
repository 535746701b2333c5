"""Inputs of a graph from files, and at random."""

import json

import numpy as np
import pytest
from amaranth.hdl import unsigned
from amaranth.lib import data
from attention import NAMES, pipeline
from helpers.bench import raises
from sdpaflow.graph import Dataflow, FramingError, interpret
from sdpaflow.numerics import SQ, UQ
from sdpaflow.units import Pair
from sdpaflow_sim import streams as streams_module
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.streams import sample_streams, stream_of, streams_from, values_of

VECTOR = data.ArrayLayout(SQ(4, 4), 2)
PAIR = Pair(UQ(4, 4), unsigned(3))


class Three(Dataflow):
    """Numbers in groups, vectors, and structures in groups."""

    def __init__(self):
        super().__init__()
        x = self.input(UQ(4, 4), 1)
        y = self.input(VECTOR)
        z = self.input(PAIR, 1)
        self.output(x_out=x, y_out=y, z_out=z)


X, Y, Z = [[1, 2.5], [3]], [[1, 2], [-8, 99]], [[{"over": 1, "i": 2}]]


@pytest.fixture
def files(tmp_path):
    """A file for each port of :class:`Three`."""
    (tmp_path / "x.json").write_text(json.dumps(X))
    np.save(tmp_path / "y.npy", np.array(Y))
    (tmp_path / "z.json").write_text(json.dumps(Z))
    return {
        port: tmp_path / name
        for port, name in zip("xyz", ["x.json", "y.npy", "z.json"], strict=True)
    }


def test_files_are_nested_lists(files):
    """Arrays where they are rectangular, JSON for the rest; what was clamped is counted."""
    streams = streams_from(Three(), files)
    assert list(streams) == ["x", "y", "z"]
    for stream, shape, groups, rank in zip(
        streams.values(), [UQ(4, 4), VECTOR, PAIR], [X, Y, Z], [1, 0, 1], strict=True
    ):
        wanted = stream_of(shape, groups, rank)
        assert values_of(stream, shape) == values_of(wanted, shape)
        assert stream.clamped == wanted.clamped
    assert streams["y"].clamped == 1
    assert streams_from(Three(), {port: str(path) for port, path in files.items()}).keys() == set(
        "xyz"
    )


@pytest.mark.parametrize(
    ("port", "name", "content", "message"),
    [
        ("w", "w.json", [1], "there is no input 'w'; inputs are: x, y, z"),
        ("x", None, None, "input x has no file; inputs are: x, y, z"),
        ("x", "no.json", None, "{path}: no such file"),
        ("x", "no.npy", None, "{path}: no such file"),
        ("x", "x.csv", None, "{path}: an input is an .npy, an .npz or a .json file"),
        ("x", "a.json", "[1",
         "{path}: is no JSON: Expecting ',' delimiter: line 1 column 3 (char 2)"),
        ("x", "a.json", [1, 2], "{path}: x[0] must be a list of tokens, not 1"),
        ("x", "a.json", [[1], ["a"]], "{path}: x[1][0] must be a number for UQ(4,4), not 'a'"),
        ("x", "a.json", "[[NaN]]", "{path}: x[0][0] must be finite, not nan"),
        ("x", "a.json", {"a": 1}, "{path}: x must be a list of groups, not a dict"),
        ("x", "a.npy", np.arange(3), "{path}: x[0] must be a list of tokens, not 0"),
        ("x", "a.npy", np.ones((2, 2, 1)),
         "{path}: x[0][0] must be a number for UQ(4,4), not a list"),
        ("x", "a.npy", np.array(["a"]), "{path}: x must be an array of numbers, not of <U1"),
        ("x", "a.npy", np.ones((2, 0)),
         "{path}: x[0] is empty, but a group has at least one token"),
        ("y", "a.npy", np.ones((4, 3)), "{path}: y[0] must have 2 elements, not 3"),
        ("z", "a.npy", np.ones((2, 2)), "{path}: z[0][0] must be a dict of over, i, not 1.0"),
        ("x", "a.npy", "text", "{path}: is no .npy file; an .npy file of numbers is needed"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said(files, tmp_path, port, name, content, message):
    """In one sentence, with the file and the port."""
    path = tmp_path / str(name)
    if isinstance(content, np.ndarray):
        np.save(path, content)
    elif content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    given = {**files, port: path}
    if name is None:
        del given[port]
    with raises(InputError, message.format(path=path)):
        streams_from(Three(), given)


def test_a_file_that_cannot_be_read_is_named(files, tmp_path):
    (tmp_path / "folder.json").mkdir()
    path = tmp_path / "folder.json"
    with raises(InputError, f"{path}: cannot be read: Is a directory"):
        streams_from(Three(), {**files, "x": path})


def test_random_inputs_have_equal_sizes():
    """In every dimension; all raw values are in range, and the same seed gives the same."""
    streams = sample_streams(Three(), n=3, seed=1)
    shapes = dict(zip("xyz", [UQ(4, 4), VECTOR, PAIR], strict=True))
    x, y, z = (values_of(streams[port], shape) for port, shape in shapes.items())
    assert [len(group) for group in x] == [len(group) for group in z] == [3, 3, 3]
    assert len(y) == 3
    assert repr(streams) == repr(sample_streams(Three(), n=3, seed=1))
    assert repr(streams) != repr(sample_streams(Three(), n=3, seed=2))
    wide = sample_streams(Three(), n=40)
    assert (wide["x"].data.min(), wide["x"].data.max()) == (0, 255)
    assert (wide["y"].data.min(), wide["y"].data.max()) < (-100, 100)


@pytest.mark.parametrize("name", NAMES)
def test_random_inputs_fit_attention(name):
    """Each query has as many keys as there are queries."""
    dut = pipeline(name, d=2, dv=2, lanes=2, row_max=5)
    streams = sample_streams(dut, n=5)
    assert {port: len(stream) for port, stream in streams.items()} == {"q": 5, "k": 25, "v": 25}
    assert len(interpret(dut, streams)[0]["o_i"]) == 5


def test_inputs_that_depend_on_each_other_must_be_given(monkeypatch):
    """What the model refuses is passed on, and the message says what to do."""

    def refuse(dataflow, inputs):
        raise FramingError("x and y disagree")

    monkeypatch.setattr(streams_module, "interpret", refuse)
    with raises(
        InputError,
        "inputs of 2 tokens in every dimension do not fit together (x and y disagree): "
        "give inputs (inputs=, or --input PORT=FILE)",
    ):
        sample_streams(Three(), n=2)


@pytest.mark.parametrize("n", [0, -1, 1.5, "3", True])
def test_a_size_is_an_int(n):
    with raises(InputError, f"n must be an int of at least 1, not {n!r}"):
        sample_streams(Three(), n=n)


class Pairs(Dataflow):
    """Vectors of structures, which have no raw values."""

    def __init__(self):
        super().__init__()
        x = self.input(data.ArrayLayout(PAIR, 2))
        self.output(o=x)


def test_vectors_of_structures_are_refused():
    with pytest.raises(
        InputError, match=r"^input x cannot be random: A token must not be a vector"
    ):
        sample_streams(Pairs())
