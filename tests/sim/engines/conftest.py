"""A cache of compiled designs of a test's own."""

import contextlib
import shutil

import pytest
from sdpaflow_sim.engines.compiled import build
from sdpaflow_sim.engines.compiled import cache as kept
from sdpaflow_sim.errors import ToolError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of the test's own, with no design in it; Verilator's own part is brought along."""
    with contextlib.suppress(ToolError):
        build._runtime()
    objects = list(kept.folder().glob("*.o"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept.folder().mkdir()
    for file in objects:
        shutil.copy(file, kept.folder())
    return kept.folder()
