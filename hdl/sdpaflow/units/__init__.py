"""Abstract streaming units, composed into pipelines by ready/valid streams."""

from sdpaflow.units.checks import check_stream
from sdpaflow.units.fifo import Fifo
from sdpaflow.units.fork import Fork
from sdpaflow.units.map import Map
from sdpaflow.units.mem_reduce import MemReduce
from sdpaflow.units.reduce import Reduce
from sdpaflow.units.repeat import Repeat
from sdpaflow.units.replay import Replay
from sdpaflow.units.scan import Scan
from sdpaflow.units.streams import FramingError, Stream
from sdpaflow.units.unit import Pair, TokenStream, Unit, token, tokens

__all__ = [
    "Fifo",
    "Fork",
    "FramingError",
    "Map",
    "MemReduce",
    "Pair",
    "Reduce",
    "Repeat",
    "Replay",
    "Scan",
    "Stream",
    "TokenStream",
    "Unit",
    "check_stream",
    "token",
    "tokens",
]
