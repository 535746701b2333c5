"""The command study: what it writes, what it keeps, what it does again, and how it ends."""

import copy
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.cli import refused, sdpaflow
from sdpaflow_sim.study import points, runner, written
from sdpaflow_sim.study.points import Point, formula, grid
from sdpaflow_sim.study.store import Store

SMALL = ["study", "--engine", "amaranth", "--quiet", "--n", "8,4", "--out"]


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """Folder of a finished study: naive and memory-free, N = 4 and 8."""
    folder = tmp_path_factory.mktemp("study")
    assert sdpaflow(*SMALL, folder) == 0
    return folder


@pytest.fixture
def here(monkeypatch):
    """Points are run in this process; gives the list of those that were."""
    ran = []

    class Inline(runner.workers(None).__class__):
        def submit(self, work, tag, /, *arguments):
            ran.append(arguments[0].name)
            return self._threads.submit(work, *arguments, lambda count: self._told(tag, count))

    monkeypatch.setattr(runner, "workers", lambda told, jobs, scheduler: Inline(jobs, told))
    return ran


@pytest.mark.slow
def test_table(studied):
    """A line per point, with what was measured, what follows from the graph, what is published."""
    with open(studied / "study.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["pipeline"], row["n"]) for row in rows] == [
        ("naive", "4"), ("naive", "8"), ("memory-free", "4"), ("memory-free", "8")
    ]  # fmt: skip
    naive, free = rows[1], rows[3]
    assert (naive["cycles"], naive["formula"], naive["published"]) == ("141", "141", "196")
    assert (free["cycles"], free["formula"], free["published"]) == ("119", "119", "174")
    assert naive["cycles_per_score"] == str(141 / 64)
    assert (naive["long_words"], naive["long_peak"], naive["published_words"]) == ("22", "21", "10")
    assert (free["long_words"], free["long_peak"], free["published_words"]) == ("0", "0", "")
    assert all((row["bit_exact"], row["engine"]) == ("yes", "amaranth") for row in rows)
    assert all(float(row["seconds"]) >= 0 for row in rows)
    markdown = (studied / "study.md").read_text().splitlines()
    assert len(markdown) == 2 + 4
    assert not any("…" in line for line in markdown)
    assert [cell.strip() for cell in markdown[3].split("|")[1:9]] == [
        "naive", "1", "1", "8", "141", "2.2031", "141", "196"
    ]  # fmt: skip


@pytest.mark.parametrize("pipeline", ["naive", "reordered", "scaled", "scaled-reordered"])
def test_formula(pipeline):
    """Cycles by the graph are the cycles, where every element has its lane; else none are told."""
    for d, n in ((1, 7), (3, 12)):
        point = Point(pipeline, d, d, n, 0, "amaranth")
        assert points.measure(point, point.key, lambda count: None)["cycles"] == formula(point)
    assert formula(Point(pipeline, 4, 2, 12, 0, "amaranth")) is None


def test_data_saturates_nowhere():
    """At d = 1 no score reaches the range of any pipeline."""
    for pipeline in ("naive", "memory-free"):
        point = Point(pipeline, 1, 1, 24, 5, "amaranth")
        assert points.measure(point, point.key, lambda count: None)["saturations"] == {}


