"""Terms of Verilog expressions: how wide they are, which bits they read, and wider ones."""

import re

__all__ = ["Widths", "parts", "reads"]

LITERAL = re.compile(r"(\d+)'h([0-9a-f]+)")
NAME = re.compile(r"([A-Za-z_]\w*)(?:\[(\d+)(?::(\d+))?\])?")
READ = re.compile(r"(?<![\w'$.])([A-Za-z_]\w*)(?:\[(\d+)(?::(\d+))?\])?")


def parts(text):
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


def reads(text):
    """Signals that an expression reads: name, highest and lowest bit, both None for all of it."""
    for name, high, low in READ.findall(text):
        if name not in {"if", "else", "begin", "end", "posedge"}:
            yield name, int(high) if high else None, int(low or high) if high else None


class Widths(dict):
    """Bits of each signal by its name, and from that of a name, literal, ``{ }``, $signed."""

    def of(self, text):
        """Bits of a term; None if it is none of those."""
        if literal := LITERAL.fullmatch(text):
            return int(literal[1])
        if text.startswith("$signed("):
            return self.of(text[8:-1])
        if text.startswith("{ "):
            widths = [self.of(part) for part in parts(text)]
            return None if None in widths else sum(widths)
        if name := NAME.fullmatch(text):
            high, low = name[2], name[3] or name[2]
            return int(high) - int(low) + 1 if high else self.get(name[1])
        return None

    def widened(self, text, width):
        """The same number in more bits."""
        if text.startswith("$signed("):
            inner = text[8:-1]
            return f"$signed({self._joined(self._sign(inner), inner, width)})"
        return self._joined("1'h0", text, width)

    def _sign(self, text):
        """A term's highest bit."""
        first = parts(text)[0]
        if literal := LITERAL.fullmatch(first):
            return f"1'h{int(literal[2], 16) >> (int(literal[1]) - 1)}"
        ((name, high, _),) = NAME.findall(first)
        top = int(high) if high else self[name] - 1
        return first if self.of(first) == 1 else f"{name}[{top}]"

    def _joined(self, sign, text, width):
        """Copies of a bit in front of a term, in one literal with what is literal."""
        first, *rest = parts(text)
        count = width - self.of(text)
        if sign in {"1'h0", "1'h1"}:
            if LITERAL.fullmatch(first):
                count, value = count + self.of(first), int(first.partition("h")[2], 16)
            else:
                rest, value = [first, *rest], 0
            if sign == "1'h1":
                value |= (1 << count) - (1 << (count - (width - self.of(text))))
            front = f"{count}'h{value:x}"
        else:
            front, rest = (sign if count == 1 else f"{{{count}{{{sign}}}}}"), [first, *rest]
        return f"{{ {', '.join([front, *rest])} }}" if rest else front
