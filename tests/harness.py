"""The whole daemon in this process, over real MTProto, with time moved by hand: what behaviour tests drive.

A `House` has a local Telegram, an account, and any number of starts of the daemon over one state
directory. `run()` does what the services would do, step by step, and moves the clock to whatever is due
next, so hours pass in milliseconds and nothing sleeps. The store, the adapter and the wire are the real
ones. Assertions look at the target chat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import tomli_w
from telethon.crypto import AuthKey
from telethon.tl import functions

from tests.fakes import HANG, CountingIds, FakeClock
from tests.interpose import Hook, Through
from tests.telegram.server import TelegramServer
from tests.telegram.world import World
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message
from tgstreamd import config as configuration
from tgstreamd.app.daemon import Daemon
from tgstreamd.app.reload import Reload
from tgstreamd.app.settings import settings
from tgstreamd.domain.clock import SystemClock
from tgstreamd.domain.errors import TgstreamdError
from tgstreamd.domain.ports import Beat
from tgstreamd.domain.updates import Push
from tgstreamd.ledger import READER, Store
from tgstreamd.limits.holds import Holds
from tgstreamd.limits.login_grace import StoredLoginPatience
from tgstreamd.limits.wall_clock import WallClock
from tgstreamd.mirrors import chat_lookup
from tgstreamd.mirrors.registry import MirrorRegistry
from tgstreamd.system.systemd import Systemd
from tgstreamd.telegram.connect import Connection, connect
from tgstreamd.telegram.session import StoredSession

API = {"api_id": 12345, "api_hash": "0123456789abcdef0123456789abcdef"}


class WireClock(SystemClock):
    """The wire's time is real; only its pauses, between a cut and the next connection, are short."""

    def __init__(self) -> None:
        #: Seconds by which the wall clock was set.
        self.ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead

    async def sleep_until(self, when: float) -> None:
        await super().sleep_until(min(when, self.monotonic() + 0.02))


