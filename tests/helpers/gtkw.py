"""Save files of GTKWave and VCD files read back, independently of what writes them."""

import io
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from vcd.gtkw import GTKWFlag
from vcd.reader import TokenKind, tokenize

__all__ = ["Row", "Samples", "parse"]


@dataclass
class Row:
    """A row of signals, and what governs how it is shown.

    ``folded`` counts the closed groups that it is in, ``height`` the rows that it takes.
    """

    alias: str
    names: list
    flags: GTKWFlag
    shift: int
    folded: int
    height: int = 1


@dataclass
class Save:
    """What a save file says; settings by name, ``zoom`` among them."""

    rows: list = field(default_factory=list)
    settings: dict = field(default_factory=dict)

    def row(self, pattern):
        """The one row whose alias fits a shell pattern."""
        (found,) = [row for row in self.rows if fnmatchcase(row.alias, pattern)]
        return found


def parse(path):
    """A save file as GTKWave understands it; fails where it would not."""
    save = Save()
    flags, shift, groups = GTKWFlag(0), 0, []
    for line in path.read_text(encoding="utf-8").splitlines():
        begins, closed = GTKWFlag.grp_begin in flags, GTKWFlag.closed in flags
        if line.startswith("@"):
            flags = GTKWFlag(int(line[1:], 16))
        elif setting := re.fullmatch(r"\[(\w+)\] (.*)", line):
            save.settings[setting[1]] = setting[2]
            shift = int(setting[2]) if setting[1] == "fpshift_count" else shift
        elif line.startswith("*"):
            save.settings["zoom"] = float(line[1:].split()[0])
        elif line.startswith("^"):
            save.settings["filter"] = line.split(maxsplit=1)[1]
        elif row := re.fullmatch(r"[+#]\{([^.{}]+)\} (.+)", line):
            save.rows.append(Row(row[1], row[2].split(), flags, shift, sum(groups)))
            groups += [closed] * begins
            shift = 0
        elif line.startswith("-") and GTKWFlag.blank in flags:
            if GTKWFlag.analog_blank_stretch in flags:
                save.rows[-1].height += 1
            if GTKWFlag.grp_end in flags:
                assert groups.pop() == closed
            groups += [closed] * begins
        else:
            raise AssertionError(f"not understood: {line}")
    assert not groups, "a group is not ended"
    return save


class Samples:
    """A VCD file: widths of its variables, its end, and their values before each rising clock."""

    def __init__(self, path, clock_name="bench.top.dut.clk"):
        text = path.read_bytes().replace(b"$rootio", b"rootio")  # Verilator's, not understood here
        self.widths, self.codes, self.cycles = {}, {}, []
        scopes, state, changes, clock = [], {}, {}, None
        for token in tokenize(io.BytesIO(text)):
            match token.kind:
                case TokenKind.SCOPE:
                    scopes.append(token.scope.ident)
                case TokenKind.UPSCOPE:
                    scopes.pop()
                case TokenKind.VAR:
                    name = ".".join((*scopes, token.var.reference))
                    self.widths[name], self.codes[name] = token.var.size, token.var.id_code
                case TokenKind.ENDDEFINITIONS:
                    clock = self.codes.get(clock_name)
                case TokenKind.CHANGE_TIME:
                    self._sample(state.get(clock), changes.get(clock), state)
                    state, changes, self.end = state | changes, {}, token.time_change
                case TokenKind.CHANGE_SCALAR | TokenKind.CHANGE_VECTOR:
                    changes[token.data.id_code] = int(token.data.value)
        self._sample(state.get(clock), changes.get(clock), state)  # a dump may end with an edge

    def _sample(self, before, after, state):
        if before == 0 and after == 1:
            self.cycles.append(dict(state))

    def find(self, name):
        """Name and width of the variable that GTKWave calls ``name``, and the bit chosen of it."""
        bit, name, high = re.fullmatch(r"(?:\((\d+)\))?(.*?)(?:\[(\d+):0\])?", name).groups()
        return name.replace("\\", ""), int(high or 0) + 1, None if bit is None else int(bit)

    def bits(self, names):
        """The bits of several variables beside each other, as text, cycle by cycle."""
        return ["".join(self._text(cycle, name) for name in names) for cycle in self.cycles]

    def _text(self, cycle, name):
        name, width, bit = self.find(name)
        text = format(cycle[self.codes[name]], f"0{width}b")
        return text if bit is None else text[bit]

    def shown(self, row):
        """The numbers in a row, cycle by cycle."""
        numbers = []
        for text in self.bits(row.names):
            number = int(text, 2)
            if GTKWFlag.signed in row.flags and text[0] == "1":
                number -= 1 << len(text)
            numbers.append(number / 2**row.shift if GTKWFlag.fpdecshift in row.flags else number)
        return numbers
