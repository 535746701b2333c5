"""The front door: what ``from sdpaflow import …`` offers, and that it costs nothing until used."""

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
import sdpaflow

SOURCE = Path(sdpaflow.__file__).read_text(encoding="utf-8")


def walk():
    """All modules of the package."""
    return [m.name for m in pkgutil.walk_packages(sdpaflow.__path__, "sdpaflow.")]


def public(package):
    """What a package exports."""
    return __import__(package, fromlist=["__all__"]).__all__


@pytest.mark.parametrize("name", sdpaflow.__all__)
def test_every_name_is_there(name):
    assert getattr(sdpaflow, name) is not None
    assert name in dir(sdpaflow)


def test_nothing_else_is():
    with pytest.raises(AttributeError, match=r"^module 'sdpaflow' has no attribute 'Attend'$"):
        sdpaflow.Attend  # noqa: B018


@pytest.mark.parametrize("package", ["numerics", "units", "pipelines"])
def test_all_of_a_package_is_offered(package):
    """Bar constants, which are asked for where they are explained."""
    names = {name for name in public(f"sdpaflow.{package}") if name[0].isupper() or "_" not in name}
    assert {n for n in names if not n.isupper()} <= set(sdpaflow.__all__) | {"raw", "fixed"}


def test_type_checkers_see_the_same_names():
    """Those imported for them are those that are listed."""
    seen = [
        alias.name
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sdpaflow.")
        for alias in node.names
    ]
    assert sorted([*seen, "__version__"]) == sorted(sdpaflow.__all__)


def test_no_module_shadows_what_it_defines():
    """``sdpaflow.graph.interpret`` is the function, whatever was imported before."""
    names = set(walk())
    for package in ("sdpaflow", *(n for n in names if n.count(".") == 1)):
        exported = getattr(__import__(package, fromlist=["_"]), "__all__", [])
        for name in exported:
            if name not in {"fixed", "raw"}:  # modules, offered as such
                assert f"{package}.{name}" not in names, f"{package}.{name}"


def test_a_version_costs_no_import():
    """Neither Amaranth nor numpy is loaded for it."""
    code = (
        "import sdpaflow, sys; sdpaflow.__version__; print({'amaranth', 'numpy'} & {*sys.modules})"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
