"""Builds all components, connects their callbacks, and owns the tasks, readiness and the end.

Services live as long as the process; one that returns is an error like one that raises. Nothing is restarted
in here: systemd does that, and a start is the recovery.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog

from .. import __version__
from ..alerts.message import Messages
from ..alerts.service import AlertService
from ..config import Config
from ..control import chats, check, status
from ..control.commands import CommandHandler
from ..control.status import State
from ..control.telegram_commands import questions
from ..control.throughput import Rates
from ..delivery.changes import ChangeSender
from ..delivery.chat_profile import Faces
from ..delivery.planning import Planning
from ..delivery.prepare import Outgoing
from ..delivery.rebuild import Rebuild
from ..delivery.sender import Sender
from ..delivery.target_scan import Census
from ..delivery.topics import Topics
from ..domain.clock import Clock
from ..domain.errors import TgstreamdError
from ..domain.messages import Mirror
from ..domain.ports import Beat, Ids, SecretIds, Source
from ..ingest.decode_guard import DecodeGuard
from ..ingest.updates import Capture
from ..ledger import READER, Store
from ..limits.holds import StoredHolds
from ..limits.pacer import Pacer
from ..limits.wall_clock import WallClock
from ..mirrors.admission import Admission, Waiting
from ..mirrors.chat_lookup import patiently
from ..mirrors.confirming import Confirming
from ..mirrors.registry import MirrorRegistry, box_of
from ..system.systemd import Systemd, Watchdog, feeder
from ..telegram.connect import Connection
from ..transfer.pipe import Pipe
from ..transfer.prefetch import Prefetcher
from .reload import Reload
from .runtime_state import Vitals
from .settings import pace

log = structlog.get_logger()

#: Seconds between updates of the status line.
STATUS_EVERY = 5.0
IDLE = 60.0


class Daemon:
    """All components of the daemon, and the callbacks between them."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        systemd: Systemd,
        store: Store,
        connection: Connection,
        roster: MirrorRegistry,
        ids: Ids,
        *,
        wall: WallClock | None = None,
        watch: AlertService | None = None,
    ) -> None:
        """`wall` and `watch` are those of the start, where there was one."""
        self.config = config
        self.clock = clock
        self.store = store
        self.connection = connection
        self.roster = roster
        self.state: State = "starting"
        #: Reads the configuration file anew, for `check`.
        self.reread: Callable[[], Config] = lambda: config
        self._systemd = systemd
        self.rates = Rates(clock)
        source, target = connection.source, connection.target
        self.holds = StoredHolds(store, clock)
        self.pacer = Pacer(store, clock, pace(config), self.holds, wall)
        self.pipe = Pipe(
            source,
            target,
            clock,
            buffer_parts=config.stream.buffer_parts,
            parallel_uploads=config.stream.parallel_uploads,
            on_flood=lambda method, seconds: self.staging.flooded(method, seconds),
        )
        self.staging = Prefetcher(
            self.pipe, source, target, store, roster, clock, ids, self.holds, notify=self._on_media_ready
        )
        self.capture = Capture(
            cast(Source, DecodeGuard(source)),
            store,
            roster,
            clock,
            ids,
            self.holds,
            notify=self._wake_all,
            on_new=self.rates.came,
        )
        self.admission = Admission(
            config.mirrors,
            connection.resolve,
            source,
            target,
            store,
            roster,
            clock,
            self.holds,
            interval=config.pace.interval,
            notify=self._wake_all,
            readmitted=self.capture.readmitted,
        )
        self.confirming = Confirming(source, target, roster, clock, self.holds)
        self.census = Census(
            target,
            store,
            roster,
            clock,
            ids,
            self.holds,
            caught_up=self._is_caught_up,
            read_all=self._request_history,
        )
        self.topics = Topics(source, target, store, roster, clock, ids)
        planning = Planning(source, store, roster, self.staging, self.topics, clock, ids)
        self.outgoing = Outgoing(source, store, roster, self.staging, self.topics, planning, clock, ids)
        self.sender = Sender(
            target,
            store,
            roster,
            self.staging,
            self.outgoing,
            self.pacer,
            clock,
            confirm=self.confirming.confirm,
            may_start=self.census.may_start,
            on_sent=self._on_sent,
        )
        self.second = ChangeSender(
            target,
            store,
            roster,
            self.staging,
            self.outgoing,
            self.pacer,
            clock,
            ids,
            confirm=self.confirming.confirm,
            others={
                "topic": self.topics.change,
                "order": self.topics.order,
                "chat": Faces(source, target, store, roster, ids).change,
            },
            on_anew=self._wake_all,
        )
        self.rebuild = Rebuild(target, store, roster, clock, ids)
        self.vitals = Vitals(
            connection,
            roster,
            self.admission,
            self.capture,
            self.rates,
            self.pacer,
            self.staging,
            self.pipe,
        )
        self.watchdog = Watchdog(clock)
        messages = Messages(target, connection.resolve, store, roster, self.pacer, clock, ids)
        self.watch = watch or AlertService(config.alerts, store, clock, directory=config.paths.ledger.parent)
        self.watch.hand_over(alive=self.vitals.alive, send=messages.send)
        self.desk = CommandHandler(
            store,
            live=lambda: self.vitals.live(self.state),
            pace=lambda: self.pacer.pace,
            now=clock.now,
            changed=self._wake_all,
            chats=lambda: chats.chats(connection),
            check=lambda: check.check(self.reread(), connection, store, now=clock.now()),
            configured=self.admission.names,
            rebuild=lambda name, write: (self.rebuild.write if write else self.rebuild.look)(name),
            asking=questions(lambda: self.reread(), connection, store, ids=ids, now=clock.now)
            | {"alert": lambda request: self.watch.try_out()},
        )

    @classmethod
    async def build(
        cls,
        config: Config,
        clock: Clock,
        systemd: Systemd,
        store: Store,
        connection: Connection,
        waiting: Waiting,
        *,
        wall: WallClock | None = None,
        watch: AlertService | None = None,
    ) -> Daemon:
        account = await patiently(connection.account, clock, waiting)
        await store.note_account(READER, account.id)
        roster = MirrorRegistry(reader=account, writer=account)
        ids = SecretIds()
        return cls(config, clock, systemd, store, connection, roster, ids, wall=wall, watch=watch)

    async def begin(self, waiting: Waiting) -> None:
        """Judge every mirror once; `waiting` is called before each wait for the network or a flood wait."""
        await self.holds.lift_frozen()
        await self.admission.admit_all(waiting)
        await self._log_start()

    async def serve(self, waiting: Waiting, reload: Reload) -> None:
        """Begin, report readiness, and run the services until one of them ends."""
        await self.begin(waiting)
        services: dict[str, Callable[[Beat], Awaitable[None]]] = {
            "listen": self.capture.listen,
            "follow": self.capture.follow,
            "stage": self.staging.run,
            "send": self.sender.run,
            "change": self.second.run,
            "admit": self.admission.run,
            "reload": reload.run,
            "status": self._publish_status,
            "watch": self.watch.run,
        }
        async with asyncio.TaskGroup() as group:
            for name, service in services.items():
                group.create_task(self._run_for_ever(name, service(self.watchdog.beat(name))), name=name)
            group.create_task(
                feeder(self._systemd, self.watchdog, self.clock, self.store.nothing, self._report_overdue),
                name="watchdog",
            )
            self.state = "running"
            self._systemd.ready()

    # -- callbacks ------------------------------------------------------------------------------------

    def _on_media_ready(self) -> None:
        self.sender.wake()
        self.second.wake()

    def _wake_all(self) -> None:
        self.sender.wake()
        self.second.wake()
        self.staging.wake()
        self.capture.wake()

    def _on_sent(self, mirror: Mirror, messages: int) -> None:
        """Wake every mirror whose source is that target, and make room for more backlog.

        Changes that waited for this copy (a poll's end, a pin) can be carried out now.
        """
        self.rates.sent(mirror.id, messages)
        self.second.wake()
        self.capture.tell(mirror.target)
        self.capture.wake()

    def _is_caught_up(self, mirror: Mirror) -> bool:
        return box_of(mirror.source) in self.capture.caught_up

    def _request_history(self, mirror: int) -> None:
        if mirror not in self.capture.whole_history:
            self.capture.whole_history.add(mirror)
            self.capture.wake()

    def reconfigured(self, config: Config) -> None:
        """Put a reloaded configuration into force."""
        self.watch.settings = config.alerts

    # -- log and status -------------------------------------------------------------------------------

    async def _log_start(self) -> None:
        standings = await self.store.standings()
        log.info(
            "tgstreamd started",
            version=__version__,
            account=self.roster.reader.name,
            account_id=self.roster.reader.id,
            mirrors=[s.mirror.name for s in standings],
            waiting=sum(s.live + s.backlog + s.unread_live + s.unread_backlog for s in standings),
            pid=os.getpid(),
        )

    async def _publish_status(self, beat: Beat) -> None:
        while True:
            beat(IDLE)
            self._systemd.status(await self.status_line())
            await self.clock.sleep_until(self.clock.monotonic() + STATUS_EVERY)

    async def status_line(self) -> str:
        """Return one line for `systemctl status`."""
        now = self.clock.now()
        if (unknown := self.connection.unknown_login) is not None:
            return unknown.line()
        standings = await self.store.standings()
        holds = await self.holds.look()
        return status.line(standings, lambda row: holds.on_messages(row.id, row.target, now), now)

    def _report_overdue(self, names: Any) -> None:
        log.error("services are overdue, systemd will restart us", services=list(names))

    async def _run_for_ever(self, name: str, service: Awaitable[None]) -> None:
        await service
        raise TgstreamdError(f"the service {name!r} ended by itself")
