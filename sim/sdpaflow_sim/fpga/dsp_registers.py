"""Flip-flops move into the registers of DSP blocks, where a multiplication has some around it.

A multiplier of an ECP5 has registers of its own, for both operands, behind the multiplication and
at its output. Synthesis for the vendor's tools uses them; Yosys leaves all of them out, and the way
from flip-flops in the fabric and back to them takes as long as the multiplication. This is done
after it.

The block's registers start at 0, and are used without their reset. All have one clock, CLK0; each
can have a clock enable of its own. That of the output register is CE0, the only one for which
nextpnr can write a bitstream.
"""

from collections import defaultdict

__all__ = ["RANKS", "count", "move_registers"]

RANKS = {"A": "INPUTA", "B": "INPUTB", "M": "PIPELINE", "P": "OUTPUT"}
"""The registers of a block, and what its parameters call them."""

WIDTHS = {"A": 18, "B": 18, "M": 36, "P": 36}
CONTROLS = ("SIGNEDA", "SIGNEDB", "SOURCEA", "SOURCEB")


def move_registers(flat):
    """Move flip-flops into blocks, as many as keep what the netlist computes, cycle by cycle.

    Those before both operands, those behind the product, and where both have moved, a second rank
    behind the product. Operands move only together: nextpnr takes a block with one of them
    registered for one that is not. A flip-flop that is used elsewhere too is copied.

    Parameters
    ----------
    flat : :class:`dict`
        The top module as Yosys writes it to JSON after synthesis; it is changed.

    Returns
    -------
    dict of dict of dict of :class:`int`
        By name of the block, by register (a key of :data:`RANKS`), by port (``A0``; ``M0`` is what
        becomes ``P0``), the bit of the netlist that was the flip-flop's output.
    """
    netlist = _Wiring(flat)
    blocks = [
        _Block(netlist, name, cell)
        for name, cell in netlist.cells.items()
        if cell["type"] == "MULT18X18D" and _is_plain(cell)
    ]
    for step in (_Block.move_output, _Block.move_inputs, _Block.move_second_output):
        for block in blocks:
            step(block)
    return {block.name: block.moved for block in blocks if block.connect()}


def count(moved):
    """How many flip-flops the registers in use stand for; a copy in each of two blocks is two."""
    return sum(len(set(bits.values())) for ranks in moved.values() for bits in ranks.values())


def _is_plain(cell):
    """Whether a block is as Yosys makes it: without registers, its operands those at A and B."""
    wires = cell["connections"]
    return "CLK0" not in wires and all(wires.get(name, ["0"])[0] in {"0", "1"} for name in CONTROLS)


class _Wiring:
    """A netlist, and what every bit of it leads to and comes from."""

    def __init__(self, flat):
        self._flat = flat
        self.cells = flat["cells"]
        self.ports = {bit for port in flat["ports"].values() for bit in port["bits"]}
        self.sinks = defaultdict(set)
        self.flip_flops = {}
        for name, cell in self.cells.items():
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] != "output":
                    for bit in bits:
                        self.sinks[bit].add((name, port))
            if cell["type"] == "TRELLIS_FF":
                self.flip_flops[cell["connections"]["Q"][0]] = name

    def control(self, name):
        """Clock and clock enable of a flip-flop; None if it cannot move."""
        cell = self.cells[name]
        settings, wires = cell["parameters"], cell["connections"]
        enables = {"1": "1", "CE": wires.get("CE", ["1"])[0]}
        enable = enables.get(settings.get("CEMUX", "").strip())  # JSON has it as "1 "
        if (
            enable is None
            or settings.get("CLKMUX", "CLK") != "CLK"
            or settings.get("REGSET", "RESET") != "RESET"
            or settings.get("GSR") != "DISABLED"
            or (settings.get("LSRMUX", "LSR"), wires.get("LSR", ["0"])) != ("LSR", ["0"])
            or "M" in wires
        ):
            return None
        return wires["CLK"][0], enable

    def lead(self, name, port, bit):
        """Connect an input to another bit; a flip-flop that led to nothing else goes."""
        wires = self.cells[name]["connections"]
        (before,) = wires.get(port, [None])
        self.sinks[before].discard((name, port))
        wires[port] = [bit]
        self.sinks[bit].add((name, port))
        if before in self.flip_flops and not self.sinks[before] and before not in self.ports:
            self.remove(self.flip_flops[before])

    def remove(self, name):
        """Take a flip-flop out; its output keeps its name."""
        wires = self.cells.pop(name)["connections"]
        del self.flip_flops[wires["Q"][0]]
        for port, (bit,) in wires.items():
            self.sinks[bit].discard((name, port))

    def merge(self, old, new):
        """Call a bit as another that always is the same, everywhere."""
        for name, port in self.sinks.pop(old, ()):
            wires = self.cells[name]["connections"]
            wires[port] = [new if bit == old else bit for bit in wires[port]]
            self.sinks[new].add((name, port))
        for names in (self._flat["ports"], self._flat["netnames"]):
            for entry in names.values():
                entry["bits"] = [new if bit == old else bit for bit in entry["bits"]]
        if old in self.ports:
            self.ports.add(new)


