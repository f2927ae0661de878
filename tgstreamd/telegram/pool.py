"""File connections: several for each data centre and direction, made when they are wanted.

Promises that a call is bounded, that a cut connection fails only its own calls (Transient) and is replaced
at the next, and that every foreign centre's key is made and authorised once and kept with the session.
A part never goes over the main connection, and never through gzip.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final, Literal

from telethon.crypto import AuthKey
from telethon.network import ConnectionTcpFull
from telethon.tl import functions
from telethon.tl.alltlobjects import LAYER

from ..errors import NotAuthorised, TelegramError, TgstreamdError, Transient
from .base import DEVICE
from .client import Client
from .translate import TROUBLES, Side, file_dc, translate
from .wire import Wire

Direction = Literal["down", "up"]

CONNECT_TIMEOUT: Final = 20.0
#: A connection on which nothing came for so long, with calls under way, is taken for dead.
IDLE_TIMEOUT: Final = 60.0
#: However busy the connection, one call takes no longer.
CALL_TIMEOUT: Final = 300.0
#: A connection that rested so long may have been cut on the way, unnoticed: it is replaced.
REST_MAX: Final = 45.0
#: Calls on the busiest connection before another one is opened for the same direction.
SHARE: Final = 1


class Link:
    """One file connection. The seam behind which the sender can be replaced: `call`, `load`, `close`."""

    def __init__(self, wire: Wire, monotonic: Callable[[], float]) -> None:
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._monotonic = monotonic
        self._used = monotonic()

    @property
    def alive(self) -> bool:
        rested = self._wire.load == 0 and self._monotonic() - self._used > REST_MAX
        return self._wire.alive and not rested

    @property
    def load(self) -> int:
        return self._wire.load

    async def call(self, request: Any) -> Any:
        """The answer. Raises what Telethon raises; a connection that says nothing is closed."""
        deadline = self._loop.time() + CALL_TIMEOUT
        asking = asyncio.ensure_future(
            self._wire.ask(functions.InvokeWithoutUpdatesRequest(request), CALL_TIMEOUT)
        )
        try:
            while not asking.done():
                started = self._loop.time()
                await asyncio.wait({asking}, timeout=IDLE_TIMEOUT)
                silent = self._loop.time() - max(self._wire.heard, started) >= IDLE_TIMEOUT
                if not asking.done() and (silent or self._loop.time() >= deadline):
                    await self._wire.close()
            return asking.result()
        finally:
            asking.cancel()
            self._used = self._monotonic()

    async def close(self) -> None:
        await self._wire.close()


class Pool:
    """See the module. `call` with data centre 0 means the account's own."""

    connect_timeout: float = CONNECT_TIMEOUT

    def __init__(self, client: Client, connections: int) -> None:
        self._client = client
        self._size = max(1, connections)
        self._links: dict[tuple[int, Direction], list[Link]] = {}
        self._opening: dict[tuple[int, Direction], asyncio.Lock] = {}
        self._keys: dict[int, asyncio.Lock] = {}
        #: Files that turned out to lie elsewhere than their message says.
        self._moved: dict[int, int] = {}
        #: The last failure to connect to a data centre, and when it was.
        self._failed: dict[int, tuple[float, TgstreamdError]] = {}
        self._closing: set[asyncio.Future[None]] = set()
        self._closed = False

    async def call(self, dc: int, direction: Direction, request: Any, *, file: int = 0) -> Any:
        """The answer to a file request. Raises errors of ours only."""
        side: Side = "source" if direction == "down" else "target"
        home = self._client.stored.dc_id
        place = self._moved.get(file, dc or home)
        for _ in range(3):
            link = await self._link(place, direction)
            try:
                return await link.call(request)
            except TROUBLES as error:
                if (other := file_dc(error)) is not None and other != place:
                    place = other
                    self._remember(file, other)
                    continue
                raise await self._judge(translate(error, request, side), place) from error
        raise Transient(f"Telegram sends this file's requests from one data centre to the next ({place})")

    async def _judge(self, error: TgstreamdError, dc: int) -> TgstreamdError:
        if isinstance(error, NotAuthorised) and dc != self._client.stored.dc_id:
            # Only this centre's key is without authorisation; whether the account is logged in, its own says.
            await self._drop(dc)
            return Transient(
                f"data centre {dc} no longer knows this account: {error}", error="DC_KEY_REFUSED"
            )
        if isinstance(error, TelegramError) and error.error in ("AUTH_KEY_UNKNOWN", "CONNECTION_NOT_INITED"):
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
        for key in [key for key in self._links if key[0] == dc]:
            await asyncio.gather(*(link.close() for link in self._links.pop(key)))

    # Links.

    async def _link(self, dc: int, direction: Direction) -> Link:
        """The least busy connection; another one first, while there are fewer than allowed."""
        link = self._idlest(dc, direction)
        if link is not None:
            return link
        asked = self._client.monotonic()
        async with self._opening.setdefault((dc, direction), asyncio.Lock()):
            link = self._idlest(dc, direction)
            if link is not None:
                return link
            if (failed := self._failed.get(dc)) is not None and failed[0] > asked:
                # Somebody tried while we waited. One after the other, each would wait for as long.
                raise failed[1].with_traceback(None)
            if self._closed:
                raise Transient("the connection to Telegram was closed", error="NOT_CONNECTED")
            opened = await self._open(dc)
            if self._closed:
                await opened.close()
                raise Transient("the connection to Telegram was closed", error="NOT_CONNECTED")
            self._links.setdefault((dc, direction), []).append(opened)
            return opened

    def _idlest(self, dc: int, direction: Direction) -> Link | None:
        links = self._links.setdefault((dc, direction), [])
        for link in [link for link in links if not link.alive]:
            links.remove(link)
            closing = asyncio.ensure_future(link.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        best = min(links, key=lambda link: link.load, default=None)
        if best is None or (best.load >= SHARE and len(links) < self._size):
            return None
        return best

    async def _open(self, dc: int) -> Link:
        try:
            async with asyncio.timeout(self.connect_timeout):
                if dc == self._client.stored.dc_id:
                    return self._made(await self._connect(dc, self._client.stored.auth_key))
                async with self._keys.setdefault(dc, asyncio.Lock()):
                    known = self._client.stored.keys.get(dc)
                    if known is not None:
                        return self._made(await self._connect(dc, AuthKey(known)))
                    return await self._open_anew(dc)
        except TROUBLES as error:
            ours = await self._judge(translate(error), dc)
            self._failed[dc] = self._client.monotonic(), ours
            raise ours from error

    async def _open_anew(self, dc: int) -> Link:
        """A first connection: a new key, authorised by the account's own data centre."""
        wire = await self._connect(dc, None)
        try:
            granted = await self._client.call(functions.auth.ExportAuthorizationRequest(dc), timeout=15)
            await wire.ask(
                functions.InvokeWithoutUpdatesRequest(
                    functions.auth.ImportAuthorizationRequest(id=granted.id, bytes=granted.bytes)
                ),
                15,
            )
        except BaseException:  # whatever it is, it goes on; the connection does not
            await wire.close()
            raise
        self._client.stored.set_key(dc, wire.auth_key.key)
        with contextlib.suppress(OSError):  # the disk's trouble is the store's to report
            await self._client.stored.save_apart()
        return self._made(wire)

    def _made(self, wire: Wire) -> Link:
        return Link(wire, self._client.monotonic)

    async def _connect(self, dc: int, key: Any) -> Wire:
        """A wire that has said which layer it speaks and who it is."""
        client = self._client
        host, port = await client.address(dc)
        wire = Wire(AuthKey(key.key) if key else None, loggers=client._log, timeout=CONNECT_TIMEOUT / 2)
        try:
            await wire.connect(ConnectionTcpFull(host, port, dc, loggers=client._log, proxy=client._proxy))
            hello = functions.InitConnectionRequest(
                client.api_id, lang_code="en", system_lang_code="en", lang_pack="",
                query=functions.help.GetConfigRequest(), **DEVICE,
            )  # fmt: skip
            await wire.ask(
                functions.InvokeWithLayerRequest(LAYER, functions.InvokeWithoutUpdatesRequest(hello)),
                CONNECT_TIMEOUT,
            )
        except BaseException:  # whatever it is, it goes on; the connection does not
            await wire.close()
            raise
        return wire

    async def close(self) -> None:
        """At once, whatever is under way."""
        self._closed = True
        links = [link for group in self._links.values() for link in group]
        self._links.clear()
        await asyncio.gather(*(link.close() for link in links), *self._closing)
