"""Numpydoc docstrings taken apart, and their markup as Markdown."""

import inspect
import re

__all__ = ["sections", "to_markdown"]

HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)


def to_markdown(text):
    """Roles and literals of a docstring as Markdown; figures in box drawing as code."""
    text = re.sub(r":ref:`([^`<]+?) ?<[^>]*>`", r"\1", text)
    text = re.sub(r":\w+:`([^`]+)`", r"`\1`", text)
    text = text.replace("``", "`")
    return re.sub(r"(?<!`)(\d)\*\*(\w)", r"\1\\*\\*\2", text)


def _body(text):
    """Paragraphs: those that are indented are figures, those with a table's rule are tables."""
    parts = []
    for part in re.split(r"\n{2,}", text.strip("\n")):
        if part.startswith("    "):
            parts.append("```text\n" + inspect.cleandoc(part) + "\n```")
        elif re.match(r"=+ ", part):
            parts.append("```text\n" + part + "\n```")
        else:
            parts.append(to_markdown(part))
    return "\n\n".join(parts) + "\n"


def _entries(text):
    """Names, types and meanings of a section's entries."""
    found = re.findall(
        r"^(\S[^\n]*?)(?: : ([^\n]*))?\n((?:(?:    [^\n]*)?\n?)*)", text + "\n", re.M
    )
    return [
        [f"`{name}`", to_markdown(kind), " ".join(to_markdown(meaning).split())]
        for name, kind, meaning in found
    ]


def sections(doc):
    """Summary and body as text, and the entries of each section that has any."""
    pieces = HEADING.split(inspect.cleandoc(doc))
    summary, _, body = pieces[0].partition("\n\n")
    found = {"summary": to_markdown(summary), "body": _body(body)}
    found |= {"Parameters": [], "Members": []}
    for title, text in zip(pieces[1::2], pieces[2::2], strict=True):
        found[title] = _entries(text.strip("\n"))
    return found
