"""Raw values: numpy integers laid out as the shapes of hardware, and the way to and from bits.

========================  ===============================================
shape                     raw value of n tokens
========================  ===============================================
``fixed.Shape``           int64 array ``(n,)``
``unsigned``, ``signed``  int64 array ``(n,)``
``data.ArrayLayout``      array with one more axis, ``(n, length)``
``data.StructLayout``     dict of raw values, by field
========================  ===============================================

No number may be wider than 62 bits, so that sums of two never overflow int64.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data
from numpy.typing import ArrayLike

from sdpaflow.numerics import fixed
from sdpaflow.numerics.aliases import Raw, ShapeLike

__all__ = [
    "MAX_BITS",
    "Raw",
    "any_lane",
    "count",
    "equal",
    "pack",
    "pack_words",
    "put",
    "quantise",
    "take",
    "to_float",
    "unpack",
    "width",
    "zeros",
]

MAX_BITS = 62

CHUNK = 1 << 18
"""Bits that are spread out, a byte or more for each, at once."""


def width(shape: ShapeLike) -> int:
    """Bits of a token of ``shape``."""
    return Shape.cast(shape).width


def take(raw: Any, index: Any) -> Any:
    """The tokens at ``index``."""
    if isinstance(raw, dict):
        return {name: take(field, index) for name, field in raw.items()}
    return raw[index]


def put(raw: Raw, index: np.ndarray, values: Any) -> None:
    """Overwrite the tokens at ``index``."""
    if isinstance(raw, dict):
        for name, field in raw.items():
            put(field, index, values[name])
    else:
        raw[index] = values


def zeros(shape: ShapeLike, n: int) -> Any:
    """``n`` tokens of zero bits."""
    if isinstance(shape, data.StructLayout):
        return {name: zeros(field, n) for name, field in shape.members.items()}
    if isinstance(shape, data.ArrayLayout):
        each = zeros(shape.elem_shape, n * shape.length)
        return each.reshape(n, shape.length, *each.shape[1:])
    return np.zeros(n, dtype=np.int64)


def count(raw: Raw) -> int:
    """How many tokens."""
    return count(next(iter(raw.values()))) if isinstance(raw, dict) else len(raw)


def equal(a: Any, b: Any) -> np.ndarray:
    """Per token, whether all bits agree."""
    if isinstance(a, dict):
        return np.all([equal(a[name], b[name]) for name in a], axis=0)
    return ~any_lane(a != b)


def any_lane(flags: np.ndarray) -> np.ndarray:
    """Per token, whether the flag of any lane is up."""
    return np.asarray(flags.any(axis=tuple(range(1, flags.ndim))))


def quantise(values: ArrayLike, shape: fixed.Shape) -> tuple[np.ndarray, int]:
    """Nearest raw integers to floats (ties to even), clamped; also how many were clamped."""
    with np.errstate(over="ignore"):  # what becomes infinite is clamped, and counted
        scaled = np.rint(np.ldexp(np.asarray(values, dtype=np.float64), shape.f_bits))
    clamped = np.clip(scaled, shape.raw_min, shape.raw_max)
    return clamped.astype(np.int64), int(np.count_nonzero(clamped != scaled))


def to_float(raw: ArrayLike, shape: fixed.Shape) -> np.ndarray:
    """Exact float64 values of raw integers of at most 53 bits."""
    return np.ldexp(np.asarray(raw, dtype=np.float64), -shape.f_bits)


def _bits(shape: ShapeLike, raw: Any) -> np.ndarray:
    """Bits of each token, ``(n, width)``, least significant first."""
    if isinstance(shape, data.StructLayout):
        parts = [_bits(field, raw[name]) for name, field in shape.members.items()]
        return np.concatenate(parts, axis=1)
    if isinstance(shape, data.ArrayLayout):
        each = np.asarray(raw, dtype=np.int64)
        each = each.reshape(len(raw) * shape.length, *each.shape[2:])
        return _bits(shape.elem_shape, each).reshape(len(raw), width(shape))
    places = np.arange(width(shape))
    return ((np.asarray(raw, dtype=np.int64)[:, None] >> places) & 1).astype(np.uint8)


def _numbers(shape: ShapeLike, bits: np.ndarray) -> Any:
    if isinstance(shape, data.StructLayout):
        fields, start = {}, 0
        for name, field in shape.members.items():
            fields[name] = _numbers(field, bits[:, start : start + width(field)])
            start += width(field)
        return fields
    if isinstance(shape, data.ArrayLayout):
        each = bits.reshape(len(bits) * shape.length, width(shape.elem_shape))
        numbers = _numbers(shape.elem_shape, each)
        return numbers.reshape(len(bits), shape.length, *numbers.shape[1:])
    storage = Shape.cast(shape)
    weights = np.int64(1) << np.arange(storage.width)
    if storage.signed:
        weights[-1] = -weights[-1]
    return bits.astype(np.int64) @ weights


def pack(shape: ShapeLike, raw: Raw) -> list[int]:
    """Python integers holding each token's bits."""
    words = pack_words(shape, raw)
    octets, size = words.tobytes(), 4 * words.shape[1]
    return [int.from_bytes(octets[at : at + size], "little") for at in range(0, len(octets), size)]


def pack_words(shape: ShapeLike, raw: Raw) -> np.ndarray:
    """Each token's bits in words of 32, ``(n, words)`` of uint32, the lowest first."""
    n, bits = count(raw), width(shape)
    octets = np.zeros((n, 4 * -(-bits // 32)), dtype=np.uint8)
    step = max(1, CHUNK // max(bits, 1))
    for start in range(0, n, step):
        part = slice(start, start + step)
        packed = np.packbits(_bits(shape, take(raw, part)), axis=1, bitorder="little")
        octets[part, : packed.shape[1]] = packed
    return octets.view("<u4")


def unpack(shape: ShapeLike, tokens: Sequence[int]) -> Any:
    """Raw value from tokens' bits."""
    size = (width(shape) + 7) // 8
    octets = b"".join(token.to_bytes(size, "little") for token in tokens)
    table = np.frombuffer(octets, dtype=np.uint8).reshape(len(tokens), size)
    bits = np.unpackbits(table, axis=1, bitorder="little", count=width(shape))
    return _numbers(shape, bits)
