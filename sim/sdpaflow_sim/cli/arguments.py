"""Arguments that several commands take, and what was given for them."""

import argparse
import os
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from sdpaflow_sim.cli import values
from sdpaflow_sim.errors import one_line

__all__ = [
    "Commands",
    "Data",
    "Parser",
    "Spec",
    "add_arguments",
    "add_config",
    "add_data",
    "add_dimensions",
    "add_engine",
    "add_jobs",
    "add_pipeline",
    "add_pipelines",
    "add_seed",
    "config_of",
    "data_of",
    "option",
    "portable",
    "reads",
    "spec_of",
    "texts",
]

CONFIG = ("lanes", "scale", "row_max", "segments", "score_bits", "weight_bits", "digits")
"""Fields of a configuration with an option of their own; formats share one."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and takes no abbreviations of options."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {one_line(message)}\n")


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Parser]
else:
    Commands = object


@dataclass(frozen=True)
class Spec:
    """A pipeline as the command line names it.

    Attributes
    ----------
    text : :class:`str`
        One of :data:`.values.NAMES`, ``module:Class`` or ``file.py:Class``.
    arguments : tuple of :class:`str`
        For its constructor, each as ``name=value``.
    inputs : dict of :class:`str`
        Files with tokens, by port.
    """

    text: str
    arguments: tuple[str, ...] = ()
    inputs: dict[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """The same as on a command line, without the inputs, wherever it is run."""
        words = ["--pipeline", portable(self.text)]
        for argument in self.arguments:
            words += ["--arg", argument]
        return shlex.join(words)


def portable(text: str) -> str:
    """A pipeline as another machine may name it: a file with an absolute path by its name alone."""
    where, _, name = text.rpartition(":")
    return f"{os.path.basename(where)}:{name}" if os.path.isabs(where) else text


@dataclass(frozen=True)
class Data:
    """Where the matrices of an attention come from; None where the command line does not say.

    Attributes
    ----------
    q, k, v : :class:`str`
        Files.
    layer, head, tokens : :class:`int`
        Of the shipped encoder; ``head`` may be :data:`.values.ALL`.
    d, dv : :class:`int`
        Elements of a query and of a value, of shipped data cut to size.
    """

    q: str | None = None
    k: str | None = None
    v: str | None = None
    layer: int | None = None
    head: int | str | None = None
    tokens: int | None = None
    d: int | None = None
    dv: int | None = None

    @property
    def files(self) -> list[str | None]:
        """Files of q, k and v."""
        return [self.q, self.k, self.v]

    def given(self, *names: str) -> list[str]:
        """Options that were given, of those named, or of all."""
        names = names or ("q", "k", "v", "layer", "head", "tokens", "d", "dv")
        return [f"--{name}" for name in names if getattr(self, name) is not None]


def add_pipeline(parser: argparse.ArgumentParser, *, required: bool = True, note: str = "") -> None:
    """Add which pipeline, and its constructor's arguments and input files if it is one's own."""
    parser.add_argument(
        "--pipeline",
        type=values.pipeline,
        required=required,
        metavar="P",
        help=f"{', '.join(values.NAMES)}; or your own: {values.OWN}{note}",
    )
    group = parser.add_argument_group("a pipeline of your own")
    add_arguments(group)
    group.add_argument(
        "--input",
        type=values.named("PORT=FILE"),
        action=values.Pairs,
        default={},
        metavar="PORT=FILE",
        help="tokens of an input, .npy or .json (default: random); may be repeated",
    )


def add_pipelines(parser: argparse.ArgumentParser) -> None:
    """Add a list of attention pipelines."""
    parser.add_argument(
        "--pipelines",
        type=values.pipelines,
        default=["naive", "memory-free"],
        metavar="A,B",
        help=f"of {', '.join(values.NAMES)}, or all; and attentions of your own: {values.OWN} "
        "(default: naive,memory-free)",
    )
    add_arguments(parser)


def add_arguments(parser: argparse._ActionsContainer) -> None:
    """Add arguments for the constructors of pipelines of one's own."""
    parser.add_argument(
        "--arg",
        type=values.named("NAME=VALUE"),
        action=values.Pairs,
        default={},
        metavar="NAME=VALUE",
        help="argument of the constructor: a Python literal, SQ(i,f), UQ(i,f), or else text; may "
        "be repeated",
    )


