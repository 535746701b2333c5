"""Names of the variables that a call's result is about to be assigned to."""

import dis
import sys

__all__ = ["assigned_names"]


_SKIPPED = ("EXTENDED_ARG", "LOAD_FAST", "LOAD_DEREF", "LOAD_NAME", "LOAD_GLOBAL")
"""What may stand between a call and an assignment: whose attribute it is that is assigned to."""


def assigned_names(depth=1):
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
    names, wanted = [], 1
    for instruction in following:
        if instruction.opname == "UNPACK_SEQUENCE":
            wanted = instruction.arg
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
