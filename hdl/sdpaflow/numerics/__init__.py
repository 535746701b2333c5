"""Number formats and operators, each with its bit-exact numpy model."""

from sdpaflow.numerics.arithmetic import Add, Maximum, Multiply, Narrow, Shift, Subtract
from sdpaflow.numerics.divide import Divide
from sdpaflow.numerics.dot import Dot
from sdpaflow.numerics.exp2 import Exp2
from sdpaflow.numerics.fixed import SQ, UQ
from sdpaflow.numerics.folds import Max, RunningMax, Sum
from sdpaflow.numerics.operator import Carry, Chain, Fold, Interleaved, Operator, Serial
from sdpaflow.numerics.placing import Place, Placement, Places, Weigh
from sdpaflow.numerics.rescale import RescaledSum
from sdpaflow.numerics.rescaling import Rescaling
from sdpaflow.numerics.share import Normalise, NotZero, Share

__all__ = [
    "SQ",
    "UQ",
    "Add",
    "Carry",
    "Chain",
    "Divide",
    "Dot",
    "Exp2",
    "Fold",
    "Interleaved",
    "Max",
    "Maximum",
    "Multiply",
    "Narrow",
    "Normalise",
    "NotZero",
    "Operator",
    "Place",
    "Placement",
    "Places",
    "RescaledSum",
    "Rescaling",
    "RunningMax",
    "Serial",
    "Share",
    "Shift",
    "Subtract",
    "Sum",
    "Weigh",
]
