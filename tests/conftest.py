"""Order of the tests: the longest ones first, so that no core waits for another at the end."""

import signal

pytest_plugins = ["helpers.budget", "helpers.tools"]

# In the background interrupts may be ignored, which programs that tests start would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Sort tests by how long they take, as far as that is known."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
