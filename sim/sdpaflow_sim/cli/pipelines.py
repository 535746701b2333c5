"""Pipelines by what the command line calls them: those of the package, and one's own.

Processes that are started from here find the same pipeline by the same text.
"""

import ast
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

from sdpaflow.graph import Dataflow
from sdpaflow.numerics.fixed import parse
from sdpaflow.pipelines import PIPELINES, Attention

from sdpaflow_sim.cli.values import NAMES, OWN
from sdpaflow_sim.errors import InputError

__all__ = [
    "Maker",
    "attention",
    "check_arguments",
    "dealt",
    "explained",
    "is_attention",
    "made",
    "resolve",
    "values",
]

Maker = Callable[..., Any]
"""A class of pipelines, or a function that returns one."""


def resolve(text: str) -> Maker:
    """The class or function that a text stands for.

    Parameters
    ----------
    text : :class:`str`
        A key of :data:`sdpaflow.pipelines.PIPELINES`; ``module:Class``, of a module that is
        installed or in the current folder; or ``file.py:Class``. A file's folder may have modules
        that it imports.

    Raises
    ------
    InputError
        There is no such pipeline, file, module or class; it is none of pipelines; or its module
        cannot be imported, with the line.
    """
    if text in PIPELINES:
        return PIPELINES[text]
    where, _, name = text.rpartition(":")
    if not where or not name:
        raise InputError(f"pipeline must be one of {', '.join(NAMES)}, or {OWN}, not {text!r}")
    module = _from_file(Path(where)) if where.endswith(".py") else _from_path(where)
    found = getattr(module, name, None)
    if found is None:
        listed = [n for n, thing in vars(module).items() if _is_own(thing, module)]
        others = f", only {', '.join(listed)}" if listed else ", and no other pipeline"
        raise InputError(f"{where} has no {name}{others}")
    is_pipeline = issubclass(found, Dataflow) if isinstance(found, type) else callable(found)
    if not is_pipeline or found is Dataflow or found is Attention:
        raise InputError(
            f"{text} must be a class of Dataflow, or a function that returns a Dataflow, "
            f"not {found!r}"
        )
    return found


def attention(text: str) -> type[Attention]:
    """The class that a text stands for, which must be one of attentions; else InputError."""
    found = resolve(text)
    if not is_attention(found):
        raise InputError(f"{text} is no class of Attention: only those can be compared")
    return found


def is_attention(found: Maker) -> TypeGuard[type[Attention]]:
    """Whether this is a class of attentions, which is given a configuration that fits its data."""
    return isinstance(found, type) and issubclass(found, Attention)


def values(arguments: Iterable[str]) -> dict[str, object]:
    """Arguments of a constructor from their texts, ``name=value``.

    A value is a Python literal, a format ``SQ(i,f)`` or ``UQ(i,f)``, or else the text itself.
    """
    found: dict[str, object] = {}
    for argument in arguments:
        name, _, text = argument.partition("=")
        try:
            found[name] = parse(text) if re.match(r"\s*[SU]Q\(", text) else ast.literal_eval(text)
        except SyntaxError:
            found[name] = text
        except ValueError as error:
            if re.match(r"\s*[SU]Q\(", text):
                raise InputError(f"{name}: {error}") from None
            found[name] = text
    return found


