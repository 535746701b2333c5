"""Arrays from outside: loaded, checked, and given number formats."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sdpaflow.numerics import fixed
from sdpaflow.numerics.fixed import SQ
from sdpaflow.pipelines import PIPELINES, ROW_BITS, Attention, Config

from sdpaflow_sim.arrays import numbers
from sdpaflow_sim.errors import InputError

__all__ = ["Heads", "Matrices", "as_given", "build", "check", "fitted", "fitting", "sample",
           "sample_of", "split_heads"]  # fmt: skip

Matrices = tuple[np.ndarray, np.ndarray, np.ndarray]
"""q, k and v of one head: (N_q, d), (N_k, d) and (N_k, dv)."""

Heads = ArrayLike | Sequence[ArrayLike]
"""A matrix, an array of matrices, or a list of them: one per head; or a batch of such arrays."""


def sample(layer: int = 5, head: int | None = 0) -> Matrices:
    """Q, K, V of one head of the sentence encoder shipped with the project, (145, 32) each.

    Layers are 0, 2 and 5; there are 12 heads, and None is all of them, (12, 145, 32). See
    ``data/README.md``.
    """
    from importlib import resources  # here, since data from files does without

    file = resources.files("sdpaflow_sim") / "data" / "minilm_qkv.npz"
    with resources.as_file(file) as path, np.load(path) as arrays:
        if f"layer{layer}_q" not in arrays:
            raise InputError(f"layer must be 0, 2 or 5, not {layer}")
        layers = [arrays[f"layer{layer}_{name}"] for name in "qkv"]
    q, k, v = layers
    if head is None:
        return q, k, v
    if not 0 <= head < len(layers[0]):
        raise InputError(f"head must be 0 to {len(layers[0]) - 1}, not {head}")
    return q[head], k[head], v[head]


def sample_of(d: int, dv: int | None = None, tokens: int | None = None) -> Matrices:
    """Q, K, V of the shipped encoder's layer 5 with as many elements as wanted.

    The first ``d`` (``dv``) of its 12 heads side by side, which have 384; of the first ``tokens``.
    """
    heads = [sample(5, head) for head in range(12)]
    dv = d if dv is None else dv
    joined: list[np.ndarray] = []
    for name, elements, stack in zip("qkv", (d, d, dv), zip(*heads, strict=True), strict=True):
        matrix = np.concatenate(stack, axis=1)
        if not 1 <= elements <= matrix.shape[1]:
            wanted = "dv" if name == "v" else "d"
            raise InputError(f"{wanted} must be 1 to {matrix.shape[1]}, not {elements}")
        joined.append(matrix[: max(1, tokens) if tokens is not None else None, :elements])
    q, k, v = joined
    return q, k, v


def split_heads(q: Heads, k: Heads, v: Heads) -> list[Matrices]:
    """One triple of matrices per head, from matrices, arrays with heads in front, or lists.

    Of (batch, heads, N, d) each batch's heads follow those of the one before.

    Raises :class:`InputError` for shapes that do not go together.
    """
    stacks = {name: _stack(name, array) for name, array in {"q": q, "k": k, "v": v}.items()}
    counts = {name: len(stack) for name, stack in stacks.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{n} of {name}" for name, n in counts.items())
        raise InputError(f"q, k and v must have equally many heads, not {listed}")
    heads = list(zip(*stacks.values(), strict=True))
    if not heads:
        raise InputError("there must be at least one head, not none")
    for queries, keys, values in heads:
        if queries.shape[1] != keys.shape[1]:
            raise InputError(
                f"queries and keys must be equally long, not d = {queries.shape[1]} in q "
                f"and {keys.shape[1]} in k"
            )
        if len(keys) != len(values):
            raise InputError(
                f"k and v must have equally many tokens, not {len(keys)} and {len(values)}"
            )
    if len({(h[0].shape[1], h[2].shape[1]) for h in heads}) > 1:
        raise InputError("all heads must have the same d and dv")
    return heads


def as_given(q: Heads, outputs: list[np.ndarray]) -> np.ndarray | list[np.ndarray]:
    """Outputs of all heads after the queries: (batch, heads, N, dv), a list, or that of the one."""
    if isinstance(q, np.ndarray) and q.ndim == 4:
        return np.stack(outputs).reshape(*q.shape[:2], *outputs[0].shape)
    return outputs[0] if len(outputs) == 1 else outputs


def _stack(name: str, array: Heads) -> list[np.ndarray]:
    if isinstance(array, (list, tuple)) and array and all(np.ndim(item) == 2 for item in array):
        return [check(name, item) for item in array]
    given: Any = array
    checked = check(name, given)
    return list(checked.reshape(-1, *checked.shape[-2:]))


def check(name: str, given: ArrayLike) -> np.ndarray:
    """A float64 array of 2 to 4 dimensions, none empty, all finite; else :class:`InputError`."""
    array = numbers(name, given).astype(np.float64)
    if array.ndim not in {2, 3, 4}:
        raise InputError(
            f"{name} must have shape (N, d), (heads, N, d) or (batch, heads, N, d), "
            f"not {array.shape}"
        )
    if 0 in array.shape:
        raise InputError(f"{name} must not be empty, but its shape is {array.shape}")
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0].tolist()
        raise InputError(f"{name} must be finite, but {name}{bad} is {array[tuple(bad)]}")
    return array


def fitting(values: Iterable[np.ndarray], name: str = "values", width: int = 16) -> fixed.Shape:
    """The signed format of ``width`` bits with the most fraction bits that holds all values."""
    largest = max(float(np.max(np.abs(array))) for array in values)
    if not math.isfinite(largest):
        raise InputError(f"{name} reaches {largest:g}, which no format holds: scale it")
    i_bits = 1 + max(0, math.floor(math.log2(largest)) + 1 if largest > 0 else 0)
    if i_bits < width and round(math.ldexp(largest, width - i_bits)) >= 1 << (width - 1):
        i_bits += 1  # rounding would reach the next power of two
    if i_bits > width:
        raise InputError(
            f"{name} reaches {largest:g}, which does not fit a format of {width} bits: scale it, "
            "or give a format"
        )
    return SQ(i_bits, width - i_bits)


def fitted(heads: Sequence[Matrices], options: Mapping[str, Any]) -> dict[str, fixed.Shape]:
    """Formats of q, k and v that hold heads, for those that options do not give.

    Raises
    ------
    InputError, ValueError
        They do not fit 16 bits, or the scale among the options is none.
    """
    given = {name: options[name] for name in ("scale",) if options.get(name) is not None}
    factor = Config(d=heads[0][0].shape[1], **given).factor
    found = {}
    for index, (port, scale) in enumerate({"q": factor, "k": 1, "v": 1}.items()):
        if options.get(port) is None:
            with np.errstate(over="ignore"):
                found[port] = fitting([scale * head[index] for head in heads], port)
    return found


def build(
    pipeline: str | type[Attention],
    heads: Sequence[Matrices],
    *,
    arguments: Mapping[str, Any] | None = None,
    **options: Any,
) -> Attention:
    """Pipeline for the given heads, with formats and ``row_max`` fitted where not given.

    Parameters
    ----------
    pipeline : :class:`str` or class
        A key of :data:`sdpaflow.pipelines.PIPELINES`, or a subclass of :class:`Attention`, whose
        constructor takes a :class:`Config` first.
    heads : list of tuple
        From :func:`split_heads`.
    arguments : dict
        What else its constructor takes, by name.
    **options
        Fields of :class:`Config`; None counts as not given.

    Raises
    ------
    InputError
        There is no such pipeline, or it refuses what is given.
    """
    kind = _kind(pipeline)
    options = {key: value for key, value in options.items() if value is not None}
    longest = max(len(keys) for _, keys, _ in heads)
    if longest > 1 << ROW_BITS:
        raise InputError(f"rows may have up to {1 << ROW_BITS} keys, not {longest}")
    if kind.stores_rows:
        options.setdefault("row_max", longest)
    elif "row_max" in options:
        name = pipeline if isinstance(pipeline, str) else kind.__name__
        raise InputError(f"{name} stores no rows: leave out row_max")
    try:
        d, dv = heads[0][0].shape[1], heads[0][2].shape[1]
        options |= fitted(heads, options)
        built = kind(Config(d=d, dv=dv, **options), **(arguments or {}))
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from None
    if built.config.row_max is not None and built.config.row_max < longest:
        raise InputError(f"rows have {longest} keys, more than row_max = {built.config.row_max}")
    return built


def _kind(pipeline: object) -> type[Attention]:
    """The class of a pipeline that is named, or is that class."""
    if isinstance(pipeline, type) and issubclass(pipeline, Attention):
        return pipeline
    if not isinstance(pipeline, str) or pipeline not in PIPELINES:
        raise InputError(
            f"pipeline must be one of {', '.join(PIPELINES)}, or a subclass of Attention, "
            f"not {pipeline!r}"
        )
    return PIPELINES[pipeline]
