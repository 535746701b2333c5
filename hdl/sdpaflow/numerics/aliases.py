"""Names for the kinds of things that operators take and give, for type checkers and readers."""

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeAlias, Union

import numpy as np
from amaranth.hdl import Shape, ShapeCastable, Value, ValueCastable

__all__ = ["Clamped", "Raw", "ShapeLike", "Stage", "ValueLike"]

ShapeLike: TypeAlias = Shape | ShapeCastable | int | range | type[Enum]
"""What Amaranth casts to a shape. Layouts and fixed-point formats are ``ShapeCastable``."""

ValueLike: TypeAlias = Value | ValueCastable | int | Enum
"""What Amaranth casts to a value. Views of layouts and fixed-point numbers are ``ValueCastable``.

(Amaranth's own ``ShapeLike`` and ``ValueLike`` answer ``isinstance`` only: for a type checker they
have no subclasses.)"""

Raw: TypeAlias = Union[np.ndarray, dict[str, "Raw"]]  # noqa: UP007 (a name in quotes)
"""Raw values of n tokens: an integer array, or a dict of raw values by field of a structure."""

Clamped: TypeAlias = np.ndarray | None
"""Which tokens were clamped, n bools; None where none can be."""

Stage: TypeAlias = Callable[..., tuple[Any, ...]]
"""A stage of an operator, from Amaranth values to Amaranth values."""
