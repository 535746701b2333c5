"""Order of the tests: the longest ones first, so that no core waits for another at the end."""

import contextlib
import gc
import os
import shlex
import signal

from sdpaflow_sim.engines.compiled.compiler import compiler
from sdpaflow_sim.errors import ToolError

pytest_plugins = ["helpers.budget", "helpers.tools"]

# Most designs here run for few cycles: what takes the time is to compile them.
with contextlib.suppress(ToolError):
    os.environ["CXX"] = shlex.join([*compiler(), "-O0"])

# Designs are many objects that refer to each other, and live as long as their test: with Python's
# own thresholds a fifth of the time goes into looking for garbage among them.
gc.set_threshold(100_000, 20, 100)

# In the background interrupts may be ignored, which programs that tests start would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Sort tests by how long they take, as far as that is known."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
