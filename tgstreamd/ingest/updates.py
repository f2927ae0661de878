"""Reads updates and differences of the sources, turns them into jobs, and owns the positions.

A push is stored and wakes the reader; positions decide what has been read. Every message that a position
passes enters the ledger in the transaction that moves the position. Sends nothing and does not decide how a
copy looks.
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
from ..limits.holds import DIFFERENCES, HISTORIES, StoredHolds
from ..mirrors.registry import MirrorRegistry, box_of
from .errors import RECONCILE, Trouble
from .history import Gaps
from .polls import Polls
from .reconcile import BY_ID, Missed

log = structlog.get_logger()

#: Seconds after which a silent box is read anyway: busy channels are known not to push.
POLL = 90.0
#: Backlog messages kept ready in the ledger; more are read as these are sent.
LOOKAHEAD = 500
#: Seconds that a service may be silent while it waits.
IDLE = 60.0


class Capture:
    """Reads the sources of all mirrors."""

    def __init__(
        self,
        source: Source,
        store: Store,
        roster: MirrorRegistry,
        clock: Clock,
        ids: Ids,
        holds: StoredHolds,
        *,
        notify: Callable[[], None],
        on_new: Callable[[Sequence[int]], None] = lambda mirrors: None,
    ) -> None:
        """`notify` is called when there may be something new to send; `on_new` is called with the mirrors
        that received live messages."""
        self._source = source
        self._store = store
        self._roster = roster
        self._clock = clock
        self._ids = ids
        self._notify = notify
        self._on_new = on_new
        self._gaps = Gaps(source, store, roster, clock, ids, sound=self._make_storable)
        self._missed = Missed(source, store, roster, clock)
        self._polls = Polls(source, store, roster, clock)
        self._wake = asyncio.Event()
        #: Boxes with pushes since they were last read; when each is due without a push.
        self._told: set[int] = set()
        self._due: dict[int, float] = {}
        self._reconcile_at: dict[int, float] = {}
        self._trouble = Trouble(roster, clock, holds, again=self._told.add)
        #: Mirrors whose history is read to its end before anything is sent, because their target is scanned.
        self.whole_history: set[int] = set()
        #: Boxes whose position was read to its end since the start.
        self.caught_up: set[int] = set()

    def wake(self) -> None:
        """Check for reads at once: a mirror was added, or a backlog has shrunk."""
        self._wake.set()

    def tell(self, chat: int) -> None:
        """Note an event in this chat that no push may report, such as our own send."""
        if self._roster.of_source(chat):
            self._told.add(box_of(chat))
            self._wake.set()

    def readmitted(self, chat: int) -> None:
        """Read a source again that was lost and is readable now."""
        self._trouble.forgive(box_of(chat))
        self._trouble.forgive(chat)
        self.tell(chat)

    def behind(self, chat: int) -> bool:
        """Return whether this source cannot currently be read to its end."""
        box = box_of(chat)
        return box not in self.caught_up or self._trouble.fails(box) or self._trouble.are_held(DIFFERENCES)

    # -- pushes ---------------------------------------------------------------------------------------

    async def listen(self, beat: Beat) -> None:
        """Run the service that stores what Telegram pushes."""
        while True:
            beat(IDLE)
            try:
                # Real time, since it only renews the watchdog's deadline; no decision depends on it.
                async with asyncio.timeout(IDLE / 2):
                    push = await self._source.pushed()
            except TimeoutError:
                continue
            await self.take(push)

    async def take(self, push: Push) -> None:
        """Store one push."""
        for scheduled_id, message_id in push.published:
            if await self._store.published(push.chat, scheduled_id, message_id, self._clock.now()):
                self._notify()
        if push.changed:
            self._roster.suspect(push.chat)
        if push.message is not None and not push.edit:
            mirrors = self._roster.takers(push.message)
            if mirrors and (message := self._make_storable(push.message)):
                new = await self._store.ingest_push(
                    message,
                    mirrors=mirrors,
                    pts=push.pts,
                    now=self._clock.now(),
                    new_id=self._ids.random_id,
                )
                self._on_new(new)
        if push.message is not None and not push.edit:
            await self._note_foreign_post(push.message)
        if push.poll_closed:
            self._polls.tell(push.chat)
        if push.deleted and (deletes := self._deletes(push.chat)):
            await self._store.take_deleted(push.chat, push.deleted, deletes=deletes, now=self._clock.now())
        if push.chat:
            self._told.add(box_of(push.chat))
        else:
            # A reconnection or "too long": anything may have happened.
            self._told.update(self._roster.boxes())
        self._wake.set()

    async def _note_foreign_post(self, message: Message) -> None:
        """Note a post by somebody else in a target: the next copy there must show its author again."""
        if message.service or message.chat not in self._roster.targets:
            return
        topic = 0 if message.topic in (None, GENERAL_TOPIC) else message.topic
        await self._store.others_spoke(message.chat, topic, message.id, own=message.out)

    # -- positions ------------------------------------------------------------------------------------

    async def follow(self, beat: Beat) -> None:
        """Run the service that reads differences and histories."""
        while True:
            beat(IDLE)
            self._wake.clear()
            begun = self._clock.monotonic()
            if await self.step():
                continue
            # Whatever was due and was not read is delayed or held: the end of that is an appointment.
            times = [*self._due.values(), *await self.appointments()]
            until = min([begun + IDLE / 2, *(at for at in times if at > begun)])
            await self._clock.wait(self._wake, until)

    async def step(self) -> bool:
        """Take one step of every read that is due; return whether more can be read at once."""
        more = False
        if self._roster.frozen:
            return False
        await self._trouble.holds.look()
        for box, chats in self._roster.boxes().items():
            if self._trouble.rests(box) or self._trouble.are_held(DIFFERENCES):
                continue
            if box in self._told or self._is_due(box) or await self._has_due_seal(chats):
                more |= await self._trouble.guard(box, chats, self._read_difference(box, chats))
        for gap in await self._gaps.due():
            if (
                not self._trouble.rests(gap.chat)
                and not self._trouble.are_held(HISTORIES)
                and await self._needs_more(gap)
            ):
                more |= await self._trouble.guard(gap.chat, [gap.chat], self._read_page(gap))
        for chat in {mirror.source for mirror in self._roster.mirrors.values()}:
            if self._clock.monotonic() >= self._reconcile_at.setdefault(
                chat, self._clock.monotonic() + RECONCILE
            ) and not (self._trouble.rests(chat) or self._trouble.are_held(HISTORIES)):
                self._reconcile_at[chat] = self._clock.monotonic() + RECONCILE
                await self._trouble.guard(chat, [chat], self._reconcile(chat))
        # Last, and only while nothing brings posts.
        return more or await self._ask_by_id()

    async def _ask_by_id(self) -> bool:
        """Ask about what no difference reports: lost deletions and closed polls."""
        more = False
        for chat in self._polls.due():
            if not (self._trouble.rests(("polls", chat)) or self._trouble.are_held(BY_ID)):
                more |= await self._trouble.guard(("polls", chat), [chat], self._polls.ask(chat))
                self._notify()
        for doubt in await self._missed.due():
            key = (doubt.what, doubt.mirror)
            held = self._trouble.are_held(BY_ID if doubt.what == "deleted" else HISTORIES)
            if not (self._trouble.rests(key) or held):
                more |= await self._trouble.guard(key, [doubt.chat], self._missed.ask(doubt))
                self._notify()
        return more

    async def catch_up(self) -> None:
        """Read until nothing is due: a start does so before its first send, and tests call it."""
        while await self.step():
            pass

    async def _read_difference(self, box: int, chats: list[int]) -> bool:
        position = await self._store.box(box)
        if position is None:
            # The source was another group before the mirror began: only new events there matter.
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
            # The position first, the newest id after it: messages in between are seen twice, never missed.
            newest = {chat: await self._source.newest(chat) for chat in chats}
            log.warning("events were lost, the history closes the gap", chat=chats[0], newest=newest)
            # Edits among the lost events are found by comparing the newest messages with the ledger.
            self._reconcile_at.update(dict.fromkeys(chats, 0.0))
        sound = tuple(kept for message in difference.messages if (kept := self._make_storable(message)))
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
        # More follows at once, unless the position does not advance, which would loop.
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

    def _make_storable(self, message: Message) -> Message | None:
        """Return the message, or a placeholder if it cannot be stored: one bad message must not stop the
        others."""
        try:
            self._store.encodable(message)
        except Exception:  # the one broad `except` of the source side: one poison message stops no others
            log.exception("message cannot be kept", chat=message.chat, source_id=message.id)
            return Message(
                chat=message.chat, id=message.id, date=0, topic=message.topic, service="unreadable"
            )
        return message

    def _deletes(self, chat: int) -> list[tuple[int, bool | None]]:
        """Return the chat's mirrors, and for each whether deletions are mirrored (True), drop waiting
        messages (False), or are only counted (None)."""
        return [
            (mirror.id, True if mirror.deletes == "mirror" else False if mirror.delay > 0 else None)
            for mirror in self._roster.mirrors.values()
            if self._roster.reads(mirror, chat)
            or (chat == 0 and (box_of(mirror.source) == 0 or self._roster.former.get(mirror.id)))
        ]

    def _pins(self, chat: int) -> list[int]:
        return [mirror.id for mirror in self._roster.of_source(chat) if mirror.pins]

    async def _needs_more(self, gap: Gap) -> bool:
        if gap.lane == "live" or gap.mirror in self.whole_history:
            return True
        return await self._store.count_ahead(gap.mirror, "backlog", LOOKAHEAD) < LOOKAHEAD

    def _is_due(self, box: int) -> bool:
        return self._clock.monotonic() >= self._due.get(box, 0.0)

    async def _has_due_seal(self, chats: list[int]) -> bool:
        times = [await self._store.next_seal(chat) for chat in chats]
        return any(at is not None and self._clock.now() >= at for at in times)

    async def appointments(self) -> list[float]:
        """Return the monotonic times at which an open album may be complete or a failed read is retried."""
        chats = [chat for chats in self._roster.boxes().values() for chat in chats]
        seals = [await self._store.next_seal(chat) for chat in chats]
        ahead = self._clock.monotonic() - self._clock.now()
        times = [at for at in (*seals, *self._trouble.held_until()) if at is not None]
        return [*(at + ahead for at in times), *self._trouble.ends()]
