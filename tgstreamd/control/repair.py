"""Repairs the differences of a comparison, and sends messages again: through the queue, at its pace.

Every difference is checked again before anything is written, since the chats may have changed. What the
target holds is never sent twice: a missing copy is first searched among our messages there that no job maps.
Sends nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ..config import Config
from ..domain.errors import FilterTimeout, FloodWait, TgstreamdError
from ..domain.messages import Account, Chat, Message, Mirror
from ..domain.ports import Ids
from ..ledger import Store, encode
from ..mirrors.from_config import mirror_of
from ..policy.filters import dropped
from ..policy.links import mentioned
from ..policy.matching import as_it_stands
from ..policy.media_plan import Links
from ..policy.pairing import pair_copies
from ..policy.slots import lacking, our_lines, slots_of, ways
from .check import Reach
from .differences import Difference
from .lookup import named, unknown

#: Differences in one request, and messages in one `resend`.
AT_ONCE = 50
#: An album has at most ten items, with consecutive ids.
ALBUM_SPAN = 9
#: Unmapped messages of ours among which a lost copy is searched.
STRANGERS_MAX = 200


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request: the differences, and our messages in the target that no job maps."""

    mirror: str
    findings: list[Difference]
    strangers: list[int] = []


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A request: source ids to send again; `write` does it, otherwise it is only reported."""

    mirror: str
    ids: list[int]
    write: bool = False


class _Sides(msgspec.Struct, frozen=True, kw_only=True):
    """The chats and accounts that planning a copy needs, fetched on demand."""

    source: Chat
    target: Chat
    writer: Account
    same_account: bool

    @classmethod
    async def of(cls, reach: Reach, mirror: Mirror) -> _Sides:
        writer = await reach.target.account()
        return cls(
            source=await reach.source.chat(mirror.source),
            target=await reach.target.chat(mirror.target),
            writer=writer,
            same_account=(await reach.source.account()).id == writer.id,
        )


class Mending:
    """One request about one mirror."""

    def __init__(self, reach: Reach, store: Store, mirror: Mirror, ids: Ids, now: float) -> None:
        self._reach = reach
        self._store = store
        self._mirror = mirror
        self._ids = ids
        self._now = now
        #: Messages of the target that were asked about and exist, and those of them that no job maps.
        self._there: dict[int, Message] = {}
        self._loose: list[Message] = []
        self._sides: _Sides | None = None

    @classmethod
    async def of(
        cls, config: Config, reach: Reach, store: Store | None, name: str, ids: Ids, now: float
    ) -> Mending:
        if store is None:
            raise unknown(name, [], [mirror.name for mirror in config.mirrors])
        row, wanted = await named(store, config, name)
        return cls(reach, store, mirror_of(wanted, row.source, row.target, id=row.id), ids, now)

    # -- verify --repair --------------------------------------------------------------------------------

    async def mend(self, findings: Sequence[Difference], strangers: Sequence[int]) -> list[dict[str, Any]]:
        """Repair the differences and return what was done about each, in order. Asks Telegram before writing
        anything."""
        if len(findings) > AT_ONCE:
            raise TgstreamdError(f"verify: at most {AT_ONCE} findings at once")
        ids: dict[int, set[int]] = {}
        for one in findings:
            if one.mend and one.source_id:
                ids.setdefault(one.chat, set()).add(one.source_id)
        originals = {
            (chat, source_id): message
            for chat, wanted in ids.items()
            for source_id, message in (await self._reach.source.messages(chat, sorted(wanted))).items()
        }
        copies = {
            (one.chat, one.source_id): await self._store.copies_of(self._mirror.id, one.chat, one.source_id)
            for one in findings
            if one.mend == "again"
        }
        loose = strangers[:STRANGERS_MAX] if copies else []
        asked = sorted({*loose, *(copy for some in copies.values() for copy in some)})
        there = await self._reach.target.messages(self._mirror.target, asked) if asked else {}
        self._there = there
        self._loose = [there[target_id] for target_id in loose if target_id in there]
        mended: list[dict[str, Any]] = []
        for one in findings:
            done = await self._one(one, originals.get((one.chat, one.source_id)))
            mended.append({"kind": one.kind, "source_id": one.source_id, "target_id": one.target_id, **done})
        return mended

    async def _one(self, one: Difference, original: Message | None) -> dict[str, str]:
        if not one.mend:
            return _said("", _UNMENDED[one.kind])
        if original is None:
            return _said("", "its original is gone too")
        if one.mend == "capture":
            await self._store.capture(self._mirror.id, [original], now=self._now, new_id=self._ids.random_id)
            return _said("queued", "captured; it goes out behind what was copied after it")
        if one.mend == "edit":
            if one.kind == "media":
                await self._store.out_of_date(self._mirror.id, one.chat, one.source_id)
            await self._store.note_change(
                self._mirror.id, "edit", one.chat, one.source_id, encode(original), self._now
            )
            return _said("queued", "its copy is edited")
        return await self._restore(one, original)

    async def _restore(self, one: Difference, original: Message) -> dict[str, str]:
        """Handle a missing copy: find it among our messages, or send it anew."""
        copies = await self._store.copies_of(self._mirror.id, one.chat, one.source_id)
        if one.target_id and one.target_id not in copies:
            return _said("", "it was seen to already")
        standing = [copy for copy in copies if copy in self._there]
        known = await self._store.entries(self._mirror.id, one.chat, one.source_id - 1, one.source_id)
        whole = one.source_id in known and not known[one.source_id].lacking
        if copies and standing == copies and whole:
            return _said("", "its copy stands again")
        twins = await self._lost_copies(original, standing)
        if len(twins) > len(standing) and await self._store.found_again(
            self._mirror.id,
            original,
            [(twin.id, as_it_stands(twin)) for twin in twins],
            now=self._now,
            new_id=self._ids.random_id,
        ):
            new = next(twin for twin in twins if twin in self._loose)
            self._loose = [message for message in self._loose if message not in twins]
            return _said("found", f"its copy is message {new.id}, which the ledger had lost")
        job = await self._store.send_again(
            self._mirror.id, [original], standing=standing, now=self._now, new_id=self._ids.random_id
        )
        if job is None:
            return _said("", "it waits already")
        rest = ", when what is left of it is deleted" if standing else ""
        return _said("queued", f"sent anew, behind what was copied after it{rest}")

    async def _lost_copies(self, original: Message, standing: Sequence[int]) -> list[Message]:
        """Return the copy of this message if it is complete, including our messages that no job maps."""
        if not self._loose:
            return []
        if self._sides is None:
            self._sides = await _Sides.of(self._reach, self._mirror)
        source, mirror = self._sides.source, self._mirror
        links = Links(source=source, target=self._sides.target, copies={})
        for linked in mentioned([original], source):
            for copy in (await self._store.copies_of(mirror.id, mirror.source, linked))[:1]:
                links.copies[linked] = copy
        plans = ways(
            [original],
            mirror=mirror,
            account=self._sides.writer,
            source=source,
            same_account=self._sides.same_account,
            links=links,
        )
        slots = slots_of([original], plans, self._mirror)
        there = {message.id: message for message in (*self._loose, *(self._there[one] for one in standing))}
        pairs = pair_copies([slots], list(there.values()), ours=our_lines(self._mirror, source))
        # Without its neighbours a message with the same text may be unrelated.
        found = [(pair.slot, there[pair.copy]) for pair in pairs if not pair.likely]
        if not found or lacking(slots, original.id, found):
            return []
        return sorted((copy for _, copy in found), key=lambda copy: copy.id)

    # -- resend -----------------------------------------------------------------------------------------

    async def resend(self, ids: Sequence[int], *, write: bool) -> list[dict[str, Any]]:
        """Return what is done about each source message, or (`write` false) would be."""
        if len(ids) > AT_ONCE:
            raise TgstreamdError(f"resend: at most {AT_ONCE} messages at once", hint="in several commands")
        chat = self._mirror.source
        wanted: dict[int, list[int]] = {}
        for source_id in dict.fromkeys(ids):
            if not any(source_id in album for album in wanted.values()):
                wanted[source_id] = await self._store.album_of(self._mirror.id, chat, source_id)
        # An album unknown to the ledger is found among the neighbouring ids.
        every = {n for source_id, album in wanted.items() for n in album or around(source_id)}
        originals = await self._reach.source.messages(chat, sorted(every))
        for source_id in [source_id for source_id, album in wanted.items() if not album]:
            group = originals[source_id].group if source_id in originals else None
            alike = [n for n in around(source_id) if n in originals and originals[n].group == group]
            wanted[source_id] = [source_id] if group is None else alike
        return [
            {
                "source_id": source_id,
                "messages": album,
                **await self._resend(source_id, [originals[n] for n in album if n in originals], write=write),
            }
            for source_id, album in wanted.items()
        ]

    async def _resend(self, source_id: int, messages: list[Message], *, write: bool) -> dict[str, Any]:
        mirror = self._mirror
        origin = await self._store.origin(mirror.id, mirror.source, source_id)
        if origin is not None and origin.state in ("waiting", "open"):
            return _fate("", "it waits already")
        if origin is not None and origin.state == "parked":
            if write:
                await self._store.retry_parked([origin.job])
            return _fate("retry", f"it is parked: {origin.reason}")
        if not any(message.id == source_id for message in messages):
            return _fate("", "the source has no such message any more")
        if any(message.service for message in messages):
            return _fate("", f"a service message ({messages[0].service}) has no copy")
        # Including copies in the basic group from before the migration: users see both as one history.
        places = [await self._store.where_copied(mirror.id, one.chat, one.id) for one in messages]
        copies = [copy for _, there in places for copy in there]
        known = await self._store.entries(mirror.id, mirror.source, messages[0].id - 1, messages[-1].id)
        if any(known[one.id].scheduled for one in messages if one.id in known):
            return _fate("", "Telegram has only scheduled its copy so far")
        try:
            if name := dropped(messages, mirror.filter):
                return _fate("", f"filter {name} drops it: change the configuration first")
        except FilterTimeout as error:
            return _fate("", f"{error}: change the configuration first")
        if origin is None:
            if write:
                await self._store.capture(mirror.id, messages, now=self._now, new_id=self._ids.random_id)
            return _fate("send", "the mirror never had it")
        if write:
            await self._store.send_again(
                mirror.id, messages, standing=copies, now=self._now, new_id=self._ids.random_id
            )
        if copies:
            return _fate("replace", f"copied as {copies[0]}") | {"copies": copies}
        return _fate("send", f"skipped: {origin.reason}" if origin.state == "skipped" else "it has no copy")


def around(source_id: int) -> range:
    """Return the ids at which other items of an album may be."""
    return range(max(1, source_id - ALBUM_SPAN), source_id + ALBUM_SPAN + 1)


_UNMENDED = {
    "parked": "`tgstreamd parked` says what to do",
    "extra": "delete it by hand if it is not wanted",
    "order": "nothing can be put in between in a chat",
    "undeleted": "delete it by hand if it is not wanted",
    "missing": "it is awaited",
    "text": "nothing can be done about it",
    "media": "nothing can be done about it",
}


def _said(done: str, what: str) -> dict[str, str]:
    return {"done": done, "what": what}


def _fate(does: str, why: str) -> dict[str, Any]:
    """Return a message's result. `does`: send, replace (the copy is deleted), retry; empty for nothing."""
    return {"does": does, "why": why, "copies": []}


