"""The command ``sdpaflow cache``."""

import argparse

from sdpaflow_sim.cli import arguments as shared
from sdpaflow_sim.cli.values import at_least

__all__ = ["add_parser"]


def add_parser(commands: shared.Commands) -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        "cache",
        help="show or clear what is kept of compiled designs",
        description="Show where compiled designs are kept and how much they take; remove those "
        "used last the longest ago. By default nothing is removed here: each build removes what "
        "was not used for 90 days, and what is beyond 2000 MB.",
    )
    parser.set_defaults(command=_cache)
    parser.add_argument(
        "--days", type=at_least(0), metavar="N", help="remove what was not used for N days"
    )
    parser.add_argument(
        "--megabytes",
        type=at_least(0),
        metavar="M",
        help="keep at most so much, what was used last",
    )
    parser.add_argument("--clear", action="store_true", help="remove all of it")


def _cache(arguments: argparse.Namespace) -> int:
    """What is kept, and what was removed of it."""
    from sdpaflow_sim.engines.compiled import cache
    from sdpaflow_sim.errors import InputError

    days, megabytes, clear = arguments.days, arguments.megabytes, arguments.clear
    if clear and (days is not None or megabytes is not None):
        raise InputError("--clear removes all: leave out --days and --megabytes")
    cache.check()
    removed = []
    if clear or days is not None or megabytes is not None:
        endless = 1 << 40
        removed = cache.prune(
            0 if clear else endless if megabytes is None else megabytes,
            0 if clear else endless if days is None else days,
        )
        size = sum(kept.size for kept in removed)
        print(f"removed: {len(removed):,} files, {size / 1e6:,.1f} MB")
    kept = cache.contents()
    size = sum(file.size for file in kept)
    designs = sum(file.path.suffix == ".so" for file in kept)
    print(f"{cache.folder()}: {designs:,} designs, {len(kept):,} files, {size / 1e6:,.1f} MB")
    return 0
