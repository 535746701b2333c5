"""Pipelines on FPGAs: synthesis, place and route with tools from PyPI, and the results."""
