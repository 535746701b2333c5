"""Files that are written: whole or not at all, together or none, and never what is read."""

import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from helpers.bench import raises
from sdpaflow_sim import outputs
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.outputs import (
    Written,
    check_folder,
    check_outputs,
    make_folder,
    replacing,
    staged,
    together,
)

OLD, NEW = "old", "n" * 10_000


@pytest.fixture(params=["nameless", "named"])
def folder(request, tmp_path, monkeypatch):
    """A folder with a file, on a system that has files without a name, or not."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    (tmp_path / "a").write_text(OLD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def full(octets=1000):
    """As on a full disk: files may have so many octets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def content():
    """Files of the folder, with their texts."""
    return {path.name: path.read_text() for path in Path().iterdir()}


def test_a_file_takes_its_place_whole(folder):
    """With the permissions of the one before, or the usual ones; links are followed."""
    Path("a").chmod(0o640)
    Path("link").symlink_to("a")
    for name in ("link", "b"):
        with replacing(name) as path:
            path.write_text(NEW)
            assert content()["a"] == (OLD if name == "link" else NEW)
    assert content() == {"a": NEW, "link": NEW, "b": NEW}
    assert Path("link").is_symlink()
    assert Path("a").stat().st_mode & 0o777 == 0o640
    umask = os.umask(0)
    os.umask(umask)
    assert Path("b").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_full_disk_leaves_the_old_file_or_none(folder):
    """One line names the file that was asked for, and nothing is left."""
    for name in ("a", "b"):
        with raises(InputError, f"{name}: cannot be written: File too large"), full():
            with replacing(name) as path:
                path.write_text(NEW)
    assert content() == {"a": OLD}


def test_a_folder_that_vanishes(folder):
    Path("gone").mkdir()
    with raises(InputError, "gone/b: cannot be written: No such file or directory"):
        with replacing("gone/b") as path:
            path.write_text(NEW)
            for left in Path("gone").iterdir():
                left.unlink()
            Path("gone").rmdir()
    assert content() == {"a": OLD}


def test_several_files_together(folder):
    """All or none, folders included; before that they are read where they are staged."""
    Written.anything = False
    with suppress(RuntimeError), together():
        make_folder("d/e", parents=True)
        for name in ("a", "b", "d/e/c"):
            with replacing(name) as path:
                path.write_text(NEW)
        assert staged("d/e/c").read_text() == NEW
        raise RuntimeError
    assert content() == {"a": OLD}
    assert not Written.anything
    with together():
        make_folder("d")
        for name in ("a", "d/c"):
            with replacing(name) as path:
                path.write_text(NEW)
    assert Path("a").read_text() == Path("d/c").read_text() == NEW
    assert Written.anything
    assert staged("a") == Path("a")


def test_what_is_read_is_not_written_over(folder, monkeypatch):
    """Inputs, by whatever path, and modules that were imported."""
    Path("link").symlink_to("a")
    with raises(InputError, "link: stands for two files, of which one would be lost"):
        check_outputs(["link"], ["a"])
    Path("mine_here.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(folder)
    __import__("mine_here")
    for write in (check_outputs, lambda names: replacing(names[0]).__enter__()):
        with raises(InputError, "mine_here.py: stands for two files, of which one would be lost"):
            write(["mine_here.py"])
    del sys.modules["mine_here"]


def test_folders_are_checked(folder):
    """Before anything is made; only with parents may those above be missing."""
    with raises(InputError, "a: is a file; a folder is needed"):
        check_folder("a")
    with raises(InputError, "x/y: there is no folder x"):
        check_folder("x/y")
    check_folder("x/y", parents=True)
    with raises(InputError, f"a/b: cannot be made, since {folder}/a is a file"):
        check_folder("a/b", parents=True)
    assert content() == {"a": OLD}


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="takes files without a name")
def test_a_killed_program_leaves_nothing(tmp_path):
    """Neither a half nor a temporary file is there after SIGKILL."""
    program = (
        "import sys, time; from sdpaflow_sim.outputs import replacing\n"
        "with replacing('a') as path:\n"
        "    path.write_text('half'); print('ready', flush=True); time.sleep(60)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout.readline() == "ready\n"
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stdout.close()
    assert not list(tmp_path.iterdir())


def test_a_staged_file_is_let_go(folder):
    """No descriptor stays open, whatever happens."""
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with suppress(RuntimeError), replacing("b"):
            raise RuntimeError
        with replacing("b"):
            pass
        with together(), replacing("b"):
            pass
    assert len(os.listdir("/proc/self/fd")) == before
    assert not [name for name in content() if name.startswith(outputs.PREFIX)]
