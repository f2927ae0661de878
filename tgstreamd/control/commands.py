"""Implements the operator's commands parked, pause and resume, with plain JSON-serialisable answers.

The running daemon answers with them at its control socket (`CommandHandler`); with the daemon stopped a
command calls them itself, with the same result. The answers' format is documented and only ever extended.
They read and change only the ledger; `check` and others ask Telegram.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ..domain.errors import TgstreamdError
from ..ledger import MirrorRow, ParkedJob, Store
from ..policy.pacing import Pace
from .lookup import message_link, unknown
from .parked_hints import remedy
from .status import Live, status

PAUSED = "paused by the operator"


async def parked(store: Store) -> dict[str, Any]:
    """Return the parked messages, oldest first."""
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
        "remedy": remedy(job.id, job.reason),
    }


async def retry(store: Store, ids: Sequence[int] | None) -> dict[str, Any]:
    """Move parked messages to the end of the queue; None means all. Raises for ids not parked."""
    await _all_parked(store, ids)
    return {"retried": await store.retry_parked(ids)}


async def skip(store: Store, ids: Sequence[int], now: float) -> dict[str, Any]:
    """Skip parked messages for good. Raises for ids not parked."""
    await _all_parked(store, ids)
    return {"skipped": await store.skip_parked(ids, now)}


async def _all_parked(store: Store, ids: Sequence[int] | None) -> None:
    """Raise if one of the ids is not parked, so that a command never takes effect in part."""
    known = {job.id for job in await store.parked()}
    unknown = [str(job) for job in ids or () if job not in known]
    if unknown:
        raise TgstreamdError(f"not parked: {', '.join(unknown)}", hint="`tgstreamd parked` lists the ids")


async def pause(store: Store, name: str, configured: Sequence[str]) -> dict[str, Any]:
    """Pause this mirror until `resume`; one not created yet will begin paused."""
    mirror = await _by_name(store, name, configured)
    if mirror is None:
        return {"mirror": name, "changed": await store.pause_not_created(name, PAUSED), "begun": False}
    return {"mirror": name, "changed": await store.pause(mirror.id, "hold", PAUSED), "begun": True}


async def resume(store: Store, name: str, configured: Sequence[str], now: float) -> dict[str, Any]:
    """Remove one of the causes that pause this mirror; return which, and what still pauses it."""
    mirror = await _by_name(store, name, configured)
    if mirror is None:
        released = await store.pause_of_not_created(name)
        await store.pause_not_created(name, "")
        return {"mirror": name, "released": released, "waiting": [], "begun": False}
    released, waiting = await store.resume(mirror.id, now)
    return {"mirror": name, "released": released, "waiting": waiting, "begun": True}


async def _by_name(store: Store, name: str, configured: Sequence[str]) -> MirrorRow | None:
    """Return the mirror of that name; None if it is configured but not created yet."""
    mirrors = {mirror.name: mirror for mirror in await store.mirror_list()}
    if name not in mirrors and name not in configured:
        raise unknown(name, list(mirrors), configured)
    return mirrors.get(name)


class CommandHandler:
    """Answers the requests that arrive at the daemon's control socket.

    `changed` wakes the services that must read the ledger again, `configured` names the mirrors. `chats`,
    `check`, `rebuild` and the commands in `asking`, by name, ask Telegram; they raise before the daemon is
    connected.
    """

    def __init__(
        self,
        store: Store,
        *,
        live: Callable[[], Live],
        pace: Callable[[], Pace],
        now: Callable[[], float],
        changed: Callable[[], None],
        configured: Callable[[], Sequence[str]],
        chats: Callable[[], Awaitable[dict[str, Any]]],
        check: Callable[[], Awaitable[dict[str, Any]]],
        rebuild: Callable[[str, bool], Awaitable[dict[str, Any]]],
        asking: Mapping[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]],
    ) -> None:
        self._store = store
        self._live = live
        self._pace = pace
        self._now = now
        self._changed = changed
        self._chats = chats
        self._check = check
        self._configured = configured
        self._rebuild = rebuild
        self._asking = asking

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer a request as `control_socket.Answer`. Raises TgstreamdError for an invalid request."""
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
                return self._done(await pause(self._store, name, self._configured()))
            case {"verb": "resume", "mirror": str(name)}:
                return self._done(await resume(self._store, name, self._configured(), self._now()))
            case {"verb": "rebuild", "mirror": str(name), "write": bool(write)}:
                return self._done(await self._rebuild(name, write))
            case {"verb": "chats"}:
                return await self._chats()
            case {"verb": "mend" | "resend" as verb}:
                return self._done(await self._asking[verb](request))
            case {"verb": "plan" | "verify" | "alert" as verb}:
                return await self._asking[verb](request)
            case {"verb": "check"}:
                return await self._check()
        hint = "is the running daemon another version? restart it"
        raise TgstreamdError("the daemon does not know this request", hint=hint)

    def _done(self, answer: dict[str, Any]) -> dict[str, Any]:
        self._changed()
        return answer


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and all(type(one) is int for one in value)