class House:
    """`async with House(tmp_path) as house: …`"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.wire_clock = WireClock()
        self.tg = TelegramServer(World(now=self.clock.now))
        self.world = self.tg.world
        self.me = self.world.peers.add_account("Mia", last_name="Mirror", phone="+10000000001")
        self.other = self.world.peers.add_account("Otto", last_name="Other", phone="+10000000002")
        self.ids = CountingIds(1000)
        self.mirrors: list[dict[str, Any]] = []
        self.options: dict[str, dict[str, Any]] = {}
        self.environ: dict[str, str] = {}
        self.waits: list[tuple[float, str]] = []
        #: Given each new connection and each opened ledger before the daemon is: a test may put a port or
        #: a store of its own before the real one.
        self.wrap: Callable[[Connection], None] = lambda connection: None
        self.wrap_store: Callable[[Store], Store] = lambda store: store
        self._daemon: Daemon | None = None

    async def __aenter__(self) -> Self:
        await self.tg.__aenter__()
        key = self.tg.authorise(self.me, 2)
        session = StoredSession(self.folder / "session")
        session.set_dc(2, *self.tg.address(2))
        session.auth_key = AuthKey(key.key)
        session.save()
        (self.folder / "server.pem").write_text(self.tg.public_key_pem)
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        await self.stop()
        await self.tg.__aexit__(kind, error, trace)
        if self.tg.bugs and error is None:
            raise self.tg.bugs[0]

    # -- the world --------------------------------------------------------------------------------------

    def supergroup(self, title: str, **fields: Any) -> Chat:
        """A group of the other's that our account is a member of."""
        return self.world.chats.add_supergroup(title, self.other, [self.me], **fields)

    def own_supergroup(self, title: str, **fields: Any) -> Chat:
        """A group of our account's, to mirror into."""
        return self.world.chats.add_supergroup(title, self.me, **fields)

    def post(self, chat: Chat, text: str = "", **fields: Any) -> Message:
        """The other person says something there."""
        return self.world.chats.post(chat, fields.pop("sender", self.other), text, **fields)

    def messages(self, chat: Chat) -> list[Message]:
        """What stands in a chat, service messages aside, by id."""
        box = chat.box_for(self.me.id)
        found = [box.messages[number] for number in sorted(chat.visible(self.me.id))]
        return [message for message in found if message.action is None]

    def everything(self, chat: Chat) -> list[Message]:
        """What stands in a chat, service messages included, by id."""
        box = chat.box_for(self.me.id)
        return [box.messages[number] for number in sorted(chat.visible(self.me.id))]

    def texts(self, chat: Chat) -> list[str]:
        return [message.text for message in self.messages(chat)]

    # -- the daemon -------------------------------------------------------------------------------------

    def interpose(self, side: str, **hooks: dict[str, Hook]) -> None:
        """Put hooks (see `Through`) before the store or the target of the next starts."""

        def before_target(connection: Connection) -> None:
            connection.target = Through(connection.target, **hooks)  # type: ignore[assignment]  # a target in all but name

        if side == "store":
            self.wrap_store = lambda store: Through(store, **hooks)  # type: ignore[assignment, return-value]  # a store in all but name
        else:
            self.wrap = before_target

    def interpose_nothing(self) -> None:
        """Let the next starts have their own store and ports."""
        self.wrap, self.wrap_store = lambda connection: None, lambda store: store

    def mirror(self, source: Chat | int | str, target: Chat | int | str, **options: Any) -> None:
        """Add a mirror to the configuration of the next start."""
        self.mirrors.append(
            {
                "name": options.pop("name", f"m{len(self.mirrors) + 1}"),
                "source": source.marked_id if isinstance(source, Chat) else source,
                "target": target.marked_id if isinstance(target, Chat) else target,
                **options,
            }
        )

    @property
    def daemon(self) -> Daemon:
        assert self._daemon is not None, "start() first"
        return self._daemon

    @property
    def store(self) -> Store:
        return self.daemon.store

    def config(self) -> configuration.Config:
        """The configuration as a file would give it."""
        host, port = self.tg.address(2)
        server = {
            "dc_id": 2,
            "address": host,
            "port": port,
            "public_key": str(self.folder / "server.pem"),
        }
        tree = {
            "telegram": {**API, "server": server, **self.options.get("telegram", {})},
            "mirror": self.mirrors,
            "pace": self.options.get("pace", {}),
            "stream": self.options.get("stream", {}),
            "state": {"directory": str(self.folder)},
            "alerts": self.options.get("alerts", {}),
        }
        path = self.folder / "config.toml"
        path.write_text(tomli_w.dumps(tree))
        return configuration.load(path, self.environ)

    async def start(self, *, patiently: bool = False) -> None:
        """Start the daemon on what the last one left, and judge the mirrors.

        `patiently`: without a network it waits for one, as the real daemon does, by the real clock.
        """
        config = self.config()
        store = self.wrap_store(await Store.open(config.paths.ledger))
        wall = WallClock(store, self.clock)
        try:
            connection = await connect(
                settings(config),
                clock=self.wire_clock,
                tries=None if patiently else 3,
                waiting=self._waiting if patiently else None,
                patience=StoredLoginPatience(store, self.clock, wall),
            )
        except BaseException:
            await store.close()
            raise
        try:
            account = await self._moving(chat_lookup.patiently(connection.account, self.clock, self._waiting))
        except BaseException:
            await connection.close()
            await store.close()
            raise
        self.wrap(connection)
        roster = MirrorRegistry(reader=account, writer=account)
        self._daemon = Daemon(
            config,
            self.clock,
            Systemd(self.clock, {}),
            store,
            connection,
            roster,
            self.ids,
            wall=wall,
        )
        self.daemon.reread = self.config
        await self._moving(self.daemon.begin(self._waiting))

    async def stop(self) -> None:
        """End the daemon where it stands. Nothing is written on the way out, so this is also a crash."""
        if self._daemon is not None:
            daemon, self._daemon = self._daemon, None
            await daemon.connection.close()
            await daemon.store.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def reload(self) -> None:
        """SIGHUP: the configuration as it stands now is applied to the running daemon."""
        daemon = self.daemon
        reload = Reload(
            daemon.config,
            self.config,
            daemon.admission,
            daemon.pacer,
            Systemd(self.clock, {}),
            self.clock,
            log_as=lambda config: None,
            tell=daemon.reconfigured,
        )
        await self._moving(reload.once())

    async def run(self, seconds: float = 86400.0, *, until: Callable[[], bool] = lambda: False) -> None:
        """Do everything that is due, moving the clock on, until nothing is left, `until` holds, or so
        many seconds have passed."""
        deadline = self.clock.monotonic() + seconds
        idle = quiet = 0
        await self.hear()
        while not until():
            await self._reconnected()
            await self.hear()
            if suspects := set(self.daemon.roster.suspects):
                self.daemon.roster.suspects.clear()
                await self._moving(self.daemon.admission.ask_again(suspects, everyone_paused=False))
            await self._moving(self.daemon.capture.catch_up())
            await self._moving(self.daemon.staging.catch_up())
            before = await self._progress()
            due = await self._moving(self.daemon.sender.step())
            due = min(due, await self._moving(self.daemon.second.step()))
            if await self._progress() != before or due <= self.clock.now():
                idle = quiet = 0
                continue
            wake = min(due, await self._next_reading())
            ahead = max(0.0, wake - self.clock.now())
            if wake == float("inf"):
                # Nothing has a time: one more look, a poll later, at what no push told.
                idle += 1
                if idle > 1:
                    return
                ahead = 91.0
            else:
                # A chat that is lost is asked about for ever: a few times is enough for a test.
                idle, quiet = 0, quiet + (due == float("inf"))
                if quiet > 12:
                    return
            if self.clock.monotonic() + ahead > deadline:
                self.clock.advance_to(deadline)
                return
            self.clock.advance(ahead)

    async def hear(self) -> list[Push]:
        """Take what Telegram has pushed until now, all of it, however slow the machine is."""
        await self._all_said()
        heard: list[Push] = []
        while True:
            try:
                async with asyncio.timeout(0):
                    push = await self.daemon.connection.source.pushed()
            except TimeoutError:
                return heard
            heard.append(push)
            await self.daemon.capture.take(push)

    async def status(self) -> dict[str, Any]:
        return await self.daemon.desk.answer({"verb": "status"})

    async def ask_again(self) -> None:
        """What happens every ten minutes: paused mirrors are judged anew."""
        await self._moving(self.daemon.admission.ask_again(set(), everyone_paused=True))

    async def verb(self, verb: str, **args: Any) -> dict[str, Any]:
        """What the operator types."""
        return await self.daemon.desk.answer({"verb": verb, **args})

    async def jobs(self) -> list[tuple[int, str, str]]:
        """Every job: first source id, state, reason."""

        def read(db: Any) -> list[tuple[int, str, str]]:
            rows = db.execute("SELECT first_id, state, reason FROM job ORDER BY mirror, first_id, id")
            return [tuple(row) for row in rows]

        return await self.store.run(read)

    async def read(self) -> None:
        """Let capture take everything in, and send nothing."""
        await self.hear()
        await self._moving(self.daemon.capture.catch_up())

    async def serve(
        self, service: Callable[[Beat], Awaitable[None]], until: Callable[[], Awaitable[bool]]
    ) -> None:
        """Let one service run by itself, while time stands still, until something holds."""
        task = asyncio.ensure_future(service(lambda seconds: None))
        try:
            async with asyncio.timeout(HANG):
                while not task.done() and not await until():
                    await self.real_moment()
        finally:
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    async def step_watch(self) -> None:
        """What happens twice a minute: somebody looks how things stand, and tells."""
        await self._moving(self.daemon.watch.step())

    # -- inside -----------------------------------------------------------------------------------------

    async def _moving[R](self, work: Awaitable[R]) -> R:
        """Await `work`; whenever it sleeps on the clock, move the clock to where it wakes."""
        task = asyncio.ensure_future(work)
        parked: asyncio.Future[None] | None = None
        try:
            while not task.done():
                parked = asyncio.ensure_future(self.clock.parked())
                await asyncio.wait({task, parked}, return_when=asyncio.FIRST_COMPLETED)
                if parked.done() and not parked.exception() and not task.done():
                    wake = self.clock.next_wake
                    if wake is not None:
                        self.clock.advance_to(wake)
                    await asyncio.sleep(0)
                parked.cancel()
            return await task
        finally:
            task.cancel()
            if parked is not None:
                parked.cancel()

    async def _progress(self) -> tuple[int, int]:
        def read(db: Any) -> tuple[int, int]:
            row = db.execute(
                "SELECT count(*) FILTER (WHERE state IN ('done', 'skipped', 'parked')) AS n, "
                "total(attempts) AS a FROM job"
            ).fetchone()
            copies = db.execute("SELECT count(*) FROM copy WHERE target_id IS NOT NULL").fetchone()
            return (int(row["n"]), int(row["a"]) + int(copies[0]))

        return await self.store.ask("progress", read)

    async def _next_reading(self) -> float:
        """When there is something to do that the sender does not wait for: an open album, the end of a
        rest or of a hold."""
        now, ticks = self.clock.now(), self.clock.monotonic()
        times = [now + at - ticks for at in await self.daemon.capture.appointments() if at > ticks]
        held = Holds(await self.store.holds(READER)).in_force(now)
        holds = [hold.until for hold in held if not hold.is_permanent]
        return min([*times, *holds], default=float("inf"))

    @staticmethod
    async def real_moment() -> None:
        """Let the wire get on: what it does takes real time, which no clock of ours moves."""
        await asyncio.sleep(0.005)

    async def _reconnected(self) -> None:
        """A connection that was cut comes back in real time, if the server is there."""
        async with asyncio.timeout(HANG):
            while not self.daemon.connection.connected and self.tg._listening:
                await self.real_moment()

    async def _all_said(self) -> None:
        """Wait until whatever the server has sent has arrived: a ping is answered in its turn, and nobody
        else hears of it."""
        client = self.daemon.connection._client
        while client.connected:
            try:
                await client._wire.ask(functions.PingRequest(1), HANG)
                break
            except (ConnectionError, EOFError):
                # It was cut, of which we had not heard yet.
                await self._reconnected()
        while not client._updates_queue.empty():  # noqa: ASYNC110  # a queue has no event for that
            await asyncio.sleep(0)

    def _waiting(self, seconds: float, why: TgstreamdError) -> None:
        self.waits.append((seconds, why.line()))
