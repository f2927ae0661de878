"""The substance of the operator's verbs: status, parked, pause, resume, as plain answers that JSON can hold.

The running daemon answers with them at its control socket (`Desk`), a verb on a stopped daemon calls them
itself: both say the same. What they return is documented and only ever extended.
They read and change the ledger and nothing else; Telegram is asked by `checks`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from .. import __version__
from ..decide.pace import Pace, Tempo, behind, eta
from ..errors import TgstreamdError
from ..model import Account, Value
from ..store import Hold, MirrorRow, ParkedJob, Standing, Store

PAUSED = "paused by the operator"
#: The ledger's fact that holds the backlog's widened interval.
TEMPO = "backlog_tempo"
#: Holds that end only when a person does something lie this far ahead or further.
FOREVER = 4e9

State = Literal["starting", "running", "stopped"]


class Unborn(Value, frozen=True, kw_only=True):
    """A configured mirror that has no place in the ledger yet, since its chats cannot be asked."""

    name: str
    source: int | str
    target: int | str
    source_topic: int | None = None
    target_topic: int | None = None
    why: str


class Live(Value, frozen=True, kw_only=True):
    """What only the running daemon knows. Its defaults are those of a stopped one."""

    state: State = "stopped"
    account: Account | None = None
    #: Files on their way, each with mirror, source_id, name, size, transferred, bytes_per_second.
    transfers: tuple[Any, ...] = ()
    #: Parts that may be under way at once now, and what the buffer holds: fewer after floods.
    window: int | None = None
    buffer_parts: int | None = None
    #: Bytes of resident memory.
    memory_rss: int | None = None
    #: Messages a minute that came in and went out, by the mirror's id in the ledger.
    incoming: Mapping[int, float] = {}
    outgoing: Mapping[int, float] = {}
    #: Titles of chats by id, as far as they are known.
    titles: Mapping[int, str] = {}
    unborn: tuple[Unborn, ...] = ()
    #: A sentence about the whole: why it is still starting, what it waits for.
    note: str = ""


async def status(store: Store | None, live: Live, *, pace: Pace, now: float) -> dict[str, Any]:
    """Everything that `status --json` shows; `store` is None where there is no ledger yet."""
    standings = await store.standings() if store else []
    holds = await store.holds() if store else {}
    stored = await store.fact(TEMPO) if store else ""
    tempo = msgspec.json.decode(stored, type=Tempo) if stored else Tempo(interval=pace.interval)
    slow = max(tempo.interval, pace.interval)
    return {
        "version": __version__,
        "state": live.state,
        "note": live.note,
        "account": {"id": live.account.id, "name": live.account.name, "premium": live.account.premium}
        if live.account
        else None,
        "mirrors": [
            *(_mirror(one, standings, holds, live, pace, slow, now) for one in standings),
            *(_unborn(one) for one in live.unborn),
        ],
        "transfers": [msgspec.to_builtins(transfer) for transfer in live.transfers],
        "window": live.window,
        "buffer_parts": live.buffer_parts,
        "memory_rss": live.memory_rss,
        "interval": pace.interval,
        "backlog_interval": slow,
    }


def _mirror(
    one: Standing,
    everyone: Sequence[Standing],
    holds: Mapping[str, Hold],
    live: Live,
    pace: Pace,
    slow: float,
    now: float,
) -> dict[str, Any]:
    mirror = one.mirror
    fresh, old = one.live + one.unread_live, one.backlog + one.unread_backlog
    coming, going = live.incoming.get(mirror.id, 0.0), live.outgoing.get(mirror.id, 0.0)
    # All backlogs share one interval and take turns: until ours is through, each other one has had as
    # many turns as it has messages, but no more than ours.
    shared = sum(min(old, other.backlog + other.unread_backlog) for other in everyone if not _waits(other))
    left = eta(fresh, pace.interval, incoming=coming)
    if left is not None and old:
        left += max(old, shared) * slow
    hold = _binding(holds, mirror.target, now)
    limit = 60.0 / pace.interval if pace.interval else float("inf")
    return {
        "name": mirror.name,
        "source": mirror.source,
        "source_topic": mirror.source_topic,
        "source_title": live.titles.get(mirror.source, ""),
        "target": mirror.target,
        "target_topic": mirror.target_topic,
        "target_title": live.titles.get(mirror.target, ""),
        "state": "paused" if mirror.paused else "running",
        "paused": mirror.paused,
        "done": one.done,
        "skipped": one.skipped,
        "parked": one.parked,
        "backlog": fresh + old,
        "waiting_live": fresh,
        "waiting_history": old,
        "lag_seconds": max(0, round(now - one.oldest_live)) if one.oldest_live else 0,
        "eta_seconds": None if left is None or mirror.paused else round(left),
        "per_minute": round(going, 1),
        "streamed": one.streamed,
        "streamed_bytes": one.streamed_bytes,
        "by_reference": one.referenced,
        "by_reference_bytes": one.referenced_bytes,
        "hold_until": round(hold.until) if hold else None,
        "hold_reason": hold.reason if hold else "",
        "changes": one.changes,
        "held_deletions": mirror.held,
        "last_error": mirror.last_error,
        "note": behind(coming, limit) if coming > limit else "",
    }


def _unborn(one: Unborn) -> dict[str, Any]:
    """A mirror without a ledger row: the same keys, nothing counted."""
    counts = (
        "done", "skipped", "parked", "backlog", "waiting_live", "waiting_history", "lag_seconds", "streamed",
        "streamed_bytes", "by_reference", "by_reference_bytes",
    )  # fmt: skip
    return {
        "name": one.name,
        "source": one.source,
        "source_topic": one.source_topic,
        "source_title": "",
        "target": one.target,
        "target_topic": one.target_topic,
        "target_title": "",
        "state": "paused",
        "paused": one.why,
        **dict.fromkeys(counts, 0),
        "eta_seconds": None,
        "per_minute": 0.0,
        "hold_until": None,
        "hold_reason": "",
        "changes": 0,
        "held_deletions": "",
        "last_error": one.why,
        "note": "",
    }


def _waits(one: Standing) -> bool:
    return bool(one.mirror.paused)


def _binding(holds: Mapping[str, Hold], target: int, now: float) -> Hold | None:
    """The longest hold that keeps messages from this target now."""
    binding = [
        hold
        for scope, hold in holds.items()
        if hold.until > now
        and (scope in ("account", f"chat:{target}") or scope.startswith("method:messages.send"))
    ]
    return max(binding, key=lambda hold: hold.until, default=None)


async def parked(store: Store) -> dict[str, Any]:
    """The parked messages, oldest first."""
    return {"parked": [_parked(job) for job in await store.parked()]}


def _parked(job: ParkedJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "mirror": job.mirror,
        "source": job.chat,
        "source_id": job.source_id,
        "messages": job.items,
        "reason": job.reason,
        "parked_at": round(job.parked_at),
        "text": job.text,
        "link": message_link(job.chat, job.source_id),
    }


def message_link(chat: int, message: int) -> str:
    """A link that opens the message in an app; empty for basic groups, which have none."""
    marked = str(chat)
    return f"https://t.me/c/{marked[4:]}/{message}" if marked.startswith("-100") else ""


async def retry(store: Store, ids: Sequence[int] | None) -> dict[str, Any]:
    """Put parked messages back to the end of the queue; None means all. Raises for ids not parked."""
    await _all_parked(store, ids)
    return {"retried": await store.retry_parked(ids)}


async def skip(store: Store, ids: Sequence[int], now: float) -> dict[str, Any]:
    """Give parked messages up for good. Raises for ids not parked."""
    await _all_parked(store, ids)
    return {"skipped": await store.skip_parked(ids, now)}


async def _all_parked(store: Store, ids: Sequence[int] | None) -> None:
    """Nothing is done where one of the ids is wrong: half a command is worse than none."""
    known = {job.id for job in await store.parked()}
    unknown = [str(job) for job in ids or () if job not in known]
    if unknown:
        raise TgstreamdError(f"not parked: {', '.join(unknown)}", hint="`tgstreamd parked` lists the ids")


async def pause(store: Store, name: str) -> dict[str, Any]:
    """Send nothing for this mirror until `resume`."""
    mirror = await _by_name(store, name)
    changed = await store.pause(mirror.id, "hold", PAUSED)
    return {"mirror": name, "changed": changed}


async def resume(store: Store, name: str, now: float) -> dict[str, Any]:
    """Release one thing that keeps this mirror, and say which, and what still waits."""
    mirror = await _by_name(store, name)
    released, waiting = await store.resume(mirror.id, now)
    return {"mirror": name, "released": released, "waiting": waiting}


async def _by_name(store: Store, name: str) -> MirrorRow:
    mirrors = await store.mirror_list()
    for mirror in mirrors:
        if mirror.name == name:
            return mirror
    names = ", ".join(mirror.name for mirror in mirrors)
    hint = f"there is {names}" if names else "none was ever started"
    raise TgstreamdError(f'no mirror is named "{name}"', hint=hint)


class Desk:
    """Answers the requests that arrive at the daemon's control socket.

    `changed` wakes whoever must look at the ledger again. `chats`, `check`, `plan` and `rebuild` ask
    Telegram; before the daemon is connected they raise.
    """

    def __init__(
        self,
        store: Store,
        *,
        live: Callable[[], Live],
        pace: Callable[[], Pace],
        now: Callable[[], float],
        changed: Callable[[], None],
        chats: Callable[[], Awaitable[dict[str, Any]]],
        check: Callable[[], Awaitable[dict[str, Any]]],
        plan: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
        rebuild: Callable[[str, bool], Awaitable[dict[str, Any]]],
    ) -> None:
        self._store = store
        self._live = live
        self._pace = pace
        self._now = now
        self._changed = changed
        self._chats = chats
        self._check = check
        self._plan = plan
        self._rebuild = rebuild

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """`control.Answer`. Raises TgstreamdError for what is no request of ours."""
        match request:
            case {"verb": "status"}:
                return await status(self._store, self._live(), pace=self._pace(), now=self._now())
            case {"verb": "parked"}:
                return await parked(self._store)
            case {"verb": "retry", "ids": ids} if ids is None or _are_ids(ids):
                return self._done(await retry(self._store, ids))
            case {"verb": "skip", "ids": ids} if _are_ids(ids):
                return self._done(await skip(self._store, ids, self._now()))
            case {"verb": "pause", "mirror": str(name)}:
                return self._done(await pause(self._store, name))
            case {"verb": "resume", "mirror": str(name)}:
                return self._done(await resume(self._store, name, self._now()))
            case {"verb": "rebuild", "mirror": str(name), "write": bool(write)}:
                return self._done(await self._rebuild(name, write))
            case {"verb": "chats"}:
                return await self._chats()
            case {"verb": "plan", **asked}:
                return await self._plan(asked)
            case {"verb": "check"}:
                return await self._check()
        hint = "is the running daemon another version? restart it"
        raise TgstreamdError("the daemon does not know this request", hint=hint)

    def _done(self, answer: dict[str, Any]) -> dict[str, Any]:
        self._changed()
        return answer


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and all(type(one) is int for one in value)
