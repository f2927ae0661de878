"""Lists what would be sent for a stretch of a chat, post by post, without sending or writing anything.

Reads the source, and from the ledger only what is there already. Plans by the same pure decisions as a real
send (`dry_run`); what only a send reveals (a refusal, an expired reference) cannot be known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from ..config import Config, MirrorConfig
from ..domain.errors import TgstreamdError
from ..ledger import Store
from .check import Reach
from .dry_run import Asked, Stage

#: Most posts in one answer.
POSTS_MAX = 500


async def rehearse(
    config: Config, reach: Reach, store: Store | None, request: dict[str, Any], *, now: float
) -> dict[str, Any]:
    """Return `posts`, `totals` over them, and `next`: the request for more; None at the end."""
    try:
        asked = msgspec.convert(request, Asked, str_keys=True)
    except msgspec.ValidationError as error:
        raise TgstreamdError(f"plan: {error}") from None
    stage = await Stage.of(_named(config, asked.mirror), reach, store)
    places = await stage.places(asked, now)
    posts, following = await stage.read(places, max(1, min(asked.limit, POSTS_MAX)))
    rows = [await stage.row(post, asked.voices) for post in posts]
    return {
        "mirror": stage.mirror.name,
        "source": stage.mirror.source,
        "interval": config.pace.interval,
        "posts": rows,
        "totals": totals(rows, config.pace.interval),
        "next": None
        if following is None
        else {
            "chat": following[0],
            "after": following[1],
            "begun": msgspec.to_builtins(stage.begun, str_keys=True),
            "voices": msgspec.to_builtins(stage.voices, str_keys=True),
        },
    }


def _named(config: Config, name: str) -> MirrorConfig:
    found = [mirror for mirror in config.mirrors if name in ("", mirror.name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(mirror.name for mirror in config.mirrors)
    what = f'no mirror is named "{name}"' if name else "there are several mirrors: name one"
    raise TgstreamdError(what, hint=f"there is {names}")


def totals(rows: Sequence[dict[str, Any]], interval: float) -> dict[str, Any]:
    """Return sums over posts. Posts already settled in the ledger are counted, and not sent again."""
    new = [row for row in rows if row["ledger"] not in ("done", "skipped", "open")]
    sends = sum(row["sends"] for row in new)
    return {
        "posts": len(rows),
        "settled": len(rows) - len(new),
        "sends": sends,
        "bytes": sum(row["bytes"] for row in new),
        "reference_bytes": sum(row["reference_bytes"] for row in new),
        "seconds": round(sends * interval),
        "kinds": dict(Counter(kind for row in rows for kind in row["kinds"])),
        "ways": dict(Counter(one for row in rows for one in row["ways"])),
        "skipped": dict(Counter(row["skip"] for row in rows if row["skip"])),
    }
