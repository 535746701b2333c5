"""Simulators: tokens in, a trace out, the same cycle for cycle."""
