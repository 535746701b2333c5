"""A plugin of pytest: CPU seconds of the tests by folder, beside what each folder may take.

Seconds of the processor, of a test and of all programs it runs, are much the same whatever else
the machine does; so a folder that has grown is seen. A run is never failed for it: machines differ.
"""

import resource
import time
from collections import Counter
from pathlib import PurePosixPath

import pytest

__all__ = ["BUDGETS", "LONG", "folder_of"]

BUDGETS = {
    ".": 12,
    "cocotb": 190,
    "docs": 140,
    "evening": 15,
    "examples": 15,
    "graph": 25,
    "numerics": 50,
    "pipelines": 210,
    "ports": 15,
    "scores": 32,
    "sim": 30,
    "sim/attention": 100,
    "sim/cli": 175,
    "sim/drawing": 25,
    "sim/engines": 205,
    "sim/exporting": 140,
    "sim/fpga": 135,
    "sim/study": 110,
    "sim/verilog": 105,
    "sim/waves": 95,
    "units": 75,
}
"""CPU seconds that the tests of a folder may take, on a machine that simulates 1,000 cycles per
second with Amaranth (`make bench`): half an hour in all. A folder that is over has grown."""

LONG = 4
"""CPU seconds from which on a test should have the mark ``slow``."""

BESIDE = "beside the tests"
"""What is no test: each process starts, and collects the tests."""


def folder_of(test):
    """A test's folder, below ``tests``; of ``tests/sim`` one level more."""
    parts = PurePosixPath(test.partition("::")[0]).parts[1:-1]
    return "/".join(parts[: 2 if parts[:1] == ("sim",) else 1]) or "."


def used():
    """CPU seconds of this process, and of those that it started and that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


class Seconds:
    """What is counted in a run, and the table at its end."""

    def __init__(self):
        self.folders, self.long, self.whole = Counter(), {}, 0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        """Remember when a test begins."""
        self.begun = used()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call):
        """Give the last report of a test, of its teardown, what all of it took."""
        report = yield
        if call.when == "teardown":
            report.user_properties.append(("cpu", used() - self.begun))
        return report

    def pytest_runtest_logreport(self, report):
        """Add a test to its folder."""
        seconds = dict(report.user_properties).get("cpu")
        if report.when == "teardown" and seconds is not None:
            self.folders[folder_of(report.nodeid)] += seconds
            if seconds > LONG and "slow" not in report.keywords:
                self.long[report.nodeid] = seconds

    def pytest_sessionfinish(self, session):
        """Within a process of xdist, hand on what it took in all."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["cpu"] = used()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        """Add that up."""
        self.whole += getattr(node, "workeroutput", {}).get("cpu", 0)

    def pytest_terminal_summary(self, terminalreporter):
        """Print the table, a folder a line."""
        if not self.folders:
            return
        whole = self.whole or used()
        rows = [(name, self.folders[name], BUDGETS.get(name)) for name in sorted(self.folders)]
        rows.append((BESIDE, whole - self.folders.total(), None))
        rows.append(("all", whole, sum(BUDGETS.values())))
        terminalreporter.section("CPU seconds of the tests by folder, and its budget")
        for name, seconds, budget in rows:
            over = budget is not None and seconds > budget
            columns = f"{name:20}{seconds:8.1f}{budget or '':>8}"
            terminalreporter.line(f"{columns}  over budget" if over else columns, yellow=over)
        for name, seconds in sorted(self.long.items(), key=lambda entry: -entry[1]):
            terminalreporter.line(f"{seconds:.1f} s, without the mark slow: {name}", yellow=True)


def pytest_configure(config):
    """Count."""
    config.pluginmanager.register(Seconds(), "seconds")
