"""Points of a study: what each is, and what its simulation gives."""

import hashlib
import json
import platform
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from importlib.metadata import version
from itertools import product
from typing import Any

import numpy as np
from sdpaflow import __version__
from sdpaflow.graph import longest
from sdpaflow.pipelines import PIPELINES, ROW_BITS, Attention, Config

from sdpaflow_sim.attention.run import run
from sdpaflow_sim.cli import pipelines
from sdpaflow_sim.errors import InputError, MismatchError, SimulationError
from sdpaflow_sim.study.sources import own_sources

__all__ = ["FIELDS", "PUBLISHED", "Point", "formula", "grid", "label", "measure"]

PUBLISHED = {
    "naive": lambda n: 2 * n**2 + 2 * n + 52,
    "memory-free": lambda n: 2 * n**2 + 46,
}
"""Cycles of the published simulation at d = 1 (arXiv:2404.16629)."""


FIELDS = (
    "key", "point", "config", "versions", "engine", "cycles", "cycles_per_score", "formula",
    "published", "long_words", "long_peak", "published_words", "intermediate_words", "peak_words",
    "intermediate_bits", "fifos", "saturations", "bit_exact", "max_error",
    "max_error_total", "is_attention", "seconds",
)  # fmt: skip
"""What :func:`measure` gives."""


