"""Decides which configured mirrors run: resolves their chats, judges both sides, creates new ones.

A chat that Telegram refuses pauses its mirror alone, with the reason, and is asked about again every ten
minutes. Writes the registry, which the other packages read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog

from ..config import MirrorConfig
from ..domain.clock import Clock
from ..domain.errors import (
    AccountFrozen,
    FloodWait,
    NotAuthorised,
    StoreError,
    TelegramError,
    TgstreamdError,
    Transient,
)
from ..domain.messages import Chat
from ..domain.ports import Beat, Source, Target
from ..ledger import Store
from ..limits.holds import StoredHolds
from ..policy.mirror_checks import Edge, Loops, judge, may_run, refusal
from ..policy.retry import backoff
from .chat_lookup import QUESTIONS, asked, topics
from .chat_profile import take_face, take_forum
from .creation import BEGINNINGS, Births
from .from_config import mirror_of
from .registry import MirrorRegistry
from .supergroup_migration import Moves

log = structlog.get_logger()

#: Seconds after which a paused mirror's chats are asked again.
AGAIN = 600.0
IDLE = 60.0

Resolve = Callable[[int | str], Awaitable[int]]
#: Called before each wait of a start with its seconds and reason.
Waiting = Callable[[float, TgstreamdError], None]


class Admission:
    """Judges the configured mirrors."""

    def __init__(
        self,
        configs: Sequence[MirrorConfig],
        resolve: Resolve,
        source: Source,
        target: Target,
        store: Store,
        roster: MirrorRegistry,
        clock: Clock,
        holds: StoredHolds,
        *,
        interval: float,
        notify: Callable[[], None],
        readmitted: Callable[[int], None],
    ) -> None:
        """`interval` is the pace's, for log messages. `notify` is called on every admission or release,
        `readmitted` with the source of a mirror that had been lost.
        """
        self._configs = configs
        self._resolve = resolve
        self._source = source
        self._target = target
        self._store = store
        self._roster = roster
        self._clock = clock
        self._moves = Moves(source, target, store, roster)
        self._births = Births(source, store, roster, clock, interval=interval)
        self._notify = notify
        self._readmitted = readmitted
        #: Reasons of the configured mirrors that are not created yet, by name.
        self.pending: dict[str, str] = {}
        self._loops = Loops()
        self._holds = holds
        #: Chats that changed and could not be asked about at that time.
        self._unasked: set[int] = set()

    async def admit_all(self, waiting: Waiting) -> None:
        """Judge every configured mirror once; wait for the network and through flood waits without limit."""
        before = {row.id for row in await self._store.mirror_list()}
        await self._store.uncheck_all()
        for config in self._configs:
            await self._admit_with_retries(config, before, waiting)
        # Only now: an interrupted start must not make mirrors that it had not reached look removed.
        for mirror_id in before - self._roster.mirrors.keys():
            await self._store.deactivate(mirror_id)
        await self._refuse_loops()

    def unborn(self) -> list[tuple[MirrorConfig, str]]:
        """Return the configured mirrors that could not begin, each with its reason."""
        return [
            (config, self.pending[config.name]) for config in self._configs if config.name in self.pending
        ]

    async def reconfigure(self, configs: Sequence[MirrorConfig]) -> None:
        """Apply a changed configuration: admit new mirrors, remove those no longer configured."""
        self._configs = configs
        before = {row.id for row in await self._store.mirror_list()}
        self.pending.clear()
        self._loops = Loops()
        for config in configs:
            # Mirrors that cannot be judged now are judged again with the paused ones.
            self.pending[config.name] = "not judged yet"
        kept: set[int] = set()
        for config in configs:
            if (mirror_id := await self._admit(config, before=before, reload=True)) is not None:
                kept.add(mirror_id)
        for mirror_id in [mirror_id for mirror_id in self._roster.mirrors if mirror_id not in kept]:
            gone = self._roster.mirrors.pop(mirror_id)
            await self._store.deactivate(mirror_id)
            log.info("mirror is no longer configured", mirror=gone.name)
        await self._refuse_loops()
        self._notify()

    async def run(self, beat: Beat) -> None:
        """Run the service that judges again: paused mirrors, and those whose chats changed."""
        again = self._clock.monotonic() + AGAIN
        while True:
            beat(IDLE)
            await self._clock.wait(self._roster.suspected, min(again, self._clock.monotonic() + IDLE / 2))
            self._roster.suspected.clear()
            suspects, self._roster.suspects = self._roster.suspects, set()
            due = self._clock.monotonic() >= again
            if due:
                again = self._clock.monotonic() + AGAIN
            if due or suspects:
                await self.ask_again(suspects, everyone_paused=due)

    async def ask_again(self, suspects: set[int], *, everyone_paused: bool) -> None:
        """Judge the mirrors of these chats again, and with `everyone_paused` those that wait for a chat."""
        if self._roster.frozen:
            return
        if everyone_paused:
            suspects, self._unasked = suspects | self._unasked, set()
        lost = {row.id for row in await self._store.mirror_list() if row.lost}
        by_name = {mirror.name: mirror for mirror in self._roster.mirrors.values()}
        for config in self._configs:
            mirror = by_name.get(config.name)
            touched = mirror is not None and suspects & {mirror.source, mirror.target}
            waits = config.name in self.pending or (mirror is not None and mirror.id in lost)
            # A changed description may have caused no update.
            waits = waits or config.chat
            if touched or (everyone_paused and waits):
                begins = mirror is None or mirror.id in lost
                if await self._holds.flood(QUESTIONS | BEGINNINGS if begins else QUESTIONS):
                    self._unasked |= suspects
                    continue
                try:
                    await self._admit(config, again=True)
                except TelegramError as error:
                    log.warning("could not ask about a mirror's chats", mirror=config.name, why=error.line())
                    # No second update will report the change.
                    self._unasked |= suspects
                    if isinstance(error, FloodWait):
                        await self._holds.remember(error)
        await self._refuse_loops()

    # -- one mirror -----------------------------------------------------------------------------------

    async def _admit_with_retries(self, config: MirrorConfig, before: set[int], waiting: Waiting) -> None:
        tries = 0
        why: TgstreamdError
        while True:
            try:
                if (flood := await self._holds.flood(QUESTIONS)) is not None:
                    # A flood wait received before a restart.
                    raise flood
                await self._admit(config, before=before)
                return
            except AccountFrozen as error:
                # A frozen account counts as judged: nothing is asked until a person restarts the program.
                if not self._roster.frozen:
                    self._roster.frozen = True
                    log.critical("account is frozen: appeal in the app; nothing is read", why=error.line())
                self._wait(config.name, error.line())
                return
            except FloodWait as error:
                await self._holds.remember(error)
                seconds, why = float(error.seconds), error
            except Transient as error:
                tries += 1
                seconds, why = backoff(tries), error
            except TelegramError as error:
                # An error that will not pass: the other mirrors need not wait for it.
                self._wait(config.name, error.line())
                return
            until = self._clock.monotonic() + seconds
            while (left := until - self._clock.monotonic()) > 0:
                waiting(left, why)
                await self._clock.sleep_until(min(until, self._clock.monotonic() + 25.0))

    async def _admit(
        self,
        config: MirrorConfig,
        *,
        before: set[int] | None = None,
        again: bool = False,
        reload: bool = False,
    ) -> int | None:
        """Resolve, judge, then admit, create or pause a mirror; return its id, None where it cannot begin
        yet.

        `before`: the mirrors that were configured until now. `again`: it was judged already.
        """
        try:
            source_id = await self._resolve_chat(config.source)
            target_id = await self._resolve_chat(config.target)
        except (Transient, FloodWait, AccountFrozen, NotAuthorised, StoreError):
            raise
        except TelegramError as error:
            self._wait(config.name, error.line())
            return None
        sides = (
            (source_id, await asked(self._source, source_id)),
            (target_id, await asked(self._target, target_id)),
        )
        (source_id, source), (target_id, target) = await self._moves.follow(config, *sides)
        source_topics = await topics(self._source, source, config.source_topic)
        target_topics = await topics(self._target, target, config.target_topic)
        mirror = mirror_of(config, source_id, target_id)
        findings = judge(mirror, source, target, source_topics=source_topics, target_topics=target_topics)
        edge = Edge(
            name=config.name,
            source=source_id,
            target=target_id,
            source_topic=config.source_topic,
            target_topic=config.target_topic,
        )
        if (twin := self._loops.twin(edge, self.names())) is not None:
            self._wait(config.name, f'the same source and target as mirror "{twin}"')
            return None
        self._loops.edges[config.name] = edge
        for side in (source, target):
            if isinstance(side, Chat) and side.kind == "channel" and side.linked is not None:
                self._loops.links[side.id] = side.linked
        for finding in findings:
            if finding.level == "warn" and not again:
                log.warning(finding.text, mirror=config.name, subject=finding.subject)
        row = await self._store.find_mirror(source_id, config.source_topic, target_id, config.target_topic)
        can_read = may_run(finding for finding in findings if finding.subject == "source")
        readable = source if isinstance(source, Chat) and can_read else None
        if isinstance(source, Chat):
            self._roster.sources[source_id] = source
        if isinstance(target, Chat):
            self._roster.targets[target_id] = target
        named = {side.id: side.title for side in (source, target) if isinstance(side, Chat)}
        await self._store.note_titles(named)
        if row is None:
            if readable is None:
                self._wait(config.name, refusal(findings))
                return None
            mirror_id = await self._births.bear(config, mirror, readable, reload=reload)
        else:
            mirror_id = row.id
            if row.id not in self._roster.mirrors or (row.lost and readable):
                was_away = before is None or row.id not in before or bool(row.lost)
                await self._births.put_back(config.name, mirror, row.id, was_away=was_away)
            if config.history != row.history:
                words = "history counts at birth and stays as it was; for other posts use a new target"
                log.warning(words, mirror=config.name, at_birth=row.history, configured=config.history)
        if isinstance(source, Chat) and source.auto_delete and config.deletes == "mirror":
            timer = "the source deletes its messages by a timer"
            if await self._store.hold_deletions(mirror_id, "timer", timer):
                log.warning("deletions wait for `resume`", mirror=config.name, why=timer)
        self.pending.pop(config.name, None)
        mirror = mirror_of(config, source_id, target_id, id=mirror_id)
        await take_forum(mirror, source, target, reader=self._source, store=self._store, clock=self._clock)
        await take_face(mirror, source, target, store=self._store, clock=self._clock)
        self._roster.mirrors[mirror_id] = mirror
        self._roster.former[mirror_id] = await self._store.former_chats(mirror_id)
        # Loops are judged with the rest, so that no message is copied between two verdicts.
        why = refusal(findings) or self._loops.refused(self.names()).get(config.name, "")
        await self._pause_or_release(config.name, mirror_id, why)
        return mirror_id

    async def _pause_or_release(self, name: str, mirror_id: int, why: str) -> None:
        if why:
            if await self._store.pause(mirror_id, "lost", why):
                log.error("mirror paused, asked again every 10 minutes", mirror=name, why=why)
        elif await self._store.release(mirror_id, "lost"):
            log.info("mirror goes on", mirror=name)
            self._readmitted(self._roster.mirrors[mirror_id].source)
        self._notify()

    def _wait(self, name: str, why: str) -> None:
        if self.pending.get(name) != why:
            log.error("mirror cannot begin, asked again every 10 minutes", mirror=name, why=why)
        self.pending[name] = why

    # -- asking ---------------------------------------------------------------------------------------

    async def _resolve_chat(self, ref: int | str) -> int:
        """Return the chat that a name was first resolved to; only `check` and `init` resolve it again."""
        if isinstance(ref, str) and (known := await self._store.known_name(ref)) is not None:
            return await self._store.moved_to(known)
        chat = await self._resolve(ref)
        if isinstance(ref, str):
            await self._store.remember_name(ref, chat)
        return await self._store.moved_to(chat)

    async def _refuse_loops(self) -> None:
        """Pause mirrors in loops that only Telegram's answers reveal: by a name, a linked group."""
        by_name = {mirror.name: mirror.id for mirror in self._roster.mirrors.values()}
        for name, why in self._loops.refused(self.names()).items():
            if name in by_name:
                await self._pause_or_release(name, by_name[name], why)

    def names(self) -> list[str]:
        """Return the names of the configured mirrors, in their order."""
        return [config.name for config in self._configs]
