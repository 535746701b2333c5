"""``2**x``: hardware against model for every input, model against float64."""

import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Signal
from amaranth.sim import Simulator
from helpers.bench import apply, raises
from sdpaflow.numerics import SQ, UQ, Exp2, raw
from sdpaflow.units import Map


def every(shape):
    return np.arange(shape.raw_min, shape.raw_max + 1)


def errors(fn):
    """Of every result that is in range, in units of its last place."""
    given = every(fn.inputs[0])
    results, clamped = fn.evaluate(given)
    exact = np.exp2(raw.to_float(given, fn.inputs[0]))
    return np.abs(results - exact / fn.shape.ulp)[~clamped]


def side_by_side(fn, given, copies):
    """Results of pipelines that never stall, each taking its share of the arguments.

    What a cycle costs in the simulator hardly depends on how many there are.
    """
    m = Module()
    units = [Map(fn) for _ in range(copies)]
    m.submodules += units
    for unit in units:
        m.d.comb += [unit.i.valid.eq(1), unit.o.ready.eq(1)]
    width, result = raw.width(fn.inputs[0]), raw.width(fn.shape)
    arguments = Signal(width * copies)
    results = Cat(unit.o.payload.data.as_value() for unit in units)
    m.d.comb += Cat(unit.i.payload.data.as_value() for unit in units).eq(arguments)
    words = given.reshape(-1, copies) & ((1 << width) - 1)
    seen = []

    async def testbench(ctx):
        for word in words.tolist():
            ctx.set(arguments, sum(value << (width * n) for n, value in enumerate(word)))
            await ctx.tick()
            seen.append(ctx.get(results))
        for _ in range(fn.latency - 1):
            await ctx.tick()
            seen.append(ctx.get(results))

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()
    mask = (1 << result) - 1
    return [word >> (result * n) & mask for word in seen[fn.latency - 1 :] for n in range(copies)]


def test_hardware_equals_the_model_for_all_inputs():
    """All 131 072 of them, eight pipelines sharing the work."""
    fn = Exp2(SQ(6, 11), UQ(1, 16))
    given = every(SQ(6, 11))
    assert side_by_side(fn, given, 8) == fn.model(given).tolist()


@pytest.mark.parametrize(
    ("x", "shape", "bound"),
    [
        (SQ(6, 11), UQ(1, 16), 2.5e-5),
        (SQ(6, 13), UQ(0, 17), 1.25e-5),  # a weight, below 1
        (SQ(6, 13), UQ(1, 16), 2.5e-5),
    ],
    ids=repr,
)
def test_64_segments_are_accurate(x, shape, bound):
    """Over all inputs, to 1.7 units in the last place; half a unit is rounding's."""
    assert errors(Exp2(x, shape)).max() * shape.ulp <= bound


def test_relative_error_is_that_of_the_mantissa():
    """Where the result may be large: 1.5e-5, and half a unit of rounding."""
    fn = Exp2(SQ(6, 13), UQ(8, 16))
    given = every(SQ(6, 13))
    results, clamped = fn.evaluate(given)
    exact = np.exp2(raw.to_float(given, SQ(6, 13)))
    error = np.abs(raw.to_float(results, fn.shape) - exact)
    assert (error <= exact * 1.5e-5 + fn.shape.ulp * 0.6)[~clamped].all()


def test_error_falls_with_the_square_of_the_segments():
    """Seen in a result of 31 bits, so that rounding hides nothing."""
    greatest = {
        segments: errors(Exp2(SQ(2, 14), UQ(1, 30), segments)).max()
        for segments in (8, 16, 64, 256)
    }
    for coarse, fine in ((8, 16), (16, 64), (64, 256)):
        ratio = greatest[coarse] / greatest[fine]
        assert 0.95 < ratio / (fine / coarse) ** 2 < 1.01


