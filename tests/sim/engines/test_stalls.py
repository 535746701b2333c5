"""Schedules of stalls: what they mean and how they are written."""

import itertools
from itertools import islice

import pytest
from helpers.bench import raises
from sdpaflow_sim.engines.stalls import Stall, parse


def first(stall, cycles):
    """The schedule's first cycles, as a pattern."""
    return "".join("01"[go] for go in islice(stall, cycles))


@pytest.mark.parametrize(
    ("spec", "cycles"),
    [
        ("1", "1111111111"),
        ("1101", "1101110111"),
        ("01", "0101010101"),
        ("0001", "0001000100"),
        ("00000000000001", "0000000000"),
    ],
)
def test_a_pattern_is_one_character_per_cycle_and_repeats(spec, cycles):
    assert first(Stall(spec), 10) == cycles


@pytest.mark.parametrize("chance", ["0.1", "0.5", ".9", "0.99"])
def test_a_random_schedule_waits_with_its_probability(chance):
    """Within five standard deviations."""
    n, p = 20_000, float(chance)
    waits = first(Stall(f"random:{chance}", seed=1), n).count("0")
    assert abs(waits - n * p) < 5 * (n * p * (1 - p)) ** 0.5


def test_a_schedule_starts_afresh_each_time():
    """The same seed, the same cycles; another seed, others."""
    stall = Stall("random:0.5", seed=3)
    assert first(stall, 100) == first(stall, 100) == first(Stall("random:0.5", 3), 100)
    assert first(stall, 100) != first(Stall("random:0.5", seed=4), 100)


@pytest.mark.parametrize("spec", ["1101", "0001", "random:0.3", "random:0", "random:0.99"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_batches_are_the_schedule_itself(spec, size):
    """Cycle for cycle, also where a batch ends within a pattern, and from numpy's generator."""
    for seed in (0, 7, 1 << 70):
        stall = Stall(spec, seed)
        drawn = itertools.chain.from_iterable(stall.batches(size))
        assert list(islice(drawn, 2500)) == list(islice(stall, 2500))


def test_a_schedule_that_always_goes_needs_no_batch():
    assert next(Stall("111").batches(10)) is None


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "0",
        "000",
        "2",
        "1 1",
        "random",
        "random:",
        "random:1",
        "random:1.0",
        "random:-0.1",
        "11x",
    ],
)
def test_a_schedule_that_never_goes_or_makes_no_sense_is_refused(spec):
    """A port that never goes would stop everything."""
    with raises(
        ValueError,
        "Stalls must be written as a pattern of 0 and 1 with at least one 1, or as random:P with "
        f"0 <= P < 1, not {spec!r}",
    ):
        Stall(spec)


def test_one_text_may_be_for_all_ports():
    stalls = parse("1101", ["q", "k", "o"])
    assert {port: stall.spec for port, stall in stalls.items()} == dict.fromkeys("qko", "1101")


def test_ports_may_have_texts_of_their_own():
    """Those not named are left out; spaces do not count."""
    stalls = parse("q=1101, o = random:0.3", ["q", "k", "o"])
    assert {port: stall.spec for port, stall in stalls.items()} == {"q": "1101", "o": "random:0.3"}


def test_random_ports_differ_and_so_do_seeds():
    """No two ports of no two seeds share a schedule."""
    seen = {
        first(stall, 60)
        for seed in range(5)
        for stall in parse("random:0.5", ["q", "k", "v", "o"], seed).values()
    }
    assert len(seen) == 20


def test_unknown_ports_are_refused():
    with raises(ValueError, "Stalls are for ports q, k, o, not 'x'"):
        parse("q=1,x=01", ["q", "k", "o"])
