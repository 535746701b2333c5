"""Folds: hardware in Scan and Reduce against model, model against exact fractions."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from amaranth.lib import data
from helpers.streams import tokens
from sdpaflow.numerics import SQ, UQ, Max, RunningMax, Sum, raw
from sdpaflow.units import Reduce, Scan
from sdpaflow_sim.engines.amaranth import simulate

LENGTHS = [1, 1, 7, 2, 5, 1, 16, 9, 8]


def model(fn, given):
    """What a Scan emits, what a Reduce gives, how many tokens are clamped: by the model.

    The state of a group is there when the next begins, and must be ignored.
    """
    emitted, final, count, start = [], [], 0, 0
    state = raw.zeros(fn.state, 1)
    for length in LENGTHS:
        for step in range(length):
            token = raw.take(given, np.array([start + step]))
            new, clamped = fn.model(step == 0, state, token)
            count += 0 if clamped is None else int(clamped[0])
            emitted += raw.pack(fn.shape, fn.model_emit(step == 0, state, new, token))
            state = new
        final += raw.pack(fn.state, state)
        start += length
    return emitted, final, count


def hardware(fn, given):
    """The same by a Scan and a Reduce."""
    flat = iter(raw.pack(fn.token, given))
    groups = [list(itertools.islice(flat, length)) for length in LENGTHS]
    stream = tokens(raw.width(fn.token), 1, groups)
    results, counts = [], set()
    for unit, count, shape in (
        (Scan(fn), len(stream), fn.shape),
        (Reduce(fn), len(groups), fn.state),
    ):
        trace = simulate(unit, {"i": stream}, {"o": count}, limit=len(stream) + 1)
        mask = (1 << raw.width(shape)) - 1
        results.append([token & mask for token in trace.outputs["o"]])
        counts.add(trace.saturations.get("unit", 0))
    assert len(counts) == 1
    return *results, counts.pop()


def groups(values):
    """The tokens of each group."""
    flat = iter(values)
    return [list(itertools.islice(flat, length)) for length in LENGTHS]


def random(shape, seed):
    """Raw tokens in runs of one sign, so that sums go far."""
    number = shape.elem_shape if isinstance(shape, data.ArrayLayout) else shape
    lanes = (shape.length,) if isinstance(shape, data.ArrayLayout) else ()
    rng = np.random.default_rng(seed)
    values = rng.integers(number.raw_min, number.raw_max + 1, (sum(LENGTHS), *lanes))
    values[4:12] = number.raw_max
    values[20:30] = number.raw_min
    return values


def clamp(shape, value):
    return min(max(value, shape.raw_min), shape.raw_max)


@pytest.mark.parametrize("growth", [0, 1, 2, 4])
@pytest.mark.parametrize("shape", [SQ(3, 4), UQ(3, 4)], ids=repr)
def test_sum_of_numbers_saturates_at_every_step(shape, growth):
    """2**growth tokens always fit; more may be clamped, and count."""
    fn = Sum(shape, growth)
    given = random(shape, growth)
    emitted, final, count = model(fn, given)
    assert hardware(fn, given) == (emitted, final, count)
    clamped, steps = 0, []
    for group in groups(given.tolist()):
        total = 0
        for token in group:
            clamped += clamp(fn.element, total + token) != total + token
            total = clamp(fn.element, total + token)
            steps.append(total)
    assert raw.unpack(fn.state, emitted).tolist() == steps
    assert count == clamped
    assert (count == 0) == (growth == 4)
    assert fn.state.i_bits == shape.i_bits + growth


@pytest.mark.parametrize("shape", [SQ(3, 4), UQ(3, 4)], ids=repr)
def test_sum_of_vectors_is_exact_while_growth_suffices(shape):
    """Lane by lane, without a flag."""
    vector = data.ArrayLayout(shape, 3)
    fn = Sum(vector, 4)
    given = random(vector, 5)
    emitted, final, count = model(fn, given)
    assert hardware(fn, given) == (emitted, final, count)
    steps = [
        list(map(sum, zip(*group[: step + 1], strict=True)))
        for group in groups(given.tolist())
        for step in range(len(group))
    ]
    assert raw.unpack(fn.state, emitted).tolist() == steps
    assert not fn.saturates
    assert fn.state == data.ArrayLayout(fn.element, 3)


@pytest.mark.parametrize(
    "score", [SQ(4, 3), SQ(1, 5), SQ(9, 0), SQ(1, 0), UQ(4, 3), UQ(0, 5), UQ(4, 0)], ids=repr
)
def test_maximum_is_the_least_integer_above(score):
    """Above every score of the group so far, be they the greatest or the least of the format.

    A Scan of the running maximum emits each score with it; a Reduce gives the maximum of all.
    """
    given = random(score, 9)
    given[-20:] = np.linspace(score.raw_min, score.raw_max, 20).astype(int)
    running, whole = RunningMax(score), Max(score)
    emitted, _, count = model(running, given)
    _, final, _ = model(whole, given)
    assert hardware(running, given)[0] == emitted
    assert hardware(whole, given)[1:] == (final, count)
    found = raw.unpack(running.shape, emitted)
    scores = [Fraction(value, 1 << score.f_bits) for value in given.tolist()]
    maxima = [
        [math.floor(max(group[: step + 1])) + 1 for step in range(len(group))]
        for group in groups(scores)
    ]
    assert found["score"].tolist() == given.tolist()
    assert found["max"].tolist() == list(itertools.chain(*maxima))
    assert raw.unpack(whole.state, final).tolist() == [group[-1] for group in maxima]
    assert count == 0


def test_folds_say_what_they_fold():
    assert repr(Sum(SQ(3, 4), 2)) == "Sum(SQ(3,4) -> SQ(5,4))"
    assert Max(SQ(4, 3)).state == SQ(5, 0)
    assert Max(UQ(4, 3)).state == SQ(6, 0)


WHOLE = {
    "sum": Sum(SQ(4, 4), 8),
    "sum of unsigned": Sum(UQ(4, 4), 8),
    "sum of vectors": Sum(data.ArrayLayout(SQ(4, 4), 3), 8),
    "maximum": Max(SQ(5, 3)),
    "running maximum": RunningMax(SQ(5, 3)),
}


def drawn(rng, shape, n):
    """Random tokens."""
    if isinstance(shape, data.ArrayLayout):
        return drawn(rng, shape.elem_shape, (n, shape.length))
    return rng.integers(shape.raw_min, shape.raw_max + 1, n)


def stepped(fn, tokens, starts):
    """Last states, all states, and what is emitted, token by token."""
    last, states, emitted, state = [], [], [], None
    ends = [*starts[1:].tolist(), raw.count(tokens)]
    for index in range(raw.count(tokens)):
        first, token = index in starts, raw.take(tokens, slice(index, index + 1))
        old = raw.zeros(fn.state, 1) if state is None else state
        state, _ = fn.model(first, old, token)
        states.append(state)
        emitted.append(fn.model_emit(first, old, state, token))
        if index + 1 in ends:
            last.append(state)
    return last, states, emitted


@pytest.mark.parametrize("name", WHOLE)
def test_whole_groups_are_folded_as_token_by_token(name):
    """The last state of each group, or all that a Scan needs; groups of one token and of many."""
    fn = WHOLE[name]
    for seed, starts in enumerate(([0], [0, 1, 2, 30, 31, 99], range(100), [0, 50])):
        tokens = drawn(np.random.default_rng(seed), fn.token, 100)
        starts = np.array(starts)
        last, states, emitted = stepped(fn, tokens, starts)
        found, whole = fn.model_scan(tokens, starts), fn.model_groups(tokens, starts)
        if name == "running maximum":
            assert whole is None
            for at_once, steps in ((found, emitted), (fn.model_states(tokens, starts), states)):
                assert set(at_once) == set(steps[0])
                for field, values in at_once.items():
                    assert np.array_equal(values, np.concatenate([s[field] for s in steps]))
        else:
            assert fn.model_states(tokens, starts) is None
            assert np.array_equal(whole, np.concatenate(last))
            assert found is None


@pytest.mark.parametrize(
    ("fn", "most"),
    [
        (Sum(SQ(4, 4), 1), 127),
        (Sum(SQ(4, 4), 1), -128),
        (Sum(UQ(4, 4), 1), 255),
    ],
)
def test_groups_that_might_be_clamped_are_left_to_single_steps(fn, most):
    """Groups of one token cannot be."""
    tokens = np.array([most, most, most, 0])
    assert fn.model_groups(tokens, np.array([0])) is None
    assert fn.model_groups(tokens, np.array([0, 1, 2, 3])) is not None