async def mend(
    config: Config, reach: Reach, store: Store | None, request: dict[str, Any], *, ids: Ids, now: float
) -> dict[str, Any]:
    """Return `mended`, a result for each difference; or none, and `wait`: seconds that Telegram orders."""
    asked = _asked(request, Asked)
    mending = await Mending.of(config, reach, store, asked.mirror, ids, now)
    try:
        mended = await mending.mend(asked.findings, asked.strangers)
    except FloodWait as error:
        return {"mirror": asked.mirror, "mended": [], "wait": float(error.seconds)}
    return {"mirror": asked.mirror, "mended": mended, "wait": 0.0}


async def resend(
    config: Config, reach: Reach, store: Store | None, request: dict[str, Any], *, ids: Ids, now: float
) -> dict[str, Any]:
    """Return `messages`, one result for each requested message; albums whole."""
    wanted = _asked(request, Wanted)
    mending = await Mending.of(config, reach, store, wanted.mirror, ids, now)
    found = await mending.resend(wanted.ids, write=wanted.write)
    return {"mirror": wanted.mirror, "written": wanted.write, "messages": found}


def _asked[T](request: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert({k: v for k, v in request.items() if k != "verb"}, kind)
    except msgspec.ValidationError as error:
        raise TgstreamdError(f"{request.get('verb', 'request')}: {error}") from None
