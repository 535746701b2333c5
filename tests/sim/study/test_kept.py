"""The studies that are kept in docs/, which the README quotes: whole, right, and not stale."""

import csv
from pathlib import Path

import pytest
from sdpaflow_sim.study.points import Point, measure

KEPT = Path(__file__).parents[3] / "docs" / "study"
SIZES = {
    "published": {("1", "1", str(2**power)) for power in range(9, 16)},
    "real": {("64", lanes, str(2**power)) for lanes in ("64", "16") for power in range(7, 12)},
}


def rows(name):
    with open(KEPT / name / "study.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", SIZES)
def test_all_points(name):
    """Both pipelines at every size, right in every bit, in as many cycles as the graph says."""
    found = rows(name)
    for pipeline in ("naive", "memory-free"):
        points = [row for row in found if row["pipeline"] == pipeline]
        assert {(row["d"], row["lanes"], row["n"]) for row in points} == SIZES[name]
    assert all(row["bit_exact"] == "yes" for row in found)
    assert all(row["formula"] in {"", row["cycles"]} for row in found)
    assert all(row["formula"] or row["lanes"] != row["d"] for row in found)


@pytest.mark.parametrize("pipeline", ["naive", "memory-free"])
def test_measured_again(pipeline):
    """The smallest point of the published experiment, as the design is now."""
    (kept,) = (r for r in rows("published") if (r["n"], r["pipeline"]) == ("512", pipeline))
    point = Point(pipeline, 1, 1, 512, 0, "verilator")
    result = measure(point, point.key, lambda queries: None)
    assert result["bit_exact"]
    for column in ("cycles", "formula", "long_words", "long_peak", "intermediate_bits"):
        assert result[column] == int(kept[column]), column
