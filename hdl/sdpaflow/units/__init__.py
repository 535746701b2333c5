"""Abstract streaming units, composed into pipelines by ready/valid streams."""

from sdpaflow.units.fifo import Fifo
from sdpaflow.units.fork import Fork
from sdpaflow.units.map import Map
from sdpaflow.units.mem_reduce import MemReduce
from sdpaflow.units.reduce import Reduce
from sdpaflow.units.repeat import Repeat
from sdpaflow.units.replay import Replay
from sdpaflow.units.scan import Scan
from sdpaflow.units.unit import Pair, Unit, token, tokens

__all__ = [
    "Fifo",
    "Fork",
    "Map",
    "MemReduce",
    "Pair",
    "Reduce",
    "Repeat",
    "Replay",
    "Scan",
    "Unit",
    "token",
    "tokens",
]
