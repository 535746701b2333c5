"""Fixed-point shapes and values, with the names of Amaranth's RFC 41.

``amaranth.lib.fixed`` does not exist yet; this is the part of it that streaming attention needs.
Three things are stricter than in the RFC: widening is implicit and exact, narrowing is explicit
and rounds to nearest even unless told otherwise, and a range is only ever cut by ``saturate``.

Every operation on a :class:`Value` has a twin on raw numpy integers (:func:`round_raw`,
:func:`saturate_raw`), equal bit for bit; the models of operators are made of those.
"""

from sdpaflow.numerics.fixed.rounding import check_rounding, round_raw, saturate_raw
from sdpaflow.numerics.fixed.shape import SQ, UQ, Shape, parse
from sdpaflow.numerics.fixed.value import Value

__all__ = ["SQ", "UQ", "Shape", "Value", "check_rounding", "parse", "round_raw", "saturate_raw"]
