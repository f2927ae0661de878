"""The source port against the local Telegram: chats, histories, counts, topics."""

from __future__ import annotations

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import SourceLost
from tgstreamd.domain.ports import Source

from .conftest import Connect


async def everything(port: Source, chat: int, topic: int | None = None, limit: int = 100) -> list[int]:
    found: list[int] = []
    while page := await port.history(chat, after=found[-1] if found else 0, topic=topic, limit=limit):
        found += [message.id for message in page]
    return found


async def test_a_history_of_300_with_holes_is_read_whole_and_in_order(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    posts = [tg.world.chats.post(source, other, f"post {n}") for n in range(300)]
    tg.world.chats.delete(*posts[10:140:3], *posts[200:290])
    expected = list(source.box.ids)
    connection = await connected()
    assert await everything(connection.source, source.marked_id) == expected
    assert await everything(connection.source, source.marked_id, limit=7) == expected
    assert await connection.source.newest(source.marked_id) == expected[-1]


async def test_counts_and_dates_without_reading_everything(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    begin = 1_700_000_000
    posts = [tg.world.chats.post(source, other, f"post {n}", date=begin + 60 * n) for n in range(250)]
    ids = [next(iter(post.ids.values())) for post in posts]
    connection = await connected()
    tg.log.clear()
    assert await connection.source.count(source.marked_id, after=ids[99]) == (150, begin + 6000)
    assert await connection.source.count(source.marked_id, after=ids[-1]) == (0, 0)
    total, _ = await connection.source.count(source.marked_id)
    assert total == len(source.box.ids)
    assert tg.log.count("messages.getHistory") <= 6


async def test_the_first_message_at_or_after_a_date(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    begin = 1_700_000_000
    # The group itself was made "now", which would stand before all of them.
    tg.world.chats.delete(*source.box.messages.values())
    posts = [tg.world.chats.post(source, other, f"post {n}", date=begin + 60 * n) for n in range(200)]
    ids = [next(iter(post.ids.values())) for post in posts]
    port = (await connected()).source
    assert await port.first_since(source.marked_id, begin + 60 * 77) == ids[77]
    assert await port.first_since(source.marked_id, begin + 60 * 77 - 1) == ids[77]
    assert await port.first_since(source.marked_id, begin - 10) == ids[0]
    assert await port.first_since(source.marked_id, begin + 10**6) == ids[-1] + 1


@pytest.mark.parametrize(("premium", "parts", "caption"), [(False, 4000, 1024), (True, 8000, 4096)])
async def test_the_accounts_limits(
    me: Account, connected: Connect, premium: bool, parts: int, caption: int
) -> None:
    me.premium = premium
    account = await (await connected()).account()
    assert (account.id, account.name, account.username) == (me.id, "Mia Mirror", "mia")
    assert (account.premium, account.text_max, account.parts_max, account.caption_max) == (
        premium, 4096, parts, caption,
    )  # fmt: skip


async def test_an_empty_page_means_the_end(source: Chat, connected: Connect) -> None:
    port = (await connected()).source
    newest = await port.newest(source.marked_id)
    assert await port.history(source.marked_id, after=newest) == ()


async def test_what_a_chat_is(tg: TelegramServer, source: Chat, target: Chat, connected: Connect) -> None:
    connection = await connected()
    seen = await connection.source.chat(source.marked_id)
    assert (seen.title, seen.kind, seen.protected, seen.may_unprotect) == (
        "Source",
        "supergroup",
        False,
        False,
    )
    assert seen.member
    tg.world.chats.set_noforwards(source, True)
    assert (await connection.source.chat(source.marked_id)).protected
    mine = await connection.target.chat(target.marked_id)
    assert (mine.write_refusal, mine.may_pin, mine.may_unprotect) == ("", True, True)


async def test_a_channel_where_one_may_not_write(
    tg: TelegramServer, me: Account, other: Account, connected: Connect
) -> None:
    channel = tg.world.chats.add_channel("News", other, [me], username="news")
    connection = await connected()
    assert "administrators" in (await connection.target.chat(channel.marked_id)).write_refusal
    tg.world.chats.promote(channel, me, post_messages=True)
    assert (await connection.target.chat(channel.marked_id)).write_refusal == ""


async def test_a_chat_that_the_account_does_not_know(connected: Connect) -> None:
    connection = await connected()
    with pytest.raises(SourceLost, match="unknown to this account"):
        await connection.source.chat(-1_009_999_999_999)


async def test_a_banned_account_has_lost_the_source(
    tg: TelegramServer, source: Chat, me: Account, connected: Connect
) -> None:
    port = (await connected()).source
    await port.chat(source.marked_id)
    tg.world.chats.ban(source, me)
    with pytest.raises(SourceLost):
        await port.chat(source.marked_id)
    with pytest.raises(SourceLost):
        await port.history(source.marked_id, after=0)


async def test_topics_and_their_histories(
    tg: TelegramServer, me: Account, other: Account, connected: Connect
) -> None:
    forum = tg.world.chats.add_supergroup("Forum", other, [me], forum=True)
    topic = tg.world.chats.add_topic(forum, other, "Recipes")
    for n in range(120):
        tg.world.chats.post(forum, other, f"general {n}")
        tg.world.chats.post(forum, other, f"recipe {n}", topic=topic)
    port = (await connected()).source
    assert {(t.id, t.title) for t in await port.topics(forum.marked_id)} == {
        (1, "General"),
        (topic, "Recipes"),
    }
    in_topic = await everything(port, forum.marked_id, topic)
    in_general = await everything(port, forum.marked_id, 1)
    got = await port.messages(forum.marked_id, in_topic + in_general)
    assert [got[i].text for i in in_topic if got[i].text] == [f"recipe {n}" for n in range(120)]
    assert [got[i].text for i in in_general if got[i].text] == [f"general {n}" for n in range(120)]
    assert {got[i].topic for i in in_topic} == {topic}
    assert {got[i].topic for i in in_general} == {1}


async def test_messages_by_id_in_any_number(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    posts = [tg.world.chats.post(source, other, f"post {n}") for n in range(230)]
    tg.world.chats.delete(posts[5])
    ids = [next(iter(post.ids.values())) for post in posts]
    port = (await connected()).source
    got = await port.messages(source.marked_id, [*ids, 999_999])
    assert sorted(got) == sorted(set(ids) - {ids[5]})
    assert got[ids[7]].text == "post 7"
    assert got[ids[7]].sender == "Otto Other"


async def test_a_basic_group(tg: TelegramServer, me: Account, other: Account, connected: Connect) -> None:
    group = tg.world.chats.add_group("Friends", other, [me])
    for n in range(20):
        tg.world.chats.post(group, other, f"hello {n}")
    port = (await connected()).source
    seen = await port.chat(group.marked_id)
    assert (seen.kind, seen.title) == ("group", "Friends")
    page = await port.history(group.marked_id, after=0)
    assert [m.text for m in page if not m.service] == [f"hello {n}" for n in range(20)]
