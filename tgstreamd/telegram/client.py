"""The account's main connection: Telethon's client without its retries, events and reconnects.

Contains the one place where requests are made (`call`: bounded, every error translated) and the one task that
keeps the connection alive: it checks a quiet connection (`keepalive`), reconnects with initConnection (so
that Telegram pushes to us) and stops for good only where somebody must log in. Every push goes unchanged to
`pushes`; nothing here reads or advances a position.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any, Final

from telethon.tl import functions, types
from telethon.tl.alltlobjects import LAYER

from ..domain.clock import Clock, SystemClock
from ..domain.errors import AccountFrozen, FloodWait, LoginUnknown, NotAuthorised, TgstreamdError, Transient
from ..domain.ports import LoginPatience
from .base import CONNECT_TIMEOUT, TCP_TIMEOUT, BaseClient
from .connection_log import Outage
from .keepalive import LOOK, Liveness, Neighbour
from .line_speed import LineSpeed
from .message_ids import MessageIds
from .peer_cache import Directory
from .pushes import Pushes
from .readiness import Readiness
from .request_stats import Tally
from .session import StoredSession
from .settings import Settings
from .translate import TROUBLES, Side, translate
from .tries import over, pause_after
from .wire import Wire

PING_TIMEOUT: Final = 10.0
#: A ping may queue behind the parts on a slow line; others decide whether the connection is dead.
PING_MAX: Final = 60.0
SAVE_INTERVAL: Final = 60.0
#: A connection that ended sooner is not replaced at once.
FLAPPING: Final = 5.0

#: Called before each wait while connecting, with the seconds and the reason.
Waiting = Callable[[float, TgstreamdError], None]


class Client(BaseClient):
    """The client: `open` first, then `call`; `close` ends it within a second or two."""

    connect_timeout: float = CONNECT_TIMEOUT
    ping_timeout: float = PING_TIMEOUT

    def __init__(self, settings: Settings, session: StoredSession, *, clock: Clock | None = None,
                 patience: LoginPatience | None = None) -> None:  # fmt: skip
        self._clock: Clock = clock or SystemClock()
        super().__init__(
            settings, session, self._clock, request_retries=0, connection_retries=0, retry_delay=0,
            auto_reconnect=False,
        )  # fmt: skip
        self.stored = session
        self.directory = Directory(session)
        self.pushes = Pushes()
        self.ready = Readiness()
        self.usable = self.ready.usable
        self.me: Any = None
        self.tally = Tally(self._clock)
        #: Pools with connections over the same line, and the line's speed up and down.
        self.pools: list[Neighbour] = []
        self.speeds = {way: LineSpeed(self._clock.monotonic, self.ping) for way in ("up", "down")}
        self._keeper: asyncio.Task[None] | None = None
        self._patience = patience
        self._outage = Outage(self._clock.monotonic)
        self._liveness = Liveness(self._clock.monotonic, self.tally, self.pools)
        self._wire = self._sender = self._new_wire(None)

    def prepare_connection(self) -> None:
        self._wire = self._sender = self._new_wire(self._wire.ids.ahead)

    def message_ids(self) -> MessageIds:
        """Return ids for a file connection's session, starting from the main connection's knowledge of the
        time."""
        return MessageIds(self._clock, self._wire.ids.ahead)

    def _new_wire(self, ahead: float | None) -> Wire:
        # A new one per connection: Telethon's clean-up of the last one may still run.
        return Wire(
            self.stored.auth_key, loggers=self._log, timeout=TCP_TIMEOUT,
            gap=lambda: self.heard(types.UpdatesTooLong()), config=self._configured,
            clock=self._clock, ahead=ahead, auth_key_callback=self._auth_key_callback,
            updates_queue=self._updates_queue, introduced=self._introduced,
        )  # fmt: skip

    def _introduced(self, request: Any) -> Any:
        self._init_request.query = request
        return functions.InvokeWithLayerRequest(LAYER, self._init_request)

    # Connecting.

    async def open(self, *, waiting: Waiting | None = None, tries: int | None = None) -> None:
        """Connect and check that the account is logged in, without a time limit (or with `tries` attempts).

        Raises NotAuthorised, ConfigError, and, after `tries`, Transient, FloodWait or AccountFrozen.
        """
        await self._connect_until_it_holds(waiting or (lambda _seconds, _why: None), tries)
        self._keeper = asyncio.create_task(self._keep(), name="telegram-connection")
        self._keeper.add_done_callback(self._keeper_ended)

    async def _connect_until_it_holds(self, waiting: Waiting, tries: int | None) -> None:
        attempt = 0
        while True:
            attempt += 1
            why: TgstreamdError
            try:
                await self._try_connect()
                return
            except LoginUnknown as error:
                patience, key = self._patience, self.stored.key_id
                why = await patience.unknown(key, error) if patience else over(error)
                if isinstance(why, NotAuthorised):
                    raise why from error
                self.ready.is_unknown(why)
            except (Transient, FloodWait, AccountFrozen) as error:
                why = error
                self._outage.failed(error)
                if attempt == tries:
                    raise
            await self._pause(pause_after(why, attempt), why, waiting)

    async def _pause(self, seconds: float, why: TgstreamdError, waiting: Waiting) -> None:
        self.ready.trouble = why
        end = self._clock.monotonic() + seconds
        while (left := end - self._clock.monotonic()) > 0:
            waiting(left, why)
            await self._clock.sleep_until(min(end, self._clock.monotonic() + 25))

    async def _try_connect(self) -> None:
        try:
            async with asyncio.timeout(self.connect_timeout):
                await self.connect()
        except asyncio.CancelledError as error:
            await self._tear_down()
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Telethon cancels the futures of a dead connection; this task was not cancelled.
            raise Transient("connection: it was closed while it began") from error
        except TROUBLES as error:
            await self._tear_down()
            raise translate(error) from error
        if self.me is None:
            await self._tear_down()
            raise LoginUnknown("connection: Telegram names nobody for this session")
        if self._patience is not None:
            await self._patience.known()
        self._liveness.answered()
        self._outage.works()
        self.ready.works()

    async def get_me(self, input_peer: bool = False) -> Any:
        # Telethon's version returns None for every 401, but which one it was matters; and if Telegram says
        # that the account has migrated to another data centre, Telethon's version discards our key.
        request = functions.users.GetUsersRequest([types.InputUserSelf()])
        found = await self._wire.ask(request, self.connect_timeout)
        return next((user for user in found if isinstance(user, types.User)), None)

    async def _on_login(self, user: Any) -> Any:
        # Telethon fetches and discards a difference here; we keep positions ourselves.
        self.me = user
        self._authorized = True
        return user

    async def _tear_down(self) -> None:
        self.ready.lost()
        self.me = None
        await self._wire.close()
        await self._disconnect()
        self._updates_handle = self._keepalive_handle = None

    async def close(self) -> None:
        """Close quickly, even during a transfer, and save the session."""
        if self._keeper is not None:
            self._keeper.cancel()
            # Telethon's disconnect swallows a cancellation that arrives during it.
            while not (await asyncio.wait({self._keeper}, timeout=0.5))[0]:
                self._keeper.cancel()
            self._keeper = None
        self._die(self.ready.fatal or Transient("the connection to Telegram was closed"))
        await self._tear_down()
        with contextlib.suppress(OSError):  # the ledger reports a failing disk
            self.stored.save()

    # Staying connected.

    def monotonic(self) -> float:
        return self._clock.monotonic()

    @property
    def connected(self) -> bool:
        return self.usable.is_set() and self._wire.alive

    async def _keep(self) -> None:
        while True:
            began = self._clock.monotonic()
            why = await self._until_dead()
            silent = self._wire.alive
            await self._tear_down()
            if isinstance(why, NotAuthorised):
                self._die(why)
                return
            self._outage.lost(why)
            for pool in self.pools if silent else ():
                pool.doubt_all()
            if self._clock.monotonic() - began < FLAPPING:
                await self._clock.sleep_until(self._clock.monotonic() + random.uniform(0.5, 1.0))
            try:
                await self._connect_until_it_holds(lambda _seconds, _why: None, None)
            except TgstreamdError as error:
                self._die(error)
                return
            self.heard(types.UpdatesTooLong())

    def _keeper_ended(self, keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled() and (bug := keeper.exception()) is not None:
            # Nobody awaits this task, so callers waiting for pushes or calls must be told that it ended.
            self._die(TgstreamdError(f"the connection to Telegram is no longer kept: {bug!r}"))

    async def _until_dead(self) -> TgstreamdError:
        saved = self._clock.monotonic()
        while not await self._clock.wait(self._wire.dead, self._clock.monotonic() + LOOK):
            if self._clock.monotonic() - saved >= SAVE_INTERVAL:
                saved = self._clock.monotonic()
                with contextlib.suppress(OSError):  # the ledger reports a failing disk
                    await self.stored.save_apart()
            if self._liveness.quiet and (why := await self._liveness.examine(self._wire, self.ping_timeout)):
                return why
        if self.ready.doubted is not None:
            return self.ready.doubted
        return translate(self._wire.why) if self._wire.why else Transient("the connection was cut")

    def _die(self, error: TgstreamdError) -> None:
        self.ready.is_over(error)
        self.pushes.wake()

    async def _keepalive_loop(self) -> None:
        """Replaces Telethon's loop; `_keep` does its work."""

    # Requests.

    async def call(self, request: Any, *, side: Side = "source", timeout: float = 60.0) -> Any:
        """Return Telegram's answer. Raises only our own errors; after a Transient the call may have been
        carried out.

        The exception is a Transient whose `error` is `NOT_CONNECTED`: nothing was sent.
        """
        await self._wait_usable(min(timeout, 20.0))
        try:
            result = await self._wire.ask(request, timeout)
        except TROUBLES as error:
            ours = translate(error, request, side)
            self.tally.failed(request, ours)
            if isinstance(ours, LoginUnknown) and self._patience is None:
                ours = over(ours)
            if isinstance(ours, NotAuthorised):
                self._die(ours)
            elif isinstance(ours, LoginUnknown):
                # Close this connection: the next one shows whether Telegram knows the login.
                self.ready.doubt(ours)
                self._wire.dead.set()
            raise ours from error
        self.tally.answered(request)
        self._liveness.answered()
        self.directory.learn(result)
        return result

    async def ping(self) -> float:
        """Return the round-trip time of a ping in seconds, without a limit. Raises what ended the client."""
        began = self.monotonic()
        while True:
            self.ready.refuse_over()
            if not self.connected:
                await self._clock.sleep_until(self.monotonic() + 1.0)
                continue
            with contextlib.suppress(*TROUBLES):
                await self._wire.ask(functions.PingRequest(random.getrandbits(62)), PING_MAX)
                return self.monotonic() - began

    async def _wait_usable(self, timeout: float) -> None:
        await self.ready.wait(timeout)
        if not self.connected:
            raise Transient("there is no connection to Telegram", error="NOT_CONNECTED")

    # Pushes.

    async def _update_loop(self) -> None:
        """Pass on each object of Telethon's queue, our own answers included, in place of its MessageBox.

        In a gap or a burst MessageBox dispatches nothing, fetches a difference of its own, and one
        undecodable object in that disconnects the client.
        """
        while True:
            self.heard(await self._updates_queue.get())

    def heard(self, update: Any) -> None:
        if isinstance(inner := getattr(update, "update", None), types.UpdateDcOptions):
            self.learn(inner.dc_options)
        self.directory.learn(update)
        self.pushes.add(update)

    async def next_update(self) -> Any:
        """Return the next object that Telegram pushed. Raises what ended the client."""
        while True:
            if (update := self.pushes.take()) is not None:
                return update
            self.ready.refuse_over()
            await self.pushes.come()
