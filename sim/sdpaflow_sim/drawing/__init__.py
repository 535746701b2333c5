"""Drawings of graphs, and the figure of a comparison."""
