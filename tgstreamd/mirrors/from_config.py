"""Creates a mirror from its configuration, and finds the id above which its history begins."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from ..config import MirrorConfig
from ..domain.errors import ConfigError
from ..domain.messages import Mirror
from ..domain.ports import Source

DAY = 86_400


def mirror_of(config: MirrorConfig, source: int, target: int, *, id: int = 0) -> Mirror:
    """Return the mirror as configured, between these ids; `id` is its row in the ledger."""
    return Mirror(**{**msgspec.structs.asdict(config), "id": id, "source": source, "target": target})


async def beginning(history: str, mirror: Mirror, source: Source, now: float) -> int:
    """Return the id above which a mirror's history begins. Raises TelegramError; ConfigError if invalid."""
    if history == "all":
        return 0
    if history == "none":
        return await source.newest(mirror.source, mirror.source_topic)
    if history.isdigit():
        return int(history) - 1
    if history.endswith("d"):
        date = int(now) - int(history[:-1]) * DAY
    else:
        try:
            date = int(datetime.fromisoformat(history).replace(tzinfo=UTC).timestamp())
        except ValueError:
            raise ConfigError(f"{history!r} is not a beginning") from None
    return await source.first_since(mirror.source, date, mirror.source_topic) - 1
