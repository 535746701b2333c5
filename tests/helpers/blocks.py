"""Code blocks of Markdown pages: what can be run, what it prints, and which commands are shown.

A comment on the line above a block says what it is:

* ``<!-- part -->``: a few lines out of a program, which are not run;
* ``<!-- excerpt: PATH -->``: lines of a file, which have to be there;
* ``<!-- run -->``: commands that are not only parsed, but run.

A block ``output`` holds what the program before it prints.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("examples/*.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
]
PATTERN = re.compile(
    r"(?:^<!-- (part|run|excerpt: \S+) -->\n+)?^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
CUT = "-- end of a block --"
"""Printed after each block of a page's program."""


@dataclass
class Block:
    """A fenced block: its language, its text, and what the comment above it says."""

    kind: str
    text: str
    mark: str


def name_of(path):
    """A page, as it is called in the tests' names."""
    return str(path.relative_to(ROOT))


def blocks(path):
    """All fenced blocks of a page."""
    text = path.read_text(encoding="utf-8")
    return [Block(kind, code, mark) for mark, kind, code in PATTERN.findall(text)]


def program(path):
    """The program of a page, all its blocks in order; and for each block what it should print."""
    code, wanted = [], []
    for block in blocks(path):
        if block.kind == "python" and not block.mark:
            code.append(f"{block.text}\nprint({CUT!r})\n")
            wanted.append(None)
        elif block.kind == "output":
            wanted[-1] = block.text
    return "\n".join(code), wanted


def commands(path):
    """Commands of a page's console blocks, on one line each; and whether they are to be run."""
    for block in blocks(path):
        if block.kind == "console":
            text = re.sub(r" *\\\n *", " ", block.text)
            for line in text.splitlines():
                if line.startswith("$ "):
                    yield re.sub(r"  +# .*", "", line[2:]), block.mark == "run"


def same(printed, wanted):
    """Whether two texts agree but for spaces and ends of lines."""
    return printed.split() == wanted.split()
