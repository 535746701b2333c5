"""Several pipelines on the same data, side by side in processes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sdpaflow.pipelines import Attention

from sdpaflow_sim.attention.inputs import Matrices, build
from sdpaflow_sim.attention.run import Report, run
from sdpaflow_sim.cli import pipelines
from sdpaflow_sim.cli.chosen import columns
from sdpaflow_sim.cli.progress import Progress
from sdpaflow_sim.cli.values import NAMES
from sdpaflow_sim.errors import InputError
from sdpaflow_sim.verilog.count import Count, count

__all__ = ["measure_all"]


def measure_all(
    names: Sequence[str],
    heads: Sequence[Matrices],
    config: Mapping[str, Any] | None = None,
    processes: int | None = None,
    *,
    arguments: Iterable[str] = (),
    quiet: bool = False,
) -> tuple[list[Report], list[Count]]:
    """Reports and counts of several pipelines on the same data.

    Parameters
    ----------
    names : list of :class:`str`
        What :func:`.pipelines.resolve` takes; classes of attentions.
    heads : list of tuple
        From :func:`sdpaflow_sim.attention.inputs.split_heads`.
    config : dict
        Fields of :class:`Config`; ``row_max`` goes to those that store rows.
    processes : :class:`int`
        At most so many at a time; one per core unless given.
    arguments : iterable of :class:`str`
        For the constructors of pipelines of one's own, each as ``name=value``, for those that take
        it.
    quiet : :class:`bool`
        Show no progress.

    Raises
    ------
    InputError
        There is no such pipeline, or it does not go with the rest; nothing was started.
    """
    config, dealt = dict(config or {}), pipelines.dealt(names, arguments)
    storing = [pipelines.attention(name).stores_rows for name in names]
    if config.get("row_max") and not any(storing):
        raise InputError("none of these pipelines stores rows: leave out row_max")
    jobs: list[tuple[Any, ...]] = []
    for name, stores_rows in zip(names, storing, strict=True):
        own = {k: v for k, v in config.items() if k != "row_max" or stores_rows}
        job = name, dealt[name], own, heads
        _built(*job)  # complain before anything is started
        jobs.append(job)
    queries = sum(len(head[0]) for head in heads)
    with Progress(dict.fromkeys(names, queries), quiet=quiet) as progress:
        found = progress.run_all(_measure, jobs, processes)
    return [report for report, _ in found], [counted for _, counted in found]


def _built(
    name: str, arguments: Iterable[str], config: Mapping[str, Any], heads: Sequence[Matrices]
) -> Attention:
    """A pipeline, by the same text here and in every process."""
    kind, given = pipelines.attention(name), pipelines.values(arguments)
    pipelines.check_arguments(name, kind, None, **given)
    with pipelines.explained(name):
        return build(name if name in NAMES else kind, heads, arguments=given, **config)


def _measure(
    counter: Callable[[int], None],
    name: str,
    arguments: Iterable[str],
    config: Mapping[str, Any],
    heads: Sequence[Matrices],
) -> tuple[Report, Count]:
    """One pipeline's run, in a process."""
    pipeline = _built(name, arguments, config, heads)
    return run(pipeline, *columns(heads), progress=counter), count(pipeline)
