"""Chats and findings as tables on a terminal. Imports rich, so only a verb that draws one imports this.

Imported before a verb gives up root's rights: what it needs may be readable for root alone.
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
    """Print them; `facts` says what one should know of a chat."""
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


# What rich itself imports only when it draws, it has now.
PlainConsole(file=io.StringIO(), force_terminal=True).print(Table("一", box=None))
