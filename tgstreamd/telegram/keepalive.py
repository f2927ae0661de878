"""Whether a quiet connection lives, and whether the login is still good: asked for, since neither is told.

A pong comes to an ended login as well as to a good one, so a quiet wire is asked for our state, which costs
Telegram little; with a ping only while that may not be asked (a flood wait, a frozen account). Replaces
nothing and ends nobody: the client does.
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

#: Seconds between looks, and without an answer to any call until one is asked for. With the time for an
#: answer, a dead line is noticed within 35 s; a login that was ended elsewhere within 25 s and the way there.
LOOK: Final = 10.0
SILENCE: Final = 15.0


class Neighbour(Protocol):
    """Whoever has other connections over the same line."""

    def busy(self) -> Callable[[], bool]:
        """A question for later: whether calls of now still hold up what was asked behind them."""
        ...

    def doubt_all(self) -> None:
        """The main connection has died of silence: so are those on which nothing moves."""
        ...


class Liveness:
    """One client's; `answered` is told of every call that was answered."""

    def __init__(
        self, monotonic: Callable[[], float], tally: Tally, neighbours: Sequence[Neighbour] = ()
    ) -> None:
        self._monotonic = monotonic
        self._neighbours = neighbours
        self._tally = tally
        self._last = 0.0
        #: Until when our state may not be asked for.
        self._ping_until = 0.0

    def answered(self) -> None:
        """The login was good just now."""
        self._last = self._monotonic()

    @property
    def quiet(self) -> bool:
        return self._monotonic() - self._last >= SILENCE

    async def examine(self, wire: Wire, timeout: float) -> TgstreamdError | None:
        """What is wrong with this connection; None where it lives and the login, if we may ask, is good."""
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
            # On a slow line something else may have come meanwhile, or our question stand behind parts that
            # were there before it and move: it lives.
            late = isinstance(error, TimeoutError) and wire.alive
            if not (late and (wire.heard > heard or any(is_busy() for is_busy in neighbours))):
                return translate(error, request)
        else:
            self._tally.answered(request)
            self._last = began
        return None
