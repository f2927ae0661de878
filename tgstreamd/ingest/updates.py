"""The source side: turns what happens in the sources into jobs, and owns the positions.

A push is kept and wakes; positions decide. Every message that a position passes is in the ledger in the
transaction that moves the position. Must not send anything, and must not decide how a copy looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from ..domain.clock import Clock
from ..domain.errors import Undecodable
from ..domain.messages import GENERAL_TOPIC, Message
from ..domain.ports import Beat, Ids, Source
from ..domain.updates import Difference, Push
from ..ledger import Gap, Store
from ..limits.holds import DIFFERENCES, HISTORIES
from ..mirrors.registry import MirrorRegistry, box_of
from .errors import RECONCILE, Trouble
from .history import Gaps
from .polls import Polls
from .reconcile import BY_ID, Missed

log = structlog.get_logger()

#: Seconds after which a silent box is asked all the same: busy channels are known not to push.
POLL = 90.0
#: Messages of a backlog that lie ready in the ledger; more are read as they are sent.
LOOKAHEAD = 500
#: Seconds that a service may be silent while it waits.
IDLE = 60.0


class Capture:
    """Reads all sources of the roster."""

    def __init__(
        self,
        source: Source,
        store: Store,
        roster: MirrorRegistry,
        clock: Clock,
        ids: Ids,
        *,
        notify: Callable[[], None],
        on_new: Callable[[Sequence[int]], None] = lambda mirrors: None,
    ) -> None:
        """`notify` is called when there may be something new to send; `on_new` hears of live messages that
        came, by the mirrors that take them."""
        self._source = source
        self._store = store
        self._roster = roster
        self._clock = clock
        self._ids = ids
        self._notify = notify
        self._on_new = on_new
        self._gaps = Gaps(source, store, roster, clock, ids, sound=self._sound)
        self._missed = Missed(source, store, roster, clock)
        self._polls = Polls(source, store, roster, clock)
        self._wake = asyncio.Event()
        #: Boxes that something was told of since they were last read; when each is due all the same.
        self._told: set[int] = set()
        self._due: dict[int, float] = {}
        self._reconcile_at: dict[int, float] = {}
        self._trouble = Trouble(store, roster, clock, again=self._told.add)
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

    def readmitted(self, chat: int) -> None:
        """A source that was lost can be read again: its rest is over."""
        self._trouble.forgive(box_of(chat))
        self._trouble.forgive(chat)
        self.tell(chat)

    def behind(self, chat: int) -> bool:
        """Whether this source cannot be read to its end just now."""
        box = box_of(chat)
        return (
            box not in self.caught_up or self._trouble.fails(box) or self._trouble.floods.asleep(DIFFERENCES)
        )

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
                new = await self._store.ingest_push(
                    message,
                    mirrors=mirrors,
                    pts=push.pts,
                    now=self._clock.now(),
                    new_id=self._ids.random_id,
                )
                self._on_new(new)
        if push.message is not None and not push.edit:
            await self._overhear(push.message)
        if push.poll_closed:
            self._polls.tell(push.chat)
        if push.deleted and (deletes := self._deletes(push.chat)):
            await self._store.take_deleted(push.chat, push.deleted, deletes=deletes, now=self._clock.now())
        if push.chat:
            self._told.add(box_of(push.chat))
        else:
            # A reconnection, or "too long": anything may have happened.
            self._told.update(self._roster.boxes())
        self._wake.set()

    async def _overhear(self, message: Message) -> None:
        """Somebody said something in a target: the line above the post before does not speak for the next."""
        if message.service or message.chat not in self._roster.targets:
            return
        topic = 0 if message.topic in (None, GENERAL_TOPIC) else message.topic
        await self._store.others_spoke(message.chat, topic, message.id, own=message.out)

    # -- positions ------------------------------------------------------------------------------------

    async def follow(self, beat: Beat) -> None:
        """The service that reads differences and histories."""
        while True:
            beat(IDLE)
            self._wake.clear()
            begun = self._clock.monotonic()
            if await self.step():
                continue
            # What was due before and was not read rests or is held: the end of that is an appointment.
            times = [*self._due.values(), *await self.appointments()]
            until = min([begun + IDLE / 2, *(at for at in times if at > begun)])
            await self._clock.wait(self._wake, until)

    async def step(self) -> bool:
        """Read one bite of everything that is due; true if there is more to read at once."""
        more = False
        if self._roster.frozen:
            return False
        await self._trouble.floods.load()
        for box, chats in self._roster.boxes().items():
            if self._trouble.rests(box) or self._trouble.floods.asleep(DIFFERENCES):
                continue
            if box in self._told or self._is_due(box) or await self._seals(chats):
                more |= await self._trouble.guard(box, chats, self._read_difference(box, chats))
        for gap in await self._gaps.due():
            if (
                not self._trouble.rests(gap.chat)
                and not self._trouble.floods.asleep(HISTORIES)
                and await self._hungry(gap)
            ):
                more |= await self._trouble.guard(gap.chat, [gap.chat], self._read_page(gap))
        for chat in {mirror.source for mirror in self._roster.mirrors.values()}:
            if self._clock.monotonic() >= self._reconcile_at.setdefault(
                chat, self._clock.monotonic() + RECONCILE
            ) and not (self._trouble.rests(chat) or self._trouble.floods.asleep(HISTORIES)):
                self._reconcile_at[chat] = self._clock.monotonic() + RECONCILE
                await self._trouble.guard(chat, [chat], self._reconcile(chat))
        # Last, and only while nothing brings posts.
        return more or await self._ask_by_id()

    async def _ask_by_id(self) -> bool:
        """What no difference tells of: deletions that were lost, polls that have ended."""
        more = False
        for chat in self._polls.due():
            if not (self._trouble.rests(("polls", chat)) or self._trouble.floods.asleep(BY_ID)):
                more |= await self._trouble.guard(("polls", chat), [chat], self._polls.ask(chat))
                self._notify()
        for doubt in await self._missed.due():
            key = (doubt.what, doubt.mirror)
            asleep = self._trouble.floods.asleep(BY_ID if doubt.what == "deleted" else HISTORIES)
            if not (self._trouble.rests(key) or asleep):
                more |= await self._trouble.guard(key, [doubt.chat], self._missed.ask(doubt))
                self._notify()
        return more

    async def catch_up(self) -> None:
        """Read until nothing is due: what a start does before its first send, and what tests call."""
        while await self.step():
            pass

    async def _read_difference(self, box: int, chats: list[int]) -> bool:
        position = await self._store.box(box)
        if position is None:
            # Of a group that the source was before the mirror began: what happens there from now on.
            position = await self._source.box(chats[0])
            await self._store.begin_box(box, position)
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
            # Edits among them are found by comparing what the newest messages look like now.
            self._reconcile_at.update(dict.fromkeys(chats, 0.0))
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
                pins=difference.pins,
            ),
            takers=self._roster.takers,
            deletes=self._deletes,
            pins=self._pins,
            newest=newest,
            now=self._clock.now(),
            new_id=self._ids.random_id,
        )
        if difference.final and not difference.too_long:
            self.caught_up.add(box)
        for chat in difference.changed:
            self._roster.suspect(chat)
        # More is to be told, at once; but an answer that does not get on is no reason to turn round.
        moved = (difference.box.pts, difference.box.qts) != (position.pts, position.qts)
        again = moved and (difference.too_long or not difference.final)
        self._due[box] = self._clock.monotonic() + (0.0 if again else min(POLL, difference.timeout or POLL))
        self._on_new(new)
        if difference.messages:
            log.debug("difference read", chat=chats[0], messages=len(difference.messages), new=len(new))
        self._notify()
        return again

    async def _read_page(self, gap: Gap) -> bool:
        more = await self._gaps.read(gap)
        self._notify()
        return more

    async def _reconcile(self, chat: int) -> bool:
        if await self._gaps.compare(chat):
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

    def _deletes(self, chat: int) -> list[tuple[int, bool | None]]:
        """Its mirrors: whether they mirror deletions, drop what waits, or only count (None)."""
        return [
            (mirror.id, True if mirror.deletes == "mirror" else False if mirror.delay > 0 else None)
            for mirror in self._roster.mirrors.values()
            if self._roster.reads(mirror, chat)
            or (chat == 0 and (box_of(mirror.source) == 0 or self._roster.former.get(mirror.id)))
        ]

    def _pins(self, chat: int) -> list[int]:
        return [mirror.id for mirror in self._roster.of_source(chat) if mirror.pins]

    async def _hungry(self, gap: Gap) -> bool:
        if gap.lane == "live" or gap.mirror in self.whole_history:
            return True
        return await self._store.count_ahead(gap.mirror, "backlog", LOOKAHEAD) < LOOKAHEAD

    def _is_due(self, box: int) -> bool:
        return self._clock.monotonic() >= self._due.get(box, 0.0)

    async def _seals(self, chats: list[int]) -> bool:
        times = [await self._store.next_seal(chat) for chat in chats]
        return any(at is not None and self._clock.now() >= at for at in times)

    async def appointments(self) -> list[float]:
        """Monotonic times at which an open album may be complete, or something that failed is tried again."""
        chats = [chat for chats in self._roster.boxes().values() for chat in chats]
        seals = [await self._store.next_seal(chat) for chat in chats]
        ahead = self._clock.monotonic() - self._clock.now()
        times = [at for at in (*seals, *self._trouble.floods.ends()) if at is not None]
        return [*(at + ahead for at in times), *self._trouble.ends()]
