"""Finds the mirror that a command names, and builds links to messages. Reads the ledger, changes nothing."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ..config import Config, MirrorConfig
from ..domain.errors import TgstreamdError
from ..ledger import MirrorRow, Store


def message_link(chat: int, message: int) -> str:
    """Return a link that opens the message in an app; empty for basic groups, which have none."""
    marked = str(chat)
    return f"https://t.me/c/{marked[4:]}/{message}" if marked.startswith("-100") else ""


def unknown(name: str, known: Sequence[str], unborn: Sequence[str]) -> TgstreamdError:
    """Return the error for a mirror name that is unknown, or whose mirror is not created yet."""
    if name in unborn:
        hint = "`tgstreamd status` says why; `tgstreamd check` asks Telegram"
        return TgstreamdError(f"{name}: this mirror has not begun yet", hint=hint)
    names = [*known, *(other for other in unborn if other not in known)]
    near = difflib.get_close_matches(name, names, n=1)
    if near and len(names) > 3:
        hint = f'did you mean "{near[0]}"?'
    else:
        hint = f"there is {', '.join(names)}" if names else "none was ever started: `tgstreamd init`"
    return TgstreamdError(f'no mirror is named "{name}"', hint=hint)


async def named(store: Store, config: Config, name: str) -> tuple[MirrorRow, MirrorConfig]:
    """Return the mirror of this name, from the ledger and from the configuration. Raises if it is not in
    both."""
    rows = {row.name: row for row in await store.mirror_list()}
    wanted = {mirror.name: mirror for mirror in config.mirrors}
    if name in rows and name in wanted:
        return rows[name], wanted[name]
    raise unknown(name, [one for one in rows if one in wanted], [one for one in wanted if one not in rows])
