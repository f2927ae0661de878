"""Documents the commands and the exit statuses, from the program's own parser and errors."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from tgstreamd.__main__ import parser
from tgstreamd.domain import errors


def choices() -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Yield every command: its name, its help line, its parser."""
    [action] = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    lines = {a.dest: a.help or "" for a in action._choices_actions}
    for name, verb in action.choices.items():
        yield name, lines.get(name, ""), verb


def page() -> str:
    """Return docs/reference/verbs.md."""
    parts = [
        "# Verbs",
        "`tgstreamd VERB`, or `python -m tgstreamd VERB`.\n"
        "Every verb takes `--config FILE` (default `/etc/tgstreamd/config.toml`), before it or after it, "
        "and `--help`.\n"
        "The program takes `--version`.",
    ]
    for name, line, verb in choices():
        parts += [f"## `{name}`", _sentence(line)]
        if verb.description:
            parts.append(re.sub(r"(?<=[.?!]) (?=[A-Z`])", "\n", verb.description))
        parts.append(f"```text\n{usage(name, verb)}\n```")
        if table := [_row(*row) for row in rows(verb)]:
            parts.append("\n".join(["| | |", "|---|---|", *table]))
        if verb.epilog:
            parts.append(f"```text\n{verb.epilog.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def _sentence(line: str) -> str:
    line = line[:1].upper() + line[1:]
    return line if line.endswith((".", "?", "…")) else f"{line}."


def usage(name: str, verb: argparse.ArgumentParser) -> str:
    """Return the usage on one line, the same with every version of Python."""
    if verb.usage:
        return verb.usage
    words = [f"tgstreamd {name}"]
    for action in verb._actions:
        if _everywhere(action) or action.help == argparse.SUPPRESS:
            continue
        if action.option_strings:
            value = f" {_value(action)}" if action.nargs != 0 else ""
            words.append(f"[{action.option_strings[-1]}{value}]")
        else:
            value = _value(action)
            many = action.nargs in ("*", "+")
            word = f"{value}…" if many else value
            words.append(f"[{word}]" if action.nargs in ("?", "*") else word)
    return " ".join(words)


def rows(verb: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Yield a command's arguments, besides `--config` and `--help`, as they are written, with their help."""
    for action in verb._actions:
        if _everywhere(action) or action.help == argparse.SUPPRESS:
            continue
        value = f" {_value(action)}" if action.nargs != 0 else ""
        names = [f"{option}{value}" for option in action.option_strings] or [_value(action)]
        yield ", ".join(names), (action.help or "").replace("%%", "%")


def _row(name: str, text: str) -> str:
    cells = (", ".join(f"`{one}`" for one in name.split(", ")), text)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _value(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices:
        return "|".join(map(str, action.choices))
    return action.dest.upper()


def _everywhere(action: argparse.Action) -> bool:
    return action.dest in ("help", "config")


def exits() -> str:
    """Return docs/reference/exit-status.md."""
    rows = {0: ["done; of `check`: a start would succeed"]}
    for kind in _kinds(errors.TgstreamdError):
        rows.setdefault(kind.exit_status, []).append(_first(kind))
    rows[130] = ["interrupted from the keyboard"]
    rows[141] = ["whoever read the output went away (`tgstreamd status \\| head`)"]
    said = {
        1: "unexpected, or a verb could not do it; of `check`: it would not, of `verify`: they differ; "
        "the service starts again",
        2: "the command line, or an answer, makes no sense",
        77: "nobody is logged in; the service is not started again: `sudo tgstreamd login`, "
        "or a new string in `TG_SESSION` where that gives the login",
        78: "the configuration alone proves that this cannot work; the service is not started again",
    }
    unknown = set(rows) - set(said) - {0, 130, 141}
    if unknown:
        raise LookupError(f"docsgen/verbs.py: say what exit status {sorted(unknown)} means")
    lines = [f"| {status} | {said.get(status) or rows[status][0]} |" for status in sorted(rows)]
    return "\n".join([
        "# Exit status", "",
        "| | |", "|---|---|", *lines, "",
        "Every error is one line on standard error: what, to which thing, why, and in brackets what to do.",
        "[Errors](errors.md) shows them.",
        "A traceback is a defect of the program; please report it.", "",
        "The unit restarts the service after 1 and after a crash, at most ten times in half an hour, "
        "and never after 77 and 78.",
        "After 77, 78 and the tenth end it runs `/etc/tgstreamd/alert`: "
        "[Being told at night](../howto/alerts.md).",
    ]) + "\n"  # fmt: skip


def _kinds(kind: type[errors.TgstreamdError]) -> Iterator[type[errors.TgstreamdError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _first(kind: type) -> str:
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())