def dealt(names: Sequence[str], arguments: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Arguments for each of several pipelines: those that its constructor takes.

    Parameters
    ----------
    names : list of :class:`str`
        What :func:`resolve` takes; classes of attentions.
    arguments : iterable of :class:`str`
        Each as ``name=value``.

    Raises
    ------
    InputError
        There is no such pipeline, or an argument is for none of them.
    """
    found: dict[str, list[str]] = {name: [] for name in names}
    takes = {name: list(inspect.signature(attention(name)).parameters)[1:] for name in names}
    for argument in arguments:
        wanted = argument.partition("=")[0]
        if not any(wanted in parameters for parameters in takes.values()):
            raise InputError(f"none of {', '.join(names)} takes an argument {wanted}")
        for name, parameters in takes.items():
            found[name] += [argument] * (wanted in parameters)
    return {name: tuple(texts) for name, texts in found.items()}


def made(text: str, found: Maker, arguments: dict[str, Any]) -> Dataflow:
    """A pipeline from its class or function and the arguments given, checked.

    Raises
    ------
    InputError
        It does not take them, refuses them, or fails; or what it returns is no pipeline.
    """
    check_arguments(text, found, **arguments)
    with explained(text):
        pipeline = found(**arguments)
    if not isinstance(pipeline, Dataflow):
        raise InputError(f"{text} must return a Dataflow, not {pipeline!r}")
    if not getattr(pipeline, "output_edges", None):
        raise InputError(f"{text} has no output: its constructor must end with self.output(…)")
    return pipeline


def check_arguments(text: str, found: Maker, *positional: object, **named: object) -> None:
    """Insist that a constructor takes these arguments; else InputError."""
    try:
        signature = inspect.signature(found)
        signature.bind(*positional, **named)
    except TypeError as error:
        plain = [parameter.replace(annotation=parameter.empty)
                 for parameter in signature.parameters.values()]  # fmt: skip
        takes = inspect.Signature(plain)
        raise InputError(f"{text} takes {takes} (--arg NAME=VALUE): {error}") from None


@contextmanager
def explained(text: str) -> Iterator[None]:
    """Turn what goes wrong in a pipeline's own code into an :class:`InputError` of one line."""
    try:
        yield
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"{text}: {_first_line(error)}") from None
    except Exception as error:
        raise InputError(f"{text}: {_where(error)}{type(error).__name__}: {error}") from None


def _is_own(thing: object, module: ModuleType) -> bool:
    """Whether this is a class of pipelines that the module defines."""
    if not isinstance(thing, type) or thing.__module__ != module.__name__:
        return False
    return issubclass(thing, Dataflow)


def _from_file(path: Path) -> ModuleType:
    """The module in a file, known to Python by the file's name without its ending."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    path, name = path.resolve(), path.stem
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    if known is not None or name in sys.stdlib_module_names or not name.isidentifier():
        raise InputError(
            f"{path.name}: cannot be imported as {name}, which is "
            + ("another module" if name.isidentifier() else "no name of Python's")
            + ": call the file something else"
        )
    _look_in(path.parent)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # it ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _imported(str(path.name)):
            spec.loader.exec_module(module)
    except InputError:
        del sys.modules[name]
        raise
    return module


def _from_path(name: str) -> ModuleType:
    """A module that is installed, or in the current folder."""
    _look_in(Path.cwd())
    try:
        with _imported(name):
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"there is no module {error.name}, neither installed nor in this folder"
        ) from None


def _look_in(folder: Path) -> None:
    """Let modules be found in a folder too, after all others."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


@contextmanager
def _imported(name: str) -> Iterator[None]:
    """Turn what goes wrong in a module into an InputError with the line; not its absence."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise
        raise InputError(f"{name}: {_where(error)}there is no module {error.name}") from None
    except SyntaxError as error:
        file = Path(error.filename or name).name
        raise InputError(f"{file}, line {error.lineno}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        raise InputError(f"{name}: {_where(error)}{kind}: {_first_line(error)}") from None


def _where(error: BaseException) -> str:
    """The last line passed that is in nobody's package, as ``file.py, line 3: ``."""
    own = [
        frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)
    ]
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}: " if own else ""


def _is_users(file: str) -> bool:
    parts = Path(file).parts
    installed = {"site-packages", "sdpaflow", "sdpaflow_sim"} & set(parts)
    library = Path(inspect.getfile(inspect)).parent
    return not (installed or file.startswith("<") or library in Path(file).parents)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]
