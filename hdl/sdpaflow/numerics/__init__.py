"""Number formats and operators, each with its bit-exact numpy model."""

from sdpaflow.numerics.arithmetic import Add, Maximum, Multiply, Narrow, Shift, Subtract
from sdpaflow.numerics.divide import Divide
from sdpaflow.numerics.dot import Dot
from sdpaflow.numerics.exp2 import Exp2
from sdpaflow.numerics.fixed import SQ, UQ
from sdpaflow.numerics.folds import Max, RunningMax, Sum
from sdpaflow.numerics.operator import Carry, Fold, Interleaved, Operator, Serial
from sdpaflow.numerics.rescale import RescaledSum, Rescaling

__all__ = [
    "SQ",
    "UQ",
    "Add",
    "Carry",
    "Divide",
    "Dot",
    "Exp2",
    "Fold",
    "Interleaved",
    "Max",
    "Maximum",
    "Multiply",
    "Narrow",
    "Operator",
    "RescaledSum",
    "Rescaling",
    "RunningMax",
    "Serial",
    "Shift",
    "Subtract",
    "Sum",
]
