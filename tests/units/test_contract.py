"""What no run with stalls can show: valid and payload do not even look at ready."""

import random

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Cat, ClockDomain, Module, Value
from amaranth.sim import Simulator
from helpers.cases import CASES
from sdpaflow_sim.engines.cycle import streams_of


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_valid_and_payload_do_not_depend_on_ready(case):
    """In any state: what a unit offers is the same whether it will be accepted or not.

    In each cycle of a run with random stalls, readies are put up and down before they are chosen.
    """
    rng = random.Random(1)
    m = Module()
    m.domains.sync = ClockDomain()
    m.submodules.unit = unit = case.unit()
    inputs, outputs = streams_of(unit)
    waiting = {name: port.tokens for name, port in case.inputs.items()}
    offered = Cat(Cat(port.valid, Value.cast(port.payload)) for port in outputs.values())
    accepts = Cat(port.ready for port in inputs.values())
    offers = Cat(port.valid for port in outputs.values())
    valid = dict.fromkeys(inputs, False)
    given = 0

    async def testbench(ctx):
        nonlocal given
        for _ in range(400):
            for name, port in inputs.items():
                valid[name] = bool(waiting[name]) and (valid[name] or rng.random() < 0.7)
                ctx.set(port.valid, valid[name])
                if valid[name]:
                    ctx.set(Value.cast(port.payload), waiting[name][0])
            seen = set()
            for index in range(1 << len(outputs)):
                for bit, port in enumerate(outputs.values()):
                    ctx.set(port.ready, index >> bit & 1)
                seen.add(ctx.get(offered))
            assert len(seen) == 1
            for port in outputs.values():
                ctx.set(port.ready, rng.random() < 0.5)
            accepted = ctx.get(accepts)
            given += ctx.get(offers) != 0
            await ctx.tick()
            for index, name in enumerate(inputs):
                if valid[name] and accepted >> index & 1:
                    valid[name] = False
                    del waiting[name][0]

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()
    assert given
    assert not any(waiting.values())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_names_and_kinds_of_ports(case):
    """Ports are the streams of the case and nothing else but flags and a Fifo's level."""
    unit = case.unit()
    inputs, outputs = streams_of(unit)
    assert list(inputs) == list(case.inputs)
    assert list(outputs) == list(case.outputs)
    rest = set(unit.signature.members) - {*inputs, *outputs}
    assert rest - {"level"} == set(unit.events) <= {"saturated", "misframed"}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_registers_have_names(case):
    """In waveforms and Verilog: those that Amaranth finds no name for are called ``$signal``."""
    assert "wire" in (text := rtlil.convert(case.unit(), emit_src=False))
    assert "\\$signal" not in text
    assert "\\$like" not in text
