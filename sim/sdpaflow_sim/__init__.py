"""What simulates, checks, measures, draws and exports graphs of streaming units.

All that a first program takes can be imported from here::

    from sdpaflow_sim import check, draw, export, run, stream_of
"""

import importlib
from typing import TYPE_CHECKING, Any

from sdpaflow_sim.errors import (
    ContractError,
    CosimulationError,
    DeadlockError,
    DoesNotFitError,
    FramingError,
    InputError,
    LimitError,
    MisfitError,
    MismatchError,
    SimulationError,
    ToolError,
)

if TYPE_CHECKING:
    from sdpaflow_sim.attention.functional import scaled_dot_product_attention
    from sdpaflow_sim.attention.run import Report, model, run
    from sdpaflow_sim.checking import check
    from sdpaflow_sim.drawing.draw import draw
    from sdpaflow_sim.engines.stalls import Stall
    from sdpaflow_sim.engines.trace import Trace
    from sdpaflow_sim.exporting.cosim import cosimulate
    from sdpaflow_sim.exporting.write import export
    from sdpaflow_sim.sizing import depths
    from sdpaflow_sim.streams import sample_streams, stream_of, streams_from, values_of
    from sdpaflow_sim.verilog.count import count
    from sdpaflow_sim.waves.view import save_view

__all__ = [
    "ContractError",
    "CosimulationError",
    "DeadlockError",
    "DoesNotFitError",
    "FramingError",
    "InputError",
    "LimitError",
    "MisfitError",
    "MismatchError",
    "Report",
    "SimulationError",
    "Stall",
    "ToolError",
    "Trace",
    "check",
    "cosimulate",
    "count",
    "depths",
    "draw",
    "export",
    "model",
    "run",
    "sample_streams",
    "save_view",
    "scaled_dot_product_attention",
    "stream_of",
    "streams_from",
    "values_of",
]

# Each is looked up when it is first asked for: simulators and drawings take a while to import.
_ROOMS = {
    "Report": "attention.run",
    "Stall": "engines.stalls",
    "Trace": "engines.trace",
    "check": "checking",
    "cosimulate": "exporting.cosim",
    "count": "verilog.count",
    "depths": "sizing",
    "draw": "drawing.draw",
    "export": "exporting.write",
    "model": "attention.run",
    "run": "attention.run",
    "sample_streams": "streams",
    "save_view": "waves.view",
    "scaled_dot_product_attention": "attention.functional",
    "stream_of": "streams",
    "streams_from": "streams",
    "values_of": "streams",
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        value = getattr(importlib.import_module(f"sdpaflow_sim.{_ROOMS[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
