"""Where caches are kept: the user's place, a private one where there is none, or a sentence."""

import os
import pwd
import tempfile

import pytest
from helpers.bench import raises
from sdpaflow_sim import places
from sdpaflow_sim.errors import ToolError
from sdpaflow_sim.verilog import yosys as module


@pytest.fixture
def nobody(tmp_path, monkeypatch):
    """No home and no entry in the list of users, as in a container."""

    def unknown(uid):
        raise KeyError(uid)

    for name in ("HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    places._found.cache_clear()
    yield tmp_path
    places._found.cache_clear()


def test_the_usual_place(tmp_path, monkeypatch):
    """The user's own, which needs no change of the environment."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a" / "b"))
    assert places.caches("A test") == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()
    assert places.environment("A test") == dict(os.environ)


@pytest.mark.parametrize("home", [None, "/proc", "relative"])
def test_no_home(nobody, monkeypatch, home):
    """A private folder takes its place, for other programs too."""
    if home:
        monkeypatch.setenv("HOME", home)
    spare = nobody / f"sdpaflow-{os.getuid()}"
    assert places.caches("A test") == spare
    assert spare.stat().st_mode & 0o777 == 0o700
    assert places.environment("A test")["XDG_CACHE_HOME"] == str(spare)
    places.prepare_matplotlib()
    assert os.environ.pop("MPLCONFIGDIR") == str(spare / "matplotlib")


@pytest.mark.parametrize("kind", ["file", "open to all", "of another"])
def test_nowhere(nobody, monkeypatch, kind):
    """One sentence names the folder and the remedy; a folder of others is not taken."""
    monkeypatch.setenv("HOME", "/proc")
    spare = nobody / f"sdpaflow-{os.getuid()}"
    if kind == "file":
        spare.touch()
    else:
        spare.mkdir()
        spare.chmod(0o777 if kind == "open to all" else 0o700)
    if kind == "of another":
        found = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: found)
        spare.rename(nobody / f"sdpaflow-{found}")
    message = (
        "Counting keeps what it builds in /proc/.cache/sdpaflow, which cannot be written: No such "
        "file or directory; set XDG_CACHE_HOME to another folder"
    )
    with raises(ToolError, message):
        module.yosys("Counting", "", "")
    places.prepare_matplotlib()
    assert "MPLCONFIGDIR" not in os.environ


def test_a_place_that_was_asked_for(nobody, monkeypatch):
    """No other is taken in silence."""
    (nobody / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(nobody / "file"))
    message = (
        f"Counting keeps what it builds in {nobody}/file/sdpaflow, which cannot be written: Not a "
        "directory; set XDG_CACHE_HOME to another folder"
    )
    with raises(ToolError, message):
        places.caches("Counting")
