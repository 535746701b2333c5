"""The pipeline that the command line asks for, with what goes through it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sdpaflow.graph import Dataflow, Stream
from sdpaflow.pipelines import Attention

from sdpaflow_sim.arrays import load
from sdpaflow_sim.attention.inputs import (
    Matrices,
    build,
    fitted,
    sample,
    sample_of,
    split_heads,
)
from sdpaflow_sim.cli import pipelines
from sdpaflow_sim.cli.arguments import Data, Spec, option
from sdpaflow_sim.cli.values import ALL, NAMES
from sdpaflow_sim.errors import InputError

__all__ = ["TOKENS", "Chosen", "choose", "columns", "heads_from", "streams_for"]

TOKENS = 16
"""Random tokens per input, unless told otherwise."""


@dataclass(frozen=True)
class Chosen:
    """A pipeline, and what goes through it.

    Attributes
    ----------
    spec : :class:`Spec`
        What was asked for.
    pipeline : :class:`Dataflow`
        What that is.
    heads : list of tuple
        Matrices for an attention; None for other pipelines, which take
        :func:`streams_for` them.
    batch : tuple of :class:`int`
        Batches, and heads of each, where the heads came in an array of four dimensions.
    fitted : :class:`bool`
        Whether formats were fitted to the heads.
    """

    spec: Spec
    pipeline: Dataflow
    heads: list[Matrices] | None
    batch: tuple[int, ...] = ()
    fitted: bool = False

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.pipeline.name

    @property
    def title(self) -> str:
        """Its name, and what it was made with."""
        config = getattr(self.pipeline, "config", None)
        made_with = ", ".join(self.spec.arguments) if config is None else str(config)
        return f"{self.name}, {made_with}" if made_with else self.name

    @property
    def command(self) -> str | None:
        """How the command line asks for a pipeline of one's own; None for the package's."""
        return None if self.spec.text in NAMES else self.spec.command


def choose(spec: Spec, data: Data, config: dict[str, Any]) -> Chosen:
    """Build the pipeline that is asked for.

    Parameters
    ----------
    spec : :class:`Spec`
        Which pipeline.
    data : :class:`Data`
        For an attention: what goes through it, to which formats and ``row_max`` are fitted.
    config : dict
        For an attention: fields of its :class:`Config`.

    Raises
    ------
    InputError
        There is no such pipeline, or what was given does not suit it.
    """
    found, arguments = pipelines.resolve(spec.text), pipelines.values(spec.arguments)
    if pipelines.is_attention(found):
        _no_inputs(spec)
        heads, batch = heads_of(data, config.get("row_max"))
        if data.d is not None:
            config = {**fitted(split_heads(*sample_of(data.d, data.dv)), config), **config}
        pipelines.check_arguments(spec.text, found, None, **arguments)
        with pipelines.explained(spec.text):
            kind = spec.text if spec.text in NAMES else found
            built = build(kind, heads, arguments=arguments, **config)
            return Chosen(spec, built, heads, batch, fitted=not {*"qkv"} <= config.keys())
    pipeline = pipelines.made(spec.text, found, arguments)
    if config:
        listed = " and ".join(dict.fromkeys(option(name) for name in config))
        raise InputError(
            f"{listed} configure a class of Attention, which {spec.text} is not: use --arg"
        )
    if isinstance(pipeline, Attention):
        _no_inputs(spec)
        if not data.given("q", "k", "v", "layer", "head", "d", "dv"):
            shape = pipeline.config
            tokens = data.tokens or shape.row_max
            return Chosen(spec, pipeline, split_heads(*sample_of(shape.d, shape.dv, tokens)))
        return Chosen(spec, pipeline, *heads_of(data, pipeline.config.row_max))
    if given := data.given("q", "k", "v", "layer", "head", "d", "dv"):
        raise InputError(
            f"{' and '.join(given)} are data of an attention, which {spec.text} is not: use --input"
        )
    if data.tokens is not None and spec.inputs:
        raise InputError("--tokens counts random tokens; leave it out with --input")
    return Chosen(spec, pipeline, None)


def _no_inputs(spec: Spec) -> None:
    if spec.inputs:
        raise InputError(f"{spec.text} is an attention, which takes --q, --k and --v, not --input")


def streams_for(
    pipeline: Dataflow, inputs: dict[str, str], tokens: int | None = None, seed: int = 0
) -> Mapping[str, Stream]:
    """Streams from files, or random ones of so many tokens where there are no files."""
    from sdpaflow_sim.streams import sample_streams, streams_from

    if inputs:
        return streams_from(pipeline, inputs)
    return sample_streams(pipeline, n=TOKENS if tokens is None else tokens, seed=seed)


def heads_of(data: Data, row_max: int | None = None) -> tuple[list[Matrices], tuple[int, ...]]:
    """The heads that are asked for: files, or shipped data as it is or cut to ``d`` and ``dv``.

    With them the batches and heads of each, if they came in an array of four dimensions.
    """
    if data.d is None:
        if data.dv is not None:
            raise InputError("--dv goes with --d; data has its own dimensions")
        return heads_from(data.q, data.k, data.v, data.layer, data.head, data.tokens)
    if other := data.given("q", "k", "v", "layer", "head", "tokens"):
        raise InputError(f"--d is instead of data; leave out {' and '.join(other)}")
    return split_heads(*sample_of(data.d, data.dv, row_max)), ()


def heads_from(
    q: str | None = None,
    k: str | None = None,
    v: str | None = None,
    layer: int | None = None,
    head: int | str | None = None,
    tokens: int | None = None,
) -> tuple[list[Matrices], tuple[int, ...]]:
    """Heads from files, or else of the shipped encoder, cut to the first tokens.

    Parameters
    ----------
    q, k, v : path
        All three, or none.
    layer : :class:`int`
        Of the shipped encoder; 5 unless given.
    head : :class:`int`
        Of that layer, or ``all``; 0 unless given.
    tokens : :class:`int`
        Queries and keys that are kept of each head; all unless given.

    Returns
    -------
    heads : list of tuple
        From :func:`split_heads`.
    batch : tuple of :class:`int`
        Batches, and heads of each, if the files have four dimensions.

    Raises
    ------
    InputError
        What is given does not go together, or is not there.
    """
    files = {"q": q, "k": k, "v": v}
    missing = [f"--{name}" for name, file in files.items() if file is None]
    if len(missing) == 3:
        index = None if head == ALL else int(head or 0)
        arrays = sample(5 if layer is None else layer, index)
    elif missing:
        raise InputError(f"q, k and v go together: {' and '.join(missing)} missing")
    elif layer is not None or head is not None:
        raise InputError("--layer and --head choose shipped data; leave them out with --q")
    else:
        arrays = load(str(q)), load(str(k)), load(str(v))
    heads = split_heads(*arrays)
    if tokens is not None:
        most = min(len(array) for head in heads for array in head)
        if tokens > most:
            raise InputError(f"tokens must be at most the {most} that there are, not {tokens}")
        heads = [(q[:tokens], k[:tokens], v[:tokens]) for q, k, v in heads]
    return heads, arrays[0].shape[:-2] if arrays[0].ndim == 4 else ()


def columns(
    heads: Sequence[Matrices],
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Lists of queries, of keys and of values."""
    queries, keys, values = map(list, zip(*heads, strict=True))
    return queries, keys, values
