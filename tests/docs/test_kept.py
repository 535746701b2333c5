"""Measured values that are kept: used again only while nothing that they depend on has changed."""

import importlib.util
import json
import sys

import pytest
from helpers.blocks import ROOT

SOURCE = "hdl/sdpaflow/units/map.py"


@pytest.fixture
def kept(monkeypatch):
    """The script, as a module."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    spec = importlib.util.spec_from_file_location("kept", ROOT / "scripts/kept.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def measure(kept, tmp_path):
    """Looks up a value in a project of one file, and keeps it; whether it had to be measured."""
    (tmp_path / SOURCE).parent.mkdir(parents=True)
    (tmp_path / SOURCE).write_text('"""A unit."""\nLATENCY = 2\n')

    def run(**options):
        measured, keep = [], kept.Kept(path=tmp_path / "kept.json", root=tmp_path, **options)
        assert keep("cycles", lambda: measured.append(1) or {"naive": 52}) == {"naive": 52}
        (tmp_path / "kept.json").write_text(keep.text())
        return bool(measured)

    assert run()
    return run


def test_what_is_kept_is_used(measure):
    """Once measured is enough, but where everything is to be measured anew."""
    assert not measure()
    assert measure(anew=True)
    assert not measure()


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ('"""A unit."""\nLATENCY = 3\n', True),
        ('"""A unit."""\nLATENCY = 2\nWORDS = 1\n', True),
        ('"""Another text."""\nLATENCY = 2  # cycles\n"""Its docstring."""\n', False),
        ('"""A unit."""\n\nLATENCY = (\n    2\n)\n', False),
    ],
)
def test_code_counts_and_text_does_not(measure, tmp_path, text, again):
    """Comments, docstrings and line breaks change nothing that is measured."""
    (tmp_path / SOURCE).write_text(text)
    assert measure() == again


def test_other_files(measure, tmp_path):
    """A new one changes nothing that was measured before; one that is gone does."""
    (tmp_path / SOURCE).with_name("scan.py").write_text("LATENCY = 1\n")
    assert not measure()
    (tmp_path / SOURCE).unlink()
    assert measure()


def test_a_value_changed_by_hand_is_not_used(measure, tmp_path):
    """Nor are digests of files."""
    path = tmp_path / "kept.json"
    text = path.read_text()
    path.write_text(text.replace("52", "51"))
    assert measure()
    assert path.read_text() == text
    known = json.loads(text)
    known["sources"][SOURCE] = known["sources"][SOURCE][::-1]
    path.write_text(json.dumps(known))
    assert measure()


def test_sources_are_there(kept):
    """Each pattern finds a file."""
    assert all(list(ROOT.glob(pattern)) for pattern in kept.SOURCES)
