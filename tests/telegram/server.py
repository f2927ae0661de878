"""The server: ports of its data centres on loopback (main, for media only, CDN), one world behind them.

Owns connections and keys; gives tests what they script with (`faults`, `network`, `log`). Start and stop keep
the world and the ports; the keys too unless told otherwise.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Self

from telethon.tl import types

from .connection import Connection
from .dispatch import Dispatcher
from .execution import Executor
from .faults import Faults
from .logins import Logins
from .mtproto.keyring import AuthKey, Keyring
from .mtproto.rsakey import CDN_KEY_FILE, ServerKey
from .mtproto.session import Session
from .mtproto.tl import gzipped
from .network import Network
from .older_layers import in_layer
from .requestlog import RequestLog
from .services import register_all
from .world import World
from .world.cdn import CDN_DC
from .world.peers import Account
from .world.telling import Told


class Endpoint(NamedTuple):
    """A listening port."""

    dc_id: int
    media: bool = False


class TelegramServer:
    """`async with TelegramServer(world) as tg:`; `ports` fixes a DC's port, else the system chooses."""

    def __init__(
        self,
        world: World | None = None,
        dcs: Iterable[int] = (2, 4),
        *,
        ports: dict[int, int] | None = None,
        media_only: bool = True,
        ipv6: bool = False,
        key: ServerKey | None = None,
        keys_file: Path | None = None,
        wall: Callable[[], float] = time.time,
        dh_exponent: Callable[[], int] = lambda: int.from_bytes(os.urandom(256), "big"),
    ) -> None:
        self.world = world if world is not None else World()
        self.dcs = tuple(dcs)
        self.key = key if key is not None else ServerKey.load()
        #: The keys with which CDNs exchange keys, by data centre, and those that help.getCdnConfig tells of.
        self.cdn_exchange_keys = {CDN_DC: ServerKey.load(CDN_KEY_FILE)}
        self.cdn_keys = dict(self.cdn_exchange_keys)
        self.keys = Keyring()
        self.keys_file = keys_file
        #: The wire's clock: message ids are compared with the client's real time, whatever the world's says.
        self.wall = wall
        self.dh_exponent = dh_exponent
        self.network = Network()
        self.faults = Faults(self.world)
        self.log = RequestLog()
        self.logins = Logins(self, wall)
        self.dispatcher = Dispatcher()
        self.connections: set[Connection] = set()
        #: Exceptions that were this server's own fault; a test's fixture fails on them.
        self.bugs: list[Exception] = []
        #: What clients are told of a data centre's place, where something stands before it.
        self.told: dict[int, tuple[str, int]] = {}
        #: The same of its place for media; where only the main one is told, there is no other.
        self.told_media: dict[int, tuple[str, int]] = {}
        #: What clients are told of before that (`DcOption`s): where nobody is, or what is not for them.
        self.told_first: list[Any] = []
        #: Whether clients are told of places for media only, and of IPv6 ones (also listened on then).
        self.media_only = media_only
        self.ipv6 = ipv6
        #: Main sessions of a key at once in its account's data centre, where that has a place for media;
        #: None: not told, which means 1 (https://core.telegram.org/api/datacenter#parallel-sessions).
        self.tmp_sessions: int | None = None
        #: Whether a key that is used from two addresses at once loses its login (AUTH_KEY_DUPLICATED).
        self.one_address = False
        self._turns = itertools.count(1)
        self._ports = {Endpoint(dc_id): port for dc_id, port in (ports or {}).items()}
        #: Holds each port while nobody listens there, so that no other process of this machine is given it.
        self._places: dict[tuple[Endpoint, str], socket.socket] = {}
        self._listening: dict[Endpoint, list[asyncio.Server]] = {}
        self._executor = Executor(self)
        self.world.push = self.push
        register_all(self.dispatcher)

    # Life

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        for place in self._places.values():
            place.close()
        self._places.clear()

    async def start(self) -> None:
        """Listen; after a stop, on the same ports."""
        if self.keys_file is not None and self.keys_file.exists():
            self.keys.load(self.keys_file)
        everywhere = [Endpoint(dc_id) for dc_id in (*self.dcs, *self.cdn_exchange_keys)]
        for endpoint in (*everywhere, *(Endpoint(dc_id, media=True) for dc_id in self.dcs)):
            await self._listen(endpoint, "127.0.0.1")
            if self.ipv6:
                await self._listen(endpoint, "::1")

    async def _listen(self, endpoint: Endpoint, host: str) -> None:
        listening = await asyncio.get_running_loop().create_server(
            lambda: self.accept(endpoint),
            host,
            self._place(endpoint, host),
            reuse_address=True,
            backlog=512,
        )
        self._listening.setdefault(endpoint, []).append(listening)

    def _place(self, endpoint: Endpoint, host: str) -> int:
        """The port of an endpoint, the same for all its addresses, which stays ours until the end."""
        if (endpoint, host) not in self._places:
            place = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            self._places[endpoint, host] = place
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind((host, self._ports.get(endpoint, 0)))
            self._ports[endpoint] = place.getsockname()[1]
        return self._ports[endpoint]

    def accept(self, endpoint: Endpoint) -> Connection:
        """A connection that came to an endpoint."""
        return Connection(self, endpoint.dc_id, media=endpoint.media)

    async def stop(self, *, keep_keys: bool = True) -> None:
        """Close ports and connections. The world stays; sessions are forgotten, as a restart forgets them."""
        # "auth_key may be deleted at any given moment": a CDN keeps nothing but in its memory.
        for cdn in self.cdn_exchange_keys:
            self.forget_keys(dc_id=cdn)
        self.save_keys()
        listening = [one for several in self._listening.values() for one in several]
        for one in listening:
            one.close()
        self._executor.cancel_all()
        self.cut()
        for one in listening:
            await one.wait_closed()
        self._listening.clear()
        if keep_keys:
            for key in self.keys:
                key.sessions.clear()
        else:
            self.keys.clear()

    def save_keys(self) -> None:
        """Write the keys and their logins to `keys_file`, if there is one."""
        if self.keys_file is not None:
            self.keys.save(self.keys_file)

    # Where and who

    @property
    def public_key_pem(self) -> str:
        return self.key.public_key_pem

    def address(self, dc_id: int = 2, *, media: bool = False) -> tuple[str, int]:
        return "127.0.0.1", self._ports[Endpoint(dc_id, media)]

    def dc_options(self) -> list[Any]:
        """What help.getConfig tells about the data centres, the main places first."""
        options = list(self.told_first)
        for endpoint in self._listening:
            dc_id, media = endpoint
            cdn = self.is_cdn(dc_id)
            told = self.told_media if media else self.told
            if media and not self.has_media(dc_id):
                continue
            flags: dict[str, Any] = {"static": True, "media_only": media or None, "cdn": cdn or None}
            host, port = told.get(dc_id, self.address(dc_id, media=media))
            options.append(types.DcOption(dc_id, host, port, **flags))
            if self.ipv6 and dc_id not in told:
                options.append(types.DcOption(dc_id, "::1", port, ipv6=True, **flags))
        return options

    def has_media(self, dc_id: int) -> bool:
        """Whether clients are told of a place for media only."""
        return self.media_only and (dc_id in self.told_media or dc_id not in self.told)

    def crowded(self, session: Session) -> bool:
        """Whether, with the request that came now, more sessions of this key are in use at the main place
        of their account's data centre than are allowed.

        A session counts while another one speaks that began later: one that was replaced does not.
        """
        here = session.connection
        account = self.world.peers.get(session.key.account_id) if session.key.account_id else None
        if here is None or here.media or account is None or account.home_dc != here.dc_id:
            return False
        session.spoke = (session.spoke[0] or next(self._turns)), next(self._turns)
        others = [
            other
            for other in session.key.sessions.values()
            if other is not session and other.connection is not None and not other.connection.media
            and other.spoke[1] >= session.spoke[0]
        ]  # fmt: skip
        return self.has_media(here.dc_id) and 1 + len(others) > (self.tmp_sessions or 1)

    def is_cdn(self, dc_id: int) -> bool:
        return dc_id in self.cdn_exchange_keys

    def exchange_key(self, dc_id: int) -> ServerKey:
        """The RSA key by which a data centre proves who it is."""
        return self.cdn_exchange_keys.get(dc_id, self.key)

    def authorise(self, account: Account, dc_id: int | None = None) -> AuthKey:
        """A key that is logged in already, as if a client had done it all; `.key` has its 256 bytes."""
        material = b"\x01" + os.urandom(255)
        return self.keys.add(AuthKey(material, dc_id or account.home_dc, account.id))

    def revoke(self, account: Account, *, error: str = "SESSION_REVOKED") -> None:
        """End all logins of an account: every further request gets `error` (401)."""
        for key in self.keys.of_account(account.id):
            key.refusal = error
            self.world.files.forget_uploads(key.id)

    def elsewhere(self, session: Session) -> bool:
        """Whether the key of this session has a main connection from another address than this one's."""
        mine = session.connection and session.connection.host
        return any(
            other.wants_updates and other.connection is not None and other.connection.host != mine
            for other in session.key.sessions.values()
        )

    def log_out(self, key: AuthKey) -> None:
        """End the login of one key, and of those in other data centres that came from it."""
        for other in self.keys:
            if other is key or other.parent == key.id:
                other.account_id = other.half_login = None
                self.world.files.forget_uploads(other.id)
        self.save_keys()

    def forget_keys(self, account: Account | None = None, *, dc_id: int | None = None) -> None:
        """Drop keys (of an account, in a data centre): the next packet gets the transport error -404."""
        for key in list(self.keys):
            if (account is None or key.account_id == account.id) and dc_id in (None, key.dc_id):
                self.keys.remove(key)

    def rotate_salts(self) -> None:
        """Make every salt old: the next message of each session gets bad_server_salt."""
        for key in self.keys:
            key.rotate_salt()

    def cut(self, account: Account | None = None, *, dc_id: int | None = None) -> int:
        """Cut live connections (of an account, in a data centre); how many there were."""
        gone = [
            connection
            for connection in self.connections
            if (account is None or (connection.key is not None and connection.key.account_id == account.id))
            and (dc_id is None or connection.dc_id == dc_id)
        ]
        for connection in gone:
            connection.cut()
        return len(gone)

    # Sessions call this

    def serve(self, session: Session, msg_id: int, body: memoryview) -> None:
        self._executor.serve(session, msg_id, body)

    # The world calls this

    def push(self, account_id: int, updates: Any, except_session: int | None = None) -> None:
        """Deliver updates to the account's live sessions, except the one whose request made them."""
        keys = [key for key in self.keys.of_account(account_id) if key.refusal is None]
        if not keys:
            return
        account = self.world.peers.get(account_id)
        bodies: dict[int, bytes] = {}
        for key in keys:
            if account is not None and key.dc_id != account.home_dc:
                continue
            for session in key.sessions.values():
                if not session.wants_updates or session.connection is None or session.id == except_session:
                    continue
                layer = key.layer or 0
                if layer not in bodies:
                    said = updates.updates() if isinstance(updates, Told) else updates
                    bodies[layer] = gzipped(bytes(in_layer(said, layer)))
                self.deliver(session, bodies[layer])

    def deliver(self, session: Session, body: bytes) -> None:
        """Send one notification to a session over its connection."""
        session.send(body, answer=False, content=True)
        session.connection.flush_soon(session)
