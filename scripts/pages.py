"""What scripts that write pages of the documentation share: tables, and write or check."""

import argparse
import difflib
import re
import sys
from pathlib import Path

NUMBER = re.compile(r"[\d,.]+(e[+-]\d+)?|–|any|")
"""What may stand in a column of numbers."""

__all__ = ["DOCS", "ROOT", "main", "markdown"]

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def markdown(header, rows):
    """A table; columns of numbers are set to the right."""
    rows = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    number = [all(NUMBER.fullmatch(row[n]) for row in rows) for n in range(len(header))]
    cells = [header, ["---:" if right else "---" for right in number], *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in cells)


def main(doc, measure, again):
    """Write files or check them; returns the exit code.

    Parameters
    ----------
    doc : :class:`str`
        Description of the script.
    measure : callable
        Gives texts by path, and a function that writes whatever is not compared; told whether
        they are going to be written.
    again : :class:`str`
        The command that writes what is stale.
    """
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="put everything in its place")
    action.add_argument("--check", action="store_true", help="only compare; exit code 1 if stale")
    arguments = parser.parse_args()
    files, others = measure(arguments.write)
    if arguments.write:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        others()
        return 0
    stale = False
    for path, content in files.items():
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if content != old:
            stale = True
            lines = [text.splitlines(keepends=True) for text in (old, content)]
            name = path.relative_to(ROOT)
            sys.stdout.writelines(difflib.unified_diff(*lines, f"{name}, as it is", "as measured"))
    if stale:
        print(f"Pages are stale: {again}", file=sys.stderr)
    return int(stale)
