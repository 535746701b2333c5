"""The C++ between a compiled design and the loop around it: where its ports are."""

import itertools
from collections.abc import Iterable
from pathlib import Path

from sdpaflow_sim.engines.compiled.harness import Harness, Port
from sdpaflow_sim.engines.cycle import MISFRAMED

__all__ = ["TOP", "glue"]

TOP = "Vtop"
"""Verilator's class of the design."""


def glue(harness: Harness) -> str:
    """C++ that joins the class that Verilator makes of a :class:`Harness` to ``loop.h``.

    The same for builds with waveforms and without; the headers tell them apart by ``VM_TRACE``.
    """
    sources, sinks = harness.sources, harness.sinks
    place = itertools.count()
    counted = [-1 if flag == MISFRAMED else next(place) for _, flag, _ in harness.driver.events]
    # Events come out in words of 64 bits, one bit each, so an event's number is its place.
    observed = ["levels", "events", "broken", "state"]
    fields = [
        f"    uint64_t* {name}[{harness.words[name] + 1}] = "
        f"{{{''.join(f'&top.{name}{n}, ' for n in range(harness.words[name]))}nullptr}};"
        for name in observed
    ]
    levels = "".join(f"{{{w}, {b}, {(1 << n) - 1}u}}, " for w, b, n in harness.levels)
    lines = [
        f'#include "{TOP}.cpp"',  # so that its eval() becomes part of the loop
        "#include <cstdint>",
        "namespace design {",
        "struct Level { int word, bit; uint64_t mask; };",
        f"constexpr int SOURCES = {len(sources)}, SINKS = {len(sinks)}, PORTS = SOURCES + SINKS;",
        f"constexpr int MOST_WORDS = {max(port.words for port in (*sources, *sinks))};",
        f"constexpr int FIFOS = {len(harness.levels)};",
        *(
            f"constexpr int {name[:-1].upper() if name[-1] == 's' else name.upper()}_WORDS = "
            f"{harness.words[name]};"
            for name in observed
        ),
        f"constexpr Level LEVELS[] = {{{levels}{{0, 0, 0}}}};",
        f"constexpr int COUNTED[] = {{{''.join(f'{n}, ' for n in counted)}-1}};",
        "}",
        "struct Stream { void* payload; uint8_t* valid; uint8_t* ready; int words, bytes; };",
        _text("dump.h"),
        'struct Model { VerilatedContext context; Vtop top{&context, "bench"}; Dump dump; };',
        "struct Streams {",
        "    Vtop& top;",
        "    explicit Streams(Vtop& model) : top(model) {}",
        f"    Stream in[SOURCES_] = {{{_streams(sources)}}};",
        f"    Stream out[SINKS_] = {{{_streams(sinks)}}};",
        *fields,
        "};",
        _text("loop.h"),
    ]
    text = "\n".join(lines) + "\n"
    return text.replace("SOURCES_", str(len(sources) + 1)).replace("SINKS_", str(len(sinks) + 1))


def _text(name: str) -> str:
    """A header that lies beside this file."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _streams(ports: Iterable[Port]) -> str:
    return "".join(
        f"{{&top.{p.name}_payload, &top.{p.name}_valid, &top.{p.name}_ready, "
        f"{p.words}, sizeof top.{p.name}_payload}}, "
        for p in ports
    )
