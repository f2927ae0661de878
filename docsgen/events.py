"""Documents the log's events at warning and above, found in the code's calls, with what to do about each.

Events in journald's catalogue (packaging/tgstreamd.catalog) are explained by its text; remedies.py explains
the rest. An event without an explanation, and an explanation without an event, are errors.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import tgstreamd
from tgstreamd.system.journald import CATALOGUE

from .remedies import MEANS

PACKAGE = Path(tgstreamd.__file__).parent
CATALOG = PACKAGE.parent / "packaging" / "tgstreamd.catalog"
LEVELS = {"warning": "warning", "error": "error", "exception": "error", "critical": "critical"}
#: Calls that log a warning for their caller, with the argument that holds the event.
INDIRECT = {"failed", "trouble"}
#: Events whose name is composed where they are logged.
COMPOSED = {"message parked": "error"}
ORDER = ("critical", "error", "warning")


@functools.cache
def found() -> dict[str, str]:
    """Return each event with its most severe level."""
    events = dict(COMPOSED)
    for path in sorted(PACKAGE.rglob("*.py")):
        for scope in _functions(ast.parse(path.read_text())):
            for call in (node for node in ast.walk(scope) if isinstance(node, ast.Call)):
                for event, level in _events(call, scope):
                    if event not in events or ORDER.index(level) < ORDER.index(events[event]):
                        events[event] = level
    return events


def _functions(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _events(call: ast.Call, scope: ast.AST) -> Iterator[tuple[str, str]]:
    if not isinstance(call.func, ast.Attribute) or not call.args:
        return
    on = call.func.value
    name = on.id if isinstance(on, ast.Name) else on.attr if isinstance(on, ast.Attribute) else ""
    if call.func.attr in LEVELS and name.lstrip("_") in ("log", "logger"):
        for text in _texts(call.args[0], scope):
            yield text, LEVELS[call.func.attr]
    elif call.func.attr in INDIRECT and len(call.args) > 1:
        for text in _texts(call.args[1], scope):
            yield text, "warning"


def _texts(value: ast.expr, scope: ast.AST) -> Iterator[str]:
    """Yield the texts that an argument can have: itself, one of two, or a name's assigned value."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body, scope)
        yield from _texts(value.orelse, scope)
    elif isinstance(value, ast.Name):
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == value.id for target in node.targets
            ):
                yield from _texts(node.value, scope)


def catalogue() -> dict[str, str]:
    """Return the packaged catalogue's explanations by event, as Markdown."""
    texts = {}
    by_id = {message_id: event for event, message_id in CATALOGUE.items()}
    for entry in re.split(r"^-- ", CATALOG.read_text(), flags=re.M)[1:]:
        head, _, body = entry.partition("\n\n")
        message_id = head.split()[0]
        blocks = [_block(block) for block in body.strip().split("\n\n")]
        texts[by_id[message_id]] = "\n\n".join(block for block in blocks if block)
    return texts


def _block(block: str) -> str:
    """Format a paragraph with one sentence a line, or commands; a line that is only `@WHY@` is left out."""
    if block.startswith("    "):
        commands = "\n".join(line.removeprefix("    ") for line in block.split("\n"))
        return "```sh\n" + re.sub(r"@(\w+)@", r"\1", commands) + "\n```"
    lines = [line for line in block.split("\n") if line.strip() != "@WHY@"]
    text = re.sub(r"(?<=[.]) (?=[A-Za-z`])", "\n", " ".join(lines))
    return re.sub(r"@(\w+)@", lambda m: f"*{m[1].lower()}*", text)


def page() -> str:
    """Return docs/reference/events.md."""
    events, explained = found(), catalogue()
    missing = sorted(set(events) - set(explained) - set(MEANS))
    left_over = sorted(set(MEANS) - set(events)) + sorted(set(MEANS) & set(explained))
    if missing or left_over:
        raise LookupError(
            f"docsgen/remedies.py: no words for {missing}; no longer logged, or twice: {left_over}"
        )
    parts = [HEAD]
    for level in ORDER:
        parts.append(f"## {level.capitalize()}")
        for event in sorted((e for e, at in events.items() if at == level), key=str.lower):
            parts += [f"### {event}", explained.get(event) or MEANS[event]]
            if event in CATALOGUE:
                parts.append(f"`MESSAGE_ID={CATALOGUE[event]}`")
    return "\n\n".join(parts) + "\n"


HEAD = """\
# Log events

What the daemon logs at warning and above, and what to do about it.
Each is a line with keys, `event key=value …`, and under systemd an entry with those keys as fields:

```sh
journalctl -u tgstreamd -p warning                 # all of it
journalctl -u tgstreamd MIRROR=main SOURCE_ID=4711 # one message's way
journalctl -u tgstreamd -x                         # with these explanations, where one has a MESSAGE_ID
```

`check` and a start also log what they find about a chat, in the words of [check](verbs.md#check)."""
