"""Verilog as a person would write it, and as a linter likes it.

Yosys writes one operator per line, each with a name for its result, in no particular order, and
leaves it to the language to widen operands. Here conditions are put together where they are used,
assignments follow the data, operands are as wide as what they are combined with, registers start in
an ``initial`` block, and bits that nobody needs are named as such. What a design does stays.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

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


def tidy(text: str) -> list[str]:
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
    # Names with brackets come escaped; with an underscore in their place they need not be.
    text = re.sub(r"\\(\w+)\[(\d+)\] ", r"\1_\2", text)
    # The size says how long a number is; its leading zeros say nothing.
    text = re.sub(r"(\d+'h)0+(?=[0-9a-f])", r"\1", text)
    modules = [_Module(*match.groups()) for match in MODULE.finditer(text)]
    outputs = {module.name: module.outputs for module in modules}
    return [module.tidied(outputs) for module in modules]


class _Module:
    """A module taken apart: ports, declarations, start values, assignments, all other lines."""

    def __init__(self, name: str, head: str, body: str):
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

    def tidied(self, outputs: Mapping[str, set[str]]) -> str:
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

    def _explicit(self, target: str, value: str) -> str:
        """An assignment's value with operands of one width, and without ``!`` of many bits.

        The language widens operands by itself, by rules that few know by heart; a linter wants to
        see that it was meant.
        """
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
        here, there, result = of(left), of(right), of(target)
        if here is None or there is None or result is None:
            return value
        # A comparison's result is one bit, whatever is compared; a sum is as wide as its target.
        width = max(here, there) if operator[0] in "<>" else max(here, there, result)
        left = self.widths.widened(left, width) if here < width else left
        right = self.widths.widened(right, width) if there < width else right
        return f"{left} {operator} {right}"

    def _put_together(self) -> None:
        """Put conditions that are used once where they are used, while lines stay short."""
        # Where each signal is read, once per reading: a target of an assignment, or a line.
        uses: dict[str, list[str | int]] = defaultdict(list)
        for place, text in (*self.assigns.items(), *enumerate(self.lines)):
            for name, *_ in reads(text):
                uses[name].append(place)
        operators = {target: self._operator(value) for target, value in self.assigns.items()}
        # In the order of the data, so that what is put somewhere may itself have taken others in.
        for target in self._ordered():
            value, operator = self.assigns[target], operators[target]
            # Only names that Yosys made up, of single bits: those of the graph stay to be found.
            if not re.fullmatch(r"_\d+_", target) or self.widths[target] > 1 or not operator:
                continue
            if len(uses[target]) != 1:
                continue
            (place,) = uses[target]
            texts: Any = self.lines if isinstance(place, int) else self.assigns
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

    def _operator(self, value: str) -> str | None:
        """Of a condition, a single bit: ``&``, ``|``, ``unary`` or ``compare``; else None."""
        if self.widths.of(value[1:] if value[0] in "~|&" else value):
            one = value[0] in "|&" or self.widths.of(value.lstrip("~")) == 1
            return "unary" if one else None
        operands, operators = value.split(" ")[::2], set(value.split(" ")[1::2])
        if operators in ({"&"}, {"|"}) and all(self.widths.of(bit) == 1 for bit in operands):
            return operators.pop()
        return "compare" if COMPARISON.fullmatch(value) else None

    def _merged(
        self,
        place: str | int,
        text: str,
        around: str | None,
        name: str,
        value: str,
        operator: str,
    ) -> str | None:
        """A text with a condition's value in the place of its name; None where it does not fit.

        It does where the language evaluates it by itself, or among single bits alone: elsewhere an
        operator's width and precedence would depend on what is around it.
        """
        # ``|x`` beside another ``|`` reads like ``||``, so reductions are in parentheses too.
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

    def _ordered(self) -> list[str]:
        """Targets of assignments, each after those whose value it takes."""
        drivers: dict[str, list[tuple[str, int | None, int | None]]] = defaultdict(list)
        for target in self.assigns:
            for name, high, low in reads(target):
                drivers[name].append((target, high, low))
        ordered: list[str] = []
        seen: set[str] = set()

        def visit(target: str) -> None:
            if target in seen:
                return
            seen.add(target)
            for name, high, low in reads(self.assigns[target]):
                for driver, top, bottom in drivers.get(name, ()):
                    # Slices of a signal may be driven apart: only those that overlap come before.
                    if high is None or low is None or top is None or bottom is None:
                        visit(driver)  # one of them is all of the signal
                    elif low <= top and bottom <= high:
                        visit(driver)
            ordered.append(target)

        for target in list(self.assigns):
            visit(target)
        return ordered

    def _unused(self, outputs: Mapping[str, set[str]]) -> Iterator[str]:
        """Signals and bits of signals that are neither read nor an output."""
        used = dict.fromkeys(self.widths, 0)  # a mask of the bits that are read
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
                bits = self.widths[name] if high is None or low is None else high - low + 1
                used[name] |= ((1 << bits) - 1) << (low or 0)
        for name, width in self.widths.items():
            if name not in self.outputs and used[name] + 1 != 1 << width:
                yield from _ranges(name, width, used[name])


def _ranges(name: str, width: int, used: int) -> Iterator[str]:
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
