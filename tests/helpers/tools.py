"""A plugin of pytest: tests of tools that are not installed are skipped, and it is said how to."""

import shutil

import pytest

__all__ = ["TOOLS"]

TOOLS = {"icarus": ("iverilog", "iverilog"), "graphviz": ("dot", "graphviz")}
"""By mark: the program that such a test runs, and the package of Debian that has it."""

OPTION = "--nothing-skipped"


def pytest_addoption(parser):
    """One option, for CI."""
    text = "fail if a test was skipped, for want of a tool or for another reason"
    parser.addoption(OPTION, action="store_true", help=text)


def pytest_runtest_setup(item):
    """Skip what cannot run here; all for one reason, which pytest then says in one line."""
    absent = {mark: tool for mark, tool in TOOLS.items() if shutil.which(tool[0]) is None}
    if any(item.get_closest_marker(mark) for mark in absent):
        packages = " ".join(package for _, package in absent.values())
        pytest.skip(f"for want of {' and '.join(absent)}: apt-get install {packages}")


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session):
    """Turn a run that passed, but left something out, into one that failed, if that is asked."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption(OPTION) and reporter and reporter.stats.get("skipped"):
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """Say why such a run failed."""
    if config.getoption(OPTION) and (skipped := terminalreporter.stats.get("skipped")):
        terminalreporter.line(f"{OPTION}: {len(skipped)} skipped, so the run has failed", red=True)
