"""How a verb reaches Telegram on its own, while no daemon has the session.

Apart from `compose`, since Telethon takes a second to import, which `status` need not wait for.
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

#: Tries of a verb; the daemon tries for ever.
TRIES = 2

__all__ = ["Connection", "connected", "has_session", "option", "settings"]


@contextlib.asynccontextmanager
async def connected(config: Config) -> AsyncIterator[Connection]:
    """A connection for a verb: few tries, closed at the end."""
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
    """Whether somebody has logged in from here. Raises StoreError where that cannot be seen."""
    if config.telegram.session_string:
        return True
    try:
        return config.paths.session.exists()
    except OSError as error:
        raise StoreError(f"{config.paths.session}: {error.strerror}", hint="use sudo") from None
