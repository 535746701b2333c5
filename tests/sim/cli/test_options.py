"""Options of a run that are no good: refused with what was given."""

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
    ("cannot be written: File name too long", ["--json", "x" * 300]),
    ("/dev/full: is not a regular file", ["--vcd", "/dev/full"]),
    ("/proc/report.json: cannot be written: ", ["--json", "/proc/report.json"]),
    ("nowhere/r.json: there is no folder nowhere", ["--json", "nowhere/r.json"]),
    (".: is a folder; a file name is needed", ["--vcd", "."]),
    ("naive takes (config) (--arg NAME=VALUE): got an unexpected keyword argument 'x'",
     ["--arg", "x=1"]),
    ("naive is an attention, which takes --q, --k and --v, not --input", ["--input", "q=q.npy"]),
]  # fmt: skip


@pytest.mark.parametrize(("message", "arguments"), CASES, ids=[str(words) for _, words in CASES])
def test_bad_options(folder, capsys, message, arguments):
    """An option that is no good is refused, and nothing is written."""
    out = [] if "--out" in arguments else ["--out", "o.npy"]
    if message.startswith("cannot be written"):
        message = f"{arguments[1]}: {message}"
    refused(capsys, message, "run", "--pipeline", "naive", *DATA, *arguments, *out)


def test_rows_that_are_not_stored(folder, capsys):
    """A pipeline that stores no rows takes no longest row."""
    words = ["run", "--pipeline", "reordered", "--row-max", 9]
    refused(capsys, "reordered stores no rows: leave out row_max", *words)
