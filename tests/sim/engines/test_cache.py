"""What is kept of compiled designs: checked before it is loaded, and removed when it is old."""

import fcntl
import os
import shutil
import time

import pytest
from amaranth.hdl import unsigned
from helpers.bench import raises
from helpers.cli import refused, sdpaflow
from sdpaflow.units import Fifo
from sdpaflow_sim.engines.choose import AUTO, choose
from sdpaflow_sim.engines.compiled import build, cache, engine
from sdpaflow_sim.engines.compiled.lookup import unavailable
from sdpaflow_sim.errors import ToolError

DAY = 86_400


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache.folder().mkdir(mode=0o700)
    return cache.folder()


def put(name, size=100, days=0):
    """A file in the cache that was used so many days ago."""
    path = cache.folder() / name
    with cache.workshop() as work:
        (work / "made").write_bytes(b"x" * size)
        cache.keep(work / "made", path)
    when = time.time() - days * DAY
    os.utime(path, (when, when))
    return path


DAMAGE = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "changed": lambda path: path.write_bytes(b"y" + path.read_bytes()[1:]),
    "more": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "unsealed": lambda path: path.write_bytes(b"x" * 100),
    "empty": lambda path: path.write_bytes(b""),
    "open to all": lambda path: path.chmod(0o602),
    "open to a group": lambda path: path.chmod(0o620),
    "link": lambda path: path.symlink_to(path.rename(path.with_suffix(".x"))),
    "gone": lambda path: path.unlink(),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_what_is_damaged_is_not_taken(place, case):
    path = put("a.so")
    assert cache.is_sound(path)
    DAMAGE[case](path)
    assert not cache.is_sound(path)


def test_files_of_others_are_not_taken(place, monkeypatch):
    path, found = put("a.so"), os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: found)
    assert not cache.is_sound(path)


@pytest.mark.slow
def test_a_damaged_library_is_built_again(place, monkeypatch):
    """And the run that finds it goes on; nothing damaged is ever loaded."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    for path in build._runtime():  # Verilator's own part is brought along
        shutil.copy(path, place)
    monkeypatch.setenv("XDG_CACHE_HOME", str(place.parent))

    def run():
        fifo = Fifo(unsigned(8), 0, depth=5)
        assert engine.simulate(fifo, {"i": range(9)}, {"o": 9}).outputs == {"o": list(range(9))}

    run()
    (library,) = place.glob("*.so")
    (note,) = place.glob("*.library")
    whole = library.read_bytes()
    for path in (library, note):
        content = path.read_bytes()[:200] + b"damaged"
        path.unlink()  # this process has it in memory
        path.write_bytes(content)
    run()
    assert cache.is_sound(library)
    assert cache.is_sound(note)
    assert len(library.read_bytes()) == len(whole)


def test_folders_of_others_are_refused(place, monkeypatch):
    """By the engine that was named; the other is taken where none was."""
    place.chmod(0o777)
    message = (
        f"The compiled engine keeps what it builds in {place}, which others can write: "
        f"chmod go-w {place}"
    )
    with raises(ToolError, message), cache.workshop():
        pass
    assert unavailable() == message
    assert choose(AUTO, Fifo(unsigned(8), 0, depth=5), 10**6, watch=False) == "amaranth"
    place.chmod(0o700)
    found = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: found)
    message = (
        f"The compiled engine keeps what it builds in {place}, which is another user's: set "
        "XDG_CACHE_HOME to a folder of your own"
    )
    with raises(ToolError, message), cache.workshop():
        pass


def test_what_was_killed_is_removed(place):
    """A workshop without its process; not one that is at work."""
    left, busy = place / "build-left", place / "build-busy"
    for path in (left, busy):
        path.mkdir()
        os.utime(path, (0, 0))
    lock = os.open(busy, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with cache.workshop() as work:
        assert work.is_dir()
    assert [path.name for path in place.iterdir()] == ["build-busy"]
    os.close(lock)


def test_old_files_are_removed(place):
    """By age and by size, those used last the longest ago."""
    for name, days in {"new.so": 0, "old.so": 2, "older.o": 50, "oldest.library": 89}.items():
        put(name, 500_000, days)
    (place / "not-ours.txt").write_text("x")
    assert [kept.path.name for kept in cache.contents()] == [
        "new.so", "old.so", "older.o", "oldest.library"
    ]  # fmt: skip
    assert [kept.path.name for kept in cache.prune(days=60)] == ["oldest.library"]
    assert [kept.path.name for kept in cache.prune(megabytes=1.1)] == ["older.o"]
    put("ancient.so", days=91)
    put("next.so")
    assert {path.name for path in place.iterdir()} == {
        "new.so", "old.so", "next.so", "not-ours.txt"
    }  # fmt: skip


def test_the_verb(place, capsys):
    """What there is, and what is removed of it."""
    put("a.so", 1_000_000)
    put("b.o", 500_000, days=9)
    assert sdpaflow("cache") == 0
    assert capsys.readouterr().out == f"{place}: 1 designs, 2 files, 1.5 MB\n"
    assert sdpaflow("cache", "--days", 5) == 0
    assert capsys.readouterr().out == (
        f"removed: 1 files, 0.5 MB\n{place}: 1 designs, 1 files, 1.0 MB\n"
    )
    assert sdpaflow("cache", "--megabytes", 2) == 0
    assert capsys.readouterr().out.startswith("removed: 0 files")
    assert sdpaflow("cache", "--clear") == 0
    assert not list(place.iterdir())
    capsys.readouterr()
    refused(capsys, "--clear removes all: leave out --days", "cache", "--clear", "--days", 1)
    place.chmod(0o722)
    refused(capsys, f"The compiled engine keeps what it builds in {place}, which others", "cache")
