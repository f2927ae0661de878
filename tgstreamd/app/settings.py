"""Turns the configuration into the settings of the connection to Telegram, and into a pace. Pure."""

from __future__ import annotations

from ..config import Config
from ..policy.pacing import Pace
from ..telegram.settings import Server, Settings


def settings(config: Config) -> Settings:
    """Return the settings of the connection to Telegram."""
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
    """Return the intervals between sends."""
    return Pace(interval=config.pace.interval, account_interval=config.pace.account_interval)
