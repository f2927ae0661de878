"""Connects to CDNs, which are not part of Telegram's cloud and are not trusted.

Sends a CDN nothing about the account or the device, and requires that it prove possession of a key that
Telegram names for it (`help.getCdnConfig`). Whatever a CDN answers affects only the part that was requested:
no flood wait, revoked login or data centre migration follows from it. Its authorisation keys are kept in
memory; a CDN may forget them at any time. https://core.telegram.org/cdn
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import rsa
from telethon.crypto import AuthKey
from telethon.errors import RPCError
from telethon.tl import functions

from .. import __version__
from ..domain.errors import FloodWait, LoginUnknown, NotAuthorised, Rejected, TgstreamdError, Transient
from . import file_requests as objects
from .addresses import Address
from .cdn_file import TOO_OLD, CdnFile, CdnTrouble
from .client import Client
from .file_connection import LeanWire, open_lean
from .file_framing import open_packets
from .key_exchange import UnknownKeyError, exchange, load_keys
from .line_speed import Steps
from .link import Link
from .plain_wire import PlainWire
from .pool import CONNECT_TIMEOUT, Pool
from .translate import TROUBLES, code_of, name_of, translate

#: Seconds during which an unreachable CDN is not tried again; its parts are fetched elsewhere meanwhile.
REST: Final = 15.0
#: Errors possible on the way to a CDN, including those of the account's own data centre.
_FAILURES: Final[tuple[type[Exception], ...]] = (*TROUBLES, TgstreamdError)
#: The form of Telegram's error names: nothing else that a CDN sends is printed.
_NAME: Final = re.compile(r"[A-Z0-9_]{1,64}")


class CdnPool(Pool):
    """The connections to CDNs; its purpose is `part`."""

    def __init__(self, client: Client, connections: int) -> None:
        super().__init__(client, connections)
        self._made: dict[int, CdnKey] = {}
        #: The RSA keys of each CDN by fingerprint, as Telegram named them last.
        self._named: dict[int, dict[int, rsa.PublicKey]] = {}

    async def part(self, file: CdnFile, offset: int, limit: int) -> Any:
        """Return the answer of `upload.getCdnFile`. Raises CdnTrouble for every error of the CDN.

        Raises FloodWait or NotAuthorised if the account's own data centre answers so when asked for the keys.
        """
        request = functions.upload.GetCdnFileRequest(file.token, offset, limit)
        link = await self._usable_link(file.dc)
        try:
            try:
                answer = await link.call(request)
            except TROUBLES as error:
                if not isinstance(_translate(error, request), LoginUnknown):
                    raise
                # The CDN evicted our key from its memory: create another one and retry once.
                await self._forget(file.dc, link.key)
                link = await self._usable_link(file.dc)
                answer = await link.call(request)
        except TROUBLES as error:
            ours = _translate(error, request)
            self._client.tally.failed(request, ours)
            ordinary = isinstance(ours, Rejected) and ours.error in TOO_OLD
            raise CdnTrouble(f"CDN {file.dc}: {ours.what}", ordinary=ordinary) from error
        self._client.tally.answered(request)
        self._client.tally.file_bytes["down"] += len(getattr(answer, "bytes", b""))
        return answer

    async def _usable_link(self, dc: int) -> CdnLink:
        when, failure = self._failed.get(dc, (0.0, None))
        linked = any(link.alive for link in self._links.get((dc, "down"), ()))
        if failure is not None and not linked and self._client.monotonic() - when < REST:
            raise CdnTrouble(f"CDN {dc}: {failure.what}")
        try:
            link = await self._link(dc, "down")
        except (FloodWait, NotAuthorised):
            raise
        except TgstreamdError as error:
            raise CdnTrouble(f"CDN {dc}: {error.what}") from error
        assert isinstance(link, CdnLink), "made by _open"
        return link

    async def _forget(self, dc: int, key: CdnKey) -> None:
        """Discard this key and the connections over it; another call may have made a newer one.

        A key exchange costs CPU time, so none follows at once after a key that never worked.
        """
        if self._made.get(dc) is key:
            del self._made[dc]
            if not key.worked:
                failure = Transient("it does not know the key that was just made with it")
                self._failed[dc] = self._client.monotonic(), failure
        group = self._links.get((dc, "down"), [])
        old = [link for link in group if isinstance(link, CdnLink) and link.key is key]
        for link in old:
            group.remove(link)
        await asyncio.gather(*(link.close() for link in old))

    # Connecting.

    async def _open(self, dc: int) -> Link:
        try:
            async with asyncio.timeout(self.connect_timeout):
                if not self._client.addresses.of(dc, "cdn"):
                    # The CDN may be newer than the configuration received when we connected.
                    config = await self._client.call(functions.help.GetConfigRequest(), timeout=15)
                    self._client.learn(config.dc_options)
                if dc not in self._made:
                    self._made[dc] = CdnKey(await self._exchange(dc))
                key = self._made[dc]
                return await self._in_turn(dc, "cdn", lambda at: self._reach(at, key))
        except _FAILURES as error:
            ours = translate(error)
            self._failed[dc] = self._client.monotonic(), ours
            raise ours from error

    async def _reach(self, at: Address, key: CdnKey) -> CdnLink:
        client = self._client
        hello = objects.anonymous_introduction(client.api_id, __version__)
        ids = client.message_ids()
        wire = await open_lean(
            at.host, at.port, key.auth, ids=ids, introduction=hello, **self._connect_options()
        )
        return CdnLink(wire, client.monotonic, key)

    async def _exchange(self, dc: int) -> AuthKey:
        """Make a key with a CDN; if it cannot prove itself, fetch the CDNs' public keys again and retry
        once."""
        if dc in self._named:
            try:
                return await self._prove(dc)
            except UnknownKeyError:
                pass
        config = await self._client.call(functions.help.GetCdnConfigRequest(), timeout=15)
        told: dict[int, list[str]] = {}
        for key in config.public_keys:
            told.setdefault(key.dc_id, []).append(key.public_key)
        self._named = {each: load_keys(pems) for each, pems in told.items()}
        return await self._prove(dc)

    async def _prove(self, dc: int) -> AuthKey:
        keys = self._named.get(dc, {})

        async def at(place: Address) -> AuthKey:
            ids = self._client.message_ids()
            wire = await open_packets(
                place.host, place.port, lambda: PlainWire(ids), **self._connect_options()
            )
            try:
                return AuthKey(await exchange(wire, keys, dc))
            finally:
                wire.close()

        return await self._in_turn(dc, "cdn", at)

    def _connect_options(self) -> dict[str, Any]:
        client = self._client
        return {"proxy": client._proxy, "timeout": CONNECT_TIMEOUT / 2}


@dataclass(eq=False)
class CdnKey:
    """An authorisation key made with a CDN, and whether any call over it has succeeded."""

    auth: AuthKey
    worked: bool = False


class CdnLink(Link):
    """A connection that uses one of our CDN keys."""

    def __init__(self, wire: LeanWire, monotonic: Callable[[], float], key: CdnKey) -> None:
        super().__init__(wire, monotonic)
        self.key = key

    async def call(self, request: Any, steps: Steps | None = None) -> Any:
        answer = await super().call(request, steps)
        self.key.worked = True
        return answer


def _translate(error: Exception, request: Any) -> TgstreamdError:
    """Translate an error of a CDN or of its connection: LoginUnknown if the CDN has forgotten our key.

    Its error names are not interpreted, so it can neither order waits nor end logins.
    """
    if not isinstance(error, RPCError):
        return translate(error, request)
    name = name_of(error)
    said = f"it answers with {name if _NAME.fullmatch(name) else 'an error'}"
    return LoginUnknown(said) if code_of(error) == 401 else Rejected(said, error=name)
