"""Plain names in RTLIL text: those of the graph, without dots, brackets or ``$``.

Amaranth hands a design over as RTLIL, whose modules are called like ``top.q_fifo`` and whose
signals like ``i__payload$139``, with ports in no particular order.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

__all__ = ["rename"]

CLOCKS = ["clk", "aclk", "rst", "aresetn"]
KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
    always and assign assume begin bit buf byte case cell checker config const context cover
    deassign default disable do edge else end event export final for force forever fork function
    generate global if import initial inout input int integer interface join let local logic
    module nand negedge new nor not null or output package parameter posedge primitive priority
    program property pulldown pullup pure rand real ref reg release repeat return sequence signed
    specify static string strong struct super table tagged task this time tran type typedef union
    unique unsigned use var vectored virtual void wait weak while wire with within wor xnor
    xor
""",
    )
)
STREAM_PORT = re.compile(r"(i|o|over)\d*__(payload|valid|ready)")
ALIAS = re.compile(r"^connect \\(\S+) \\(\S+) \[[\d:]+\]$", re.M)
CELL = re.compile(r"^  cell \\(\S+) \\(\S+)\n((?:    .*\n)*)", re.M)


def rename(text: str, order: Sequence[str] = ()) -> str:
    """The same RTLIL with plain names and ordered ports.

    * Modules are called by their path, ``top_q_fifo``; instances as before.
    * A signal that joins two instances is called after the output that drives it,
      ``q_fifo__o__valid``.
    * Ports come in the order clock, reset, streams in, streams out, others, with those of a stream
      side by side.

    Parameters
    ----------
    text : :class:`str`
        What :func:`amaranth.back.rtlil.convert` gives.
    order : list of :class:`str`
        Streams in the order of their ports; all others follow alphabetically.
    """
    head, *bodies = re.split(r"^(?=module )", text, flags=re.M)
    # A signal's attributes are left out of Verilog anyway, but a start value is no mere attribute.
    bodies = [re.sub(r"^ *attribute \\(?!init )\S+ .*\n", "", body, flags=re.M) for body in bodies]
    modules = {module.path: module for module in map(_Module, bodies)}
    for module in modules.values():
        module.name_joints(modules)
        module.name_rest()
    return head + "".join(module.renamed(modules, list(order)) for module in modules.values())


class _Module:
    """A module's text, and what its identifiers are to be called."""

    def __init__(self, text: str):
        self.text = text
        self.path: str = re.findall(r"\Amodule \\(\S+)", text)[0]
        ports = re.findall(r"^  wire .*?(input|output) \d+ .*?\\(\S+)$", text, re.M)
        self.ports = {name: direction for direction, name in ports}
        self.names = {name: _plain(name) for name in self.ports if _plain(name) != name}
        # Where a unit's port is nothing but another signal, either name may be the port's.
        for alias, name in ALIAS.findall(text) if "." in self.path else ():
            if name not in self.ports or alias in self.ports or {alias, name} & self.names.keys():
                continue
            if _fits(alias, self.ports[name]) and not _fits(name, self.ports[name]):
                self.names |= {alias: name, name: alias}

    @property
    def plain(self) -> str:
        return _plain(self.path)

    def name_joints(self, modules: Mapping[str, "_Module"]) -> None:
        """Call what joins instances after the output that drives it, and drop other names."""
        cells = [cell for cell in CELL.findall(self.text) if cell[0] in modules]
        if not cells:
            return
        for kind, instance, body in cells:
            below = modules[kind]
            for port, name in re.findall(r"connect \\(\S+) \\(\S+) \[[\d:]+\]$", body, re.M):
                if name not in self.ports and below.ports[port] == "output":
                    self.names[name] = f"{instance}__{below.names.get(port, port)}"
        uses = Counter(re.findall(r"\\(\S+)", self.text))
        # A wire and its driver are two; a driver that is a cell stays, and so does its wire.
        driven = set(re.findall(r"^connect \\(\S+) ", self.text, re.M))
        unread = {name for name in driven if uses[name] == 2} - self.ports.keys()
        self.text = re.sub(
            r"^(?:connect|  wire .*) \\(\S+)(?: .*)?\n\n?",
            lambda match: "" if match[1] in unread and match[1] not in self.names else match[0],
            self.text,
            flags=re.M,
        )

    def name_rest(self) -> None:
        """Plain names for all others, each one different."""
        used = set(self.ports) | set(self.names.values())
        for name in re.findall(r"^  (?:wire|memory|cell) .*\\(\S+)$", self.text, re.M):
            if name in self.names or name in self.ports:
                continue
            plain = unique = _plain(name)
            count = 1
            while unique in used:
                unique, count = f"{plain}_{count}", count + 1
            used.add(unique)
            self.names[name] = unique

    def renamed(self, modules: Mapping[str, "_Module"], order: Sequence[str]) -> str:
        ports = sorted(self.ports, key=lambda port: self._place(port, order))
        numbers = {port: number for number, port in enumerate(ports, 1)}
        lines: list[str] = []
        below: _Module | None = None
        for line in self.text.splitlines():
            if match := re.fullmatch(r"  cell (\\\S+|\$\S+) (\S+)", line):
                below = modules.get(match[1][1:])
                kind = f"\\{below.plain}" if below else match[1]
                line = f"  cell {kind} {self._apply(match[2])}"
            elif match := re.fullmatch(r"    connect \\(\S+) (.*)", line):
                port = below.names.get(match[1], match[1]) if below else match[1]
                line = f"    connect \\{port} {self._apply(match[2])}"
            elif match := re.fullmatch(r"(  wire .*?put )\d+ (.*?)\\(\S+)", line):
                start, sign, port = match.groups()
                line = f"{start}{numbers[port]} {sign}{self._apply(chr(92) + port)}"
            elif line.startswith("module "):
                line = f"module \\{self.plain}"
            elif not line.lstrip().startswith(("parameter", "attribute")):
                line = self._apply(line)
            lines.append(line)
        return "\n".join(lines) + "\n"

    def _apply(self, text: str) -> str:
        return re.sub(r"\\(\S+)", lambda match: f"\\{self.names.get(match[1], match[1])}", text)

    def _place(self, port: str, order: Sequence[str]) -> tuple[int, int, str, int]:
        name = self.names.get(port, port)
        if name in CLOCKS:
            return 0, CLOCKS.index(name), "", 0
        stream = re.fullmatch(r"(.*)_t?(payload|data|last|valid|ready)", name)
        if not stream:
            return 3, 0, name, 0
        inwards = (self.ports[port] == "input") != (stream[2] == "ready")
        base = stream[1].strip("_")
        rank = order.index(base) if base in order else len(order)
        parts = ["payload", "data", "last", "valid", "ready"]
        return 1 if inwards else 2, rank, base, parts.index(stream[2])


def _plain(name: str) -> str:
    plain = re.sub(r"\W+", "_", name).strip("_") or "unnamed"
    return f"{plain}_" if plain in KEYWORDS or plain[0].isdigit() else plain


def _fits(name: str, direction: str) -> bool:
    """Whether a name is that of a stream's port in this direction."""
    if not (match := STREAM_PORT.fullmatch(name)):
        return False
    return ((match[1] == "o") != (match[2] == "ready")) == (direction == "output")
