"""Options of a run that are no good: refused with what was given."""

from pathlib import Path

import pytest
from helpers.cli import DATA, refused

CASES = [
    ("lanes must divide d = 4, not be 3", ["--lanes", 3]),
    ("must be at least 1, not 0", ["--lanes", 0]),
    ("must be at least 1, not -1", ["--row-max", -1]),
    ("rows have 5 keys, more than row_max = 4", ["--row-max", 4]),
    ("row_max must be at most 65536, not 70000", ["--row-max", 70000]),
    ("must be a positive number, not -1", ["--scale", -1]),
    ("must be a positive number, not nan", ["--scale", "nan"]),
    ("must be a positive number, not inf", ["--scale", "inf"]),
    ("must be a positive number, not wide", ["--scale", "wide"]),
    ("must be a positive number, not 1_0", ["--scale", "1_0"]),
    ("must be a positive number, not ''", ["--scale", ""]),
    ("scale must be 1e-18 to 1e+18, not 1e+308", ["--scale", "1e308"]),
    ("scale must be 1e-18 to 1e+18, not 5e-324", ["--scale", "5e-324"]),
    ("must be at most 4611686018427387904, not 18446744073709551616", ["--limit", 2**64]),
    ("must be at most 4611686018427387904, not 1000000000000000000000", ["--seed", 10**21]),
    ("must be 1 to 4611686018427387904, not '" + "9" * 60 + "'… of 5000 characters",
     ["--lanes", "9" * 5000]),
    ("must be a whole number, not '٣'", ["--lanes", "٣"]),
    ("head must be 0 to 11, or all, not '٣'", ["--head", "٣"]),
    ("unrecognized arguments: --d 4", ["--d", 4]),
    ("Segments must be a power of two, not 7", ["--segments", 7]),
    ("segments must be 1 to 1024, not 4096", ["--segments", 4096]),
    ("must be at least 1, not 0", ["--segments", 0]),
    ("score_bits must be 1 to 20, not 21", ["--score-bits", 21]),
    ("must be at least 1, not 0", ["--score-bits", 0]),
    ("weight_bits must be 11 to 24, not 25", ["--weight-bits", 25]),
    ("must be at least 1, not -3", ["--weight-bits", -3]),
    ("digits must be 1 to 4, not 5", ["--digits", 5]),
    ("must be a whole number, not '1.5'", ["--digits", 1.5]),
    ("Format must be written SQ(i,f) or UQ(i,f), not 'S4.12'", ["--formats", "q=S4.12"]),
    ("Format must be written SQ(i,f)", ["--formats", f"q=SQ({'9' * 30},1)"]),
    ("formats are of q, k, v and o, not 'x'", ["--formats", "x=SQ(4,12)"]),
    ("formats are of q, k, v and o, not ''", ["--formats", ""]),
    ("there are two formats of q", ["--formats", "q=SQ(4,12),q=SQ(3,13)"]),
    ("Format of v must be signed, of 2 bits or more", ["--formats", "v=UQ(4,12)"]),
    ("A signed format needs an integer bit for the sign", ["--formats", "v=SQ(0,12)"]),
    ("Formats must keep sums within 62 bits", ["--formats", "v=SQ(20,30)"]),
    ("Stalls must be written as a pattern", ["--stalls", "q=00"]),
    ("Stalls must be written as a pattern", ["--stalls", ""]),
    ("Stalls are for ports q, k, v, o, not 'x'", ["--stalls", "x=01"]),
    ("There are two stalls of q", ["--stalls", "q=1,q=10"]),
    ("must be at least 0, not -4", ["--seed", -4]),
    ("must be at least 1, not 0", ["--limit", 0]),
    ("invalid choice: 'x'", ["--engine", "x"]),
    ("q.npy: stands for two files", ["--json", "q.npy"]),
    ("same.npy: stands for two files", ["--out", "same.npy", "--json", "same.npy"]),
    ("x.gtkw: stands for two files", ["--vcd", "x.gtkw"]),
    (f"{'x' * 300}: File name too long", ["--json", "x" * 300]),
    ("/dev/full: is not a regular file", ["--vcd", "/dev/full"]),
    ("/proc/report.json: cannot be written: ", ["--json", "/proc/report.json"]),
    ("a file name must not be empty", ["--json", ""]),
    ("a file name must not be empty", ["--vcd", ""]),
    ("n\\x00l: no file name has a NUL in it", ["--json", "n\0l"]),
    ("loop: Too many levels of symbolic links", ["--json", "loop"]),
    ("loop: Too many levels of symbolic links", ["--q", "loop"]),
    ("nowhere\\n/r.json: there is no folder nowhere\\n", ["--json", "nowhere\n/r.json"]),
    ("nowhere/r.json: there is no folder nowhere", ["--json", "nowhere/r.json"]),
    (".: is a folder; a file name is needed", ["--vcd", "."]),
    ("naive takes (config, score=()) (--arg NAME=VALUE): got an unexpected keyword argument 'x'",
     ["--arg", "x=1"]),
    ("naive is an attention, which takes --q, --k and --v, not --input", ["--input", "q=q.npy"]),
]  # fmt: skip


