"""Prints chats and findings as tables on a terminal. Imports rich, so only commands that draw import this.

Imported before a command gives up root's rights, since its libraries may be readable for root alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from rich.table import Table

from .console import PlainConsole, cell
from .format import clean

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def chats(listed: Sequence[dict[str, Any]], facts: Callable[[dict[str, Any]], list[str]]) -> None:
    """Print the chats; `facts` returns what users should know of one."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("id", justify="right", no_wrap=True)
    table.add_column("title", ratio=2, overflow="fold")
    table.add_column("kind", no_wrap=True)
    table.add_column("members", justify="right", no_wrap=True)
    table.add_column("", ratio=1, overflow="fold")
    for chat in listed:
        name = f"@{chat['username']}" if chat["username"] else ""
        members = "" if chat["members"] is None else f"{chat['members']:,}"
        marks = cell(", ".join(filter(None, (name, *facts(chat)))))
        table.add_row(str(chat["id"]), cell(clean(chat["title"])), chat["kind"], members, marks)
        for topic in chat["topics"]:
            title = cell(f"  {clean(topic['title'])}", style="dim")
            closed = cell("closed" if topic["closed"] else "", style="dim")
            table.add_row(cell(str(topic["id"]), style="dim"), title, cell("topic", style="dim"), "", closed)
    PlainConsole().print(table)


def findings(rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Print lines of `check`: level, its word, the sentence, the remedy."""
    table = Table.grid(padding=(0, 2))
    for level, word, sentence, remedy in rows:
        words = cell(sentence)
        if remedy:
            words.append(cell(f" ({remedy})", style="bold"))
        table.add_row(cell(word, style=STYLES[level]), words)
    PlainConsole().print(table)


# Force the imports that rich makes only when it draws.
PlainConsole(file=io.StringIO(), force_terminal=True).print(Table("一", box=None))
