"""Terms of Verilog expressions: how wide they are, which bits they read, and wider ones."""

import re
from collections.abc import Iterator

__all__ = ["Widths", "parts", "reads"]

LITERAL = re.compile(r"(\d+)'h([0-9a-f]+)")
NAME = re.compile(r"([A-Za-z_]\w*)(?:\[(\d+)(?::(\d+))?\])?")
READ = re.compile(r"(?<![\w'$.])([A-Za-z_]\w*)(?:\[(\d+)(?::(\d+))?\])?")


def parts(text: str) -> list[str]:
    """Elements of a concatenation ``{ a, { b, c } }``; of anything else, itself alone."""
    if not text.startswith("{ "):
        return [text]
    found, depth, start = [], 0, 2
    for at, character in enumerate(text[2:-2], 2):
        depth += (character in "{(") - (character in "})")
        if character == "," and not depth:
            found.append(text[start:at])
            start = at + 2
    return [*found, text[start:-2]]


def reads(text: str) -> Iterator[tuple[str, int | None, int | None]]:
    """Signals that an expression reads: name, highest and lowest bit, both None for all of it."""
    for name, high, low in READ.findall(text):
        if name not in {"if", "else", "begin", "end", "posedge"}:
            yield name, int(high) if high else None, int(low or high) if high else None


class Widths(dict[str, int]):
    """Bits of each signal by its name, and from that of a name, literal, ``{ }``, $signed."""

    def of(self, text: str) -> int | None:
        """Bits of a term; None if it is none of those."""
        if literal := LITERAL.fullmatch(text):
            return int(literal[1])
        if text.startswith("$signed("):
            return self.of(text[8:-1])
        if text.startswith("{ "):
            total = 0
            for part in parts(text):
                width = self.of(part)
                if width is None:
                    return None
                total += width
            return total
        if name := NAME.fullmatch(text):
            high, low = name[2], name[3] or name[2]
            return int(high) - int(low) + 1 if high else self.get(name[1])
        return None

    def widened(self, text: str, width: int) -> str:
        """The same number in more bits."""
        if text.startswith("$signed("):
            inner = text[8:-1]
            return f"$signed({self._joined(self._sign(inner), inner, width)})"
        return self._joined("1'h0", text, width)

    def _known(self, text: str) -> int:
        """Bits of what is known to be a term."""
        width = self.of(text)
        assert width is not None, text
        return width

    def _sign(self, text: str) -> str:
        """A term's highest bit."""
        first = parts(text)[0]
        if literal := LITERAL.fullmatch(first):
            return f"1'h{int(literal[2], 16) >> (int(literal[1]) - 1)}"
        ((name, high, _),) = NAME.findall(first)
        top = int(high) if high else self[name] - 1
        return first if self.of(first) == 1 else f"{name}[{top}]"

    def _joined(self, sign: str, text: str, width: int) -> str:
        """Copies of a bit in front of a term, in one literal with what is literal."""
        first, *rest = parts(text)
        more = width - self._known(text)
        count = more
        if sign in {"1'h0", "1'h1"}:
            if LITERAL.fullmatch(first):
                count, value = count + self._known(first), int(first.partition("h")[2], 16)
            else:
                rest, value = [first, *rest], 0
            if sign == "1'h1":
                value |= (1 << count) - (1 << (count - more))
            front = f"{count}'h{value:x}"
        else:
            front, rest = (sign if count == 1 else f"{{{count}{{{sign}}}}}"), [first, *rest]
        return f"{{ {', '.join([front, *rest])} }}" if rest else front
