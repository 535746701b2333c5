"""Write the reference of the command line, from the parser that reads it."""

import sys

from pages import DOCS, main
from sdpaflow_sim.cli import parser as command_line

PAGE = DOCS / "reference/command-line.md"
HEAD = """\
<!-- Written by scripts/command_line.py; `make datasheets` writes it anew. -->

# Command line

`sdpaflow VERB …`, or `python -m sdpaflow_sim VERB …`. Options may be shortened as long as they stay
unambiguous. What the exit code says is on [its own page](exit-codes.md).

"""


def measure(_writing=False):
    """Text of the page."""
    verbs = subparsers(command_line._parser())
    listed = "".join(f"* [`{name}`](#{name}): {about}\n" for name, (_, about) in verbs.items())
    texts = [verb(name, parser) for name, (parser, _) in verbs.items()]
    return {PAGE: HEAD + "\n".join([listed, *texts])}, lambda: None


def subparsers(parser):
    """Parsers of the verbs by name, each with its line of help."""
    (action,) = (a for a in parser._actions if isinstance(a.choices, dict))
    about = {choice.dest: choice.help for choice in action._choices_actions}
    return {name: (verb, about[name]) for name, verb in action.choices.items()}


def verb(name, parser):
    """A section: what the verb does, then its options group by group."""
    lines = [f"## {name}\n", f"{parser.description}\n"]
    for group in parser._action_groups:
        actions = [a for a in group._group_actions if "-h" not in a.option_strings]
        if not actions:
            continue
        title = group.title if group.title not in {"options", "positional arguments"} else ""
        if title:
            lines.append(f"{title.capitalize()}, {group.description}:\n")
        lines.append("| option | meaning |\n| --- | --- |")
        lines += [f"| {spelt(action)} | {meaning(action)} |" for action in actions]
        lines.append("")
    return "\n".join(lines)


def spelt(action):
    """An option and what follows it."""
    name = ", ".join(action.option_strings) or action.dest
    value = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    if action.choices and not action.metavar:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    text = f"{name} {value}".strip().replace("|", "\\|")
    return f"`{text}`" + (" (required)" if action.required else "")


def meaning(action):
    """The help of an option."""
    text = (action.help or "") % {"default": action.default, "prog": "sdpaflow"}
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(__doc__, measure, "make datasheets"))
