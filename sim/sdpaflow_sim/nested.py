"""Nested lists and the raw values that they stand for; :mod:`sdpaflow_sim.streams` is the front."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data
from sdpaflow.numerics import fixed, raw

__all__ = [
    "bounds",
    "check_shape",
    "depth_of",
    "flatten",
    "lanes_of",
    "path_of",
    "raw_of",
    "values",
]

NUMBERS = (int, float, np.integer, np.floating)

Place = Callable[[int], str]
"""How messages call a token, or an element of it, by its number."""


def is_list(thing: Any) -> bool:
    """Whether it counts as a list: an array does, a text does not."""
    return isinstance(thing, (list, tuple, range)) or (
        isinstance(thing, np.ndarray) and thing.ndim > 0
    )


def bounds(shape: Any) -> tuple[int, int]:
    """The least and the greatest raw integer of a number of a shape."""
    storage = Shape.cast(shape)
    low = -(1 << storage.width >> 1) if storage.signed else 0
    return low, low + (1 << storage.width) - 1


def check_shape(shape: Any, vector: bool = False) -> None:
    """Refuse what is no shape, or one without raw values."""
    if isinstance(shape, data.StructLayout):
        if vector:
            raise TypeError(f"A token must not be a vector of structures, such as {shape!r}")
        for member in shape.members.values():
            check_shape(member)
    elif isinstance(shape, data.ArrayLayout):
        check_shape(shape.elem_shape, True)
    else:
        try:
            Shape.cast(shape)
        except TypeError:
            raise TypeError(f"Shape must be shape-like, not {shape!r}") from None


def depth_of(groups: Any) -> int:
    """How deep lists are nested, by the first member of each."""
    depth = 0
    while is_list(groups):
        depth += 1
        groups = groups[0] if len(groups) else None
    return depth


def lanes_of(shape: Any) -> int:
    """How many lists deep a token is."""
    return 1 + lanes_of(shape.elem_shape) if isinstance(shape, data.ArrayLayout) else 0


def flatten(groups: Any, rank: int, label: str) -> tuple[Sequence[Any], Any]:
    """Tokens in order, and for each which groups it ends, the innermost first."""
    if not is_list(groups):
        members = "groups" if rank else "tokens"
        raise TypeError(f"{label} must be a list of {members}, not {_said(groups)}")
    if rank == 0:
        return groups, [[]] * len(groups)
    tokens: list[Any] = []
    marks: list[list[bool]] = []
    for number, group in enumerate(groups):
        name = f"{label}[{number}]"
        inner, ends = flatten(group, rank - 1, name)
        if not len(inner):
            raise ValueError(f"{name} is empty, but a group has at least one token")
        tokens.extend(inner)
        marks += [[*mark, False] for mark in ends[:-1]]
        marks.append([True] * rank)
    return tokens, marks


def path_of(last: np.ndarray, n: int) -> str:
    """Where a token is in the nested lists: ``[1][0]``."""
    path, start = "", 0
    for level in reversed(range(last.shape[1])):
        ends = np.flatnonzero(last[start:n, level])
        path += f"[{len(ends)}]"
        start += int(ends[-1]) + 1 if len(ends) else 0
    return f"{path}[{n - start}]"


def raw_of(shape: Any, tokens: Sequence[Any], place: Place) -> tuple[Any, int]:
    """Raw value of some tokens, and how many of their numbers were clamped.

    Raises
    ------
    TypeError, ValueError
        A token is not of the shape; ``place`` gives its name.
    """
    if isinstance(shape, data.StructLayout):
        return _fields(shape, tokens, place)
    if isinstance(shape, data.ArrayLayout):
        return _elements(shape, tokens, place)
    for kind in set(map(type, tokens)):  # a few, however many tokens there are
        if not issubclass(kind, NUMBERS) or issubclass(kind, (bool, np.timedelta64)):
            index = next(i for i, token in enumerate(tokens) if type(token) is kind)
            given = _said(tokens[index])
            raise TypeError(f"{place(index)} must be a number for {shape!r}, not {given}")
    if isinstance(shape, fixed.Shape):
        return _quantised(shape, tokens, place)
    return _integers(shape, tokens, place)


def _fields(shape: data.StructLayout, tokens: Sequence[Any], place: Place) -> tuple[Any, int]:
    names = ", ".join(shape.members)
    for index, token in enumerate(tokens):
        if not isinstance(token, Mapping):
            raise TypeError(f"{place(index)} must be a dict of {names}, not {_said(token)}")
        if token.keys() != shape.members.keys():
            given = ", ".join(map(str, token)) or "nothing"
            raise ValueError(f"{place(index)} must be a dict of {names}, not of {given}")
    bits, clamped = {}, 0
    for name, member in shape.members.items():
        values = [token[name] for token in tokens]
        bits[name], count = raw_of(member, values, partial(_field_of, place, name))
        clamped += count
    return bits, clamped


def _field_of(place: Place, name: str, index: int) -> str:
    """Where a field of a token is."""
    return f"{place(index)}[{name!r}]"


def _elements(shape: data.ArrayLayout, tokens: Sequence[Any], place: Place) -> tuple[Any, int]:
    length = shape.length
    for index, token in enumerate(tokens):
        if not is_list(token):
            raise TypeError(f"{place(index)} must be a list of {length}, not {_said(token)}")
        if len(token) != length:
            raise ValueError(f"{place(index)} must have {length} elements, not {len(token)}")
    flat = [element for token in tokens for element in token]
    bits, clamped = raw_of(shape.elem_shape, flat, lambda n: f"{place(n // length)}[{n % length}]")
    return bits.reshape(len(tokens), length, *bits.shape[1:]), clamped


def _quantised(shape: fixed.Shape, tokens: Sequence[Any], place: Place) -> tuple[Any, int]:
    low, high = bounds(shape)
    # No integer is too large for a float: beyond the range by one is as good as beyond by any.
    least, most = int(shape.min()) - 1, int(shape.max()) + 1
    numbers = [min(max(x, least), most) if isinstance(x, int) else x for x in tokens]
    with np.errstate(over="ignore"):  # a longdouble beyond is refused below, as infinite
        values = np.array(numbers, dtype=np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        index = int(np.argmin(finite))
        raise ValueError(f"{place(index)} must be finite, not {tokens[index]}")
    scaled = np.rint(np.ldexp(np.clip(values, least, most), shape.f_bits))
    # Of a wide format, the greatest integer is no float, but the one above it is.
    clamped = (scaled < low) | (scaled >= high + 1)
    return np.minimum(np.clip(scaled, low, high).astype(np.int64), high), int(clamped.sum())


def _integers(shape: Any, tokens: Sequence[Any], place: Place) -> tuple[Any, int]:
    for index, token in enumerate(tokens):
        if not isinstance(token, (int, np.integer)):
            raise TypeError(f"{place(index)} must be an integer for {shape!r}, not {token}")
    low, high = bounds(shape)
    inside = [min(max(int(token), low), high) for token in tokens]
    clamped = sum(int(token) != kept for token, kept in zip(tokens, inside, strict=True))
    return np.array(inside, dtype=np.int64), clamped


def _said(thing: Any) -> str:
    """What was given, in a message."""
    if is_list(thing):
        return "a list"
    if isinstance(thing, Mapping):
        return "a dict"
    return repr(thing.item() if isinstance(thing, np.generic) else thing)


def values(shape: Any, bits: Any) -> list[Any]:
    """Tokens as they are written in nested lists."""
    if isinstance(shape, data.StructLayout):
        fields = {name: values(member, bits[name]) for name, member in shape.members.items()}
        return [
            dict(zip(fields, token, strict=True)) for token in zip(*fields.values(), strict=True)
        ]
    while isinstance(shape, data.ArrayLayout):
        shape = shape.elem_shape
    return (raw.to_float(bits, shape) if isinstance(shape, fixed.Shape) else bits).tolist()
