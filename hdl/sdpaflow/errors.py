"""What is wrong with streams; apart, so that nothing else has to be imported to catch it."""

from collections.abc import Mapping

__all__ = ["FramingError"]


class FramingError(ValueError):
    """Streams that are joined disagree on where their groups end.

    Parameters
    ----------
    message : :class:`str`
        What is wrong; ``{0}``, ``{1}``, … stand for the ports where some are given.
    *ports : :class:`str`
        Ports of the unit whose streams disagree, for which a graph then puts its own names.
    """

    def __init__(self, message: str, *ports: str):
        super().__init__(message.format(*ports) if ports else message)
        self.template, self.ports = message, ports

    def renamed(self, where: str, names: Mapping[str, str]) -> "FramingError":
        """The same error with streams called by other names, found at ``where``."""
        if not self.ports:
            return FramingError(f"{where}: {self}")
        ports = (names.get(port, port) for port in self.ports)
        return FramingError(f"{where}: {self.template.format(*ports)}")