@pytest.mark.parametrize("segments", [8, 16, 64, 256])
@pytest.mark.parametrize(("x", "shape"), [(SQ(6, 11), UQ(1, 16)), (SQ(6, 13), UQ(0, 17))], ids=repr)
def test_results_never_fall(segments, shape, x):
    """A greater score never gets a smaller weight, in a result of 17 bits, from 8 segments on."""
    assert (np.diff(Exp2(x, shape, segments).model(every(x))) >= 0).all()


@pytest.mark.parametrize(("segments", "shape"), [(4, UQ(1, 16)), (8, UQ(1, 30))])
def test_coarse_segments_do_not_meet(segments, shape):
    """Results that resolve the table's error do fall from one segment to the next, by less than it.

    Each line is the best for its own segment, so neighbours do not meet.
    """
    fn = Exp2(SQ(2, 14), shape, segments)
    falls = -np.diff(fn.model(every(SQ(2, 14)))).min()
    assert 0 < falls < errors(fn).max()


@pytest.mark.parametrize(
    ("x", "shape"),
    [(SQ(6, 11), UQ(1, 16)), (SQ(6, 13), UQ(0, 17)), (SQ(6, 11), UQ(8, 9))],
    ids=repr,
)
def test_only_what_is_out_of_range_is_clamped(x, shape):
    """And counted. A result that rounds to zero is not out of range, nor is one just below it."""
    fn = Exp2(x, shape)
    given = every(x)
    results, clamped = fn.evaluate(given)
    size = np.exp2(raw.to_float(given, x))
    exact = np.rint(size / shape.ulp)
    assert (clamped == (size >= 2.0**shape.i_bits)).all()
    assert (results[clamped] == shape.raw_max).all()
    assert (results[exact == 0] <= 1).all()
    assert not clamped[exact == 0].any()


@pytest.mark.parametrize(
    ("x", "shape", "segments"),
    [
        (SQ(4, 3), UQ(2, 6), 1),
        (SQ(4, 3), UQ(2, 6), 4),
        (SQ(4, 3), UQ(0, 6), 8),
        (SQ(4, 3), UQ(0, 6), 64),  # more segments than inputs
        (SQ(4, 0), UQ(4, 6), 8),  # integers
        (SQ(1, 6), UQ(1, 6), 8),
        (UQ(0, 6), UQ(1, 6), 8),  # no integer bits
        (UQ(3, 4), UQ(6, 4), 8),
        (SQ(5, 2), UQ(4, 0), 1),
        (UQ(2, 3), UQ(0, 4), 4),  # always clamped
        (SQ(8, 1), UQ(2, 4), 2),
        (SQ(2, 8), UQ(0, 7), 128),  # more entries than one table has; the greatest round to 1
    ],
    ids=repr,
)
def test_all_formats_agree_with_the_model(x, shape, segments):
    """For every input: hardware bit for bit and flag for flag, one a cycle, five cycles late."""
    fn = Exp2(x, shape, segments)
    given = every(x)
    results, trace = apply(fn, given)
    model, clamped = fn.evaluate(given)
    assert (results == model).all()
    assert trace.saturations == {"unit": clamped.sum()}
    assert trace.times["o"] == [fn.latency + n for n in range(len(given))]
    assert fn.latency == 7
    exact = np.exp2(raw.to_float(given, x)) / shape.ulp
    relative = 0.09 / min(segments, 1 << x.f_bits) ** 2 + shape.ulp / 8  # of a line, of its bits
    assert (np.abs(model - exact) <= 0.75 + exact * relative)[~clamped].all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (SQ(4, 4), SQ(4, 4)),
            "2**x is never negative: its format must be unsigned, not SQ(4,4)",
        ),
        ((SQ(4, 4), UQ(1, 4), 3), "Segments must be a power of two, not 3"),
        ((SQ(4, 4), UQ(1, 4), 0), "Segments must be a power of two, not 0"),
        ((SQ(4, 11), UQ(1, 2), 64), "UQ(1,2) has too few fraction bits for 64 segments"),
    ],
)
def test_misuse_is_refused(arguments, message):
    with raises(ValueError, message):
        Exp2(*arguments)
