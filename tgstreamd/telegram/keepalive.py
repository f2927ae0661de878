"""Checks whether a quiet connection lives and the login is still valid, since Telegram announces neither.

A pong arrives for an ended login too, so a quiet connection asks for our update state, which costs Telegram
little; a ping is used only while that is not possible (a flood wait, a frozen account). Replaces and ends
nothing: the client does.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from telethon import errors as rpc
from telethon.tl import functions

from ..domain.errors import FloodWait, LoginUnknown, NotAuthorised, TgstreamdError, Transient
from .request_stats import Tally
from .translate import TROUBLES, translate
from .wire import Wire

#: Seconds between checks, and without an answer to any call before a check makes a request. Including the
#: time for an answer, a dead line is noticed within 35 s, a login ended elsewhere within 25 s plus the round
#: trip.
LOOK: Final = 10.0
SILENCE: Final = 15.0


class Neighbour(Protocol):
    """An owner of other connections over the same line."""

    def busy(self) -> Callable[[], bool]:
        """Return a function that tells later whether present calls still delay requests made behind them."""
        ...

    def doubt_all(self) -> None:
        """End connections on which nothing moves: the main connection was silent until it was given up."""
        ...


class Liveness:
    """The checks of one client; call `answered` for every answered call."""

    def __init__(
        self, monotonic: Callable[[], float], tally: Tally, neighbours: Sequence[Neighbour] = ()
    ) -> None:
        self._monotonic = monotonic
        self._neighbours = neighbours
        self._tally = tally
        self._last = 0.0
        #: Until this time a ping is used instead of the update state.
        self._ping_until = 0.0

    def answered(self) -> None:
        """Record that the login was valid just now."""
        self._last = self._monotonic()

    @property
    def quiet(self) -> bool:
        return self._monotonic() - self._last >= SILENCE

    async def examine(self, wire: Wire, timeout: float) -> TgstreamdError | None:
        """Return what is wrong with this connection; None if it lives and the login, if it can be checked, is
        valid."""
        neighbours = [neighbour.busy() for neighbour in self._neighbours]
        began, heard = self._monotonic(), wire.heard
        request: Any = functions.updates.GetStateRequest()
        if began < self._ping_until:
            request = functions.PingRequest(random.getrandbits(62))
        try:
            await wire.ask(request, timeout)
        except (rpc.RPCError, rpc.TypeNotFoundError) as error:
            ours = translate(error, request)
            self._tally.failed(request, ours)
            not_inited = getattr(ours, "error", "") == "CONNECTION_NOT_INITED"
            if isinstance(ours, NotAuthorised | LoginUnknown) or not_inited:
                return ours
            if not isinstance(ours, Transient):
                self._ping_until = began + (ours.seconds if isinstance(ours, FloodWait) else math.inf)
        except TROUBLES as error:
            # On a slow line the connection lives if something else arrived meanwhile, or if the request is
            # queued behind earlier parts that still move.
            late = isinstance(error, TimeoutError) and wire.alive
            if not (late and (wire.heard > heard or any(is_busy() for is_busy in neighbours))):
                return translate(error, request)
        else:
            self._tally.answered(request)
            self._last = began
        return None
