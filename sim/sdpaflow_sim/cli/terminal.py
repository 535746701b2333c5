"""Standard output and error as they may be: closed, full, or of few characters."""

import codecs
import contextlib
import os
import sys

__all__ = ["let_go", "printable"]

PLAIN = {
    "─": "-",
    "━": "-",
    "│": "|",
    "×": "x",
    "·": "*",
    "√": "sqrt ",
    "→": "->",
    "≤": "<=",
    "–": "-",
    "…": "...",
    "▸": ">",
    "“": '"',
    "”": '"',
    "’": "'",
}
"""What stands for characters that a terminal has not."""


def printable() -> None:
    """Have standard output and error take all that is printed, whatever they are.

    What is closed takes it to nowhere, and no file that is opened later takes its place. Characters
    that an encoding has not are written in others.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, this one
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_stand_in.__name__)


def let_go() -> None:
    """Write no more to standard output, which would fail again when Python ends."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """For characters that cannot be encoded: what looks alike, or else their escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    plain = (PLAIN.get(sign) or ascii(sign)[1:-1] for sign in missing)
    return "".join(plain), error.end


codecs.register_error(_stand_in.__name__, _stand_in)
