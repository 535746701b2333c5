"""Move flip-flops around a multiplication into the registers of its DSP block.

A DSP block of an ECP5 has registers for both operands (A, B), for the product (M), and at the
output (P). The vendor's synthesis uses them; Yosys uses none. The routing from flip-flops in the
fabric to the block and back then takes as long as the multiplication. This step runs after Yosys
and moves flip-flops into the block.

The block's registers start at 0, and their reset is not used. All have one clock, CLK0; each can
have its own clock enable. The output register has CE0, the only clock enable for which nextpnr can
write a bitstream.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeAlias

from sdpaflow_sim.fpga.formats import Bit, Cell, Module, Moved, Ranks

__all__ = ["RANKS", "count", "move_registers"]

RANKS = {"A": "INPUTA", "B": "INPUTB", "M": "PIPELINE", "P": "OUTPUT"}
"""The registers of a block, and their names in the parameters of the cell."""

WIDTHS = {"A": 18, "B": 18, "M": 36, "P": 36}
"""Bits of each register."""

CONTROLS = ("SIGNEDA", "SIGNEDB", "SOURCEA", "SOURCEB")
"""Inputs of a block that choose sign and source of its operands; constants in what Yosys makes."""

Control: TypeAlias = tuple[Bit, Bit]
"""Clock and clock enable of a flip-flop; an enable of ``"1"`` is always on."""


def move_registers(flat: Module) -> dict[str, Ranks]:
    """Move as many flip-flops into DSP blocks as possible.

    The netlist computes the same before and after, in every cycle. Flip-flops move from both
    operands and from the product; where both have moved, a second rank behind the product moves
    too. Operands move only together, because nextpnr times a block with one registered operand as
    a block with none. A flip-flop that is also used elsewhere stays, and the block has a copy.

    Parameters
    ----------
    flat : :class:`dict`
        The top module as Yosys writes it to JSON after synthesis; it is changed in place.

    Returns
    -------
    dict of dict of dict of :class:`int`
        The bit of the netlist that was the flip-flop's output: by name of the block, by register
        (a key of :data:`RANKS`), by port (``A0``; ``M0`` is the bit that becomes ``P0``).
    """
    netlist = _Wiring(flat)
    blocks = [
        _Block(netlist, name, cell)
        for name, cell in netlist.cells.items()
        if cell["type"] == "MULT18X18D" and _is_plain(cell)
    ]
    # One step for all blocks before the next step. Where one block feeds another, the flip-flops
    # between them become the output of the first, and are not copied into the second.
    for block in blocks:
        block.move_output()
    for block in blocks:
        block.move_inputs()
    for block in blocks:
        block.move_second_output()
    return {block.name: block.moved for block in blocks if block.connect()}


def count(moved: Moved) -> int:
    """Number of flip-flops in DSP blocks; a flip-flop with copies in two blocks counts twice.

    Parameters
    ----------
    moved : dict
        As :func:`move_registers` returns it.
    """
    # A set: sign extension connects one flip-flop to several ports of a block.
    return sum(len(set(bits.values())) for ranks in moved.values() for bits in ranks.values())


def _is_plain(cell: Cell) -> bool:
    """Whether a block is as Yosys makes it: no registers, and constant controls."""
    wires = cell["connections"]
    return "CLK0" not in wires and all(wires.get(name, ["0"])[0] in {"0", "1"} for name in CONTROLS)


class _Wiring:
    """A netlist, with the flip-flop that drives each bit and the inputs that read it."""

    def __init__(self, flat: Module):
        self._flat = flat
        self.cells = flat["cells"]
        self.ports = {bit for port in flat["ports"].values() for bit in port["bits"]}
        self.sinks: defaultdict[Bit, set[tuple[str, str]]] = defaultdict(set)
        self.flip_flops: dict[Bit, str] = {}  # by the bit at the output
        for name, cell in self.cells.items():
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] != "output":
                    for bit in bits:
                        self.sinks[bit].add((name, port))
            if cell["type"] == "TRELLIS_FF":
                self.flip_flops[cell["connections"]["Q"][0]] = name

    def control(self, name: str) -> Control | None:
        """Clock and clock enable of a flip-flop; None if it cannot move."""
        cell = self.cells[name]
        settings, wires = cell["parameters"], cell["connections"]
        enables: dict[str, Bit] = {"1": "1", "CE": wires.get("CE", ["1"])[0]}
        enable = enables.get(settings.get("CEMUX", "").strip())  # JSON has it as "1 "
        # What a block's register cannot do: an inverted clock, a start at 1, a reset. Port M is a
        # second data input.
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

    def lead(self, name: str, port: str, bit: Bit) -> None:
        """Connect an input to another bit; the flip-flop before it is removed if now unused."""
        wires = self.cells[name]["connections"]
        before = wires[port][0] if port in wires else None
        if before is not None:
            self.sinks[before].discard((name, port))
        wires[port] = [bit]
        self.sinks[bit].add((name, port))
        if before in self.flip_flops and not self.sinks[before] and before not in self.ports:
            self.remove(self.flip_flops[before])

    def remove(self, name: str) -> None:
        """Remove a flip-flop; the net at its output stays, with its name."""
        wires = self.cells.pop(name)["connections"]
        del self.flip_flops[wires["Q"][0]]
        for port, (bit,) in wires.items():
            self.sinks[bit].discard((name, port))

    def merge(self, old: Bit, new: Bit) -> None:
        """Replace a bit everywhere by another that always has the same value."""
        for name, port in self.sinks.pop(old, ()):
            wires = self.cells[name]["connections"]
            wires[port] = [new if bit == old else bit for bit in wires[port]]
            self.sinks[new].add((name, port))
        for entry in (*self._flat["ports"].values(), *self._flat["netnames"].values()):
            entry["bits"] = [new if bit == old else bit for bit in entry["bits"]]
        if old in self.ports:
            self.ports.add(new)


class _Block:
    """A DSP block, and the flip-flops that have moved into it."""

    def __init__(self, netlist: _Wiring, name: str, cell: Cell):
        self._netlist = netlist
        self._cell = cell
        self._controls: dict[str, Control] = {}  # by register
        self.name = name
        self.moved: Ranks = {}

    def move_inputs(self) -> None:
        """Move both operands, if each of their bits is 0 or from a flip-flop that can move."""
        operands: Ranks = {}
        controls: dict[str, Control] = {}
        for rank in "AB":
            # A constant 0 needs no register: it is what the register starts with. A constant 1
            # would be 0 until the first load.
            bits = {port: bit for port, bit in self._bits(rank) if bit != "0"}
            if not all(bit in self._netlist.flip_flops for bit in bits.values()):
                return
            found = {self._netlist.control(self._netlist.flip_flops[bit]) for bit in bits.values()}
            control = self._shared(found, controls.values())
            if control is None:
                return
            operands[rank], controls[rank] = bits, control
        # Nothing has changed up to here, so that a return above leaves the netlist as it was.
        self._controls |= controls
        self.moved |= operands
        data = {
            port: self._netlist.cells[self._netlist.flip_flops[bit]]["connections"]["DI"][0]
            for bits in operands.values()
            for port, bit in bits.items()
        }
        for port, bit in data.items():
            self._netlist.lead(self.name, port, bit)

    def move_output(self) -> bool:
        """Move the product, if only flip-flops that can move read it; whether it has moved."""
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
        control = self._shared({self._netlist.control(name) for name, _ in ends})
        if control is None:
            return False
        self._controls["P"] = control
        self.moved["P"] = {}
        for port, sinks in behind.items():
            # Several flip-flops behind one bit of the product are alike: one bit stands for all.
            first, *others = [cells[name]["connections"]["Q"][0] for name, _ in sinks]
            for name, _ in sinks:
                self._netlist.remove(name)
            for bit in others:
                self._netlist.merge(bit, first)
            self._cell["connections"][port] = [first]
            self.moved["P"][port] = first
        return True

    def move_second_output(self) -> None:
        """Move a second rank behind the product to P; the first rank moves from P to M."""
        if self.moved.keys() < {"A", "B", "P"}:
            return
        bits, control = self.moved["P"], self._controls["P"]
        if self.move_output():
            self.moved["M"] = {port.replace("P", "M"): bit for port, bit in bits.items()}
            self._controls["M"] = control

    def connect(self) -> bool:
        """Set parameters and inputs of the registers in use; whether there are any."""
        enables: list[Bit] = []
        for rank in sorted(self._controls, reverse=True):  # P first: its enable has to be CE0
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

    def _bits(self, rank: str) -> list[tuple[str, Bit]]:
        """Ports of a register and the bits there, without ports that are not connected."""
        wires = self._cell["connections"]
        ports = (f"{rank}{index}" for index in range(WIDTHS[rank]))
        return [(port, wires[port][0]) for port in ports if port in wires]

    def _shared(self, found: set[Control | None], others: Iterable[Control] = ()) -> Control | None:
        """The clock and enable of all flip-flops in ``found``.

        None if they differ, if one cannot move, or if their clock is not that of ``others`` and of
        the block's other registers.
        """
        if len(found) != 1:
            return None
        (control,) = found
        if control is None:
            return None
        clocks = {clock for clock, _ in (control, *others, *self._controls.values())}
        return control if len(clocks) == 1 else None

    def _add(self, port: str, bit: Bit) -> None:
        self._cell["port_directions"][port] = "input"
        self._netlist.lead(self.name, port, bit)
