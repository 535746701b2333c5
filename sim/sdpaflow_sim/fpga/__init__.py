"""Pipelines on FPGAs: synthesized, placed and routed with tools from PyPI, and what comes out."""
