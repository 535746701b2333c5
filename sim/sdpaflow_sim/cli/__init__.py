"""The command line: one file for each command."""

from sdpaflow_sim.cli.parser import main

__all__ = ["main"]
