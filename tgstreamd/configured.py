"""What the configuration means for other rooms: settings of the connection, a pace, a mirror, a beginning.

Pure but for `beginning`, which asks the source for the message that a date means.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from .config import Config, MirrorConfig
from .domain.errors import ConfigError
from .domain.messages import Mirror
from .domain.ports import Source
from .policy.pacing import Pace
from .telegram.settings import Server, Settings

DAY = 86_400


def settings(config: Config) -> Settings:
    """What the telegram package wants to know, out of the configuration."""
    server = config.telegram.server
    return Settings(
        api_id=config.telegram.api_id,
        api_hash=config.telegram.api_hash,
        session=config.paths.session,
        session_string=config.telegram.session_string,
        proxy=config.telegram.proxy,
        server=Server(dc_id=server.dc_id, address=server.address, port=server.port, public_key=server.key)
        if server
        else None,
        connections=config.stream.connections,
    )


def pace(config: Config) -> Pace:
    """The intervals as the pace wants them."""
    return Pace(interval=config.pace.interval, account_interval=config.pace.account_interval)


def mirror_of(config: MirrorConfig, source: int, target: int, *, id: int = 0) -> Mirror:
    """The mirror as configured, between these ids; `id` is its row in the ledger."""
    return Mirror(**{**msgspec.structs.asdict(config), "id": id, "source": source, "target": target})


async def beginning(history: str, mirror: Mirror, source: Source, now: float) -> int:
    """The id above which a mirror's history lies. Raises TelegramError, or ConfigError for no history."""
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
