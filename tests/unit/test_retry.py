"""What follows an error: a table, and the promises that hold for every error."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.domain.errors import (
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
from tgstreamd.policy.retry import (
    GONE,
    PATIENCE,
    REFRESHES,
    VANISHED,
    Again,
    AskChat,
    Confirmation,
    Cure,
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
    WaitForChat,
    backoff,
    decide,
    part_delay,
)

NOW = 1_700_000_000.0


def after(error: Exception, **more: object) -> Decision:
    known = {"attempts": 1, "now": NOW, "troubled_for": 0.0, "attempted": True, **more}
    return decide(error, **known)  # type: ignore[arg-type]  # the tests name arguments freely


def rejected(name: str) -> Rejected:
    return Rejected("Telegram refused it", error=name)


def flood(seconds: int, scope: str = "method") -> FloodWait:
    return FloodWait(seconds, scope=scope, method="messages.sendMedia")  # type: ignore[arg-type]  # a literal


#: More cures than any message can need.
ALL = frozenset(get_args(Cure))


@pytest.mark.parametrize(
    ("name", "cures"),
    [
        ("REPLY_MESSAGE_ID_INVALID", ["reply"]),
        ("MSG_ID_INVALID", ["reply"]),
        ("QUOTE_TEXT_INVALID", ["quote", "reply"]),
        ("ENTITY_BOUNDS_INVALID", ["entities"]),
        ("ENTITY_MENTION_USER_INVALID", ["mentions", "entities"]),
        ("WEBPAGE_NOT_FOUND", ["preview", "note"]),
        ("IMAGE_PROCESS_FAILED", ["as-file", "note"]),
        ("MEDIA_EMPTY", ["emoji", "stream", "singles", "note"]),
        ("SLOWMODE_MULTI_MSGS_DISABLED", ["singles"]),
        ("CHAT_SEND_VIDEOS_FORBIDDEN", ["singles", "note"]),
        ("VOICE_MESSAGES_FORBIDDEN", ["singles", "note"]),
        ("SOMETHING_NEW", []),
    ],
)
def test_refusals_are_cured_one_thing_at_a_time(name: str, cures: list[str]) -> None:
    """In the order of the table, as far as a cure changes anything; then it is parked."""
    left = set(ALL)
    for cure in cures:
        assert after(rejected(name), possible=left) == Degrade(what=cure, reason=name)  # type: ignore[arg-type]  # a literal
        left.remove(cure)
    assert after(rejected(name), possible=left) == Park(reason="Telegram refused it")
    assert after(rejected(name)) == Park(reason="Telegram refused it")


FINE = Confirmation(until=NOW + 600)


@pytest.mark.parametrize(
    ("error", "side"), [(SourceLost("private"), "source"), (TargetLost("banned"), "target")]
)
def test_a_chat_that_is_said_to_be_lost_is_asked(error: SourceLost | TargetLost, side: str) -> None:
    assert after(error) == AskChat(side=side)  # type: ignore[arg-type]  # a literal
    assert after(error, said=Confirmation(lost="it says so")) == PauseMirror(reason="it says so")
    waits = after(error, said=Confirmation(unanswered="no answer", until=NOW + 600))
    assert isinstance(waits, WaitForChat)
    assert waits.until == NOW + 600


def test_what_a_fine_chat_refuses_is_the_messages() -> None:
    """It loses one thing after the other, and is parked with the blame that the chat denies."""
    error = TargetLost("no", error="INPUT_USER_DEACTIVATED", method="messages.sendMessage")
    left = {"told", "reply", "mentions"}
    for cure in ("mentions", "reply", "told"):
        assert after(error, said=FINE, possible=left) == Degrade(what=cure, reason="INPUT_USER_DEACTIVATED")
        left.remove(cure)
    assert after(error, said=FINE) == Park(reason="no", blamed=True)
    unsure = after(error, said=FINE, possible=ALL, unsure=True)
    assert isinstance(unsure, Unknown)
    assert unsure.search


def test_a_question_that_is_refused_parks_nothing_at_once() -> None:
    """It is no answer to the message."""
    for error in (
        Rejected("no", error="MSG_ID_INVALID", method="messages.getHistory"),
        TargetLost("no", error="CHANNEL_PRIVATE", method="messages.getHistory"),
    ):
        assert after(error, said=FINE, attempts=3) == Again(at=NOW + 4)
        assert isinstance(after(error, said=FINE, troubled_for=PATIENCE), Park)
        looked = after(error, said=FINE, attempts=3, unsure=True)
        assert isinstance(looked, Unknown)
        assert (looked.at, looked.search) == (NOW + 4, True)


def test_what_telegram_calls_its_own_trouble_is_tried_twice_more() -> None:
    name = "PHOTO_SAVE_FILE_INVALID"
    error = Rejected("no", error=name, method="messages.sendMedia")
    assert [type(after(error, met=n, possible=ALL)).__name__ for n in (1, 2, 3)] == [
        "Again",
        "Again",
        "Degrade",
    ]


def test_a_wait_by_an_unheard_of_name_ends() -> None:
    """It counts as the job's own trouble, unlike those that we know."""
    error = FloodWait(60, scope="method", method="messages.sendMessage", error="SOMETHING_NEW_60")
    held = after(error)
    assert isinstance(held, Hold)
    assert held.counts
    assert isinstance(after(error, troubled_for=PATIENCE), Park)
    assert not after(flood(60)).counts  # type: ignore[union-attr]  # a Hold


def test_other_refusals() -> None:
    assert after(rejected("MESSAGE_EMPTY")) == Skip(reason="nothing is left of the text")
    assert after(rejected("SOMETHING_NEW")) == Park(reason="Telegram refused it")


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


def test_a_reference_that_stays_expired_is_the_messages_fault() -> None:
    error = MediaExpired("old", error="FILE_REFERENCE_2_EXPIRED", method="messages.sendMultiMedia")
    assert after(error, met=REFRESHES) == Refresh(at=NOW)
    over = REFRESHES + 1
    for cure in ("cover", "stream", "attachment", "singles", "note"):
        assert after(error, met=over, possible={cure, "note"}) == Degrade(what=cure, reason=error.error)
    assert isinstance(after(error, met=over), Park)
    assert isinstance(after(error, met=over, unsure=True), Unknown)
    assert after(PartsMissing("gone", parts=(4, 9))) == Resend(parts=(4, 9), at=NOW)
    assert after(PartsMissing("gone", parts=(0, 9))) == Resend(parts=(), at=NOW)
    assert after(PartsMissing("gone", parts=(4,)), repeats=3) == Resend(parts=(), at=NOW + 1)


def test_what_vanished_becomes_a_note() -> None:
    assert after(SourceGone("deleted"), possible={"note"}) == Degrade(what="note", reason="deleted")


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
