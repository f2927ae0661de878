"""Compares a mirror's two chats with the ledger, one page at a time.

First the source: is each message copied, and has it been edited since? Then the target: does each copy exist,
look as it was sent and stand in order, and is there any other message of ours? A page is one call to
Telegram; if that is told to wait, the answer says so. Changes nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

import msgspec

from ..config import Config
from ..domain.errors import FloodWait, TgstreamdError, Transient
from ..domain.messages import Message, Mirror
from ..ledger import NOT_THERE, Copied, Entry, MirrorRow, Store
from ..mirrors.from_config import beginning, mirror_of
from ..mirrors.registry import of_topic
from ..policy.matching import differs, matches
from .check import Reach
from .differences import Difference, Kind, Mend
from .lookup import message_link, named, unknown
from .pages import END, readable

#: Seconds during which a recent event may be missing in the ledger.
RECENT = 60.0
#: Characters of a text that are shown.
GLIMPSE = 60


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request: side, chat, and the id above which to continue. Passed back from answer to answer."""

    mirror: str
    side: Literal["source", "target"] = "source"
    chat: int = 0
    after: int = -1
    #: The newest id of that chat, for the progress.
    newest: int = 0
    #: By lane: the position of the newest copy seen, and its source id.
    lanes: dict[str, tuple[int, int]] = {}


async def compare(
    config: Config, reach: Reach, store: Store | None, request: dict[str, Any], *, now: float
) -> dict[str, Any]:
    """Return `differences` of one page, `counts` over it, and `next`: the next request; None at the end.

    `wait`: seconds to wait before that, as Telegram ordered; `trouble`: it did not answer.
    """
    try:
        asked = msgspec.convert({k: v for k, v in request.items() if k != "verb"}, Asked)
    except msgspec.ValidationError as error:
        raise TgstreamdError(f"verify: {error}") from None
    if store is None:
        raise unknown(asked.mirror, [], [mirror.name for mirror in config.mirrors])
    row, wanted = await named(store, config, asked.mirror)
    walk = _Walk(reach, store, row, mirror_of(wanted, row.source, row.target, id=row.id), now)
    try:
        following = await (walk.source(asked) if asked.side == "source" else walk.target(asked))
    except FloodWait as error:
        return walk.answer(asked, wait=float(error.seconds), why=error.line())
    except Transient as error:
        return walk.answer(asked, wait=2.0, why=error.line(), trouble=True)
    return walk.answer(following)


