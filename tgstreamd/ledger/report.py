"""Reports the ledger to people: counts, lag, parked jobs; carries out their decisions on parked ones."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..domain.messages import Value
from .engine import Db
from .jobs import BEGUN, WAITS_FOR_DELETION, keep_old_copies
from .limits import last_message
from .mirrors import mirror_list
from .rows import MirrorRow, decode_message


class Standing(Value, frozen=True, kw_only=True):
    """The state of one mirror in numbers of messages."""

    mirror: MirrorRow
    done: int
    skipped: int
    parked: int
    #: Waiting in the ledger, by lane.
    live: int
    backlog: int
    #: Estimated number not yet read from the history, by lane.
    unread_live: int
    unread_backlog: int
    #: Edits, deletions, pins and the like that wait for the change sender.
    changes: int
    #: Date of the oldest waiting live message; 0 where there is none.
    oldest_live: int
    #: Files that were streamed, and files that Telegram copied by reference; and their bytes.
    streamed: int = 0
    streamed_bytes: int = 0
    referenced: int = 0
    referenced_bytes: int = 0
    #: Number of skipped ones by reason.
    skipped_by: dict[str, int] = {}
    #: Number of done ones whose originals had been deleted by then.
    rescued: int = 0
    #: The id in the source up to which everything was read.
    position: int = 0
    #: Changes that were given up, by kind.
    given_up: dict[str, GivenUp] = {}
    #: Time of the last send to its target (unix time); 0 for never.
    last_sent: float = 0.0


class GivenUp(Value, frozen=True, kw_only=True):
    """The changes of one kind that Telegram refused: their number, and the last one."""

    n: int
    #: The message, or the topic; 0 for the chat.
    source_id: int
    reason: str
    at: float


class ParkedJob(Value, frozen=True, kw_only=True):
    """A message (or album) that a person must look at."""

    id: int
    mirror: str
    chat: int
    source_id: int
    items: int
    reason: str
    parked_at: float
    text: str


def standings(db: Db, *, active_only: bool = True) -> list[Standing]:
    """Return the standing of every mirror."""
    return [_standing(db, mirror) for mirror in mirror_list(db, active_only=active_only)]


def _standing(db: Db, mirror: MirrorRow) -> Standing:
    tally: dict[tuple[str, str], int] = {
        (row["lane"], row["state"]): row["n"]
        for row in db.execute("SELECT lane, state, n FROM tally WHERE mirror = ?", (mirror.id,))
    }
    unread = {
        row["lane"]: row["n"]
        for row in db.execute(
            "SELECT lane, sum(remaining) AS n FROM gap WHERE mirror = ? GROUP BY lane", (mirror.id,)
        )
    }
    oldest = db.execute(
        "SELECT date FROM job WHERE mirror = ? AND lane = 'live' AND state IN ('waiting', 'open') "
        f"AND NOT {WAITS_FOR_DELETION} ORDER BY ord, sub, id LIMIT 1",
        (mirror.id,),
    ).fetchone()

    def both(state: str) -> int:
        return tally.get(("live", state), 0) + tally.get(("backlog", state), 0)

    reasons = {state for _, state in tally if state.startswith("skipped/")}

    return Standing(
        mirror=mirror,
        done=both("done"),
        skipped=both("skipped"),
        parked=both("parked"),
        live=tally.get(("live", "waiting"), 0) + tally.get(("live", "open"), 0),
        backlog=tally.get(("backlog", "waiting"), 0) + tally.get(("backlog", "open"), 0),
        unread_live=unread.get("live", 0),
        unread_backlog=unread.get("backlog", 0),
        changes=_changes(db, mirror.id),
        oldest_live=oldest["date"] if oldest else 0,
        streamed=both("streamed"),
        streamed_bytes=both("streamed_bytes"),
        referenced=both("referenced"),
        referenced_bytes=both("referenced_bytes"),
        skipped_by={state.removeprefix("skipped/"): n for state in sorted(reasons) if (n := both(state))},
        rescued=both("rescued"),
        position=_position(db, mirror),
        given_up=_given_up_by_kind(db, mirror.id),
        last_sent=last_message(db, mirror.target),
    )


def _position(db: Db, mirror: MirrorRow) -> int:
    row = db.execute(
        "SELECT coalesce((SELECT min(next_id) FROM gap WHERE gap.mirror = feed.mirror "
        "AND gap.chat = feed.chat), fed_to) AS at FROM feed WHERE mirror = ? AND chat = ?",
        (mirror.id, mirror.source),
    ).fetchone()
    return int(row["at"]) if row else 0


def _given_up_by_kind(db: Db, mirror: int) -> dict[str, GivenUp]:
    rows = db.execute("SELECT * FROM given_up WHERE mirror = ? ORDER BY kind", (mirror,))
    return {
        row["kind"]: GivenUp(n=row["n"], source_id=row["source_id"], reason=row["reason"], at=row["at"])
        for row in rows
    }


def _changes(db: Db, mirror: int) -> int:
    query = "SELECT count(*) AS n FROM change WHERE mirror = ? AND given_up = ''"
    return int(db.execute(query, (mirror,)).fetchone()["n"])


def parked(db: Db) -> list[ParkedJob]:
    """Return all parked jobs, oldest first."""
    rows = db.execute(
        "SELECT job.*, mirror.name AS mirror_name, (SELECT payload FROM item WHERE item.job = job.id "
        "AND payload IS NOT NULL ORDER BY source_id LIMIT 1) AS payload "
        "FROM job JOIN mirror ON mirror.id = job.mirror WHERE job.state = 'parked' ORDER BY job.id"
    )
    return [
        ParkedJob(
            id=row["id"],
            mirror=row["mirror_name"],
            chat=row["chat"],
            source_id=row["first_id"],
            items=row["items"],
            reason=row["reason"],
            parked_at=row["settled_at"] or 0,
            text=_text(row["payload"]),
        )
        for row in rows
    ]


def retry_parked(db: Db, ids: Sequence[int] | None) -> list[int]:
    """Put parked jobs (None: all) at the end of the live lane; return the ids that were parked.

    An attempted one continues with an unknown outcome, so that it begins with the search. One whose originals
    were deleted meanwhile, where that counts, is skipped.
    """
    chosen = _parked_ids(db, ids)
    for job in chosen:
        if _is_deleted(db, job):
            db.execute(
                "UPDATE job SET state = 'skipped', reason = 'deleted before its turn' WHERE id = ?", (job,)
            )
            continue
        tried = db.execute("SELECT 1 FROM send WHERE job = ? AND state = 'open'", (job,)).fetchone()
        db.execute(
            "UPDATE job SET state = ?, reason = '', lane = 'live', released = 1, sealed = 1, not_before = 0, "
            "troubled = 0, settled_at = NULL, sub = 2 WHERE id = ?",
            ("open" if tried else "waiting", job),
        )
        db.execute(
            "UPDATE job SET ord = feed.fed_to FROM feed WHERE job.id = ? AND feed.mirror = job.mirror "
            "AND feed.chat = job.chat AND job.ord < feed.fed_to",
            (job,),
        )
        db.execute("UPDATE upload SET refusals = 0 WHERE job = ?", (job,))
    return chosen


def _is_deleted(db: Db, job: int) -> bool:
    """Return whether all of its messages were deleted, and no part of it can be in the target."""
    row = db.execute(
        "SELECT job.items, (SELECT count(*) FROM item JOIN change ON change.kind = 'delete' "
        "AND change.mirror = item.mirror AND change.chat = item.chat AND change.source_id = item.source_id "
        "WHERE item.job = job.id) AS gone, "
        f"{BEGUN} AS sent "
        "FROM job WHERE id = ?",
        (job,),
    ).fetchone()
    return bool(row["gone"] and row["gone"] >= row["items"] and not row["sent"])


def skip_parked(db: Db, ids: Sequence[int], now: float) -> list[int]:
    """Give parked jobs up for good; return the ids that were parked."""
    chosen = _parked_ids(db, ids)
    for job in chosen:
        db.execute(
            "UPDATE job SET state = 'skipped', reason = 'skipped by the operator: ' || reason, "
            "settled_at = ? WHERE id = ?",
            (now, job),
        )
        keep_old_copies(db, job)
        db.execute("UPDATE item SET payload = NULL WHERE job = ?", (job,))
        db.execute("UPDATE send SET draft = NULL, committed = NULL WHERE job = ?", (job,))
    return chosen


def _parked_ids(db: Db, ids: Sequence[int] | None) -> list[int]:
    rows = db.execute("SELECT id FROM job WHERE state = 'parked' ORDER BY id").fetchall()
    return [row["id"] for row in rows if ids is None or row["id"] in ids]


def _text(payload: bytes | None) -> str:
    if payload is None:
        return ""
    try:
        return decode_message(payload).text
    except msgspec.DecodeError:
        return ""
