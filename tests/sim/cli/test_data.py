"""Arrays that are no good: refused with what is wrong, and what would be right."""

from pathlib import Path

import numpy as np
import pytest
from helpers.cli import DATA, refused, sdpaflow


def bad_arrays():
    """Files that are wrong, and what is said of each."""
    nan, wide = np.ones((3, 4)), np.ones((3, 6))
    nan[1, 2] = np.nan
    return {
        "nan": (nan, "q must be finite, but q[1, 2] is nan"),
        "inf": (np.full((3, 4), np.inf), "q must be finite, but q[0, 0] is inf"),
        "wide": (wide, "queries and keys must be equally long, not d = 6 in q and 4 in k"),
        "flat": (
            np.ones(4),
            "q must have shape (N, d), (heads, N, d) or (batch, heads, N, d), not (4,)",
        ),
        "empty": (np.ones((0, 4)), "q must not be empty, but its shape is (0, 4)"),
        "text": (np.array([["a", "b"]]), "q must be an array of numbers, not of <U1"),
        "complex": (np.ones((3, 4), complex), "q must be an array of numbers, not of complex128"),
        "object": (np.array([[1, None]]), "q.npy: holds Python objects; an .npy file of numbers"),
        "heads": (
            np.ones((2, 3, 4)),
            "q, k and v must have equally many heads, not 2 of q, 1 of k, 1 of v",
        ),
        "huge": (
            np.full((3, 4), 1e9),
            "q reaches 7.21348e+08, which does not fit a format of 16 bits",
        ),
    }


@pytest.mark.parametrize("case", bad_arrays())
def test_bad_arrays(folder, capsys, case):
    """An array that is no good is refused, with what is wrong and what would be right."""
    array, message = bad_arrays()[case]
    np.save("q.npy", array, allow_pickle=True)
    refused(capsys, message, "run", "--pipeline", "memory-free", *DATA, "--out", "o.npy")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (200, "q.npy: is cut off: 72 octets of numbers where its header says 96; an .npy file"),
        (20, "q.npy: is cut off within its header, or that is damaged; an .npy file of"),
        (0, "q.npy: is empty; an .npy file of numbers is needed"),
    ],
)
def test_bad_files(folder, capsys, content, message):
    """A file that is cut off, or no array, is refused."""
    Path("q.npy").write_bytes(Path("q.npy").read_bytes()[:content])
    refused(capsys, message, "run", "--pipeline", "naive", *DATA, "--out", "o.npy")


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("nowhere.npy: no such file", ["--q", "nowhere.npy", "--k", "k.npy", "--v", "v.npy"]),
        (".: cannot be read: Is a directory", ["--q", ".", "--k", "k.npy", "--v", "v.npy"]),
        ("q, k and v go together: --v missing", ["--q", "q.npy", "--k", "k.npy"]),
        ("k and v must have equally many tokens, not 5 and 3", [*DATA[:4], "--v", "q.npy"]),
        ("layer must be 0, 2 or 5, not 1", ["--layer", 1]),
        ("must be at least 0, not -1", ["--layer", -1]),
        ("head must be 0 to 11, not 12", ["--head", 12]),
        ("head must be 0 to 11, or all, not 'some'", ["--head", "some"]),
        ("head must be 0 to 11, or all, not '-1'", ["--head", -1]),
        ("must be at least 1, not 0", ["--tokens", 0]),
        ("must be a whole number, not 'x'", ["--tokens", "x"]),
        ("tokens must be at most the 145 that there are, not 146", ["--tokens", 146]),
        ("--layer and --head choose shipped data; leave them out with --q", [*DATA, "--head", 3]),
    ],
)
def test_bad_choice_of_data(folder, capsys, message, arguments):
    """Data that is not there, or does not go together."""
    refused(capsys, message, "run", "--pipeline", "naive", *arguments, "--out", "o.npy")


def test_an_archive_of_one_array_and_a_batch(folder):
    """Four dimensions are batches of heads; outputs have them too."""
    for name in "qkv":
        np.savez(f"{name}.npz", np.stack([np.load(f"{name}3.npy")] * 2))
    words = ["--q", "q.npz", "--k", "k.npz", "--v", "v.npz", "--quiet", "--engine", "amaranth"]
    assert sdpaflow("run", "--pipeline", "memory-free", *words, "--out", "o.npy") == 0
    outputs = np.load("o.npy")
    assert outputs.shape == (2, 3, 2, 4)
    assert np.array_equal(outputs[0], outputs[1])


def test_all_heads(folder):
    """``--head all`` is every head of a layer."""
    words = ["--head", "all", "--tokens", 2, "--lanes", 1, "--quiet", "--out", "o.npy"]
    assert sdpaflow("run", "--pipeline", "memory-free", *words) == 0
    assert np.load("o.npy").shape == (12, 2, 32)
