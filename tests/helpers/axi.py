"""Drive a dataflow with AXI4-Stream ports in Amaranth's simulator."""

from amaranth.hdl import Module
from amaranth.sim import Simulator

__all__ = ["drive"]


def drive(dut, beats, cycles, offer=lambda: True, accept=lambda: True):
    """Offer beats, and collect what comes out.

    Parameters
    ----------
    dut : :class:`AxiStreams`
        What to drive.
    beats : dict of list of tuple of :class:`int`
        By input, ``tdata``, ``tlast`` and, where the stream has it, ``tuser``.
    cycles : :class:`int`
        How long; two of reset come first.
    offer, accept : callable
        Asked once per cycle and stream: whether a beat may be offered, or is accepted. (What is
        offered stays so.)

    Returns
    -------
    received : dict of list of tuple of :class:`int`
        By output, ``tdata``, ``tlast`` and ``tuser``, 0 where there is none.
    flags : dict of :class:`int`
        Every flag at the end.
    """
    top = Module()
    top.submodules.dut = dut
    simulator = Simulator(top)
    streams = dut.streams.values()
    received = {stream.name: [] for stream in streams if stream.output}
    flags = {}

    def port(stream, part):
        return getattr(dut, f"{stream.prefix}_{part}")

    def parts(stream):
        return ("tdata", "tlast", "tuser") if stream.user else ("tdata", "tlast")

    async def testbench(ctx):
        waiting = {name: list(values) for name, values in beats.items()}
        offered = dict.fromkeys(waiting, False)
        for cycle in range(-2, cycles):
            ctx.set(dut.aresetn, cycle >= 0)
            for stream in streams:
                if stream.output:
                    ctx.set(port(stream, "tready"), cycle >= 0 and accept())
                    continue
                values = waiting[stream.name]
                now = cycle >= 0 and bool(values) and (offered[stream.name] or offer())
                offered[stream.name] = now
                ctx.set(port(stream, "tvalid"), now)
                if now:
                    for part, value in zip(parts(stream), values[0], strict=False):
                        ctx.set(port(stream, part), value)
            for stream in streams:
                if not (ctx.get(port(stream, "tvalid")) and ctx.get(port(stream, "tready"))):
                    continue
                if stream.output:
                    beat = [ctx.get(port(stream, part)) for part in parts(stream)]
                    received[stream.name].append((*beat, 0)[:3])
                else:
                    waiting[stream.name].pop(0)
                    offered[stream.name] = False
            ctx.set(dut.aclk, 1)
            await ctx.delay(1e-9)
            ctx.set(dut.aclk, 0)
            await ctx.delay(1e-9)
        assert not any(waiting.values()), "not everything was accepted"
        flags.update({flag: ctx.get(getattr(dut, flag)) for flag in dut.flags})

    simulator.add_testbench(testbench)
    simulator.run()
    return received, flags