@pytest.mark.parametrize(("message", "arguments"), CASES, ids=[str(words) for _, words in CASES])
def test_bad_options(folder, capsys, message, arguments):
    """An option that is no good is refused, and nothing is written."""
    Path("loop").symlink_to("loop")
    out = [] if "--out" in arguments else ["--out", "o.npy"]
    refused(capsys, message, "run", "--pipeline", "naive", *DATA, *arguments, *out)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("must be at most 1024, not 99999999999", ["compare", "--jobs", 99999999999]),
        ("must be at most 1024, not 99999999999",
         ["fpga", "--pipeline", "naive", "--jobs", 99999999999]),
        ("must be at most 1000, not 1001", ["fpga", "--pipeline", "naive", "--seeds", 1001]),
        ("must not be empty, as '' is", ["study", "--out", "s", "--scheduler", ""]),
        ("must be numbers like 1,2,4, not '1_0'", ["study", "--out", "s", "--n", "1_0"]),
        ("rows may have up to 65536 keys, not 100000000000",
         ["study", "--out", "s", "--n", 10**11]),
        ("d must be at most 65536, not 100000000000", ["study", "--out", "s", "--d", 10**11]),
        ("rows may have up to 65536 keys, not 100000000000",
         ["depths", "--pipeline", "memory-free", "--n", 10**11]),
        ("a file name must not be empty", ["export", "--pipeline", "naive", "--out", ""]),
        ("a file name must not be empty", ["study", "--out", ""]),
        ("must not be empty, as '' is",
         ["export", "--pipeline", "naive", "--out", "e", "--unit", ""]),
        ("pipeline must be one of naive, ", ["graph", "--pipeline", "a\0b.py:X"]),
    ],
)  # fmt: skip
def test_ranges_of_every_verb(folder, capsys, message, words):
    """Numbers too large to hold, and texts that are empty, are refused before anything is made."""
    refused(capsys, message, *words)


def test_random_tokens_are_bounded(own, capsys):
    """So many that memory would end are refused, in every verb that makes them."""
    words = ["--pipeline", "normalise.py:Normalise", "--arg", "row_max=16"]
    message = "3000 tokens in every dimension are 9000000 of x, more than the 4194304 that are made"
    refused(capsys, message, "run", *words, "--tokens", 3000)
    refused(capsys, message, "depths", *words, "--n", 3000)
    refused(capsys, message, "export", *words, "--out", "e", "--test-tokens", 3000)


def test_rows_that_are_not_stored(folder, capsys):
    """A pipeline that stores no rows takes no longest row."""
    words = ["run", "--pipeline", "reordered", "--row-max", 9]
    refused(capsys, "reordered stores no rows: leave out row_max", *words)
