"""Wires taken apart whose bits are made of one another, which some tools take for a loop.

Yosys puts the output of a cell, and a simpler signal that its upper bits equal, into one wire:

    assign w[42] = ~a;
    assign w[39:0] = b ^ {40{w[42]}};

Verilator before 5.010 looks at whole wires, and warns of a loop (UNOPTFLAT), since w is made of w.
"""

import re

__all__ = ["apart"]

INDEX = r"\[(\d+)(?::(\d+))?\]"


def apart(module: str) -> str:
    """Text of a module in which no wire is made of its own bits; unchanged where none was."""
    for name in re.findall(r"^  wire \[\d+:0\] (\w+);$", module, re.MULTILINE):
        parts = {
            (int(high), int(low or high)): right
            for high, low, right in re.findall(rf"assign {name}{INDEX} = ([^;]*);", module)
        }
        if any(re.search(rf"\b{name}\b", right) for right in parts.values()):
            module = _split(module, name, sorted(parts, reverse=True))
    return module


def _split(module: str, name: str, parts: list[tuple[int, int]]) -> str:
    """A wire of its own for each part that is assigned; all other bits are nowhere used."""
    names = {part: f"{name}{part[1]}" for part in parts}
    if any(re.search(rf"\b{new}\b", module) for new in names.values()):
        raise AssertionError(f"{names} are names already")
    declared = "".join(
        f"  wire [{high - low}:0] {new};\n" if high > low else f"  wire {new};\n"
        for (high, low), new in names.items()
    )

    def bits(match: re.Match[str]) -> str:
        high, low = int(match[1]), int(match[2] or match[1])
        found = []
        for (top, bottom), new in names.items():
            upper, lower = min(high, top), max(low, bottom)
            if upper >= lower:
                whole = (upper, lower) == (top, bottom)
                index = f"{upper - bottom}" + (f":{lower - bottom}" if upper > lower else "")
                found.append(new if whole else f"{new}[{index}]")
        return found[0] if len(found) == 1 else f"{{ {', '.join(found)} }}"

    module = re.sub(rf"^  wire \[\d+:0\] {name};\n", declared, module, flags=re.MULTILINE)
    return re.sub(rf"\b{name}{INDEX}", bits, module)
