"""What Telegram tells, in every shape: answers, pushes, differences; and what it takes to hear it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from telethon.crypto import AES
from telethon.tl import types

from tgstreamd.domain.errors import ConfigError, Transient
from tgstreamd.domain.messages import Box, Sent
from tgstreamd.domain.updates import Push
from tgstreamd.telegram.base import require_cryptg
from tgstreamd.telegram.peer_cache import CHANNEL_MARK, Directory
from tgstreamd.telegram.send_result import settle
from tgstreamd.telegram.session import StoredSession
from tgstreamd.telegram.updates import channel_difference, common_difference, pushes

WHEN = datetime(2024, 5, 1, tzinfo=UTC)
CHAT = -CHANNEL_MARK - 51


def directory() -> Directory:
    return Directory(StoredSession(None))


def message(id_: int, peer: Any = None, **fields: Any) -> Any:
    return types.Message(id_, peer or types.PeerChannel(51), date=WHEN, message="hi", **fields)


def updates(*inner: Any) -> Any:
    return types.Updates(list(inner), [], [], WHEN, 0)


def at(pts: int) -> Box:
    return Box(pts=pts, date=int(WHEN.timestamp()))


# Answers to sends


def test_a_short_answer_has_the_id_alone() -> None:
    assert settle(types.UpdateShortSentMessage(7, 1, 1, WHEN), [11]) == Sent(ids={11: 7}, position=at(1))


def test_an_album_that_came_in_part() -> None:
    answer = updates(
        types.UpdateMessageID(7, 11),
        types.UpdateMessageID(8, 13),
        types.UpdateMessageID(99, 1234),
        types.UpdateNewChannelMessage(message(7), 1, 1),
        types.UpdateNewChannelMessage(message(8), 2, 1),
    )
    assert settle(answer, [11, 12, 13]) == Sent(ids={11: 7, 13: 8}, position=at(2))


def test_a_scheduled_id_is_told_by_its_update() -> None:
    answer = updates(types.UpdateMessageID(7, 11), types.UpdateNewScheduledMessage(message(7)))
    assert settle(answer, [11]) == Sent(scheduled={11: 7})
    both = updates(
        types.UpdateMessageID(7, 11),
        types.UpdateMessageID(5, 12),
        types.UpdateNewChannelMessage(message(7), 1, 1),
        types.UpdateNewScheduledMessage(message(5)),
    )
    assert settle(both, [11, 12]) == Sent(ids={11: 7}, scheduled={12: 5}, position=at(1))


def test_an_id_without_its_message_may_be_gone() -> None:
    answer = updates(
        types.UpdateMessageID(7, 11),
        types.UpdateMessageID(8, 12),
        types.UpdateMessageID(9, 13),
        types.UpdateNewMessage(message(7), 1, 0),
        types.UpdateNewMessage(types.MessageEmpty(8, None), 1, 0),
    )
    assert settle(answer, [11, 12, 13]) == Sent(ids={11: 7}, unseen={12: 8, 13: 9}, position=at(1))


def test_one_message_without_its_random_id() -> None:
    assert settle(updates(types.UpdateNewMessage(message(7), 1, 0)), [11]) == Sent(
        ids={11: 7}, position=at(1)
    )


@pytest.mark.parametrize("answer", [updates(), types.UpdatesTooLong(), True])
def test_an_answer_that_names_nothing_is_an_unknown_outcome(answer: Any) -> None:
    with pytest.raises(Transient) as caught:
        settle(answer, [11])
    assert caught.value.error == "NO_MESSAGE_ID"


# Pushes


def told(update: Any) -> list[Push]:
    return list(pushes(update, directory()))


def test_a_basic_groups_short_message() -> None:
    short = types.UpdateShortChatMessage(9, 7, 500, "hello", 3, 1, WHEN, silent=True)
    (push,) = told(short)
    assert push.message is not None
    assert (push.chat, push.pts, push.message.text, push.message.sender_id, push.message.silent) == (
        -500, 3, "hello", 7, True,
    )  # fmt: skip


def test_what_people_write_to_the_account_is_dropped() -> None:
    assert told(types.UpdateShortMessage(9, 7, "secret", 3, 1, WHEN)) == []
    assert told(updates(types.UpdateNewMessage(message(9, types.PeerUser(7)), 3, 1))) == []


def test_asking_for_everything() -> None:
    assert told(types.UpdatesTooLong()) == [Push(chat=0)]


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        (types.UpdateChannelTooLong(51, pts=9), Push(chat=CHAT, pts=9)),
        (types.UpdateDeleteMessages([4, 5], 9, 2), Push(chat=0, deleted=(4, 5), pts=9)),
        (types.UpdateDeleteChannelMessages(51, [4], 9, 1), Push(chat=CHAT, deleted=(4,), pts=9)),
        (types.UpdateChannel(51), Push(chat=CHAT, changed=True)),
        (types.UpdateChat(5), Push(chat=-5, changed=True)),
        (
            types.UpdateChatParticipants(types.ChatParticipantsForbidden(5)),
            Push(chat=-5, changed=True),
        ),
        (
            types.UpdateChatDefaultBannedRights(types.PeerChannel(51), types.ChatBannedRights(None), 1),
            Push(chat=CHAT, changed=True),
        ),
        (
            types.UpdateDeleteScheduledMessages(types.PeerChannel(51), [3, 4], [70, 71]),
            Push(chat=CHAT, published=((3, 70), (4, 71))),
        ),
        (types.UpdateDeleteScheduledMessages(types.PeerChannel(51), [3]), Push(chat=CHAT)),
    ],
)
def test_other_pushes(update: Any, expected: Push) -> None:
    assert told(types.UpdateShort(update, WHEN)) == [expected]
    assert told(updates(update)) == [expected]


@pytest.mark.parametrize(
    "update",
    [
        types.UpdateMessageID(7, 11),
        types.UpdateUserStatus(7, types.UserStatusRecently()),
        types.UpdateDeleteMessages([], 9, 1),  # what Telethon makes of an answer to a deletion
        types.UpdateConfig(),
    ],
)
def test_what_concerns_no_chat(update: Any) -> None:
    assert told(types.UpdateShort(update, WHEN)) == []


def test_protection_switched_on_is_a_change_of_the_chat() -> None:
    action = types.MessageActionNoForwardsToggle(False, True)
    service = types.MessageService(9, types.PeerChannel(51), date=WHEN, action=action)
    (push,) = told(updates(types.UpdateNewChannelMessage(service, 3, 1)))
    assert push.changed


# Differences


def test_a_channel_difference() -> None:
    answer = types.updates.ChannelDifference(
        9,
        [message(3), types.MessageEmpty(4, types.PeerChannel(51))],
        [
            types.UpdateEditChannelMessage(message(2, edit_date=WHEN), 8, 1),
            types.UpdateDeleteChannelMessages(51, [1], 9, 1),
            types.UpdateNewChannelMessage(message(3), 7, 1),
        ],
        [],
        [],
        timeout=30,
    )
    got = channel_difference(answer, CHAT, directory())
    assert (got.box, got.final, got.timeout) == (Box(pts=9), False, 30)
    assert [m.id for m in got.messages] == [3]
    assert [m.id for m in got.edits] == [2]
    assert got.deleted == ((CHAT, (1,)),)


def test_empty_and_too_long() -> None:
    empty = types.updates.ChannelDifferenceEmpty(9, final=True)
    assert channel_difference(empty, CHAT, directory()).box == Box(pts=9)
    before = Box(pts=4, qts=5, date=6)
    got = common_difference(types.updates.DifferenceEmpty(WHEN, 1), before, directory())
    assert (got.box, got.final) == (Box(pts=4, qts=5, date=int(WHEN.timestamp())), True)
    got = common_difference(types.updates.DifferenceTooLong(90), before, directory())
    assert (got.box.pts, got.too_long) == (90, True)


def test_a_slice_of_the_common_box() -> None:
    state = types.updates.State(7, 2, WHEN, 1, 0)
    group, person = message(3, types.PeerChat(5)), message(4, types.PeerUser(8))
    gone = types.UpdateDeleteMessages([1, 2], 7, 2)
    answer = types.updates.DifferenceSlice([group, person], [], [gone], [], [], state)
    got = common_difference(answer, Box(pts=1), directory())
    assert (got.final, got.box) == (False, Box(pts=7, qts=2, date=int(WHEN.timestamp())))
    assert [m.chat for m in got.messages] == [-5]
    assert got.deleted == ((0, (1, 2)),)


# What it takes to hear it


def test_without_cryptg_no_start() -> None:
    require_cryptg()
    with pytest.raises(ConfigError, match="cryptg"):
        require_cryptg(SimpleNamespace(cryptg=None, AES=AES))
    broken = SimpleNamespace(decrypt_ige=lambda *_: b"")
    with pytest.raises(ConfigError, match="does not work"):
        require_cryptg(SimpleNamespace(cryptg=broken, AES=AES))
