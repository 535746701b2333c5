"""Points that are kept: what is amiss with a file is seen, said, and measured again."""

import json
import sys

import pytest
from sdpaflow_sim.study import runner
from sdpaflow_sim.study.points import FIELDS, Point, measure
from sdpaflow_sim.study.runner import run_points
from sdpaflow_sim.study.sources import own_sources
from sdpaflow_sim.study.store import DIGEST, Store
from sdpaflow_sim.study.workers import workers

POINT = Point("memory-free", 1, 1, 4, 0, "amaranth")


@pytest.fixture(scope="module")
def result():
    return measure(POINT, POINT.key, lambda count: None)


@pytest.fixture
def inline(monkeypatch):
    """Points are run in this process."""

    class Inline(workers(None).__class__):
        def submit(self, work, tag, /, *arguments):
            return self._threads.submit(work, *arguments, lambda count: None)

    monkeypatch.setattr(runner, "workers", lambda told, jobs, scheduler: Inline(jobs, told))


def text(change):
    """What a file holds after a change of what was measured."""

    def changed(result):
        change(result)
        return json.dumps(result)

    return changed


AMISS = {
    "number": (text(lambda kept: kept.update(cycles=kept["cycles"] + 1)),
               "is not as it was measured: its digest differs"),
    "deep": (text(lambda kept: kept["fifos"][0].update(peak=9)),
             "is not as it was measured: its digest differs"),
    "digest": (text(lambda kept: kept.pop(DIGEST)),
               "is not as it was measured: its digest differs"),
    "field": (text(lambda kept: kept.pop("peak_words")), "has no peak_words"),
    "key": (text(lambda kept: kept.update(key="0" * 64)), "is of another point"),
    "list": (lambda kept: "[1]", "is no result"),
    "cut": (lambda kept: json.dumps(kept)[:99], "is no JSON"),
    "bytes": (lambda kept: "\ud800", "is no JSON"),
    "deep list": (lambda kept: "[" * 100_000, "is no JSON"),
}  # fmt: skip


@pytest.mark.parametrize("case", AMISS)
def test_what_is_amiss(tmp_path, inline, capsys, result, case):
    """Whatever it is, the point is measured again, the file is whole again, and a line says so."""
    make, reason = AMISS[case]
    store = Store(tmp_path)
    store.save(POINT, result)
    path = store.path(POINT)
    whole = path.read_text()
    assert store.load(POINT) == json.loads(json.dumps(result))
    path.write_text(make(json.loads(whole)), encoding="utf-8", errors="surrogatepass")
    results, failures = run_points([POINT], store, quiet=True)
    assert capsys.readouterr().err == f"sdpaflow: note: {path.name} {reason}; measured again\n"
    assert not failures
    assert results[POINT]["cycles"] == result["cycles"]
    assert Store(tmp_path).load(POINT)["cycles"] == result["cycles"]


def test_fields_are_what_is_measured(result):
    assert tuple(result) == FIELDS


def test_a_pipelines_sources_are_all_it_imports(tmp_path, monkeypatch):
    """Its own file, its neighbours, theirs, constants too; nothing that is installed."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    (tmp_path / "near_by.py").write_text("import numpy\nfrom pack_of import far\nWIDTH = 8\n")
    (tmp_path / "pack_of").mkdir()
    (tmp_path / "pack_of" / "__init__.py").write_text("")
    (tmp_path / "pack_of" / "far.py").write_text("from . import late\n")
    (tmp_path / "pack_of" / "late.py").write_text("X = 1\n")
    (tmp_path / "mine_too.py").write_text(
        "from sdpaflow.pipelines import MemoryFree\nfrom near_by import WIDTH\n"
        "class Mine(MemoryFree):\n    def f(self):\n        import not_there\n"
    )
    mine = __import__("mine_too").Mine
    seen = [own_sources(mine)]
    assert len(seen[0]) == 5
    for name in ("mine_too.py", "near_by.py", "pack_of/far.py", "pack_of/late.py"):
        (tmp_path / name).write_text((tmp_path / name).read_text() + "# changed\n")
        seen.append(own_sources(mine))
    assert len({tuple(hashes) for hashes in seen}) == 5
    for name in ("mine_too", "near_by", "pack_of", "pack_of.far", "pack_of.late"):
        sys.modules.pop(name, None)
