"""What the tests of pipelines do often: random heads, and a run that must be right."""

import numpy as np
from sdpaflow.pipelines import PIPELINES, Config
from sdpaflow_sim.attention.run import run

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


def correct(dut, q, k, v, **options):
    """Run, insist on every bit, and return the report."""
    report = run(dut, q, k, v, **{"watch": True, **options})
    assert report.bit_exact
    return report


def cycles(name, n_q, n_k, d=4, lanes=None, **options):
    """Cycles of a run with rows stored at the depth that is derived for them."""
    dut = pipeline(name, d, lanes, row_max=n_k, **options)
    return correct(dut, *head(d, n_q, n_k), watch=False).cycles
