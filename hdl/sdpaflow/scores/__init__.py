"""What may be done to a score before any maximum: changed, or not kept.

A :class:`Modifier` says what operator it is for scores of a format, and what it means in float64.
Pipelines take a list of them: ``MemoryFree(config, score=[Softcap(50), Causal()])``.
"""

from sdpaflow.scores.additive import Alibi, Bias
from sdpaflow.scores.kept import Kept, Modified, Position
from sdpaflow.scores.masks import Causal, Keep, Window
from sdpaflow.scores.modifier import INDEX, Modifier
from sdpaflow.scores.softcap import Softcap

__all__ = [
    "INDEX",
    "Alibi",
    "Bias",
    "Causal",
    "Keep",
    "Kept",
    "Modified",
    "Modifier",
    "Position",
    "Softcap",
    "Window",
]
