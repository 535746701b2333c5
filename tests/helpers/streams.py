"""Streams as nested lists, the plainest there is: what units do is then a comprehension.

A stream of rank r is a list of groups of rank r − 1; a stream of rank 0 is a list of tokens. So
``[[1, 2], [3]]`` is a stream of rank 1 with two groups, and nothing needs a ``last`` bit until the
nested lists become the tokens of a port.
"""

from amaranth.hdl import Shape
from amaranth.lib import data

__all__ = ["deep", "encode", "nested", "rectangles", "tokens"]


def deep(levels, fn, *streams):
    """``fn`` of what is ``levels`` lists down, the lists around it kept."""
    if levels == 0:
        return fn(*streams)
    return [deep(levels - 1, fn, *members) for members in zip(*streams, strict=True)]


def encode(shape, datum):
    """Bits of a number, of a list of a vector's elements, or of a tuple of a structure's fields."""
    if isinstance(shape, data.StructLayout):
        fields = list(shape.members.values())
    elif isinstance(shape, data.ArrayLayout):
        fields = [shape.elem_shape] * shape.length
    else:
        return datum & ((1 << Shape.cast(shape).width) - 1)
    bits, start = 0, 0
    for field, part in zip(fields, datum, strict=True):
        bits |= encode(field, part) << start
        start += Shape.cast(field).width
    return bits


def tokens(shape, rank, stream):
    """Bits of a stream's tokens: the data, and above them ``last``."""
    if rank == 0:
        return [encode(shape, datum) for datum in stream]
    flat = []
    for group in stream:
        flat += tokens(shape, rank - 1, group)
        flat[-1] |= 1 << (Shape.cast(shape).width + rank - 1)
    return flat


def nested(rng, rank, groups, draw):
    """A stream of that many outermost groups, of 1 to 4 members each; ``draw()`` gives a token."""
    if rank == 0:
        return [draw() for _ in range(groups)]
    return [nested(rng, rank - 1, rng.randint(1, 4), draw) for _ in range(groups)]


def rectangles(rng, rank, groups, size, draw):
    """As :func:`nested`, but groups of the same group of groups are equally long: 1 to ``size``."""
    if rank == 2:
        return [
            [[draw() for _ in range(length)] for _ in range(rng.randint(1, 4))]
            for length in [rng.randint(1, size) for _ in range(groups)]
        ]
    return [rectangles(rng, rank - 1, rng.randint(1, 2), size, draw) for _ in range(groups)]
