"""Renders the configuration file of `init` from its answers: every key explained, the answers in force.

Pure. Consequential options are always written out, never left to a default.
"""

from __future__ import annotations

import msgspec

from ...config.render import written

HEAD = "# tgstreamd. `tgstreamd check` says whether a start would succeed with this file."
#: Answers that belong to the mirror's table.
OF_MIRROR = (
    "name", "source", "target", "source_topic", "target_topic", "history", "order", "deletes", "transfer",
    "attribution",
)  # fmt: skip


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """The answers to `init`. `costs` are sentences for the comments, by key."""

    api_id: int
    api_hash: str
    name: str = "main"
    source: int | str
    target: int | str
    source_topic: int | None = None
    target_topic: int | None = None
    history: str = "all"
    order: str = "live-first"
    deletes: str = "keep"
    transfer: str = "reference"
    attribution: str = "none"
    source_title: str = ""
    target_title: str = ""
    costs: dict[str, str] = {}
    proxy: str = ""
    #: [telegram.server] from a replaced file, or from flags.
    server: dict[str, int | str] | None = None
    directory: str = ""


def render(answers: Answers) -> str:
    """Return the whole file."""
    given = {f"mirror.{key}": getattr(answers, key) for key in OF_MIRROR}
    given |= {"telegram.api_id": answers.api_id, "telegram.api_hash": answers.api_hash}
    given |= {f"telegram.server.{key}": value for key, value in (answers.server or {}).items()}
    given |= {"telegram.proxy": answers.proxy or None, "state.directory": answers.directory or None}
    return written(
        HEAD,
        {path: value for path, value in given.items() if value is not None},
        beside={"mirror.source": answers.source_title, "mirror.target": answers.target_title},
        notes={f"mirror.{key}": f"On this chat: {cost}" for key, cost in answers.costs.items()},
    )
