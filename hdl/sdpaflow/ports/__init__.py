"""Tops that fit the buses of FPGA tools."""

from sdpaflow.ports.axi import AxiStreams
from sdpaflow.ports.axi_stream import AxiStream, Scalar, scalars

__all__ = ["AxiStream", "AxiStreams", "Scalar", "scalars"]
