"""Description of an exported pipeline for FuseSoC, and what its lint target leaves out."""

from sdpaflow import __version__

__all__ = ["core", "waivers"]

WAIVED = {
    "DECLFILENAME": "all modules of a pipeline are in one file",
    "PROCASSINIT": "registers have the value they start from, and a reset",
    "UNUSEDSIGNAL": "intermediate results keep bits that rounding drops",
    "WIDTHEXPAND": "operands are as narrow as they can be; the result's width is meant",
    "WIDTHTRUNC": "a vector is compared with zero by !",
    "CMPCONST": "a range that a value cannot leave is checked all the same",
    "UNSIGNED": "a range that a value cannot leave is checked all the same",
}


def core(name, known, vectors):
    """Text of a ``.core`` file with targets ``sim`` (Icarus) and ``lint`` (Verilator).

    Parameters
    ----------
    name : :class:`str`
        Of the top module.
    known : :class:`dict`
        From :func:`sdpaflow_sim.datasheet.about`.
    vectors : list of :class:`str`
        Files that the testbench reads.
    """
    files = "".join(
        f"      - {vector}: {{file_type: user, copyto: {vector}}}\n" for vector in vectors
    )
    return f"""\
CAPI=2:
name: "::{name}:{__version__}"
description: "Dot-product attention, pipeline {known["pipeline"]}, {known["interface"]} ports"

filesets:
  rtl:
    files:
      - {name}.v: {{file_type: verilogSource}}
  tb:
    files:
      - {name}_tb.v: {{file_type: systemVerilogSource}}
{files}  waivers:
    files:
      - {name}.vlt: {{file_type: vlt}}

targets:
  default: &default
    filesets: [rtl]
    toplevel: {name}
  sim:
    <<: *default
    default_tool: icarus
    filesets: [rtl, tb]
    toplevel: {name}_tb
    tools:
      icarus:
        iverilog_options: [-g2005-sv]
  lint:
    <<: *default
    default_tool: verilator
    filesets: [waivers, rtl]
    tools:
      verilator:
        mode: lint-only
        verilator_options: [-Wall]
"""


def waivers(name):
    """Text of a ``.vlt`` file: rules of Verilator that generated Verilog breaks, and why."""
    rules = "".join(
        f'// {reason}\nlint_off -rule {rule} -file "*{name}.v"\n' for rule, reason in WAIVED.items()
    )
    return f"`verilator_config\n{rules}"
