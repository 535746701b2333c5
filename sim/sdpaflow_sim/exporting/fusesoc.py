"""Description of an exported design for FuseSoC."""

from collections.abc import Iterable

from sdpaflow import __version__

__all__ = ["core"]


def core(name: str, description: str, vectors: Iterable[str]) -> str:
    """Text of a ``.core`` file with targets ``sim`` (Icarus) and ``lint`` (Verilator).

    Parameters
    ----------
    name : :class:`str`
        Name of the top module.
    description : :class:`str`
        What the design does, in one sentence; line breaks become spaces.
    vectors : list of :class:`str`
        Names of the files that the testbench reads.
    """
    files = "".join(
        f"      - {vector}: {{file_type: user, copyto: {vector}}}\n" for vector in vectors
    )
    return f"""\
CAPI=2:
name: "::{name}:{__version__}"
description: "{" ".join(description.split())}"

filesets:
  rtl:
    files:
      - {name}.v: {{file_type: verilogSource}}
  tb:
    files:
      - {name}_tb.v: {{file_type: systemVerilogSource}}
{files}
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
    tools:
      verilator:
        mode: lint-only
        verilator_options: [-Wall]
"""
