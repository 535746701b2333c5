"""Scaled dot-product attention as a dataflow of streaming units, in synthesizable Amaranth."""

__all__ = ["__version__"]

__version__ = "0.1.0"
