"""What a chat is to this account: writing, pinning, topics, protection."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from telethon.tl import types

from tgstreamd.telegram import chats

WHEN = datetime(2024, 5, 1, tzinfo=UTC)
NEW_GROUP = types.ChatBannedRights(None, change_info=True, pin_messages=True, manage_topics=True)


def channel(**fields: Any) -> Any:
    return types.Channel(50, "C", types.ChatPhotoEmpty(), WHEN, access_hash=1, **fields)


def group(**fields: Any) -> Any:
    return types.Chat(5, "G", types.ChatPhotoEmpty(), 3, WHEN, 1, **fields)


def admin(**rights: bool) -> Any:
    return types.ChatAdminRights(**rights)


def banned(**rights: bool) -> Any:
    return types.ChatBannedRights(None, **rights)


@pytest.mark.parametrize(
    ("entity", "refusal"),
    [
        (channel(broadcast=True), "administrators"),
        (channel(broadcast=True, admin_rights=admin(edit_messages=True)), "administrators"),
        (channel(broadcast=True, admin_rights=admin(post_messages=True)), ""),
        (channel(broadcast=True, creator=True), ""),
        (channel(broadcast=True, left=True), "not a member"),
        (channel(megagroup=True, default_banned_rights=NEW_GROUP), ""),
        (channel(megagroup=True, left=True), "not a member"),
        (channel(megagroup=True, default_banned_rights=banned(send_messages=True)), "only administrators"),
        (
            channel(megagroup=True, default_banned_rights=banned(send_messages=True),
                    admin_rights=admin(other=True)),
            "",
        ),
        (channel(megagroup=True, banned_rights=banned(send_messages=True)), "restricted"),
        (channel(megagroup=True, send_paid_messages_stars=5), "costs Stars there (5)"),
        (channel(megagroup=True, send_paid_messages_stars=5, admin_rights=admin(other=True)), ""),
        (channel(megagroup=True, send_paid_messages_stars=5, creator=True), ""),
        # Of a channel it is the price of a message to its administrators.
        (channel(broadcast=True, send_paid_messages_stars=5, admin_rights=admin(post_messages=True)), ""),
        (group(default_banned_rights=banned()), ""),
        (group(default_banned_rights=banned(send_messages=True)), "only administrators"),
        (group(left=True), "not a member"),
        (group(deactivated=True, migrated_to=types.InputChannel(9, 1)), "become a supergroup"),
    ],
)  # fmt: skip
def test_why_one_cannot_write(entity: Any, refusal: str) -> None:
    seen = chats.chat(entity)
    assert seen is not None
    assert refusal in seen.write_refusal
    assert bool(refusal) == bool(seen.write_refusal)


@pytest.mark.parametrize(
    ("entity", "pin", "topics", "unprotect"),
    [
        (channel(megagroup=True, creator=True), True, True, True),
        (channel(megagroup=True, default_banned_rights=NEW_GROUP), False, False, False),
        (channel(megagroup=True, default_banned_rights=banned()), True, True, False),
        (channel(megagroup=True, default_banned_rights=banned(), banned_rights=banned(pin_messages=True)),
         False, True, False),
        (channel(megagroup=True, default_banned_rights=NEW_GROUP, admin_rights=admin(manage_topics=True)),
         False, True, False),
        (channel(megagroup=True, default_banned_rights=NEW_GROUP, admin_rights=admin(change_info=True)),
         False, False, True),
        (channel(broadcast=True, admin_rights=admin(post_messages=True, edit_messages=True)),
         True, False, False),
        (channel(broadcast=True), False, False, False),
    ],
)  # fmt: skip
def test_what_one_may(entity: Any, pin: bool, topics: bool, unprotect: bool) -> None:
    seen = chats.channel(entity)
    assert (seen.may_pin, seen.may_manage_topics, seen.may_unprotect) == (pin, topics, unprotect)


def test_a_group_that_moved() -> None:
    seen = chats.group(group(deactivated=True, migrated_to=types.InputChannel(9, 1)))
    assert seen.migrated_to == -1_000_000_000_009
    assert not seen.member


def test_what_only_the_full_chat_tells() -> None:
    class Full:
        linked_chat_id = 60
        slowmode_seconds = 30
        send_paid_messages_stars = None
        ttl_period = 86400
        migrated_from_chat_id = None
        migrated_from_max_id = None
        chat_photo = None
        about = ""

    seen = chats.channel(channel(megagroup=True, default_banned_rights=NEW_GROUP), Full())
    assert (seen.linked, seen.slow_mode, seen.auto_delete) == (-1_000_000_000_060, 30, 86400)
    # Administrators are exempt from slow mode.
    assert chats.channel(channel(megagroup=True, creator=True), Full()).slow_mode == 0


def test_names_beyond_the_first() -> None:
    names = [types.Username("old"), types.Username("shop", active=True)]
    assert chats.channel(channel(broadcast=True, usernames=names)).username == "shop"


@pytest.mark.parametrize(
    ("entity", "denied"),
    [
        (channel(megagroup=True), set()),
        (channel(megagroup=True, default_banned_rights=banned(send_photos=True)), {"photo", "live_photo"}),
        (channel(megagroup=True, banned_rights=banned(send_plain=True)), {"text"}),
        (channel(megagroup=True, creator=True, default_banned_rights=banned(send_photos=True)), set()),
        (
            channel(megagroup=True, admin_rights=admin(other=True), banned_rights=banned(send_docs=True)),
            set(),
        ),
        (channel(broadcast=True, default_banned_rights=banned(send_photos=True)), set()),
        (group(default_banned_rights=banned(send_polls=True)), {"poll"}),
    ],
)
def test_which_kinds_it_does_not_take(entity: Any, denied: set[str]) -> None:
    shown = chats.chat(entity)
    assert shown is not None
    assert shown.denied == denied
