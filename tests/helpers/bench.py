"""What tests do often: evaluate an expression, apply an operator, look at a unit's signals."""

import re

import pytest
from amaranth.hdl import Cat, ClockDomain, Module, Signal, Value
from amaranth.sim import Simulator
from sdpaflow.numerics import raw
from sdpaflow.units import Map
from sdpaflow_sim.engines.amaranth import simulate
from sdpaflow_sim.engines.cycle import streams_of

__all__ = ["apply", "evaluate", "observe", "raises"]


def raises(kind, message):
    """Expect an error with exactly this message."""
    return pytest.raises(kind, match=f"^{re.escape(message)}$")


def evaluate(shapes, expressions, vectors):
    """Raw integers that expressions take, for many raw arguments, in one simulation.

    Parameters
    ----------
    shapes : list of :ref:`shape-like <lang-shapelike>`
        Of the arguments.
    expressions : callable
        From signals of these shapes to a list of values.
    vectors : list of tuple of :class:`int`
        Raw arguments.

    Returns
    -------
    list of tuple of :class:`int`
        For each vector, the value of each expression.
    """
    m = Module()
    arguments = [Signal(shape, name=f"argument_{n}") for n, shape in enumerate(shapes)]
    inputs = [Value.cast(argument) for argument in arguments]
    values = [Value.cast(value) for value in expressions(*arguments)]
    outputs = [Signal(value.shape(), name=f"value_{n}") for n, value in enumerate(values)]
    m.d.comb += [output.eq(value) for output, value in zip(outputs, values, strict=True)]
    results = []

    async def testbench(ctx):
        for vector in vectors:
            for signal, bits in zip(inputs, vector, strict=True):
                ctx.set(signal, bits)
            results.append(tuple(ctx.get(output) for output in outputs))

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()
    return results


def apply(fn, *arguments):
    """Results of an operator in hardware on raw arguments, and the trace of the run."""
    unit = Map(fn)
    sources = {
        name: raw.pack(shape, argument)
        for name, shape, argument in zip(unit.names, fn.inputs, arguments, strict=True)
    }
    count = raw.count(arguments[0])
    trace = simulate(unit, sources, {"o": count}, limit=count * fn.interval + fn.latency)
    return raw.unpack(fn.shape, trace.outputs["o"]), trace


def observe(unit, sources, signals, cycles, *, ready=True, reset=None):
    """Values of some signals of a unit, cycle by cycle, whatever the unit does.

    Parameters
    ----------
    sources : dict of list of :class:`int`
        Bits of the tokens for each input port, offered without a pause.
    signals : list of :class:`Signal`
        What to look at.
    ready : :class:`bool`
        Whether outputs are accepted.
    reset : :class:`int`
        Cycle with a reset.
    """
    m = Module()
    m.domains.sync = clock = ClockDomain()
    m.submodules.unit = unit
    inputs, outputs = streams_of(unit)
    waiting = {name: list(tokens) for name, tokens in sources.items()}
    accepts = Cat(port.ready for port in inputs.values())
    seen = []

    async def testbench(ctx):
        for port in outputs.values():
            ctx.set(port.ready, ready)
        for cycle in range(cycles):
            ctx.set(clock.rst, cycle == reset)
            for name, port in inputs.items():
                ctx.set(port.valid, bool(waiting[name]))
                if waiting[name]:
                    ctx.set(Value.cast(port.payload), waiting[name][0])
            seen.append(tuple(ctx.get(signal) for signal in signals))
            accepted = ctx.get(accepts)
            await ctx.tick()
            for index, name in enumerate(inputs):
                if accepted >> index & 1:
                    del waiting[name][:1]

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()
    return seen
