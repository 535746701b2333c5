"""Scaled dot-product attention as a dataflow of streaming units, in synthesizable Amaranth.

All that a pipeline of one's own takes can be imported from here::

    from sdpaflow import SQ, Dataflow, Sum, interpret
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sdpaflow.graph import (
        Dataflow,
        FramingError,
        Interpretation,
        Stream,
        interpret,
        interpret_all,
        longest,
        skew,
    )
    from sdpaflow.numerics import (
        SQ,
        UQ,
        Add,
        Carry,
        Chain,
        Divide,
        Dot,
        Exp2,
        Fold,
        Interleaved,
        Max,
        Maximum,
        Multiply,
        Narrow,
        Normalise,
        NotZero,
        Operator,
        Place,
        Placement,
        Places,
        RescaledSum,
        Rescaling,
        RunningMax,
        Serial,
        Share,
        Shift,
        Subtract,
        Sum,
        Weigh,
    )
    from sdpaflow.pipelines import (
        PIPELINES,
        Attention,
        Config,
        MemoryFree,
        Naive,
        Reordered,
        Scaled,
        ScaledReordered,
    )
    from sdpaflow.scores import Alibi, Bias, Causal, Keep, Modifier, Softcap, Window
    from sdpaflow.units import (
        Fifo,
        Fork,
        Map,
        MemReduce,
        Pair,
        Reduce,
        Repeat,
        Replay,
        Scan,
        TokenStream,
        Unit,
        check_stream,
        token,
        tokens,
    )

__all__ = [
    "PIPELINES",
    "SQ",
    "UQ",
    "Add",
    "Alibi",
    "Attention",
    "Bias",
    "Carry",
    "Causal",
    "Chain",
    "Config",
    "Dataflow",
    "Divide",
    "Dot",
    "Exp2",
    "Fifo",
    "Fold",
    "Fork",
    "FramingError",
    "Interleaved",
    "Interpretation",
    "Keep",
    "Map",
    "Max",
    "Maximum",
    "MemReduce",
    "MemoryFree",
    "Modifier",
    "Multiply",
    "Naive",
    "Narrow",
    "Normalise",
    "NotZero",
    "Operator",
    "Pair",
    "Place",
    "Placement",
    "Places",
    "Reduce",
    "Reordered",
    "Repeat",
    "Replay",
    "RescaledSum",
    "Rescaling",
    "RunningMax",
    "Scaled",
    "ScaledReordered",
    "Scan",
    "Serial",
    "Share",
    "Shift",
    "Softcap",
    "Stream",
    "Subtract",
    "Sum",
    "TokenStream",
    "Unit",
    "Weigh",
    "Window",
    "__version__",
    "check_stream",
    "interpret",
    "interpret_all",
    "longest",
    "skew",
    "token",
    "tokens",
]

# Amaranth and numpy take half a second to import, which a version or a help text need not wait for:
# names are looked up when they are first asked for, in the order from the ground up.
_PACKAGES = ("numerics", "scores", "units", "graph", "pipelines")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for package in _PACKAGES:
            module = importlib.import_module(f"sdpaflow.{package}")
            if name in module.__all__:
                value = getattr(module, name)
                globals()[name] = value
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
