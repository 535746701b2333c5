"""Registers before and behind a product, moved into the DSP block of an ECP5.

A block has registers of its own, at its inputs and at its output. Synthesis for vendors' tools uses
them; Yosys leaves flip-flops around a block without registers, and most of a cycle is lost on the
way in and out. This is done after it.
"""

from collections import defaultdict

__all__ = ["move_registers"]

BLOCK, REGISTER = "MULT18X18D", "TRELLIS_FF"
NOTHING = {"0", "x"}
"""Bits that are the same before and behind a register that starts with 0."""


def move_registers(flat):
    """Make flip-flops around DSP blocks the blocks' own, where that changes nothing.

    All flip-flops of an input, or of the output, must have one clock and one enable, and neither
    set nor reset, and start with 0. What else reads a flip-flop at an input keeps it; flip-flops at
    the output go only if nothing else reads the product.

    Parameters
    ----------
    flat : :class:`dict`
        The top module as Yosys writes it to JSON after synthesis; it is changed.

    Returns
    -------
    :class:`int`
        Registers, in bits, that are now in blocks.
    """
    cells, moved = flat["cells"], 0
    drivers, loads = {}, defaultdict(set)
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            for bit in bits:
                if cell["port_directions"][port] == "output":
                    drivers[bit] = name
                else:
                    loads[bit].add((name, port))
    outside = {bit for port in flat["ports"].values() for bit in port["bits"]}
    for block in [cell for cell in cells.values() if cell["type"] == BLOCK]:
        for side, enable in (("A", "CE0"), ("B", "CE1")):
            moved += _input(cells, block, side, enable, drivers)
        moved += _output(cells, block, "CE2", loads, outside)
        for number in range(4):
            for pin, idle in ((f"CLK{number}", "0"), (f"RST{number}", "0"), (f"CE{number}", "1")):
                _connect(block, pin, block["connections"].get(pin, [idle]))
    _sweep(flat, outside)
    return moved


def _connect(cell, port, bits, direction="input"):
    cell["connections"][port] = bits
    cell["port_directions"][port] = direction


def _control(register):
    """Clock and enable; None for a register of another kind than a block has."""
    parameters, connections = register["parameters"], register["connections"]
    reset = connections.get("LSR", ["0"]) if parameters.get("LSRMUX", "LSR") == "LSR" else ["1"]
    plain = (
        parameters.get("CLKMUX", "CLK") == "CLK"
        and parameters.get("REGSET", "RESET") == "RESET"
        and parameters.get("CEMUX", "CE") in {"CE", "1"}
        and reset[0] in NOTHING
    )
    if not plain:
        return None
    enable = connections.get("CE", ["1"])[0] if parameters.get("CEMUX") == "CE" else "1"
    return connections["CLK"][0], enable


def _one_control(registers):
    """The clock and enable of all of some registers; None if they differ."""
    controls = {_control(register) for register in registers}
    return controls.pop() if len(controls) == 1 else None


def _claim(block, stage, control, enable):
    """Clock a block's own registers."""
    clock, enabled = control
    known = block["connections"].get("CLK0", [clock])
    if known != [clock]:
        return False
    _connect(block, "CLK0", [clock])
    _connect(block, enable, [enabled])
    block["parameters"] |= {f"REG_{stage}_CLK": "CLK0", f"REG_{stage}_CE": enable}
    block["parameters"] |= {f"REG_{stage}_RST": "RST0", "GSR": "DISABLED"}
    return True


def _input(cells, block, side, enable, drivers):
    ports = [f"{side}{place}" for place in range(18)]
    bits = {port: block["connections"][port][0] for port in ports}
    found = {port: drivers.get(bit) for port, bit in bits.items() if bit not in NOTHING}
    if not found or any(n is None or cells[n]["type"] != REGISTER for n in found.values()):
        return 0
    control = _one_control([cells[name] for name in found.values()])
    if control is None or not _claim(block, f"INPUT{side}", control, enable):
        return 0
    for port, name in found.items():
        block["connections"][port] = list(cells[name]["connections"]["DI"])
    return len(set(bits.values()) - NOTHING)


def _output(cells, block, enable, loads, outside):
    ports = [f"P{place}" for place in range(36)]
    found = {}
    for port in ports:
        (bit,) = block["connections"][port]
        readers = loads.get(bit, set())
        if bit in outside or any(
            cells[name]["type"] != REGISTER or pin != "DI" for name, pin in readers
        ):
            return 0
        if len(readers) > 1:
            return 0
        if readers:
            ((found[port], _),) = readers
    control = _one_control([cells[name] for name in found.values()]) if found else None
    if control is None or not _claim(block, "OUTPUT", control, enable):
        return 0
    for port, name in found.items():
        block["connections"][port] = cells[name]["connections"]["Q"]
        del cells[name]
    return len(found)


def _sweep(flat, outside):
    """Away with registers that nobody reads any more."""
    cells = flat["cells"]
    read = {
        bit
        for cell in cells.values()
        for port, bits in cell["connections"].items()
        if cell["port_directions"][port] != "output"
        for bit in bits
    }
    kept = read | outside
    for name, cell in list(cells.items()):
        if cell["type"] == REGISTER and cell["connections"]["Q"][0] not in kept:
            del cells[name]
