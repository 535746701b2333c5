"""Order of the tests: the longest ones first, so that no core waits for another at the end."""

import signal

# In the background interrupts may be ignored, which programs that tests start would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

FIRST = ("test_tables_and_drawings_are_fresh", "test_compare", "test_netlists", "test_configur")


def pytest_collection_modifyitems(items):
    """Sort tests by how long they take, as far as that is known."""
    items.sort(key=lambda item: not item.name.startswith(FIRST))
