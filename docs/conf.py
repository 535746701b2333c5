"""How Sphinx builds the documentation: Markdown pages, and the API from its docstrings.

What is built needs no network: there are no fonts, scripts or pictures from elsewhere.
"""

import re
import shutil
from pathlib import Path

import sdpaflow
from docutils import nodes
from sphinx.util.nodes import make_refnode

HERE = Path(__file__).parent

project = "sdpaflow"
author = copyright = "the authors of sdpaflow"  # Sphinx's name for it
version = release = sdpaflow.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["study", "fpga"]
root_doc = "index"
nitpicky = True

html_theme = "furo"
html_title = f"sdpaflow {version}"
html_static_path = ["_static"]
html_css_files = ["sdpaflow.css"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False

myst_heading_anchors = 3
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"
copybutton_only_copy_prompt_lines = True

autodoc_typehints = "none"  # docstrings have them
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True, "show-inheritance": True, "exclude-members": "__new__"}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Members", "Attributes")]
autodoc_inherit_docstrings = False

ELSEWHERE = re.compile(
    r"(amaranth|numpy|np|pathlib|collections|data|wiring|stream|hdl|cocotb|fpga)\b.*"
    r"|[a-z_ -]+|os\.PathLike|Raw|Signal|Module|Value|Path|Counter|(Shape|Value)Castable|.*\._\w+"
)
"""Targets that are documented elsewhere, as they are written in docstrings: no link, no warning."""

SHAPE_LIKE = (
    "`shape-like <https://amaranth-lang.org/docs/amaranth/v0.5/guide.html#lang-shapelike>`__"
)

FIGURE = re.compile(r" {4,}\S.*[─═]")
"""First line of a figure in a docstring."""


COLON = "\ue000"
"""In place of a colon that napoleon would take for the end of a type."""


def prepare(app, what, name, obj, options, lines):
    """Make of a docstring what Sphinx reads: links into Amaranth's guide, figures as they are."""
    prepared = []
    for before, line in zip(["", *lines], lines, strict=False):
        if FIGURE.match(line) and not before.strip():
            prepared += ["::", ""]
        prepared.append(line.replace(":ref:`shape-like <lang-shapelike>`", f"{SHAPE_LIKE}"))
    if what in {"property", "attribute"}:
        prepared = [re.sub(r":(?=\s|$)", COLON, line) for line in prepared]
    lines[:] = prepared


def finish(app, what, name, obj, options, lines):
    """Put colons back."""
    lines[:] = [line.replace(COLON, ":") for line in lines]


def code(name, rawtext, text, lineno, inliner, options=None, content=None):
    """The role ``py``, which Amaranth's docstrings use for code."""
    return [nodes.literal(rawtext, text)], []


def resolve(app, env, node, content):
    """Find what a docstring names shortly, ``:class:`Operator```, wherever it is documented."""
    if node.get("refdomain") != "py":
        return None
    domain, target = env.get_domain("py"), node["reftarget"]
    known = [name for name in domain.objects if name == target or name.endswith(f".{target}")]
    if not known:
        last = target.rpartition(".")[2]
        known = [name for name in domain.objects if name.rpartition(".")[2] == last]
    if known:
        name = min(known, key=len)
        found = domain.objects[name]
        return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, content)
    return content if ELSEWHERE.fullmatch(target) else None


def copy_data(app, error):
    """Put measured data beside the pages that link to it."""
    if error is None and app.builder.format == "html":
        for name in ("study", "fpga"):
            shutil.copytree(HERE / name, Path(app.outdir) / name, dirs_exist_ok=True)


def setup(app):
    """Called by Sphinx."""
    app.add_role("py", code)
    app.connect("autodoc-process-docstring", prepare, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", finish, priority=600)
    app.connect("missing-reference", resolve)
    app.connect("build-finished", copy_data)
