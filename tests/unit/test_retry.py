"""What follows an error: a table, and the promises that hold for every error."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.decide.retry import (
    GONE,
    PATIENCE,
    VANISHED,
    Again,
    Decision,
    Degrade,
    Hold,
    HoldAccount,
    Park,
    PauseMirror,
    Refresh,
    Resend,
    Skip,
    Stop,
    Unknown,
    backoff,
    decide,
    part_delay,
)
from tgstreamd.errors import (
    AccountFrozen,
    AccountLimited,
    Duplicate,
    FloodWait,
    MediaExpired,
    NotAuthorised,
    PartsMissing,
    Rejected,
    SourceGone,
    SourceLost,
    StoreError,
    TargetLost,
    Transient,
    Undecodable,
    Unnamed,
)

NOW = 1_700_000_000.0


def after(error: Exception, **more: object) -> Decision:
    known = {"attempts": 1, "now": NOW, "troubled_for": 0.0, "attempted": True, **more}
    return decide(error, **known)  # type: ignore[arg-type]  # the tests name arguments freely


def rejected(name: str) -> Rejected:
    return Rejected("Telegram refused it", error=name)


def flood(seconds: int, scope: str = "method") -> FloodWait:
    return FloodWait(seconds, scope=scope, method="messages.sendMedia")  # type: ignore[arg-type]  # a literal


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("REPLY_MESSAGE_ID_INVALID", "reply"),
        ("REPLY_TO_INVALID", "reply"),
        ("QUOTE_TEXT_INVALID", "quote"),
        ("ENTITY_BOUNDS_INVALID", "entities"),
        ("ENTITY_MENTION_USER_INVALID", "mentions"),
        ("ENTITIES_TOO_LONG", "entities"),
        ("WEBPAGE_NOT_FOUND", "preview"),
        ("IMAGE_PROCESS_FAILED", "as-file"),
        ("PHOTO_INVALID_DIMENSIONS", "as-file"),
        ("PHOTO_EXT_INVALID", "as-file"),
        ("PHOTO_SAVE_FILE_INVALID", "as-file"),
        ("VIDEO_CONTENT_TYPE_INVALID", "as-file"),
        ("MEDIA_FILE_INVALID", "as-file"),
        ("MEDIA_EMPTY", "stream"),
        ("DOCUMENT_INVALID", "stream"),
        ("MEDIA_GROUPED_INVALID", "singles"),
        ("MEDIA_CAPTION_TOO_LONG", "limits"),
        ("CHAT_SEND_VIDEOS_FORBIDDEN", "note"),
        ("VOICE_MESSAGES_FORBIDDEN", "note"),
        ("PREMIUM_ACCOUNT_REQUIRED", "note"),
    ],
)
def test_refusals_with_a_cure_are_cured_once(name: str, cure: str) -> None:
    assert after(rejected(name)) == Degrade(what=cure, reason=name)  # type: ignore[arg-type]  # a literal
    tried = [cure]
    while isinstance(again := after(rejected(name), tried=tried), Degrade):
        assert again.what not in tried
        tried.append(again.what)
    assert isinstance(again, Park)
    assert tried[-1] == {"mentions": "entities", "quote": "reply", "as-file": "note", "stream": "note",
                         "singles": "note"}.get(cure, cure)  # fmt: skip


@pytest.mark.parametrize(
    "name", ["CHAT_FORWARDS_RESTRICTED", "CHAT_SEND_PLAIN_FORBIDDEN", "TOPIC_CLOSED", "CHAT_WRITE_FORBIDDEN"]
)
def test_refusals_that_all_would_meet_pause_the_mirror(name: str) -> None:
    decision = after(rejected(name))
    assert isinstance(decision, PauseMirror)
    assert name in decision.reason


def test_other_refusals() -> None:
    assert after(rejected("MESSAGE_EMPTY")) == Skip(reason="nothing is left of the text")
    assert after(rejected("SOMETHING_NEW")) == Park(reason="Telegram refused it")
    assert after(rejected("MD5_CHECKSUM_INVALID"), attempts=3) == Resend(parts=(), at=NOW + 4)


@pytest.mark.parametrize(
    ("error", "scope", "until", "widen"),
    [
        (flood(30), "method", 30, False),
        (flood(59), "method", 59, False),
        (flood(60), "method", 60, True),
        (flood(3600, "account"), "account", 3600, True),
        (flood(3600, "chat"), "chat", 3600, False),
        (flood(0), "method", 1, False),
    ],
)
def test_floods_are_obeyed_to_the_second(error: FloodWait, scope: str, until: int, widen: bool) -> None:
    decision = after(error, attempts=9, troubled_for=10 * PATIENCE)
    assert isinstance(decision, Hold)
    assert (decision.scope, decision.until, decision.widen) == (scope, NOW + until, widen)
    assert decision.method == "messages.sendMedia"


def test_a_limited_account_waits_longer_each_time() -> None:
    hours = [after(AccountLimited("PEER_FLOOD"), strikes=n) for n in range(5)]
    assert [d.until - NOW for d in hours if isinstance(d, HoldAccount)] == [3600, 21600, 86400, 86400, 86400]


def test_a_frozen_account_waits_for_a_person() -> None:
    decision = after(AccountFrozen("frozen"))
    assert isinstance(decision, HoldAccount)
    assert decision.until == math.inf


@pytest.mark.parametrize("error", [NotAuthorised("logged out"), StoreError("disk full")])
def test_what_stops_the_process(error: NotAuthorised | StoreError) -> None:
    assert after(error) == Stop(error=error)


@pytest.mark.parametrize("error", [SourceLost("private"), TargetLost("banned")])
def test_a_lost_side_pauses_its_mirror(error: SourceLost | TargetLost) -> None:
    assert isinstance(after(error), PauseMirror)


def test_an_unknown_outcome_is_resolved_not_guessed() -> None:
    assert after(Transient("timeout"), attempts=3) == Unknown(at=NOW + 4, reason="timeout")
    assert after(Transient("timeout"), jitter=0.25) == Unknown(at=NOW + 1.25, reason="timeout")
    assert after(Transient("timeout"), attempted=False) == Again(at=NOW + 1)
    looked = after(Unnamed("of nothing"))
    assert isinstance(looked, Unknown)
    assert (looked.search, looked.last, looked.was) == (True, False, True)
    unread = after(Undecodable("a new object"))
    assert isinstance(unread, Unknown)
    assert unread.search


def test_a_call_under_way_is_waited_for_and_never_taken_for_deleted() -> None:
    for tries, wait in ((1, 10), (5, 16), (99, 60)):
        assert after(Duplicate("under way"), attempts=tries) == Unknown(at=NOW + wait, reason="under way")
    last = after(Duplicate("under way"), troubled_for=PATIENCE)
    assert isinstance(last, Unknown)
    assert (last.last, last.was) == (True, False)


def test_an_answer_that_names_nothing_is_believed_after_five_minutes() -> None:
    assert after(Unnamed("of nothing"), troubled_for=GONE) == Unknown(
        at=NOW + 1, search=True, last=True, was=True, reason=VANISHED
    )


def test_refusing_the_second_call_says_nothing_about_the_first() -> None:
    held = after(flood(3600), unsure=True)
    assert isinstance(held, Hold)
    assert held.unsure
    limited = after(AccountLimited("PEER_FLOOD"), unsure=True)
    assert isinstance(limited, HoldAccount)
    assert limited.unsure
    for error in (rejected("REPLY_MESSAGE_ID_INVALID"), rejected("X"), MediaExpired("old"), SourceGone("x")):
        looked = after(error, unsure=True)
        assert isinstance(looked, Unknown)
        assert (looked.search, looked.at) == (True, NOW)


def test_own_trouble_ends_after_half_an_hour() -> None:
    assert isinstance(after(Transient("500"), troubled_for=PATIENCE - 1, attempted=False), Again)
    assert isinstance(after(Transient("500"), troubled_for=PATIENCE, attempted=False), Park)
    assert isinstance(after(MediaExpired("old"), troubled_for=PATIENCE), Park)
    assert isinstance(after(PartsMissing("gone"), troubled_for=PATIENCE), Park)
    last = after(Transient("500"), troubled_for=PATIENCE)
    assert isinstance(last, Unknown)
    assert (last.search, last.last) == (True, True)


def test_references_and_parts() -> None:
    assert after(MediaExpired("old")) == Refresh(at=NOW)
    assert after(MediaExpired("old"), repeats=3, attempts=4) == Refresh(at=NOW + 8)
    assert after(PartsMissing("gone", parts=(4, 9))) == Resend(parts=(4, 9), at=NOW)
    assert after(PartsMissing("gone", parts=(0, 9))) == Resend(parts=(), at=NOW)
    assert after(PartsMissing("gone", parts=(4,)), repeats=3) == Resend(parts=(), at=NOW + 1)


def test_what_vanished_becomes_a_note() -> None:
    assert after(SourceGone("deleted")) == Degrade(what="note", reason="deleted")


def test_a_poison_message_is_parked_after_a_last_look() -> None:
    assert after(KeyError("x"), attempted=False) == Park(reason="KeyError: 'x'")
    last = after(ValueError("x"))
    assert isinstance(last, Unknown)
    assert (last.search, last.last) == (True, True)


ERRORS = st.sampled_from(
    [
        flood(1), flood(9999, "chat"), AccountLimited("x"), Transient("x"), Duplicate("x"), Unnamed("x"),
        Undecodable("x"), MediaExpired("x"), PartsMissing("x"), PartsMissing("x", parts=(1,)),
        SourceGone("x"), KeyError("x"), rejected("QUOTE_TEXT_INVALID"), rejected("X"),
    ]
)  # fmt: skip


@given(ERRORS, st.integers(0, 10_000), st.floats(0, 1e6), st.booleans(), st.integers(0, 99))
def test_never_before_now_and_never_without_end(
    error: Exception, attempts: int, troubled: float, attempted: bool, repeats: int
) -> None:
    decision = after(error, attempts=attempts, troubled_for=troubled, attempted=attempted, repeats=repeats)
    if isinstance(decision, Again | Unknown | Refresh | Resend):
        assert NOW <= decision.at <= NOW + 60
        own = troubled >= PATIENCE
        assert not own or (isinstance(decision, Unknown) and decision.last)


def test_backoff() -> None:
    assert [backoff(n) for n in (0, 1, 2, 3, 6, 7, 8, 10**9)] == [1, 1, 2, 4, 32, 60, 60, 60]


@pytest.mark.parametrize(
    ("error", "attempt", "connected", "delay"),
    [
        (flood(3600), 99, True, 3600.0),
        (flood(0), 1, True, 1.0),
        (Transient("500"), 1, True, 1.0),
        (Transient("500"), 9, True, 60.0),
        (Transient("500"), 10, True, None),
        (Transient("down"), 99, False, 10.0),
        (Transient("down"), 0, False, 1.0),
        (MediaExpired("old"), 1, True, 0.0),
        (MediaExpired("old"), 5, True, 16.0),
        (MediaExpired("old"), 11, True, None),
        (SourceGone("deleted"), 1, True, None),
        (rejected("FILE_PART_SIZE_INVALID"), 1, True, None),
        (AccountFrozen("frozen"), 1, True, None),
        (KeyError("x"), 1, True, None),
    ],
)
def test_the_delay_of_a_part(error: Exception, attempt: int, connected: bool, delay: float | None) -> None:
    assert part_delay(error, attempt, connected=connected) == delay
