# amaranth: UnusedElaboratable=no
"""Every unit with streams to run through it and, in plain Python, what must come out.

The references know nothing of the package: a stream is a nested list, so a Reduce is a function of
innermost lists and a Replay a comprehension over two.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from amaranth.hdl import Shape, unsigned
from amaranth.lib import data
from helpers.functions import Horner, Mix
from helpers.rescaled import rescaled_sum
from helpers.streams import deep, nested, rectangles, tokens
from sdpaflow.numerics import SQ, UQ, Divide, Dot, RescaledSum, RunningMax, Serial, Sum
from sdpaflow.units import Fifo, Fork, Map, MemReduce, Reduce, Repeat, Replay, Scan
from sdpaflow_sim.engines.amaranth import simulate

__all__ = ["CASES", "Case", "Port", "run"]

BYTE = unsigned(8)


@dataclass
class Port:
    """A stream at a port: shape of its data, rank, and the stream as a nested list."""

    shape: object
    rank: int
    stream: list

    @property
    def tokens(self):
        """Bits of its tokens."""
        return tokens(self.shape, self.rank, self.stream)


@dataclass
class Case:
    """A unit, what goes in and what must come out, by port."""

    unit: Callable
    inputs: dict
    outputs: dict


def run(case, **options):
    """Run a case with the contract watched on all ports, compare every bit; the trace."""
    sources = {name: port.tokens for name, port in case.inputs.items()}
    wanted = {name: port.tokens for name, port in case.outputs.items()}
    counts = {name: len(bits) for name, bits in wanted.items()}
    trace = simulate(case.unit(), sources, counts, watch=True, **options)
    assert trace.outputs == wanted
    return trace


def mapped(fn, rank, function, paired=False):
    """A Map of an operator whose arguments are drawn at random from their shapes."""
    rng = random.Random(rank)
    names = ["i"] if len(fn.inputs) == 1 else [f"i{n}" for n in range(len(fn.inputs))]
    shaped = nested(rng, rank, 6 if rank else 20, lambda: None)
    streams = [deep(rank + 1, lambda _, s=s: draw(rng, s), shaped) for s in fn.inputs]
    results = deep(rank + 1, function, *streams)
    inputs = {n: Port(s, rank, x) for n, s, x in zip(names, fn.inputs, streams, strict=True)}
    if paired:
        pairs = deep(rank + 1, lambda *pair: pair, *streams)
        inputs = {
            "i": Port(data.StructLayout(dict(zip("ab", fn.inputs, strict=True))), rank, pairs)
        }
    return Case(lambda: Map(fn, rank, paired=paired), inputs, {"o": Port(fn.shape, rank, results)})


def draw(rng, shape):
    """Raw datum of a shape."""
    if isinstance(shape, data.ArrayLayout):
        return [draw(rng, shape.elem_shape) for _ in range(shape.length)]
    width = Shape.cast(shape).width
    return rng.randrange(1 << width) - (Shape.cast(shape).signed << (width - 1))


def byte(rng):
    return lambda: rng.randrange(256)


def divided(num, den):
    """As ``DIVIDE``."""
    if den == 0:
        return 127
    return min(math.floor(Fraction(num, 16) / Fraction(den, 4) * 8 + Fraction(1, 2)), 127)


def reduced(rank):
    rng = random.Random(rank)
    stream = nested(rng, rank, 30 // rank**2, byte(rng))
    results = deep(rank, Horner.of, stream)
    return Case(
        lambda: Reduce(Horner(), rank),
        {"i": Port(BYTE, rank, stream)},
        {"o": Port(Horner.state, rank - 1, results)},
    )


def mem_reduced(rank, size, fn=None, fold=Horner.of):
    fn = fn or Horner()
    rng = random.Random(10 * rank + size)
    stream = rectangles(rng, rank, 12 - 3 * rank, size, lambda: draw(rng, fn.token))
    results = deep(rank - 1, lambda row: [fold(c) for c in zip(*row, strict=True)], stream)
    return Case(
        lambda: MemReduce(fn, size, rank),
        {"i": Port(fn.token, rank, stream)},
        {"o": Port(fn.state, rank - 1, results)},
    )


def scanned(rank):
    rng = random.Random(rank)
    stream = nested(rng, rank, 30 // rank**2, byte(rng))
    results = deep(rank, Horner.steps, stream)
    return Case(
        lambda: Scan(Horner(), rank),
        {"i": Port(BYTE, rank, stream)},
        {"o": Port(Horner.state, rank, results)},
    )


def running_maximum(*, ahead):
    """A fold that emits something else than its state; ahead, from the state after the next."""
    score, rng = SQ(3, 2), random.Random(1)
    fn = RunningMax(score)

    def steps(group):
        seen = [group[: n + 1 + ahead] for n in range(len(group))]
        tops = [math.floor(Fraction(max(part), 4)) + 1 for part in seen]
        return list(zip(group, tops, strict=True))

    stream = nested(rng, 1, 12, lambda: draw(rng, score))
    return Case(
        lambda: Scan(fn, ahead=ahead),
        {"i": Port(score, 1, stream)},
        {"o": Port(fn.shape, 1, deep(1, steps, stream))},
    )


def rescaling(number):
    """A token of a rescaled sum, and what draws one."""
    layout = data.StructLayout({"number": number, "down": UQ(3, 0), "shift": UQ(5, 0)})
    lanes = number.length if isinstance(number, data.ArrayLayout) else 0

    def token(rng):
        drawn = draw(rng, number)
        return drawn, rng.randrange(8), rng.choice([1, 1, 2, 4, 16, 0])

    def total(group):
        lists = [(drawn if lanes else [drawn], down, shift) for drawn, down, shift in group]
        sums, _ = rescaled_sum(lists)
        return sums if lanes else sums[0]

    return RescaledSum(layout, "number", 8), token, total


def rescaled(number, rank=1):
    """A Reduce by a fold of two cycles."""
    fn, token, total = rescaling(number)
    rng = random.Random(rank)
    stream = nested(rng, rank, 30 // rank**2, lambda: token(rng))
    return Case(
        lambda: Reduce(fn, rank),
        {"i": Port(fn.token, rank, stream)},
        {"o": Port(fn.state, rank - 1, deep(rank, total, stream))},
    )


def mem_rescaled(number, rank, size):
    """A MemReduce by a fold of two cycles."""
    fn, token, total = rescaling(number)
    rng = random.Random(10 * rank + size)
    stream = rectangles(rng, rank, 12 - 3 * rank, size, lambda: token(rng))
    results = deep(rank - 1, lambda row: [total(c) for c in zip(*row, strict=True)], stream)
    return Case(
        lambda: MemReduce(fn, size, rank),
        {"i": Port(fn.token, rank, stream)},
        {"o": Port(fn.state, rank - 1, results)},
    )


def repeated(rank):
    rng = random.Random(rank)
    over = nested(rng, rank, 30 // rank**2, byte(rng))
    stream = deep(rank, lambda _: rng.randrange(16), over)
    pairs = deep(rank, lambda x, group: [(token, x) for token in group], stream, over)
    return Case(
        lambda: Repeat(unsigned(4), BYTE, rank),
        {"i": Port(unsigned(4), rank - 1, stream), "over": Port(BYTE, rank, over)},
        {"o": Port(data.StructLayout({"over": BYTE, "i": unsigned(4)}), rank, pairs)},
    )


def replayed(rank, size):
    rng = random.Random(10 * rank + size)
    over = rectangles(rng, rank, 12 - 3 * rank, size, byte(rng))
    stream = deep(rank - 1, lambda row: [rng.randrange(16) for _ in row[0]], over)

    def replay(group, row):
        return [list(zip(beats, group, strict=True)) for beats in row]

    return Case(
        lambda: Replay(unsigned(4), BYTE, size, rank),
        {"i": Port(unsigned(4), rank - 1, stream), "over": Port(BYTE, rank, over)},
        {
            "o": Port(
                data.StructLayout({"over": BYTE, "i": unsigned(4)}),
                rank,
                deep(rank - 1, replay, stream, over),
            )
        },
    )


def passed(unit, rank, outputs):
    """A unit that hands its tokens on as they are."""
    rng = random.Random(rank)
    stream = nested(rng, rank, 30 // max(rank, 1) ** 2, byte(rng))
    port = Port(BYTE, rank, stream)
    return Case(lambda: unit(BYTE, rank), {"i": port}, dict.fromkeys(outputs, port))


DIVIDE = Divide(UQ(4, 4), UQ(2, 2), UQ(4, 3), 2)
VECTOR = data.ArrayLayout(SQ(2, 1), 3)

CASES = {
    "Map of one argument": mapped(Mix(1), 0, Mix.of),
    "Map of two": mapped(Mix(2), 2, Mix.of),
    "Map of three": mapped(Mix(3), 1, Mix.of),
    "Map of pairs": mapped(Mix(2), 1, Mix.of, paired=True),
    "Map in four stages": mapped(
        Dot(data.ArrayLayout(SQ(2, 2), 5), data.ArrayLayout(UQ(2, 2), 5), 1),
        1,
        lambda a, b: sum(x * y for x, y in zip(a, b, strict=True)),
    ),
    "Map in eight stages": mapped(DIVIDE, 2, divided),
    **{
        f"Map of {lanes} lanes in turn": mapped(
            Serial(DIVIDE, lanes), rank, lambda nums, den: [divided(num, den) for num in nums]
        )
        for lanes, rank in ((2, 2), (5, 1), (12, 0))
    },
    **{f"Reduce of rank {rank}": reduced(rank) for rank in (1, 2, 3)},
    **{f"MemReduce of rank 2 in {size} words": mem_reduced(2, size) for size in (1, 3, 4)},
    "MemReduce of rank 3 in 3 words": mem_reduced(3, 3),
    "MemReduce of vectors": mem_reduced(
        2,
        2,
        Sum(VECTOR, 3),
        lambda column: [sum(lane) for lane in zip(*column, strict=True)],
    ),
    **{f"Scan of rank {rank}": scanned(rank) for rank in (1, 2, 3)},
    "Scan of a running maximum": running_maximum(ahead=False),
    "Scan of a running maximum ahead": running_maximum(ahead=True),
    **{f"Reduce in two cycles, of rank {rank}": rescaled(SQ(2, 2), rank) for rank in (1, 2)},
    "Reduce of vectors in two cycles": rescaled(VECTOR),
    **{
        f"MemReduce in two cycles, in {size} words": mem_rescaled(SQ(2, 2), 2, size)
        for size in (1, 2, 4)
    },
    "MemReduce of rank 3 in two cycles": mem_rescaled(VECTOR, 3, 3),
    **{f"Repeat of rank {rank}": repeated(rank) for rank in (1, 2, 3)},
    **{f"Replay of rank 2 in {size} words": replayed(2, size) for size in (1, 3, 4)},
    "Replay of rank 3 in 3 words": replayed(3, 3),
    "Fork of rank 0": passed(Fork, 0, ["o0", "o1"]),
    "Fork of rank 2": passed(Fork, 2, ["o0", "o1"]),
    "Fork to three": passed(lambda *a: Fork(*a, branches=3), 1, ["o0", "o1", "o2"]),
    **{
        f"Fifo of depth {depth}": passed(lambda *a, depth=depth: Fifo(*a, depth=depth), 2, ["o"])
        for depth in (1, 2, 3, 4, 7)
    },
    "Fifo that chooses late": passed(lambda *a: Fifo(*a, late=True), 2, ["o"]),
}
