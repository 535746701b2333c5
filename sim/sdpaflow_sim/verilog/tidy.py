"""Verilog as a person would write it, and as a linter likes it.

Yosys writes one operator per line, each with a name for its result, in no particular order, and
leaves it to the language to widen operands. Here conditions are put together where they are used,
assignments follow the data, operands are as wide as what they are combined with, registers start in
an ``initial`` block, and bits that nobody needs are named as such. What a design does stays.
"""

import re
from collections import defaultdict

from sdpaflow_sim.verilog.expressions import Widths, parts, reads

__all__ = ["tidy"]

COLUMNS = 96
"""Characters per line, where conditions are put together."""

MODULE = re.compile(r"^module (\w+)\((.*?)\);\n(.*?)^endmodule\n", re.M | re.S)
PORT = re.compile(
    r"^  (input|output) (?:\[.*?\] )?(\w+);\n  (wire|reg) (.*?)(?: = (\S+))?;\n", re.M
)
DECLARED = re.compile(r"^  (?:(?:input|output) )?(?:wire|reg) (?:\[(\d+):0\] )?(\w+)", re.M)
START = re.compile(r"^  (reg (?:\[\d+:0\] )?(\w+)) = (\S+);\n", re.M)
ASSIGN = re.compile(r"^  assign (.+?) = (.+);\n", re.M)
STORED = re.compile(r"^ +(.*?)(\w+)(\[\S+\])? (?:<=|=) (.*);$")
CONNECTED = re.compile(r"^    \.(\w+)\((.*)\),?$")
INSTANCE = re.compile(r"^  (\w+) \w+ \($")
OPERATION = re.compile(r"([^?]+?) (\+|-|<=?|>=?) ([^?]+)")
COMPARISON = re.compile(r"[^?]+ (?:<=?|>=?|==|!=) [^?]+")


def tidy(text):
    """Modules, easier to read.

    Parameters
    ----------
    text : :class:`str`
        What Yosys' ``write_verilog -noattr -decimal`` gives for plain names.

    Returns
    -------
    list of :class:`str`
        Each module's text, in the order given.
    """
    text = re.sub(r"\\(\w+)\[(\d+)\] ", r"\1_\2", text)
    text = re.sub(r"(\d+'h)0+(?=[0-9a-f])", r"\1", text)
    modules = [_Module(*match.groups()) for match in MODULE.finditer(text)]
    outputs = {module.name: module.outputs for module in modules}
    return [module.tidied(outputs) for module in modules]


