"""Tops that fit the buses of FPGA tools."""

from sdpaflow.ports.axi import AxiStreams

__all__ = ["AxiStreams"]
