"""The attention pipelines, by two choices: which maximum is subtracted, and when to divide.

====================  ==================  =========  ==========
pipeline              maximum             division   long FIFOs
====================  ==================  =========  ==========
``naive``             none                before V   1
``reordered``         none                after V    0
``scaled``            of the row          before V   2
``scaled-reordered``  of the row          after V    1
``memory-free``       running             after V    0
====================  ==================  =========  ==========
"""

from sdpaflow.pipelines.attention import Attention
from sdpaflow.pipelines.config import ROW_BITS, Config
from sdpaflow.pipelines.memory_free import MemoryFree
from sdpaflow.pipelines.naive import Naive
from sdpaflow.pipelines.reordered import Reordered
from sdpaflow.pipelines.scaled import Scaled
from sdpaflow.pipelines.scaled_reordered import ScaledReordered

__all__ = [
    "PIPELINES",
    "ROW_BITS",
    "Attention",
    "Config",
    "MemoryFree",
    "Naive",
    "Reordered",
    "Scaled",
    "ScaledReordered",
]

PIPELINES = {
    "naive": Naive,
    "reordered": Reordered,
    "scaled": Scaled,
    "scaled-reordered": ScaledReordered,
    "memory-free": MemoryFree,
}
