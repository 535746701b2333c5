"""Many units in one design, so that a simulator has to be built but once for all."""

import re

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out, connect, flipped

__all__ = ["SideBySide", "slug"]


def slug(name):
    """A name as an identifier."""
    return re.sub(r"\W+", "_", name).lower()


class SideBySide(wiring.Component):
    """Components that share nothing but clock and reset.

    Parameters
    ----------
    parts : dict of :class:`wiring.Component`
        By name.

    Members
    -------
    *slugs of the names*
        The ports of each.
    """

    def __init__(self, parts):
        self.parts = {slug(name): part for name, part in parts.items()}
        super().__init__({name: Out(part.signature) for name, part in self.parts.items()})

    def elaborate(self, platform):
        m = Module()
        for name, part in self.parts.items():
            m.submodules[name] = part
            connect(m, part, flipped(getattr(self, name)))
        return m
