"""Chats: being written; the class stands here so that the world can be built."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import World


class Chats:
    """All chats of this Telegram."""

    def __init__(self, world: World) -> None:
        self._world = world
