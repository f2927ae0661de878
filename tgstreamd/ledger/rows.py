"""The values that the store returns: frozen copies of rows, with their payloads decoded."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ..domain.messages import Box, Draft, Message, Upload, Value

Lane = Literal["live", "backlog"]
JobState = Literal["waiting", "open", "done", "skipped", "parked"]
SendState = Literal["new", "open", "accepted", "done"]


class MirrorRow(Value, frozen=True, kw_only=True):
    """A mirror as the ledger knows it."""

    id: int
    name: str
    source: int
    source_topic: int | None
    target: int
    target_topic: int | None
    history: str
    born_at: float
    active: bool
    hold: str
    waiting: str
    lost: str
    unchecked: bool
    backlog_count: int
    backlog_since: int
    last_error: str
    #: The reason why deletions wait for the operator; empty where they do not.
    held: str = ""

    @property
    def paused(self) -> str:
        """The reason why nothing is sent; empty where sending continues."""
        return self.hold or self.waiting or self.lost


class Gap(Value, frozen=True, kw_only=True):
    """Ids above `next_id` up to `end_id` that must be read from the history."""

    id: int
    mirror: int
    chat: int
    lane: Lane
    next_id: int
    end_id: int
    remaining: int


#: Values of `Job.sub` for jobs that are not checked for order: late, and replacing a copy.
LATE, REPLACES = 2, 3


class Job(Value, frozen=True, kw_only=True):
    """A source message, or an album, with its state in the queue."""

    id: int
    mirror: int
    kind: str
    lane: Lane
    ord: int
    sub: int
    chat: int
    first_id: int
    date: int
    items: int
    group_id: int | None
    follows: int | None
    state: JobState
    reason: str
    released: bool
    sealed: bool
    last_item_at: float
    attempts: int
    not_before: float
    troubled: float
    byline: bool = True
    placed: bool = True
    host: int = 0

    @property
    def replaces(self) -> bool:
        """Whether a copy was deleted, or is to be, for what it sends."""
        return self.sub == REPLACES


class Heads(Value, frozen=True, kw_only=True):
    """The next job of each lane of a mirror."""

    live: Job | None
    backlog: Job | None
    #: Messages of the backlog still to be sent, whether read from the history or not yet (estimated).
    left: int
    #: Whether the history has not been read to its end.
    unread: bool

    def of(self, lane: Lane) -> Job | None:
        return self.live if lane == "live" else self.backlog


class CopyRow(Value, frozen=True, kw_only=True):
    """One message that a send puts into the target, in the order of its draft's pieces."""

    random_id: int
    source_id: int
    fingerprint: str
    scheduled_id: int | None
    target_id: int | None


class Send(Value, frozen=True, kw_only=True):
    """One call of a job, as planned and as attempted."""

    job: int
    seq: int
    state: SendState
    draft: Draft
    committed: tuple[bytes | None, ...]
    floor_id: int
    attempted_at: float
    run: str
    copies: tuple[CopyRow, ...]
    #: Position of the target's box at the attempt; None where it is not known.
    position: Box | None = None


class UploadRow(Value, frozen=True, kw_only=True):
    """A file being uploaded and the parts of it that Telegram has acknowledged."""

    upload: Upload
    media_id: int
    key: int
    done: frozenset[int]


class Origin(Value, frozen=True, kw_only=True):
    """The state of a source message: its first copy's id, or the state of its job."""

    state: JobState
    job: int
    lane: Lane
    copy_id: int | None
    #: The chat of that copy; 0 where there is none.
    target: int = 0
    reason: str = ""
    #: Its topic in the source; 0 outside of forums.
    topic: int = 0


def encode(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)


def decode_message(payload: bytes) -> Message:
    return msgspec.msgpack.decode(payload, type=Message)


def decode_draft(payload: bytes) -> Draft:
    return msgspec.msgpack.decode(payload, type=Draft)


def decode_box(payload: bytes) -> Box:
    return msgspec.msgpack.decode(payload, type=Box)


def decode_committed(payload: bytes) -> tuple[bytes | None, ...]:
    return msgspec.msgpack.decode(payload, type=tuple[bytes | None, ...])
