"""Connects a command to Telegram by itself, while no daemon uses the session.

Separate from `context`, since Telethon takes a second to import, for which `status` need not wait.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from ..app.settings import settings
from ..config import Config
from ..domain.clock import SystemClock
from ..domain.errors import NotAuthorised, StoreError, Transient
from ..telegram.connect import Connection, connect
from ..telegram.network_trouble import unreachable
from .context import name_config, option

#: Attempts of a command; the daemon tries forever.
TRIES = 2

__all__ = ["Connection", "connected", "has_session", "option", "settings"]


@contextlib.asynccontextmanager
async def connected(config: Config) -> AsyncIterator[Connection]:
    """Provide a connection for a command: few attempts, closed at the end."""
    try:
        if not has_session(config):
            raise NotAuthorised("nobody is logged in yet", hint="tgstreamd login")
        try:
            connection = await connect(settings(config), clock=SystemClock(), tries=TRIES)
        except Transient as error:
            raise unreachable(error, settings(config)) from None
        try:
            yield connection
        finally:
            await connection.close()
    except NotAuthorised as error:
        name_config(error, config)
        raise


def has_session(config: Config) -> bool:
    """Return whether there is a login. Raises StoreError if that cannot be seen."""
    if config.telegram.session_string:
        return True
    try:
        return config.paths.session.exists()
    except OSError as error:
        raise StoreError(f"{config.paths.session}: {error.strerror}", hint="use sudo") from None