class _Module:
    """A module taken apart: ports, declarations, start values, assignments, all other lines."""

    def __init__(self, name, head, body):
        self.name = name
        self.widths = Widths((n, int(high or 0) + 1) for high, n in DECLARED.findall(body))
        found = PORT.findall(body)
        declared = {port: f"{way} {kind} {rest}" for way, port, kind, rest, _ in found}
        self.ports = [declared[port] for port in re.findall(r"\w+", head)]
        self.outputs = {port for way, port, *_ in found if way == "output"}
        self.starts = [(port, start) for _, port, _, _, start in found if start]
        body = PORT.sub("", body)
        self.starts += [(name, start) for _, name, start in START.findall(body)]
        lines = ASSIGN.sub("", START.sub(r"  \1;\n", body)).splitlines()
        self.declarations = [line for line in lines if DECLARED.match(line)]
        self.lines = [line for line in lines if not DECLARED.match(line)]
        self.assigns = {t: self._explicit(t, value) for t, value in ASSIGN.findall(body)}

    def tidied(self, outputs):
        """Its text; ``outputs`` are those of all modules."""
        self._put_together()
        unused = "".join(f",\n    {term}" for term in self._unused(outputs))
        starts = "".join(f"    {name} = {start};\n" for name, start in self.starts)
        return "".join([
            f"module {self.name} (\n  " + ",\n  ".join(self.ports) + "\n);\n",
            *(f"{line}\n" for line in self.declarations),
            *(f"  assign {target} = {self.assigns[target]};\n" for target in self._ordered()),
            f"  initial begin\n{starts}  end\n" if starts else "",
            *(f"{line}\n" for line in self.lines),
            f"  // Computed, but not needed.\n  wire unused = &{{ 1'h0{unused} }};\n"
            if unused
            else "",
            "endmodule\n",
        ])

    def _explicit(self, target, value):
        """An assignment's value with operands of one width, and without ``!`` of many bits."""
        of = self.widths.of
        if value.startswith("! "):
            return f"{value[2:]} == {of(value[2:])}'h0"
        if value[:4] in {"| { ", "& { "} and len(parts(value[2:])) == of(value[2:]):
            return f" {value[0]} ".join(parts(value[2:]))
        if value[0] in "~|&-":
            return value[0] + value[2:]
        if not (operation := OPERATION.fullmatch(value)):
            return value
        left, operator, right = operation.groups()
        widths = of(left), of(right), of(target)
        if None in widths:
            return value
        width = max(widths[:2] if operator[0] in "<>" else widths)
        left, right = (
            self.widths.widened(side, width) if of(side) < width else side for side in (left, right)
        )
        return f"{left} {operator} {right}"

    def _put_together(self):
        """Put conditions that are used once where they are used, while lines stay short."""
        uses = defaultdict(list)
        for place, text in (*self.assigns.items(), *enumerate(self.lines)):
            for name, *_ in reads(text):
                uses[name].append(place)
        operators = {target: self._operator(value) for target, value in self.assigns.items()}
        for target in self._ordered():
            value, operator = self.assigns[target], operators[target]
            if not re.fullmatch(r"_\d+_", target) or self.widths[target] > 1 or not operator:
                continue
            if len(uses[target]) != 1:
                continue
            (place,) = uses[target]
            texts = self.lines if isinstance(place, int) else self.assigns
            merged = self._merged(
                place, texts[place], operators.get(place), target, value, operator
            )
            start = 0 if isinstance(place, int) else len(f"  assign {place} = ;")
            if merged is None or start + len(merged) > COLUMNS:
                continue
            texts[place] = merged
            del self.assigns[target]
            for name, *_ in reads(value):
                uses[name] = [place if user == target else user for user in uses[name]]
        for name in operators.keys() - self.assigns.keys():
            del self.widths[name]
        self.declarations = [
            line for line in self.declarations if DECLARED.findall(line)[0][1] in self.widths
        ]

    def _operator(self, value):
        """Of a condition, a single bit: ``&``, ``|``, ``unary`` or ``compare``; else None."""
        if self.widths.of(value[1:] if value[0] in "~|&" else value):
            one = value[0] in "|&" or self.widths.of(value.lstrip("~")) == 1
            return "unary" if one else None
        operands, operators = value.split(" ")[::2], set(value.split(" ")[1::2])
        if operators in ({"&"}, {"|"}) and all(self.widths.of(bit) == 1 for bit in operands):
            return operators.pop()
        return "compare" if COMPARISON.fullmatch(value) else None

    def _merged(self, place, text, around, name, value, operator):
        """A text with a condition's value in the place of its name; None where it does not fit.

        It does where the language evaluates it by itself, or among single bits alone.
        """
        alone = operator == "unary" and value[0] not in "|&"
        wrapped = value if alone else f"({value})"
        if isinstance(place, int):
            if f"if ({name})" in text:
                return text.replace(f"if ({name})", f"if ({value})")
            stored = STORED.match(text)
            if (
                not stored
                or stored[4] != name
                or self.widths.of(stored[2] + (stored[3] or "")) != 1
            ):
                return None
            return text[: stored.start(4)] + value + text[stored.end(4) :]
        found = re.search(rf"(?<![\w'$.]){name}(?!\w)", text)
        assert found, f"{name} is not in {text}"
        before, after = text[: found.start()], text[found.end() :]
        single = self.widths.of(place) == 1
        if before.endswith(("{ ", ", ")) and after.startswith((",", " }")):
            return before + value + after
        if single and around in {"&", "|", "unary"} and not before.count("{"):
            same = operator == around != "unary" or not (before or after)
            return before + (value if same else wrapped) + after
        if (not before and after.startswith(" ? ")) or (single and before.endswith((" ? ", " : "))):
            return before + wrapped + after
        return None

    def _ordered(self):
        """Targets of assignments, each after those whose value it takes."""
        drivers = defaultdict(list)
        for target in self.assigns:
            for name, high, low in reads(target):
                drivers[name].append((target, high, low))
        ordered, seen = [], set()

        def visit(target):
            if target in seen:
                return
            seen.add(target)
            for name, high, low in reads(self.assigns[target]):
                for driver, top, bottom in drivers.get(name, ()):
                    if None in {high, top} or (low <= top and bottom <= high):
                        visit(driver)
            ordered.append(target)

        for target in list(self.assigns):
            visit(target)
        return ordered

    def _unused(self, outputs):
        """Signals and bits of signals that are neither read nor an output."""
        used = dict.fromkeys(self.widths, 0)
        below: set[str] = set()
        texts = list(self.assigns.values())
        for line in self.lines:
            if match := INSTANCE.match(line):
                below = outputs[match[1]]
            elif match := CONNECTED.match(line):
                texts += [match[2]] if match[1] not in below else []
            elif match := STORED.match(line):
                texts += [match[1], match[3] or "", match[4]]
            else:
                texts.append(line)
        for name, high, low in (read for text in texts for read in reads(text)):
            if name in used:
                bits = self.widths[name] if high is None else high - low + 1
                used[name] |= ((1 << bits) - 1) << (low or 0)
        for name, width in self.widths.items():
            if name not in self.outputs and used[name] + 1 != 1 << width:
                yield from _ranges(name, width, used[name])


def _ranges(name, width, used):
    """The bits of a signal that are not used, highest first."""
    if not used:
        yield name
        return
    high = None
    for bit in range(width - 1, -2, -1):
        free = bit >= 0 and not used >> bit & 1
        if free and high is None:
            high = bit
        elif not free and high is not None:
            yield f"{name}[{high}]" if high == bit + 1 else f"{name}[{high}:{bit + 1}]"
            high = None