def texts(pairs: dict[str, str]) -> tuple[str, ...]:
    """What :func:`add_arguments` asked for, each as ``name=value``."""
    return tuple(f"{name}={value}" for name, value in pairs.items())


def spec_of(arguments: argparse.Namespace) -> Spec:
    """What :func:`add_pipeline` asked for; its text is empty where that may be left out."""
    return Spec(arguments.pipeline or "", texts(arguments.arg), arguments.input)


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add where the matrices of an attention come from."""
    group = parser.add_argument_group(
        "data of an attention", "by default a head of a real sentence encoder"
    )
    group.add_argument(
        "--q",
        type=values.file,
        metavar="F",
        help=".npy of (N_q, d), or with heads, or batches and heads, in front",
    )
    group.add_argument("--k", type=values.file, metavar="F", help=".npy of (N_k, d), likewise")
    group.add_argument("--v", type=values.file, metavar="F", help=".npy of (N_k, dv), likewise")
    group.add_argument(
        "--layer", type=values.at_least(0), help="of the shipped encoder: 0, 2 or 5 (default: 5)"
    )
    group.add_argument(
        "--head", type=values.head, help="of that layer: 0 to 11, or all (default: 0)"
    )
    group.add_argument(
        "--tokens",
        type=values.at_least(1),
        metavar="N",
        help="only the first N queries and keys; of any other pipeline, N random tokens in every "
        "dimension of its inputs (default: 16)",
    )


def add_dimensions(parser: argparse.ArgumentParser) -> None:
    """Add the dimensions of an attention in place of its data."""
    parser.add_argument("--d", type=values.at_least(1), help="elements of a query, instead of data")
    parser.add_argument("--dv", type=values.at_least(1), help="elements of a value (default: d)")


def data_of(arguments: argparse.Namespace) -> Data:
    """What :func:`add_data` asked for, and :func:`add_dimensions` where that is there."""
    names = ("q", "k", "v", "layer", "head", "tokens", "d", "dv")
    return Data(**{name: getattr(arguments, name, None) for name in names})


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the fields of an attention's configuration."""
    group = parser.add_argument_group(
        "configuration of an attention", "by default fitted to the data"
    )
    count = values.at_least(1)
    group.add_argument("--lanes", type=count, metavar="L", help="elements per token (default: d)")
    group.add_argument(
        "--formats", type=values.formats, default={}, metavar="q=SQ(4,12),…", help="of q, k, v, o"
    )
    group.add_argument("--scale", type=values.positive, help="of the scores (default: 1/√d)")
    group.add_argument("--row-max", type=count, metavar="R", help="keys of the longest row")
    group.add_argument("--segments", type=count, help="lines in the table of exp2 (default: 128)")
    group.add_argument("--score-bits", type=count, help="fraction bits of a score (default: 18)")
    group.add_argument("--weight-bits", type=count, help="and of its exponential (default: 17)")
    group.add_argument("--digits", type=count, help="bits per stage of a division (default: 1)")


def config_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Fields of the configuration that were given."""
    given = {name: getattr(arguments, name) for name in CONFIG}
    return {n: value for n, value in {**given, **arguments.formats}.items() if value is not None}


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add the choice of the engine."""
    parser.add_argument(
        "--engine",
        choices=values.ENGINES,
        default=values.AUTO,
        help="simulator (default: auto, the one sooner done)",
    )


def add_seed(parser: argparse.ArgumentParser, what: str) -> None:
    """Add a seed."""
    parser.add_argument(
        "--seed", type=values.at_least(0), default=0, help=f"of {what} (default: 0)"
    )


def add_jobs(parser: argparse._ActionsContainer, what: str, default: int | None = None) -> None:
    """Add how many at a time."""
    parser.add_argument(
        "--jobs", type=values.at_least(1, values.JOBS), default=default, metavar="J", help=what
    )


def reads(spec: Spec | None = None, data: Data | None = None, *texts: str) -> list[str | None]:
    """Files that a command reads: data, tokens, and pipelines of one's own that are files."""
    found: list[str | None] = [] if data is None else data.files
    if spec is not None:
        found = [*found, *spec.inputs.values()]
        texts = (spec.text, *texts)
    where = (text.rpartition(":")[0] for text in texts)
    return [*found, *(file for file in where if file.endswith(".py"))]


def option(name: str) -> str:
    """How the command line writes a field of the configuration."""
    return "--formats" if name in {*"qkvo"} else f"--{name.replace('_', '-')}"
