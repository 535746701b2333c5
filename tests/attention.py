"""What the tests of pipelines do often: random heads, and a run that must be right."""

import functools
from unittest import mock

import numpy as np
from helpers import again
from sdpaflow.pipelines import PIPELINES, Config
from sdpaflow_sim.attention.run import ENGINES, run

NAMES = list(PIPELINES)
STORING = [name for name, pipeline in PIPELINES.items() if pipeline.stores_rows]


def head(d=4, n_q=6, n_k=8, dv=None, seed=0):
    """Random q, k, v with scores of a few units."""
    rng = np.random.default_rng([seed, d, n_q, n_k])
    shapes = [(n_q, d), (n_k, d), (n_k, dv or d)]
    return tuple(rng.normal(size=shape).clip(-7.9, 7.9) for shape in shapes)


def pipeline(name, d=4, lanes=None, row_max=64, depths=None, **options):
    """A pipeline; ``depths`` replaces derived depths, by name of the FIFO."""
    kind = PIPELINES[name]
    if kind.stores_rows:
        options["row_max"] = row_max
    return kind(Config(d=d, lanes=lanes, **options)).resize(depths or {})


def shared(name, d=4, lanes=None, row_max=64, **options):
    """The same pipeline for all tests that only run it, so that it is built and prepared once."""
    return _built(name, d, lanes or d, row_max, **options)


_built = functools.cache(pipeline)


def correct(dut, q, k, v, **options):
    """Run, insist on every bit, and return the report."""
    options = {"watch": True, **options}
    if {"engine", "vcd", "window"}.isdisjoint(options):
        with mock.patch.dict(ENGINES, amaranth=again.simulate):
            report = run(dut, q, k, v, engine="amaranth", **options)
    else:
        report = run(dut, q, k, v, **options)
    assert report.bit_exact
    return report


def cycles(name, n_q, n_k, d=4, lanes=None, *, row_max=None, depths=None):
    """Cycles of a run with rows stored at the depth that is derived for ``row_max``, or for n_k."""
    row_max = row_max or n_k
    made = (name, d, lanes, row_max)
    dut = pipeline(*made, depths) if depths else shared(*made)
    return correct(dut, *head(d, n_q, n_k), watch=False).cycles
