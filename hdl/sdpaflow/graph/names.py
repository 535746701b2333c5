"""Names that a graph takes from the code around it: of variables, classes and arguments."""

import dis
import inspect
import re
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["arguments_of", "assigned_names", "kebab"]


_SKIPPED = ("EXTENDED_ARG", "LOAD_FAST", "LOAD_DEREF", "LOAD_NAME", "LOAD_GLOBAL")
"""What may stand between a call and an assignment: whose attribute it is that is assigned to."""


def assigned_names(depth: int = 1) -> list[str]:
    """Targets of the assignment around the current call, as a list; empty if there is none.

    ``a = f()`` gives ``["a"]`` and ``a, b = f()`` gives ``["a", "b"]``, asked from within ``f``.
    Amaranth names signals this way too, for one target (:mod:`amaranth.tracer`).

    Parameters
    ----------
    depth : :class:`int`
        Which caller: 1 asks of the call to the function that calls this one.
    """
    frame = sys._getframe(depth + 1)
    following = (i for i in dis.get_instructions(frame.f_code) if i.offset > frame.f_lasti)
    names: list[str] = []
    wanted = 1
    for instruction in following:
        if instruction.opname == "UNPACK_SEQUENCE":
            wanted = instruction.arg or 0
        elif instruction.opname.startswith("STORE_"):
            # From Python 3.13 on, one instruction may store two names, or store one and load one.
            targets = instruction.argval
            targets = [targets] if isinstance(targets, str) else list(targets)
            names += targets[:1] if "LOAD" in instruction.opname else targets
        elif not instruction.opname.startswith(_SKIPPED):
            return []
        if len(names) >= wanted:
            return names[:wanted]
    return []


def kebab(name: str) -> str:
    """A class's name in kebab case: ``MemoryFree`` gives ``memory-free``.

    Capitals in a row are one word (``AXIPort``: ``axi-port``); digits belong to the word before.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name.strip("_"))
    return words.replace("_", "-").lower()


def arguments_of(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Arguments of a method by name, defaults included, without the first, which is ``self``.

    Empty where they do not fit, which the call itself will say.
    """
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return {}
    bound.apply_defaults()
    return dict(list(bound.arguments.items())[1:])
