"""Pools the file connections: several for each data centre and direction, opened on demand.

Guarantees that a call is bounded, that a cut connection fails only its own calls (Transient) and is replaced
at the next, and that the key of every other data centre is made and authorised once and stored with the
session. A part never goes over the main connection, nor through Telethon's sender (`file_connection` says
why).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

from telethon.crypto import AuthKey
from telethon.tl import functions

from ..domain.errors import LoginUnknown, NotAuthorised, TgstreamdError, Transient
from . import file_requests as objects
from .addresses import Address, Purpose
from .base import DEVICE
from .client import Client
from .connection_log import EndedConnections
from .file_connection import open_lean
from .line_speed import LineSpeed, Steps
from .link import Link
from .proxy import Tcp
from .translate import TROUBLES, Side, file_dc, translate
from .wire import Wire

Direction = Literal["down", "up"]

CONNECT_TIMEOUT: Final = 20.0
#: Seconds in which something must move on a connection after the main one ended in silence.
DOUBT: Final = 3.0
#: Connections that Telegram's own clients open for a data centre, and so those for which the account is not
#: slowed down (TDLib, NetQueryDispatcher: downloads 2, uploads 4 in the centres 2 and 4; premium 8 and 8).
LINKS: Final[dict[Direction, int]] = {"down": 2, "up": 4}
PREMIUM_LINKS: Final = 8
#: Calls on the least busy connection before another is opened for the same direction.
SHARE: Final = 1


class Pool:
    """The file connections of one account. `call` with data centre 0 means the account's own."""

    connect_timeout: float = CONNECT_TIMEOUT
    doubt: float = DOUBT

    def __init__(self, client: Client, connections: int) -> None:
        """`connections` for each centre and direction; 0: as many as Telegram's own clients open."""
        self._client = client
        self._size = connections
        self._links: dict[tuple[int, Direction], list[Link]] = {}
        self._opening: dict[tuple[int, Direction], asyncio.Lock] = {}
        self._keys: dict[int, asyncio.Lock] = {}
        #: Data centre by file, for files redirected to another one than their message says.
        self._moved: dict[int, int] = {}
        #: The last failure to connect by data centre, and its time.
        self._failed: dict[int, tuple[float, TgstreamdError]] = {}
        self._closing: set[asyncio.Future[None]] = set()
        self._closed = False
        self._ended = EndedConnections(client.monotonic)
        client.pools.append(self)

    def speed(self, direction: Direction) -> LineSpeed:
        """Return the speed of the line, which all pools of an account share."""
        return self._client.speeds[direction]

    async def save(self, request: Any, on_step: Callable[[int], None] | None = None) -> Any:
        """Upload a part to the account's own data centre and return the answer; starts when the line has
        capacity."""
        async with self.speed("up").turn(len(request.bytes)) as steps:
            if steps is not None and on_step is not None:
                steps.on_step = on_step
            return await self.call(0, "up", request, steps=steps)

    async def call(
        self, dc: int, direction: Direction, request: Any, *, file: int = 0, steps: Steps | None = None
    ) -> Any:
        """Return the answer to a file request. Raises only our own errors."""
        side: Side = "source" if direction == "down" else "target"
        home = self._client.stored.dc_id
        place = self._moved.get(file, dc or home)
        for _ in range(3):
            try:
                link = await self._link(place, direction)
            except TgstreamdError:
                # The redirect may be wrong: the next call goes to the file's original data centre.
                self._moved.pop(file, None)
                raise
            try:
                answer = await link.call(request, steps)
            except TROUBLES as error:
                # Uploads always go to the account's own data centre, whatever the answer says.
                other = file_dc(error) if direction == "down" else None
                if other is not None and other != place:
                    place = other
                    self._remember(file, other)
                    continue
                ours = translate(error, request, side)
                if isinstance(error, ConnectionAbortedError):
                    self._ended.tell(place, ours)
                self._client.tally.failed(request, ours)
                raise await self._judge(ours, place) from error
            self._client.tally.answered(request)
            payload = getattr(answer if direction == "down" else request, "bytes", b"")
            self._client.tally.file_bytes[direction] += len(payload)
            return answer
        raise Transient(f"Telegram sends this file's requests from one data centre to the next ({place})")

    async def _judge(self, error: TgstreamdError, dc: int) -> TgstreamdError:
        if isinstance(error, NotAuthorised | LoginUnknown) and dc != self._client.stored.dc_id:
            # Only this data centre's key lacks authorisation; the account's own says whether it is logged in.
            await self._drop(dc)
            return Transient(
                f"data centre {dc} no longer knows this account: {error}", error="DC_KEY_REFUSED"
            )
        if isinstance(error, LoginUnknown):
            # The main connection decides whether the account's own key is valid.
            await self._drop(dc)
        return error

    def _remember(self, file: int, dc: int) -> None:
        if file:
            self._moved[file] = dc
            if len(self._moved) > 1000:
                del self._moved[next(iter(self._moved))]

    async def _drop(self, dc: int) -> None:
        if dc != self._client.stored.dc_id:
            self._client.stored.set_key(dc, None)
        # Remove all at once: another call may get the same error while these are closed.
        groups = [self._links.pop(key) for key in [key for key in self._links if key[0] == dc]]
        await asyncio.gather(*(link.close() for group in groups for link in group))

    # Links.

    async def _link(self, dc: int, direction: Direction) -> Link:
        """Return the least busy connection, or open another one if it is busy and more are allowed."""
        link = self._least_busy(dc, direction)
        if link is not None:
            return link
        asked = self._client.monotonic()
        async with self._opening.setdefault((dc, direction), asyncio.Lock()):
            link = self._least_busy(dc, direction)
            if link is not None:
                return link
            if (error := self._failed_since(dc, asked)) is not None:
                # Another call tried while this one waited. If each tried in turn, each would wait as long.
                raise error.with_traceback(None)
            if self._closed:
                raise Transient("the connection to Telegram was closed", error="NOT_CONNECTED")
            opened = await self._open(dc)
            if self._closed:
                await opened.close()
                raise Transient("the connection to Telegram was closed", error="NOT_CONNECTED")
            self._links.setdefault((dc, direction), []).append(opened)
            return opened

    def _failed_since(self, dc: int, asked: float) -> TgstreamdError | None:
        """Return the failure to connect there after that time.

        A function of its own, so that no frame keeps an older error: the next failure's traceback holds the
        frame, and a night without network would build a chain of all its failures.
        """
        failed = self._failed.get(dc)
        return failed[1] if failed is not None and failed[0] > asked else None

    def _least_busy(self, dc: int, direction: Direction) -> Link | None:
        links = self._links.setdefault((dc, direction), [])
        for link in [link for link in links if not link.alive]:
            links.remove(link)
            closing = asyncio.ensure_future(link.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        best = min(links, key=lambda link: link.load, default=None)
        if best is None or (best.load >= SHARE and len(links) < self._most(dc, direction)):
            return None
        return best

    def _most(self, dc: int, direction: Direction) -> int:
        usual = PREMIUM_LINKS if getattr(self._client.me, "premium", False) else LINKS[direction]
        return min(self._size, usual) if self._size and self._is_crowded(dc) else self._size or usual

    def _is_crowded(self, dc: int) -> bool:
        """Return whether file connections share the main address of the home data centre, where too many
        sessions may end the login (https://core.telegram.org/api/datacenter#parallel-sessions)."""
        home = dc == self._client.stored.dc_id
        return home and not any(at.media_only for at in self._client.addresses.of(dc, "files"))

    async def _open(self, dc: int) -> Link:
        self._client.ready.refuse_unknown()
        try:
            async with asyncio.timeout(self.connect_timeout):
                if dc == self._client.stored.dc_id:
                    return await self._connect(dc, self._client.stored.auth_key)
                async with self._keys.setdefault(dc, asyncio.Lock()):
                    known = self._client.stored.keys.get(dc)
                    key = AuthKey(known) if known is not None else await self._authorise(dc)
                    return await self._connect(dc, key)
        except TROUBLES as error:
            ours = await self._judge(translate(error), dc)
            self._failed[dc] = self._client.monotonic(), ours
            raise ours from error

    async def _authorise(self, dc: int) -> AuthKey:
        """Make a key for a data centre by Telethon's exchange, authorised by the account's own data
        centre."""
        client = self._client
        wire = Wire(None, loggers=client._log, timeout=CONNECT_TIMEOUT / 2)
        try:
            await self._in_turn(
                dc,
                "main",
                lambda at: wire.connect(Tcp(at.host, at.port, dc, loggers=client._log, proxy=client._proxy)),
            )
            granted = await client.call(functions.auth.ExportAuthorizationRequest(dc), timeout=15)
            imported = functions.auth.ImportAuthorizationRequest(id=granted.id, bytes=granted.bytes)
            await wire.ask(objects.introduced(imported, client.api_id, DEVICE), CONNECT_TIMEOUT)
        finally:
            await wire.close()
        client.stored.set_key(dc, wire.auth_key.key)
        with contextlib.suppress(OSError):  # the ledger reports a failing disk
            await client.stored.save_apart()
        return AuthKey(wire.auth_key.key)

    async def _connect(self, dc: int, key: Any) -> Link:
        return await self._in_turn(dc, "files", lambda at: self._connect_checked(at, AuthKey(key.key)))

    async def _connect_checked(self, at: Address, key: AuthKey) -> Link:
        """Open a connection and check that it answers.

        Uses a ping, which is not an API request: it sets salt and time before a part is sent with wrong ones.
        """
        client = self._client
        wire = await open_lean(
            at.host,
            at.port,
            key,
            proxy=client._proxy,
            timeout=CONNECT_TIMEOUT / 2,
            ids=client.message_ids(),
            introduction=objects.introduction(client.api_id, DEVICE),
        )
        try:
            await wire.ask(functions.PingRequest(random.getrandbits(62)))
        except BaseException:  # Re-raised in any case; the connection must be closed.
            await wire.close()
            raise
        return Link(wire, client.monotonic)

    async def _in_turn[T](self, dc: int, purpose: Purpose, connect: Callable[[Address], Awaitable[T]]) -> T:
        return await self._client.addresses.try_each(await self._client.places(dc, purpose), connect)

    def busy(self) -> Callable[[], bool]:
        """Return a function that tells later whether present calls still delay requests made behind them."""
        asked = [link.busy() for group in self._links.values() for link in group if link.load]
        return lambda: any(is_busy() for is_busy in asked)

    def doubt_all(self) -> None:
        """End connections on which nothing moves: the main one ended in silence, which these would notice 30
        s later."""
        for link in [link for group in self._links.values() for link in group]:
            link.doubt(self.doubt)

    async def close(self) -> None:
        """Close at once, even with calls in progress."""
        self._closed = True
        links = [link for group in self._links.values() for link in group]
        self._links.clear()
        await asyncio.gather(*(link.close() for link in links), *self._closing)