@pytest.mark.slow
def test_page(studied):
    """One file that needs no other and no network, with all figures and the command."""
    html = (studied / "index.html").read_text()
    assert "://" not in html
    assert not re.search(r"<(script|link|img|iframe)|@import|url\((?!#)|src=", html)
    assert html.count("<svg ") == html.count("</svg>") == 3
    identifiers = re.findall(r' id="([^"]+)"', html)
    assert len(set(identifiers)) == len(identifiers)
    assert set(re.findall(r'url\(#([^)"]+)\)|href="#([^"]+)"', html)) <= {
        pair for name in identifiers for pair in ((name, ""), ("", name))
    }
    made_by = "sdpaflow study --pipelines naive,memory-free --n 8,4 --d 1 --seed 0"
    assert f"<pre>{made_by} --engine amaranth --out {studied.name}</pre>" in html
    assert "<td>naive</td>" in html
    for name in ("memory", "rate", "rows"):
        assert (studied / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert (studied / f"{name}.svg").stat().st_size > 1000


@pytest.mark.slow
def test_same_results_same_bytes(studied, here):
    """Started again it runs nothing, and writes the same bytes."""
    before = {path: path.read_bytes() for path in studied.iterdir() if path.is_file()}
    assert len(before) == 9
    for path in before:
        path.unlink()
    assert sdpaflow(*SMALL, studied) == 0
    assert here == []
    assert {path: path.read_bytes() for path in studied.iterdir() if path.is_file()} == before


REPORTS = {}
"""Of runs that are not what is tested: by pipeline and size."""

simulated = points.run


def known(pipeline, q, k, v, **options):
    """A report of a run, done once for all tests."""
    size = pipeline.name, q.shape, k.shape, v.shape
    if size not in REPORTS:
        REPORTS[size] = simulated(pipeline, q, k, v, **options)
    return copy.copy(REPORTS[size])


@pytest.fixture
def bare(monkeypatch):
    """No figures, which take most of the time, and each size is run once."""
    monkeypatch.setattr(points, "run", known)
    monkeypatch.setattr(written, "draw_all", lambda folder, results, lines: {})
    monkeypatch.setattr(written, "fills", lambda pipeline, seed, arguments: {})


@pytest.mark.slow
@pytest.mark.usefixtures("bare")
def test_resumes_what_is_missing(tmp_path, here):
    """What is there is not run again: not other sizes, and not a file that is broken or foreign."""
    assert sdpaflow(*SMALL, tmp_path) == 0
    assert len(here) == 4
    here.clear()
    files = sorted((tmp_path / "points").iterdir())
    foreign = json.loads(files[0].read_text()) | {"key": "0" * 64}
    files[0].write_text(json.dumps(foreign))
    files[1].write_text(files[1].read_text()[:100])
    files[2].unlink()
    assert sdpaflow(*SMALL, tmp_path) == 0
    assert sorted(here) == sorted(path.name.rsplit("-", 1)[0] for path in files[:3])
    here.clear()
    assert sdpaflow(*SMALL, tmp_path, "--fresh") == 0
    assert len(here) == 4


def test_other_points_are_other_points(tmp_path, here, monkeypatch):
    """Another seed, engine or source of the hardware: all anew, and what was there is kept."""
    point = Point("naive", 1, 1, 8, 0, "amaranth")
    keys = {point.key}
    keys.add(Point("naive", 1, 1, 8, 1, "amaranth").key)
    keys.add(Point("naive", 1, 1, 8, 0, "another").key)
    monkeypatch.setattr(points, "_sources", lambda: "changed")
    keys.add(point.key)
    assert len(keys) == 4
    store = Store(tmp_path)
    store.save(point, {"key": point.key})
    monkeypatch.undo()
    assert store.load(point) is None


@pytest.mark.usefixtures("bare")
def test_failures(tmp_path, here, monkeypatch, capsys):
    """A point that fails is told, the others are there; it is tried again the next time."""
    whole = points.run

    def run(pipeline, *data, **options):
        if pipeline.stores_rows and pipeline.config.row_max == 4:
            raise MemoryError
        report = whole(pipeline, *data, **options)
        report.bit_exact = pipeline.stores_rows or report.n_q == 8
        return report

    with monkeypatch.context() as patched:
        patched.setattr(points, "run", run)
        assert sdpaflow(*SMALL, tmp_path) == 1
    assert sorted(capsys.readouterr().err.splitlines()) == [
        "sdpaflow: error: memory-free-d1-l1-n4: the outputs differ from the bit-exact model's",
        "sdpaflow: error: naive-d1-l1-n4: out of memory",
    ]
    html = (tmp_path / "index.html").read_text()
    assert "naive-d1-l1-n4: out of memory" in html
    assert len((tmp_path / "study.md").read_text().splitlines()) == 2 + 2
    assert sdpaflow(*SMALL, tmp_path) == 0
    assert len((tmp_path / "study.md").read_text().splitlines()) == 2 + 4


@pytest.mark.slow
def test_interrupt(tmp_path):
    """Ctrl-C keeps what is finished, says so in one line, and leaves no process behind."""
    program = "import sys; from sdpaflow_sim.cli import main; sys.exit(main())"
    words = [sys.executable, "-c", program, "study", "--pipelines", "memory-free"]
    words += ["--engine", "amaranth", "--n", "4,4096", "--jobs", "2", "--out", str(tmp_path)]
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while not list(tmp_path.glob("points/memory-free-d1-l1-n4-*.json")):
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: to all of the group
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err == (
        f"sdpaflow: interrupted: 1 of 2 points are kept in {tmp_path / 'points'}; "
        "the same command goes on from there\n"
    )
    deadline = time.monotonic() + 30
    while process.pid in sessions():  # Python's own helper ends a moment after us
        assert time.monotonic() < deadline
        time.sleep(0.05)


def sessions():
    """Sessions that have a living process."""
    found = set()
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            state, _, _, session = file.read_text().rpartition(")")[2].split()[:4]
            if state != "Z":
                found.add(int(session))
    return found


def test_lanes_that_do_not_divide_are_left_out():
    """Lanes and dimensions are crossed where they fit."""
    made = grid(["naive"], [4, 6], [2, 3, 4], [8], 0, "amaranth")
    assert [(point.d, point.lanes) for point in made] == [(4, 2), (4, 4), (6, 2), (6, 3)]


REFUSED = [
    (["--n", "0"], "must be at least 1, and differ, not 0"),
    (["--n", "8,8"], "must be at least 1, and differ, not 8,8"),
    (["--d", "x"], "must be numbers like 1,2,4, not 'x'"),
    (["--n", "65537"], "rows may have up to 65536 keys, not 65537"),
    (["--d", "4", "--lanes", "3"], "lanes must divide d = 4; none of 3 does"),
    (["--jobs", "0"], "must be at least 1, not 0"),
    (["--seed", "-1"], "must be at least 0, not -1"),
    (["--pipelines", "nive"], "pipeline must be one of naive"),
    (["--pipelines", "naive,no.py:Mine"], "no.py: no such file"),
    (["--arg", "words=3"], "none of naive, memory-free takes an argument words"),
    (["--jobs", "2", "--scheduler", "tcp://x:1"], "not allowed with argument"),
    (["--engine", "abacus"], "invalid choice: 'abacus'"),
    (["--sched", "tcp://x:1"], "unrecognized arguments: --sched tcp://x:1"),
    (["--out", "file"], "file: is a file; a folder is needed"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=[" ".join(a) for a, _ in REFUSED])
def test_bad_input(tmp_path, monkeypatch, capsys, arguments, message):
    """One line, exit code 2, nothing written."""
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    refused(capsys, message, "study", "--out", "out", *arguments)
