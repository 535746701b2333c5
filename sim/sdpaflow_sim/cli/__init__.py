"""The command line: one file for each verb."""

from sdpaflow_sim.cli.parser import main

__all__ = ["main"]
