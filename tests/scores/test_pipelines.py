"""Modified scores in all pipelines: bits of the model, near softmax, and what masks promise."""

import numpy as np
import pytest
from attention import NAMES
from helpers.modified import N_K, N_Q, D, extras, numbers, pipeline, softmax, streams
from sdpaflow.graph import interpret
from sdpaflow.scores import Alibi, Bias, Causal, Keep, Softcap, Window
from sdpaflow_sim.checking import check
from sdpaflow_sim.engines.stalls import Stall

SETS = {
    "a bias": [Bias()],
    "a slope": [Alibi(0.25)],
    "a cap, a bias and a mask": [Softcap(2), Bias(), Keep()],
    "a slope and two masks": [Alibi(0.5), Causal(-1), Keep()],
    "a window": [Window(1, 1)],
}


def model(dut, *given):
    """Raw outputs, (N_q, d), and clamped tokens, of the model."""
    found, clamped = interpret(dut, streams(dut, *given))
    (edge,) = dut.output_edges.values()
    return found[edge.name].data.reshape(N_Q, D), {n: c for n, c in clamped.items() if c}


@pytest.mark.parametrize("mods", SETS.values(), ids=SETS)
@pytest.mark.parametrize("name", NAMES)
def test_near_softmax(name, mods):
    """Within an ulp of float64; a row of which nothing is kept is 0, and nothing is clamped."""
    dut, (q, k, v), extra = pipeline(name, mods), numbers(), extras(mods)
    found, clamped = model(dut, q, k, v, extra)
    assert np.abs(found * dut.config.o.ulp - softmax(mods, q, k, v, extra)).max() < dut.config.o.ulp
    assert clamped == {}


@pytest.mark.parametrize("lanes", [2, 1])
@pytest.mark.parametrize("name", NAMES)
def test_hardware_equals_the_model(name, lanes):
    """Free and under stalls of every port, with beats and without."""
    mods = SETS["a slope and two masks"] if lanes == 2 else SETS["a cap, a bias and a mask"]
    dut = pipeline(name, mods, lanes)
    given = streams(dut, *numbers(), extras(mods))
    free, trace = check(dut, given)
    ports = [*dut.input_edges, *dut.output_edges]
    stalls = {port: Stall("random:0.4", n) for n, port in enumerate(ports)}
    stalled, slow = check(dut, given, stalls=stalls)
    assert (stalled["o"].data == free["o"].data).all()
    assert slow.cycles > trace.cycles


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_kept_may_be_anything(name):
    """Any bits of key, value and bias where nothing is kept: the same output."""
    mods = [Bias(), Keep()]
    dut, (q, k, v), extra = pipeline(name, mods), numbers(), extras(mods)
    right, _ = model(dut, q, k, v, extra)
    rng = np.random.default_rng(7)
    gone = extra["keep_ij"][:, :, None] == 0
    k, v = (np.where(gone, rng.choice([-8, 7.999], (N_Q, N_K, D)), x[None]) for x in (k, v))
    extra["bias_ij"] = np.where(gone[:, :, 0], 127, extra["bias_ij"])
    found, clamped = model(dut, q, k, v, extra)
    assert (found == right).all()
    assert clamped == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_mask_that_keeps_all_changes_no_bit(name):
    """And one that keeps the first keys alone gives what shorter rows give."""
    q, k, v = numbers(3)
    plain, masked = pipeline(name, []), pipeline(name, [Keep()])
    for keys in (N_K, 4, 1):
        keep = {"keep_ij": np.tile(np.arange(N_K) < keys, (N_Q, 1)).astype(int)}
        right, _ = model(plain, q, k[:keys], v[:keys], {})
        found, _ = model(masked, q, k, v, keep)
        assert (found == right).all()


@pytest.mark.parametrize("name", ["memory-free", "scaled"])
def test_as_fast_as_without(name):
    """One score per cycle: a longer row takes as many cycles more."""
    taken = {}
    for keys in (6, 16):
        mods = SETS["a slope and two masks"]
        dut = pipeline(name, mods, keys=keys)
        given = streams(dut, *numbers(keys=keys), extras(mods, keys=keys))
        taken[keys] = check(dut, given)[1].cycles
    waits = 2 * 10 if name == "scaled" else 0
    assert taken[16] - taken[6] == N_Q * 10 + waits


def test_modifiers_are_told():
    """They are parameters of the pipeline."""
    dut = pipeline("memory-free", [Causal(), Softcap(50)])
    assert dut.parameters["score"] == list(dut.modifiers)
    assert repr(dut.parameters["score"]) == "[Causal(offset=0), Softcap(cap=50, segments=512)]"
    assert "score" not in pipeline("memory-free", []).parameters
    with pytest.raises(TypeError, match="score must be a list of modifiers, not 5 in it"):
        pipeline("memory-free", [5])
