"""Elementwise operators: add, subtract, multiply, maximum, shift and narrow.

Each is constructed from the shapes of its arguments, numbers or vectors (``data.ArrayLayout`` of
numbers), and takes one stage, a product two; a number meets every lane of a vector. All but
:class:`Narrow` and :class:`Shift` are exact: the result is as wide as it has to be.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Mux
from amaranth.lib import data

from sdpaflow.numerics import fixed
from sdpaflow.numerics.aliases import Clamped, ShapeLike, Stage
from sdpaflow.numerics.operator import Operator
from sdpaflow.numerics.raw import any_lane

__all__ = [
    "Add",
    "Maximum",
    "Multiply",
    "Narrow",
    "Shift",
    "Subtract",
    "element_of",
    "join",
    "split",
]


def element_of(shape: ShapeLike) -> Any:
    """Shape of a vector's elements, or of the number itself."""
    return shape.elem_shape if isinstance(shape, data.ArrayLayout) else shape


def vector_like(shapes: Iterable[ShapeLike], element: ShapeLike) -> Any:
    """The vector of ``element`` that has as many lanes as the vectors among ``shapes``."""
    lengths = {shape.length for shape in shapes if isinstance(shape, data.ArrayLayout)}
    if len(lengths) > 1:
        raise ValueError(f"Vectors must be equally long, not {' and '.join(map(str, lengths))}")
    return data.ArrayLayout(element, lengths.pop()) if lengths else element


def split(value: Any, lanes: int) -> list[Any]:
    """A vector's elements as a list; a number repeated."""
    return list(value) if isinstance(value, data.View) else [value] * lanes


def join(shape: Any, values: Iterable[Any]) -> Any:
    """A vector, or a number, over its elements' bits."""
    return shape(Cat(value.as_value() for value in values))


def example(shape: Any) -> Any:
    """A constant value of ``shape``, to ask what shape an expression has."""
    return shape(Const(0, shape.as_shape()))


class _Elementwise(Operator):
    """One stage that applies a function to each lane."""

    def __init__(self, *inputs: Any) -> None:
        self.inputs = inputs
        elements = [element_of(shape) for shape in inputs]
        result = self.lane(*map(example, elements))
        self.shape = vector_like(inputs, result.shape())
        self.lanes = self.shape.length if isinstance(self.shape, data.ArrayLayout) else 1

    lane: Callable[..., Any]

    def stages(self) -> list[Stage]:
        def stage(*values: Any) -> tuple[Any, ...]:
            lanes = zip(*(split(value, self.lanes) for value in values), strict=True)
            return (join(self.shape, [self.lane(*lane) for lane in lanes]),)

        return [stage]

    def aligned(
        self, raws: Sequence[np.ndarray], f_bits: int | None = None
    ) -> Iterator[np.ndarray]:
        """Raw arguments with a common binary point, numbers ready to meet vectors."""
        vector = isinstance(self.shape, data.ArrayLayout)
        for shape, raw in zip(self.inputs, raws, strict=True):
            extra = 0 if f_bits is None else f_bits - element_of(shape).f_bits
            column = vector and not isinstance(shape, data.ArrayLayout)
            yield (raw[:, None] if column else raw) << extra


class Add(_Elementwise):
    """``a + b``, exact."""

    lane = staticmethod(operator.add)

    def evaluate(self, *raw: np.ndarray) -> tuple[np.ndarray, Clamped]:
        a, b = self.aligned(raw, element_of(self.shape).f_bits)
        return a + b, None


class Subtract(_Elementwise):
    """``a − b``, exact."""

    lane = staticmethod(operator.sub)

    def evaluate(self, *raw: np.ndarray) -> tuple[np.ndarray, Clamped]:
        a, b = self.aligned(raw, element_of(self.shape).f_bits)
        return a - b, None


class Multiply(_Elementwise):
    """``a · b``, exact; a vector by a number scales every lane.

    Two stages, whose registers are those of a DSP block, before the product and behind it.
    """

    takes = True
    lane = staticmethod(operator.mul)

    def stages(self) -> list[Stage]:
        return [lambda *values: values, *super().stages()]

    def evaluate(self, *raw: np.ndarray) -> tuple[np.ndarray, Clamped]:
        a, b = self.aligned(raw)
        return a * b, None


class Maximum(_Elementwise):
    """The greater of ``a`` and ``b``, of the same format."""

    @staticmethod
    def lane(a: fixed.Value, b: fixed.Value) -> fixed.Value:
        if a.shape() != b.shape():
            raise TypeError(f"Formats must agree, not {a.shape()!r} and {b.shape()!r}")
        return a.shape()(Mux(a > b, a.as_value(), b.as_value()))

    def evaluate(self, *raw: np.ndarray) -> tuple[np.ndarray, Clamped]:
        a, b = self.aligned(raw)
        return np.maximum(a, b), None


class Shift(_Elementwise):
    """``a · 2**-n`` in the format of ``a``, rounded down; ``n`` is an unsigned integer."""

    @staticmethod
    def lane(a: fixed.Value, n: fixed.Value) -> fixed.Value:
        return a.shape()((a.numerator() >> n.as_value())[: a.shape().width])

    def evaluate(self, *raw: np.ndarray) -> tuple[np.ndarray, Clamped]:
        a, n = self.aligned(raw)
        return a >> np.minimum(n, 63), None


class Narrow(Operator):
    """Round to fewer fraction bits, then saturate.

    The explicit narrowing, and the only one. A vector counts as clamped when any lane is. Rounding
    to nearest takes two stages, to look at what is dropped and to add; clamping takes one.

    Parameters
    ----------
    source : :class:`fixed.Shape` or :class:`data.ArrayLayout`
        What arrives.
    element : :class:`fixed.Shape`
        Format of the result, or of its lanes.
    rounding : :class:`str`
        ``"even"`` or ``"floor"``.
    """

    saturates = True

    def __init__(self, source: ShapeLike, element: fixed.Shape, rounding: str = "even") -> None:
        self.inputs = (source,)
        self.shape = vector_like([source], element)
        self.element = element
        self.rounding = fixed.check_rounding(rounding)

    def stages(self) -> list[Stage]:
        f_bits = self.element.f_bits
        drop = element_of(self.inputs[0]).f_bits - f_bits

        def look(value: Any) -> tuple[Any, ...]:
            lanes = split(value, 1)
            up = [lane.rounds_up(f_bits) for lane in lanes]
            return (*(lane.reshape(f_bits, "floor") for lane in lanes), Cat(up))

        def add(*lanes_up: Any) -> tuple[Any, ...]:
            *lanes, up = lanes_up
            return tuple(a + fixed.Value.cast(b, f_bits) for a, b in zip(lanes, up, strict=True))

        def clamp(*lanes: fixed.Value) -> tuple[Any, ...]:
            flag = Cat(lane.overflows(self.element) for lane in lanes).any()
            return join(self.shape, [lane.saturate(self.element) for lane in lanes]), flag

        def at_once(value: Any) -> tuple[Any, ...]:
            return clamp(*(lane.reshape(f_bits, "floor") for lane in split(value, 1)))

        return [look, add, clamp] if drop > 0 and self.rounding == "even" else [at_once]

    def evaluate(  # type: ignore[override]
        self, value: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        drop = element_of(self.inputs[0]).f_bits - self.element.f_bits
        rounded = fixed.round_raw(value, drop, self.rounding)
        narrowed, clamped = fixed.saturate_raw(rounded, self.element)
        return narrowed, any_lane(clamped)
