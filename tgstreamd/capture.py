"""The source side: turns what happens in the sources into jobs, and owns the positions.

A push is kept and wakes; positions decide. Every message that a position passes is in the ledger in the
transaction that moves the position. Must not send anything, and must not decide how a copy looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from .clock import Clock
from .errors import FloodWait, SourceLost, TargetLost, Transient, Undecodable
from .model import Difference, Message, Push
from .ports import Beat, Ids, Source
from .roster import Roster, box_of, wants
from .store import Gap, Store

log = structlog.get_logger()

#: Seconds after which a silent box is asked all the same: busy channels are known not to push.
POLL = 90.0
#: Seconds between comparisons of a source's newest messages with the ledger.
RECONCILE = 600.0
#: Messages of a backlog that lie ready in the ledger; more are read as they are sent.
LOOKAHEAD = 500
#: One page of history, Telegram's limit (https://core.telegram.org/method/messages.getHistory).
PAGE = 100
#: Seconds that a service may be silent while it waits.
IDLE = 60.0
UNREADABLE = "cannot be read at this layer"


class Capture:
    """Reads all sources of the roster."""

    def __init__(
        self,
        source: Source,
        store: Store,
        roster: Roster,
        clock: Clock,
        ids: Ids,
        *,
        notify: Callable[[], None],
    ) -> None:
        """`notify` is called when there may be something new to send."""
        self._source = source
        self._store = store
        self._roster = roster
        self._clock = clock
        self._ids = ids
        self._notify = notify
        self._wake = asyncio.Event()
        #: Boxes that something was told of since they were last read; when each is due all the same.
        self._told: set[int] = set()
        self._due: dict[int, float] = {}
        self._reconcile_at: dict[int, float] = {}
        #: After trouble with a chat: not before then, and how often in a row.
        self._rest: dict[int, tuple[float, int]] = {}
        #: Mirrors whose history is read to its end before anything is sent (their target is looked through).
        self.whole_history: set[int] = set()
        #: Boxes whose position was read to its end since the start.
        self.caught_up: set[int] = set()

    def wake(self) -> None:
        """Look again now: a mirror was added, or its backlog has shrunk."""
        self._wake.set()

    def tell(self, chat: int) -> None:
        """Something happened in this chat that no push may tell us: our own send."""
        if self._roster.of_source(chat):
            self._told.add(box_of(chat))
            self._wake.set()

    # -- pushes ---------------------------------------------------------------------------------------

    async def listen(self, beat: Beat) -> None:
        """The service that keeps what Telegram tells by itself."""
        while True:
            beat(IDLE)
            try:
                # Real time, since it only renews the promise to the watchdog; nothing is decided by it.
                async with asyncio.timeout(IDLE / 2):
                    push = await self._source.pushed()
            except TimeoutError:
                continue
            await self.take(push)

    async def take(self, push: Push) -> None:
        """Keep one push."""
        for scheduled_id, message_id in push.published:
            if await self._store.published(push.chat, scheduled_id, message_id, self._clock.now()):
                self._notify()
        if push.changed:
            self._roster.suspect(push.chat)
        if push.message is not None and not push.edit:
            mirrors = self._roster.takers(push.message)
            if mirrors and (message := self._sound(push.message)):
                await self._store.take_push(
                    message,
                    mirrors=mirrors,
                    pts=push.pts,
                    now=self._clock.now(),
                    new_id=self._ids.random_id,
                )
        if push.chat:
            self._told.add(box_of(push.chat))
        else:
            # A reconnection, or "too long": anything may have happened.
            self._told.update(self._roster.boxes())
        self._wake.set()

    # -- positions ------------------------------------------------------------------------------------

    async def follow(self, beat: Beat) -> None:
        """The service that reads differences and histories."""
        while True:
            beat(IDLE)
            self._wake.clear()
            if await self.step():
                continue
            now = self._clock.monotonic()
            until = min([now + IDLE / 2, *self._next_times(await self._seal_times())])
            await self._clock.wait(self._wake, until)

    async def step(self) -> bool:
        """Read one bite of everything that is due; true if there is more to read at once."""
        more = False
        for box, chats in self._roster.boxes().items():
            if self._rests(box):
                continue
            if box in self._told or self._is_due(box) or await self._seals(chats):
                more |= await self._guard(box, chats, self._read_difference(box, chats))
        for gap in await self._store.gaps():
            if gap.mirror in self._roster.mirrors and not self._rests(gap.chat) and await self._hungry(gap):
                more |= await self._guard(gap.chat, [gap.chat], self._read_page(gap))
        for chat in {mirror.source for mirror in self._roster.mirrors.values()}:
            if self._clock.monotonic() >= self._reconcile_at.setdefault(
                chat, self._clock.monotonic() + RECONCILE
            ) and not self._rests(chat):
                self._reconcile_at[chat] = self._clock.monotonic() + RECONCILE
                await self._guard(chat, [chat], self._reconcile(chat))
        return more

    async def catch_up(self) -> None:
        """Read until nothing is due: what a start does before its first send, and what tests call."""
        while await self.step():
            pass

    async def _read_difference(self, box: int, chats: list[int]) -> bool:
        position = await self._store.box(box)
        if position is None:
            return False
        self._told.discard(box)
        try:
            difference = await self._source.difference(chats[0], position)
        except Undecodable as error:
            log.warning("difference could not be read", chat=chats[0], why=error.line())
            difference = Difference(box=await self._source.box(chats[0]), too_long=True)
        newest: dict[int, int] = {}
        if difference.too_long:
            # The position first, the newest id after it: what comes between is seen twice, never missed.
            newest = {chat: await self._source.newest(chat) for chat in chats}
            log.warning("events were lost, the history closes the gap", chat=chats[0], newest=newest)
        sound = tuple(kept for message in difference.messages if (kept := self._sound(message)))
        new = await self._store.take_difference(
            box,
            Difference(
                box=difference.box,
                final=difference.final,
                too_long=difference.too_long,
                messages=sound,
                edits=difference.edits,
                deleted=difference.deleted,
            ),
            takers=self._roster.takers,
            drops_deleted=self._drops_deleted,
            newest=newest,
            now=self._clock.now(),
            new_id=self._ids.random_id,
        )
        if difference.final and not difference.too_long:
            self.caught_up.add(box)
        for chat in difference.changed:
            self._roster.suspect(chat)
        self._due[box] = self._clock.monotonic() + min(POLL, difference.timeout or POLL)
        if new or difference.messages:
            log.debug("difference read", chat=chats[0], messages=len(difference.messages), new=new)
        self._notify()
        return not difference.final or difference.too_long

    async def _read_page(self, gap: Gap) -> bool:
        mirror = self._roster.mirrors[gap.mirror]
        limit = PAGE
        while True:
            try:
                page = await self._source.history(
                    gap.chat, after=gap.next_id, topic=mirror.source_topic, limit=limit
                )
                break
            except Undecodable as error:
                if limit == 1:
                    return await self._step_over_unreadable(gap, error)
                limit //= 2
        page = tuple(message for message in page if message.id <= gap.end_id)
        upto = page[-1].id if page else gap.end_id
        sound = [kept for message in page if (kept := self._sound(message))]
        await self._store.take_page(
            gap,
            sound,
            upto=upto,
            ended=not page,
            wanted=lambda message: wants(mirror, message),
            now=self._clock.now(),
            new_id=self._ids.random_id,
        )
        self._notify()
        return True

    async def _step_over_unreadable(self, gap: Gap, error: Undecodable) -> bool:
        """The next message cannot be read: find its id, park it in its place, go on behind it."""
        for source_id in range(gap.next_id + 1, gap.end_id + 1):
            try:
                if source_id in await self._source.messages(gap.chat, [source_id]):
                    # Readable by itself: only the page was not.
                    break
            except Undecodable:
                log.error("message cannot be read", chat=gap.chat, source_id=source_id, why=error.line())
                await self._store.skip_unreadable(
                    gap, source_id, reason=UNREADABLE, now=self._clock.now(), new_id=self._ids.random_id
                )
                break
        return True

    async def _reconcile(self, chat: int) -> bool:
        """What no update ever told: compare the newest page of the history with the ledger."""
        newest = await self._source.newest(chat)
        for mirror in self._roster.of_source(chat):
            since = max(await self._store.born_to(mirror.id, chat), newest - PAGE)
            page = await self._source.history(chat, after=since, topic=mirror.source_topic, limit=PAGE)
            missed = await self._store.take_missed(
                mirror.id,
                [message for message in page if wants(mirror, message)],
                now=self._clock.now(),
                new_id=self._ids.random_id,
            )
            if missed:
                log.warning("the history held messages that no update told", mirror=mirror.name, n=missed)
                self._notify()
        return False

    # -- rules ----------------------------------------------------------------------------------------

    def _sound(self, message: Message) -> Message | None:
        """The message, if it can be handled at all: one that breaks us must not stop the others."""
        try:
            self._store.encodable(message)
        except Exception:  # the one broad `except` of the source side: one poison message stops no others
            log.exception("message cannot be kept", chat=message.chat, source_id=message.id)
            return Message(
                chat=message.chat, id=message.id, date=0, topic=message.topic, service="unreadable"
            )
        return message

    def _drops_deleted(self, chat: int) -> list[int]:
        return [
            mirror.id
            for mirror in self._roster.mirrors.values()
            if (mirror.source == chat or (chat == 0 and box_of(mirror.source) == 0))
            and (mirror.deletes == "mirror" or mirror.delay > 0)
        ]

    async def _hungry(self, gap: Gap) -> bool:
        if gap.lane == "live" or gap.mirror in self.whole_history:
            return True
        return len(await self._store.ahead(gap.mirror, "backlog", LOOKAHEAD)) < LOOKAHEAD

    def _is_due(self, box: int) -> bool:
        return self._clock.monotonic() >= self._due.get(box, 0.0)

    async def _seals(self, chats: list[int]) -> bool:
        times = [await self._store.next_seal(chat) for chat in chats]
        return any(at is not None and self._clock.now() >= at for at in times)

    async def _seal_times(self) -> list[float]:
        ahead = []
        for chats in self._roster.boxes().values():
            for chat in chats:
                if (at := await self._store.next_seal(chat)) is not None:
                    ahead.append(self._clock.monotonic() + max(0.1, at - self._clock.now()))
        return ahead

    def _next_times(self, seals: list[float]) -> list[float]:
        return [*self._due.values(), *seals, *(until for until, _ in self._rest.values())]

    def _rests(self, chat: int) -> bool:
        until, _ = self._rest.get(chat, (0.0, 0))
        return self._clock.monotonic() < until

    async def _guard(self, key: int, chats: list[int], work: Awaitable[bool]) -> bool:
        """Do one bite of work; trouble rests this chat or box, and says so."""
        try:
            more = await work
        except FloodWait as error:
            self._rest[key] = (self._clock.monotonic() + error.seconds, 0)
            log.warning("Telegram asks to wait", chat=chats[0], seconds=error.seconds, method=error.method)
            return False
        except (SourceLost, TargetLost) as error:
            for chat in chats:
                for mirror in self._roster.of_source(chat):
                    if await self._store.pause(mirror.id, "lost", f"source: {error.line()}"):
                        log.error("mirror paused", mirror=mirror.name, why=error.line(), source=chat)
            self._rest[key] = (self._clock.monotonic() + RECONCILE, 0)
            self._notify()
            return False
        except (Transient, Undecodable) as error:
            tries = self._rest.get(key, (0.0, 0))[1] + 1
            wait = min(60.0, 2.0 ** min(tries - 1, 6))
            self._rest[key] = (self._clock.monotonic() + wait, tries)
            self._told.add(box_of(key))
            if tries in (1, 5) or tries % 30 == 0:
                log.warning("reading failed, trying on", chat=chats[0], tries=tries, why=error.line())
            return False
        tries = self._rest.pop(key, (0.0, 0))[1]
        if tries:
            log.info("reading works again", chat=chats[0], tries=tries)
        return more
