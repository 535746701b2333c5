"""What units refuse: functions that are not whole, and streams that are not fit for a port."""

from typing import Any

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data

from sdpaflow.numerics.operator import Fold, Interleaved, Operator, Serial
from sdpaflow.units.streams import Raw, ShapeLike, Stream

__all__ = ["check_fold", "check_operator", "check_size", "check_stream"]

CHUNK = 1 << 15
"""Numbers whose range is checked at once: so many that they stay in the cache for both ends."""


def check_size(size: int) -> int:
    """A memory's size in words, or an error."""
    if not isinstance(size, int):
        raise TypeError(f"Memory size must be an int, not {size!r}")
    if size < 1:
        raise ValueError(f"Memory size must be at least 1 word, not {size}")
    return size


def check_operator(fn: Any, kind: str) -> Operator:
    """A whole :class:`Operator` for a unit of that kind, or an error."""
    if not isinstance(fn, Operator):
        raise TypeError(f"Function of a {kind} must be an Operator, not {fn!r}")
    name = type(fn).__name__
    if not fn.inputs:
        raise TypeError(f"Operator {name} has no arguments: set inputs to a tuple of their shapes")
    if fn.shape is None:
        raise TypeError(f"Operator {name} has no shape: set shape to that of its result")
    if type(fn).stages is Operator.stages and not isinstance(fn, Serial):
        raise TypeError(f"Operator {name} has no hardware: write stages()")
    return fn


def check_fold(fn: Any, kind: str, *, interleaved: bool = True) -> Fold:
    """A whole :class:`Fold` for a unit of that kind, or an error."""
    if not isinstance(fn, Fold) or (isinstance(fn, Interleaved) and not interleaved):
        wanted = "a Fold" if interleaved else "a Fold of one cycle"
        raise TypeError(f"Function of a {kind} must be {wanted}, not {fn!r}")
    name = type(fn).__name__
    if fn.token is None:
        raise TypeError(f"Fold {name} has no tokens: set token to the shape of what is folded")
    if fn.state is None:
        raise TypeError(f"Fold {name} has no state: set state to the shape of what is kept")
    if not isinstance(fn, Interleaved) and type(fn).step is Fold.step:
        raise TypeError(f"Fold {name} has no hardware: write step(first, state, token)")
    return fn


def check_stream(port: str, stream: Any, shape: ShapeLike, rank: int) -> Stream:
    """A stream that fits a port, with its integers as int64; or an error that names the port.

    Parameters
    ----------
    port : :class:`str`
        Its name, for messages.
    stream : :class:`Stream`
        Data may be nested lists too, or arrays of any integers.
    shape : :ref:`shape-like <lang-shapelike>`
        Shape of the port's data.
    rank : :class:`int`
        Its rank.

    Raises
    ------
    TypeError
        It is no Stream, or holds anything but integers and bits ``last``.
    ValueError
        Its rank, its layout or a number does not fit; a group is not closed, or one closes around a
        group that goes on.
    """
    if not isinstance(stream, Stream):
        raise TypeError(f"{port} must be a Stream, not {stream!r}")
    last = np.asarray(stream.last)
    if last.dtype != bool or last.ndim != 2:
        raise TypeError(
            f"last of {port} must be an array of bools, tokens × rank, not of {last.dtype} "
            f"{last.shape}"
        )
    if last.shape[1] != rank:
        raise ValueError(f"{port} must be of rank {rank}, not {last.shape[1]}")
    checked = Stream(_fitting(port, stream.data, shape, len(last)), last)
    _check_groups(port, last)
    return checked


def _check_groups(port: str, last: np.ndarray) -> None:
    outer = last[:, 1:] & ~last[:, :-1]
    if outer.any():
        token, level = np.argwhere(outer)[0].tolist()
        raise ValueError(
            f"Token {token} of {port} has last[{level + 1}] but not last[{level}]: what closes a "
            "group of groups closes the group within"
        )
    if len(last) and not last[-1].all():
        level = int(np.argmin(last[-1]))
        raise ValueError(
            f"{port} ends within a group: its last token, {len(last) - 1}, must have last[{level}]"
        )


def _fitting(name: str, given: Raw, shape: ShapeLike, n: int, lanes: tuple[int, ...] = ()) -> Raw:
    """Raw values of ``n`` tokens, checked against a shape; ``lanes`` are the vectors around it."""
    if isinstance(shape, data.StructLayout):
        fields = shape.members
        if not isinstance(given, dict) or given.keys() != fields.keys():
            found = ", ".join(map(str, given)) if isinstance(given, dict) else type(given).__name__
            raise ValueError(f"{name} must be a dict of {', '.join(fields)}, not of {found}")
        return {
            field: _fitting(f"{name}.{field}", given[field], fields[field], n, lanes)
            for field in fields
        }
    if isinstance(shape, data.ArrayLayout):
        return _fitting(name, given, shape.elem_shape, n, (*lanes, shape.length))
    numbers = np.asarray(given)
    wanted = (n, *lanes)
    if not numbers.size and numbers.shape == wanted:
        return numbers.astype(np.int64)  # of nothing, an empty list has no kind
    if numbers.dtype.kind == "f":
        raise TypeError(
            f"{name} must hold raw integers, not floats: quantise them, as stream_of does"
        )
    if numbers.dtype.kind not in "iub":
        raise TypeError(f"{name} must hold raw integers, not {numbers.dtype}")
    if numbers.shape != wanted:
        raise ValueError(
            f"{name} must be an array of {_times(wanted)}, tokens × lanes, for as many bits last, "
            f"not of {_times(numbers.shape)}"
            if lanes
            else f"{name} must be an array of {n} numbers for as many bits last, not of "
            f"{_times(numbers.shape)}"
        )
    _check_range(name, numbers, shape)
    return numbers.astype(np.int64, copy=False)


def _check_range(name: str, numbers: np.ndarray, shape: ShapeLike) -> None:
    storage = Shape.cast(shape)
    least = -(1 << storage.width >> 1) if storage.signed else 0
    most = (1 << storage.width - storage.signed) - 1
    flat = numbers.reshape(-1)
    parts = [flat[at : at + CHUNK] for at in range(0, len(flat), CHUNK)]
    if all(int(part.min()) >= least and int(part.max()) <= most for part in parts):
        return
    low, high = (numbers < least), (numbers > most)
    token, *lane = np.argwhere(low | high)[0].tolist()
    place = f"Token {token} of {name}" + "".join(f", lane {at}," for at in lane)
    raise ValueError(
        f"{place} is {numbers[token, *lane]}, but raw values of {shape!r} are {least} to {most}"
    )


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "one number"