class _Block:
    """A multiplier, and which flip-flops are in it."""

    def __init__(self, netlist, name, cell):
        self._netlist = netlist
        self._cell = cell
        self._controls = {}  # clock and clock enable by register
        self.name = name
        self.moved = {}

    def move_inputs(self):
        """Both operands, if all their bits come from flip-flops that can move, or are 0."""
        operands, controls = {}, {}
        for rank in "AB":
            bits = {port: bit for port, bit in self._bits(rank) if bit != "0"}
            if not all(bit in self._netlist.flip_flops for bit in bits.values()):
                return
            found = {self._netlist.control(self._netlist.flip_flops[bit]) for bit in bits.values()}
            if not self._fits(found, controls.values()):
                return
            operands[rank] = bits
            (controls[rank],) = found
        self._controls |= controls
        self.moved |= operands
        data = {
            port: self._netlist.cells[self._netlist.flip_flops[bit]]["connections"]["DI"][0]
            for bits in operands.values()
            for port, bit in bits.items()
        }
        for port, bit in data.items():
            self._netlist.lead(self.name, port, bit)

    def move_output(self):
        """The product, if all of it goes to flip-flops that can move and nowhere else."""
        behind = {
            port: sorted(self._netlist.sinks[bit])
            for port, bit in self._bits("P")
            if self._netlist.sinks[bit] or bit in self._netlist.ports
        }
        ends = {end for sinks in behind.values() for end in sinks}
        outside = any(bit in self._netlist.ports for _, bit in self._bits("P"))
        cells = self._netlist.cells
        if outside or any(cells[n]["type"] != "TRELLIS_FF" or p != "DI" for n, p in ends):
            return False
        found = {self._netlist.control(name) for name, _ in ends}
        if not self._fits(found):
            return False
        (self._controls["P"],) = found
        self.moved["P"] = {}
        for port, sinks in behind.items():
            first, *others = [cells[name]["connections"]["Q"][0] for name, _ in sinks]
            for name, _ in sinks:
                self._netlist.remove(name)
            for bit in others:
                self._netlist.merge(bit, first)
            self._cell["connections"][port] = [first]
            self.moved["P"][port] = first
        return True

    def move_second_output(self):
        """Another rank behind the product; the one that has moved before is now the pipeline's."""
        if self.moved.keys() < {"A", "B", "P"}:
            return
        bits, control = self.moved["P"], self._controls["P"]
        if self.move_output():
            self.moved["M"] = {port.replace("P", "M"): bit for port, bit in bits.items()}
            self._controls["M"] = control

    def connect(self):
        """Set up the registers that are in use; whether there are any."""
        enables = []
        for rank in sorted(self._controls, reverse=True):  # the output's is the first
            clock, enable = self._controls[rank]
            if enable not in enables:
                enables.append(enable)
            register = f"REG_{RANKS[rank]}"
            self._cell["parameters"] |= {
                f"{register}_CLK": "CLK0",
                f"{register}_CE": f"CE{enables.index(enable)}",
                f"{register}_RST": "RST0",
                "GSR": "DISABLED",
            }
            self._add("CLK0", clock)
            self._add("RST0", "0")
        for number, enable in enumerate(enables):
            self._add(f"CE{number}", enable)
        return bool(self._controls)

    def _bits(self, rank):
        wires = self._cell["connections"]
        ports = (f"{rank}{index}" for index in range(WIDTHS[rank]))
        return [(port, wires[port][0]) for port in ports if port in wires]

    def _fits(self, found, others=()):
        """Whether flip-flops are alike, can move, and have the clock of the block's others."""
        clocks = {control and control[0] for control in (*found, *others, *self._controls.values())}
        return len(found) == 1 and None not in found and len(clocks) == 1

    def _add(self, port, bit):
        self._cell["port_directions"][port] = "input"
        self._netlist.lead(self.name, port, bit)