class _Walk:
    """Compares one page of one mirror."""

    def __init__(self, reach: Reach, store: Store, row: MirrorRow, mirror: Mirror, now: float) -> None:
        self._reach = reach
        self._store = store
        self._row = row
        self._mirror = mirror
        self._now = now
        self._found: list[Difference] = []
        self._counts: Counter[str] = Counter()

    def answer(
        self, following: Asked | None, *, wait: float = 0.0, why: str = "", trouble: bool = False
    ) -> dict[str, Any]:
        return {
            "mirror": self._mirror.name,
            "differences": [msgspec.to_builtins(one) for one in self._found],
            "counts": dict(self._counts),
            "wait": wait,
            "why": why,
            "trouble": trouble,
            "next": None if following is None else msgspec.to_builtins(following),
        }

    # -- the source -----------------------------------------------------------------------------------

    async def source(self, asked: Asked) -> Asked | None:
        feeds = await self._store.feeds(self._row.id)
        chat, fed_to = next((feed for feed in feeds if feed[0] == asked.chat), feeds[0])
        after, newest = asked.after, asked.newest
        if after < 0:
            after = await self._beginning(chat)
            newest = await self._reach.source.newest(chat)
        topic = self._mirror.source_topic if chat == self._mirror.source else None
        page, upto = await readable(self._reach.source, chat, after, topic, self._counts)
        known = await self._store.entries(self._row.id, chat, after, upto)
        gaps = [gap for gap in await self._store.gaps(self._row.id) if gap.chat == chat]
        for message in page:
            if not of_topic(self._mirror, message):
                continue
            entry = known.pop(message.id, None)
            if entry is not None:
                self._judge(message, entry)
                continue
            unread = message.id > fed_to or any(gap.next_id < message.id <= gap.end_id for gap in gaps)
            if unread or self._recent(message):
                self._counts["waiting"] += 1
            elif not await self._is_own_copy(message):
                why = "it was never captured"
                self._report("missing", message, why=why, mend="" if message.service else "capture")
        await self._judge_deleted(known, chat, newest=page[-1].id if page else 0)
        if upto < END:
            return Asked(mirror=asked.mirror, chat=chat, after=upto, newest=newest)
        rest = [feed[0] for feed in feeds]
        rest = rest[rest.index(chat) + 1 :]
        return Asked(mirror=asked.mirror, chat=rest[0]) if rest else Asked(mirror=asked.mirror, side="target")

    async def _beginning(self, chat: int) -> int:
        """Return the id above which every message must be in the ledger."""
        if chat != self._mirror.source:
            known = await self._store.entries(self._row.id, chat, 0, END)
            return min(known, default=END) - 1
        if self._row.history == "none":
            return await self._store.born_to(self._row.id, chat)
        return await beginning(self._row.history, self._mirror, self._reach.source, self._row.born_at)

    def _judge(self, message: Message, entry: Entry) -> None:
        """Check a message that the ledger knows."""
        if entry.state in ("waiting", "open"):
            self._counts["waiting"] += 1
        elif entry.state == "parked":
            missing = "" if entry.known else "missing in the target, "
            self._report("parked", message, why=f"{missing}parked as {entry.job}: {entry.reason}")
        elif entry.state == "skipped" and not entry.known:
            self._judge_skipped(message, entry)
        elif entry.kind == "topic":
            self._counts["copied"] += 1
        elif entry.pending:
            self._counts["changing"] += 1
        elif entry.former and not entry.known:
            # Its copy is in the basic group from before the migration, which is not compared.
            self._counts["copied"] += 1
        elif not entry.known:
            why = "Telegram has only scheduled its copy so far" if entry.scheduled else "it has no copy"
            self._report("missing", message, why=why, mend="" if entry.scheduled else "again")
        elif entry.lacking and entry.state == "done":
            why = "a part of its copy was not found when the map was derived anew"
            self._report("missing", message, target_id=entry.first, why=why, mend="again")
        elif entry.digest == message.content() or not self._mirror.edits or self._recent(message):
            self._counts["copied"] += 1
        else:
            replaced = entry.media_id != message.media_id
            why = "the original was edited, and the copy was not"
            kind: Kind = "media" if replaced else "text"
            self._report(kind, message, target_id=entry.first, why=why, mend="edit")

    def _judge_skipped(self, message: Message, entry: Entry) -> None:
        """Check a skipped message: reported if its copy was missing in a rebuild, otherwise counted."""
        if entry.reason == NOT_THERE and entry.kind == "copy":
            why = "its copy was not found when the map was derived anew"
            self._report("missing", message, why=why, mend="again")
        else:
            self._counts["skipped"] += 1

    async def _judge_deleted(self, gone: dict[int, Entry], chat: int, *, newest: int) -> None:
        """Check messages in the ledger that the source no longer has. Only ids below a readable message
        count."""
        copied = [e for e in gone.values() if e.state == "done" and e.known and e.kind != "topic"]
        mirrored = self._mirror.deletes == "mirror"
        left = [e for e in copied if mirrored and e.source_id < newest and not e.pending]
        if kept := len(copied) - len(left):
            self._counts["kept"] += kept
        copies = {e.source_id: await self._store.copies_of(self._row.id, chat, e.source_id) for e in left}
        ids = [target_id for some in copies.values() for target_id in some]
        stand = await self._reach.target.messages(self._mirror.target, ids) if ids else {}
        for entry in left:
            if any(target_id in stand for target_id in copies[entry.source_id]):
                why = "the original was deleted, and the copy was not"
                self._found.append(self._difference("undeleted", chat, entry.source_id, entry.first, why=why))

    async def _is_own_copy(self, message: Message) -> bool:
        """Return whether this is a copy of this mirror's own, when it reads the chat that it writes."""
        copies = await self._store.copies_between(message.chat, message.id - 1, message.id)
        return any(copy.mirror == self._row.id for copy in copies)

    # -- the target -----------------------------------------------------------------------------------

    async def target(self, asked: Asked) -> Asked | None:
        chat, after, newest = self._mirror.target, asked.after, asked.newest
        if after < 0:
            after = await self._store.first_of(self._row.id, chat) - 1
            if after < 0:
                return None
            newest = await self._reach.target.newest(chat)
        topic = self._mirror.target_topic
        page, upto = await readable(self._reach.target, chat, after, topic, self._counts)
        # The ledger is read after the chat, so that it knows what was sent meanwhile, or its attempt.
        rows = await self._store.copies_between(chat, after, upto)
        prints = await self._store.open_prints(chat)
        copies = {row.target_id: row for row in rows}
        lanes = dict(asked.lanes)
        for message in page:
            row = copies.pop(message.id, None)
            if row is None:
                self._judge_unmapped(message, prints, rows)
            elif row.mirror == self._row.id and row.kind == "copy":
                self._judge_copy(message, row, lanes)
        await self._judge_missing(
            [r for r in copies.values() if r.mirror == self._row.id and r.kind == "copy"]
        )
        if upto >= END:
            return None
        return Asked(mirror=asked.mirror, side="target", after=upto, newest=newest, lanes=lanes)

    async def _judge_missing(self, rows: list[Copied]) -> None:
        """Check copies that the target no longer has. If the original is gone too, nothing is missing."""
        wanted: dict[int, list[int]] = {}
        for row in rows:
            if row.pending:
                self._counts["changing"] += 1
            else:
                wanted.setdefault(row.chat, []).append(row.source_id)
        left = {chat: await self._reach.source.messages(chat, ids) for chat, ids in wanted.items()}
        for row in rows:
            if row.pending or row.source_id not in left[row.chat]:
                continue
            why = "its copy is gone from the target"
            self._found.append(
                self._difference("missing", row.chat, row.source_id, row.target_id, why=why, mend="again")
            )

    def _judge_copy(self, message: Message, row: Copied, lanes: dict[str, tuple[int, int]]) -> None:
        """Check a copy of this mirror's that exists."""
        if row.pending:
            self._counts["changing"] += 1
            return
        kind = differs(message, row.fingerprint) if row.fingerprint else ""
        if kind in ("text", "media"):
            why = f"the copy's {kind} is not what was sent"
            if row.fingerprint == "?":
                why = "the original was edited, and Telegram refused that edit of the copy"
            self._found.append(
                self._difference(
                    "media" if kind == "media" else "text", row.chat, row.source_id, row.target_id,
                    why=why, mend="edit" if self._mirror.edits else "", text=message.text,
                )
            )  # fmt: skip
        self._counts["copies"] += 1
        if row.sub != 0:
            return  # lifted, late, or sent again: not judged for order
        place, before = lanes.get(row.lane, (0, 0))
        if row.ord < place:
            why = f"it stands behind the copy of {before}, which is newer"
            self._found.append(
                self._difference("order", row.chat, row.source_id, row.target_id, why=why, text=message.text)
            )
        else:
            lanes[row.lane] = (row.ord, row.source_id)

    def _judge_unmapped(self, message: Message, prints: list[str], rows: list[Copied]) -> None:
        """Check a message that is no copy. Messages by others are only counted."""
        own = message.out or message.sender_id == message.chat
        if not own or message.service or self._recent(message) or any(matches(message, p) for p in prints):
            self._counts["others"] += 1
            return
        self._counts["extra"] += 1
        twin = next((r.source_id for r in rows if r.fingerprint and matches(message, r.fingerprint)), 0)
        why = (
            f"it looks like a second copy of {twin}" if twin else "no message of the source stands behind it"
        )
        self._found.append(self._difference("extra", 0, 0, message.id, why=why, text=message.text))

    # -- both -----------------------------------------------------------------------------------------

    def _recent(self, message: Message) -> bool:
        return max(message.date, message.edited) > self._now - RECENT

    def _report(self, kind: Kind, message: Message, *, target_id: int = 0, why: str, mend: Mend = "") -> None:
        self._found.append(
            self._difference(kind, message.chat, message.id, target_id, why=why, mend=mend, text=message.text)
        )

    def _difference(
        self,
        kind: Kind,
        chat: int,
        source_id: int,
        target_id: int,
        *,
        why: str,
        mend: Mend = "",
        text: str = "",
    ) -> Difference:
        return Difference(
            kind=kind,
            chat=chat,
            source_id=source_id,
            target_id=target_id,
            source_link=message_link(chat, source_id) if source_id else "",
            target_link=message_link(self._mirror.target, target_id) if target_id else "",
            why=why,
            mend=mend,
            text=" ".join(text.split())[:GLIMPSE],
        )
