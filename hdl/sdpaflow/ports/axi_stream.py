"""How a token is written on an AXI4-Stream: whole bytes, and marks where groups end."""

from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.hdl import Shape, ShapeLike
from amaranth.lib import data

__all__ = ["AxiStream", "Scalar", "scalars"]


@dataclass(frozen=True)
class Scalar:
    """A number, or a field of bits, within a token's data.

    Attributes
    ----------
    start, width : :class:`int`
        Its place in the data, in bits.
    signed : :class:`bool`
        Whether its padding repeats its sign; else its padding is 0.
    """

    start: int
    width: int
    signed: bool

    @property
    def octets(self) -> int:
        """Whole bytes that it takes."""
        return (self.width + 7) // 8


def scalars(shape: ShapeLike, start: int = 0) -> Iterator[Scalar]:
    """Every scalar of ``shape``, lowest first: elements of vectors, fields of structures.

    A layout whose fields may overlap, such as a union, is one scalar without a sign.
    """
    try:
        layout = data.Layout.cast(shape)
    except TypeError:  # a number: fixed-point, integer, or enumeration
        storage = Shape.cast(shape)
        if storage.width:
            yield Scalar(start, storage.width, storage.signed)
        return
    if isinstance(layout, (data.StructLayout, data.ArrayLayout)):
        for _, field in layout:
            yield from scalars(field.shape, start + field.offset)
    elif layout.size:
        yield Scalar(start, layout.size, False)


@dataclass(frozen=True)
class AxiStream:
    """One stream of an :class:`AxiStreams`: how its tokens are written as beats.

    A beat is one token: its scalars in whole bytes, the first one lowest. Where groups end is on
    ``tlast`` and ``tuser``, by the rank r of the stream.

    ======  ===================================================  =========================
    rank    ``tlast``                                            ``tuser``
    ======  ===================================================  =========================
    0       an input's is ignored, an output's is 1              none
    1       ``last[0]``                                          none
    ≥ 2     ``last[r - 1]``, which closes the outermost group    ``last[r - 2:0]``
    ======  ===================================================  =========================

    Where :attr:`beats` says how many tokens the innermost group has, they are counted in hardware.
    ``last[0]`` then needs no wire, and the table holds for the rank that is left. A ``tlast`` is
    still allowed only in the last beat of such a group.

    Attributes
    ----------
    name : :class:`str`
        Port of the dataflow.
    output : :class:`bool`
        Whether tokens leave by it.
    scalars : tuple of :class:`Scalar`
        What a token's data consists of, lowest first.
    width : :class:`int`
        Bits of a token's data.
    rank : :class:`int`
        Bits of ``last`` above the data.
    beats : :class:`int`
        Beats in each innermost group, where they are counted; 1 where they are not.
    """

    name: str
    output: bool
    scalars: tuple[Scalar, ...]
    width: int
    rank: int
    beats: int = 1

    @property
    def prefix(self) -> str:
        """What its ports begin with."""
        return f"{'m' if self.output else 's'}_axis_{self.name}"

    @property
    def octets(self) -> int:
        """Bytes of ``tdata``."""
        return sum(scalar.octets for scalar in self.scalars)

    @property
    def counted(self) -> int:
        """Innermost ``last`` bits that are counted instead of transmitted: 0 or 1."""
        return int(self.beats > 1)

    @property
    def user(self) -> int:
        """Bits of ``tuser``; 0 where there is none."""
        return max(self.rank - self.counted - 1, 0)

    def places(self) -> Iterator[tuple[Scalar, int]]:
        """Each scalar, and the bit of ``tdata`` that it starts at."""
        start = 0
        for scalar in self.scalars:
            yield scalar, start
            start += 8 * scalar.octets

    def pack(self, token: int) -> tuple[int, int, int]:
        """``tdata``, ``tlast`` and ``tuser`` of a token.

        Parameters
        ----------
        token : :class:`int`
            Bits of the stream's payload: the data, and ``last`` above it.

        Returns
        -------
        tdata, tlast, tuser : :class:`int`
            The padding is as an output has it. An input of rank 0 gets ``tlast`` = 0; ``tuser`` is
            0 where there is none.

        Examples
        --------
        Two numbers of 12 bits, the last of their group:

        >>> numbers = Scalar(0, 12, signed=True), Scalar(12, 12, signed=True)
        >>> stream = AxiStream("k", False, numbers, width=24, rank=1)
        >>> tdata, tlast, tuser = stream.pack(1 << 24 | 0x801_7FF)
        >>> f"{tdata:08x} {tlast} {tuser}"
        'f80107ff 1 0'
        """
        tdata = 0
        for scalar, start in self.places():
            bits = token >> scalar.start & (1 << scalar.width) - 1
            if scalar.signed and bits >> scalar.width - 1:
                bits |= (1 << 8 * scalar.octets) - (1 << scalar.width)
            tdata |= bits << start
        last = token >> self.width
        tlast = last >> self.rank - 1 & 1 if self.rank else int(self.output)
        return tdata, tlast, last >> self.counted & (1 << self.user) - 1
