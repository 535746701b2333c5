"""``sdpaflow fpga``: what is handed on, and what is refused."""

import pytest
from helpers.cli import refused, sdpaflow
from sdpaflow_sim.errors import DoesNotFitError
from sdpaflow_sim.fpga import flow


def test_any_pipeline(own, monkeypatch, capsys):
    """One's own goes the way of the others, with the same options."""
    asked = []

    def implement(pipeline, device, logs, **options):
        asked.append((type(pipeline).__name__, device.name, str(logs), options))
        raise DoesNotFitError("it is too large")

    monkeypatch.setattr(flow, "implement", implement)
    words = ["--pipeline", "normalise.py:Normalise", "--arg", "row_max=9", "--logs", "logs"]
    assert sdpaflow("fpga", *words, "--device", "ice40-up5k", "--seeds", 3, "--synth-only") == 1
    assert capsys.readouterr().err == "sdpaflow: error: it is too large\n"
    ((kind, device, logs, options),) = asked
    assert (kind, device, logs) == ("Normalise", "ice40-up5k", "logs")
    assert (options["seeds"], options["jobs"], options["synth_only"]) == (3, 1, True)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("pipeline must be one of naive, ", ["--pipeline", "naif"]),
        ("device must be one of ecp5-85f, ", ["--pipeline", "naive", "--device", "up5"]),
        ("must be at least 1, not 0", ["--pipeline", "naive", "--seeds", 0]),
        ("must be at least 1, not -1", ["--pipeline", "naive", "--jobs", -1]),
        ("must be at least 1, not 0", ["--pipeline", "naive", "--d", 0]),
        ("unrecognized arguments: --synth", ["--pipeline", "naive", "--synth"]),
    ],
)
def test_refusals(folder, capsys, message, arguments):
    """One line, and no logs."""
    refused(capsys, message, "fpga", *arguments)