@dataclass(frozen=True)
class Point:
    """N random queries over N random keys, through one pipeline.

    Elements are uniform with unit variance, so that at d = 1 nothing saturates; formats are those
    of :class:`Config`, so that N changes a design in ``row_max`` at most.

    Attributes
    ----------
    pipeline : :class:`str`
        What :func:`sdpaflow_sim.cli.pipelines.resolve` takes, a class of attentions.
    d, lanes, n : :class:`int`
        Elements of a vector and of a token; queries, and keys.
    seed : :class:`int`
        Of the data.
    engine : :class:`str`
        As :func:`sdpaflow_sim.attention.run.run` takes it.
    arguments : tuple of :class:`str`
        What else its constructor takes, each as ``name=value``.
    """

    pipeline: str
    d: int
    lanes: int
    n: int
    seed: int
    engine: str
    arguments: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What tables and figures call the pipeline."""
        return label(self.pipeline)

    @property
    def name(self) -> str:
        """For people, and for files."""
        pipeline = re.sub(r".*:", "", self.pipeline)
        return f"{pipeline}-d{self.d}-l{self.lanes}-n{self.n}"

    @property
    def work(self) -> int:
        """Cycles that it takes, nearly."""
        return self.n**2 * self.d // self.lanes

    def build(self) -> Attention:
        """The pipeline."""
        kind, arguments = pipelines.attention(self.pipeline), pipelines.values(self.arguments)
        row_max = self.n if kind.stores_rows else None
        pipelines.check_arguments(self.pipeline, kind, None, **arguments)
        config = Config(d=self.d, lanes=self.lanes, row_max=row_max)
        if self.pipeline in PIPELINES:
            return kind(config)
        with pipelines.explained(self.pipeline):
            return kind(config, **arguments)  # type: ignore[arg-type]  # whatever its class takes

    def data(self) -> np.ndarray:
        """Floats q, k, v: (3, N, d)."""
        rng = np.random.default_rng([self.seed, self.n, self.d])
        return rng.uniform(-np.sqrt(3), np.sqrt(3), size=(3, self.n, self.d))

    @property
    def key(self) -> str:
        """Hash of all that the result depends on: configuration, data, and the hardware's source.

        Of a pipeline of one's own that is the source of its class, of those it is made from, and of
        what these import, as far as it is not installed.

        Points of equal keys have equal results.
        """
        pipeline = self.build()
        told = json.dumps([
            asdict(self),
            str(pipeline.config),
            _sources(),
            *own_sources(type(pipeline)),
        ])
        return hashlib.sha256(told.encode() + self.data().tobytes()).hexdigest()


@cache
def _sources() -> str:
    """Hash of the package that describes the hardware."""
    digest = hashlib.sha256()
    with resources.as_file(resources.files("sdpaflow")) as folder:
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def label(pipeline: str) -> str:
    """What tables and figures call a pipeline: a file without its folder."""
    return re.sub(r".*[/\\]", "", pipeline)


def grid(
    names: Sequence[str],
    d: Sequence[int],
    lanes: Sequence[int] | None,
    n: Sequence[int],
    seed: int,
    engine: str,
    arguments: tuple[str, ...] = (),
) -> list[Point]:
    """Points of a study, in the order of its tables.

    Parameters
    ----------
    names : list of :class:`str`
        Pipelines.
    d, lanes, n : list of :class:`int`
        As for :class:`Point`; ``lanes`` that do not divide a ``d`` are left out there, and None is
        d.
    seed, engine
        As for :class:`Point`.
    arguments : tuple of :class:`str`
        For the constructors of pipelines of one's own, for those that take it.

    Raises
    ------
    InputError
        A pipeline is none, or refuses what it is given; no lanes fit; rows are too long.
    """
    dealt = pipelines.dealt(names, arguments)
    if max(n) > 1 << ROW_BITS:
        raise InputError(f"rows may have up to {1 << ROW_BITS} keys, not {max(n)}")
    points: list[Point] = []
    for name, elements in product(names, d):
        divisors = [elements] if lanes is None else lanes
        fitting = [count for count in divisors if elements % count == 0]
        if not fitting:
            raise InputError(f"lanes must divide d = {elements}; none of {_listed(divisors)} does")
        points += [Point(name, elements, count, size, seed, engine, dealt[name])
                   for count in fitting for size in sorted(n)]  # fmt: skip
    for point in points:
        try:
            point.build()
        except ValueError as error:
            raise InputError(str(error)) from None
    return points


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def formula(point: Point) -> int | None:
    """Cycles that follow from the graph; None where no formula is known.

    With lanes = d a score takes a cycle, each long FIFO makes the output wait for a row, and the
    rest is the longest path through the pipeline. Rows shorter than 7 keys wait for the division.
    """
    if point.lanes < point.d or point.n < 7:
        return None
    pipeline = point.build()
    (output,) = pipeline.output_edges.values()
    rows = sum(edge.is_long for edge in pipeline.edges)
    path = longest(output, None)
    return None if path is None else point.n**2 + rows * (point.n - 1) + path


def measure(point: Point, key: str, tell: Callable[[int], None]) -> dict[str, Any]:
    """Simulate a point and check it by bits; the result as plain data.

    Parameters
    ----------
    point : :class:`Point`
        What to run.
    key : :class:`str`
        Its key where it was asked for, which must be its key where it is run.
    tell : callable
        Called with the number of queries answered, now and then.
    """
    if point.key != key:
        raise InputError(
            f"this machine has another source or another numpy than asked for: sdpaflow "
            f"{__version__}, numpy {np.__version__}, {platform.node()}"
        )
    pipeline = point.build()
    start = time.monotonic()
    try:
        report = run(pipeline, *point.data(), engine=point.engine, progress=tell)
    except MemoryError:
        raise SimulationError("out of memory") from None
    seconds = time.monotonic() - start
    if not report.bit_exact:
        raise MismatchError("the outputs differ from the bit-exact model's")
    long = [fifo for fifo in report.fifos if fifo.depth > 2]
    published = PUBLISHED.get(point.pipeline) if point.d == 1 else None
    return {
        "key": key,
        "point": asdict(point),
        "config": str(pipeline.config),
        "versions": {
            "sdpaflow": __version__,
            "amaranth": version("amaranth"),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "engine": report.engine,
        "cycles": report.cycles,
        "cycles_per_score": report.cycles_per_score,
        "formula": formula(point),
        "published": published and published(point.n),
        "long_words": sum(fifo.depth for fifo in long),
        "long_peak": sum(fifo.peak for fifo in long),
        "published_words": point.n + 2 if published and pipeline.stores_rows else None,
        "intermediate_words": report.intermediate_words,
        "peak_words": report.peak_words,
        "intermediate_bits": report.intermediate_bits,
        "fifos": [asdict(fifo) for fifo in report.fifos],
        "saturations": report.saturations,
        "bit_exact": report.bit_exact,
        "max_error": report.max_abs_error / report.output_ulp,
        "max_error_total": report.max_abs_error_total / report.output_ulp,
        "is_attention": report.is_attention,
        "seconds": round(seconds, 1),
    }
