"""The target port against the local Telegram: topics made and changed, the chat's own face, migration."""

from __future__ import annotations

import pytest

from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.services.topics import DEFAULT_ICONS
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tests.telegram.world.topics import ICON_COLORS
from tgstreamd.domain.errors import FloodWait, Rejected, TargetLost, Transient
from tgstreamd.domain.messages import PART_SIZE, Message, Topic, Upload
from tgstreamd.domain.ports import Target

from .conftest import Connect

USUAL = min(DEFAULT_ICONS)
RED = ICON_COLORS[5]


@pytest.fixture
def forum(tg: TelegramServer, me: Account) -> Chat:
    return tg.world.chats.add_supergroup("Forum", me, forum=True)


async def make(port: Target, forum: Chat, title: str, color: int, icon: int, random_id: int) -> int:
    """A topic's id."""
    sent = await port.create_topic(forum.marked_id, title, color, icon, random_id)
    return sent.ids[random_id]


async def test_a_topic_is_made_once(forum: Chat, connected: Connect) -> None:
    """The same `random_id` names the same topic; the colour is one of Telegram's, the title short enough."""
    port = (await connected()).target
    made = await make(port, forum, "Tea", RED, 0, 7)
    assert await make(port, forum, "Tea", RED, 0, 7) == made
    other = await make(port, forum, "x" * 200, 12345, 0, 8)
    topics = {topic.id: topic for topic in await port.topics(forum.marked_id)}
    assert set(topics) == {1, made, other}
    assert topics[made] == Topic(id=made, title="Tea", icon_color=RED, own=True)
    assert (len(topics[other].title), topics[other].icon_color) == (128, ICON_COLORS[0])


async def test_icons(tg: TelegramServer, forum: Chat, me: Account, connected: Connect) -> None:
    """Any with premium; else one of Telegram's own set, and others are left out, not refused."""
    port = (await connected()).target
    own = await make(port, forum, "own", RED, 77, 1)
    usual = await make(port, forum, "usual", RED, USUAL, 2)
    await port.edit_topic(forum.marked_id, own, title="still", icon=78)
    assert [forum.topics[t].icon_emoji_id for t in (own, usual)] == [None, USUAL]
    assert forum.topics[own].title == "still"
    await port.edit_topic(forum.marked_id, usual, icon=0)
    assert not forum.topics[usual].icon_emoji_id
    assert tg.log.count("messages.getStickerSet") == 1
    me.premium = True
    rich = (await connected()).target
    made = await make(rich, forum, "mine", RED, 77, 3)
    assert forum.topics[made].icon_emoji_id == 77
    tg.faults.add(Fault("messages.createForumTopic", code=400, message="DOCUMENT_INVALID"))
    assert not forum.topics[await make(rich, forum, "again", RED, 77, 4)].icon_emoji_id


async def test_a_topic_changes(forum: Chat, connected: Connect) -> None:
    """All at once, in as many calls as Telegram wants; what is so already is fine."""
    port = (await connected()).target
    made = await make(port, forum, "Tea", RED, 0, 1)
    for _ in range(2):
        await port.edit_topic(forum.marked_id, made, title="Chai", icon=USUAL, closed=True)
    topic = forum.topics[made]
    assert (topic.title, topic.icon_emoji_id, topic.closed) == ("Chai", USUAL, True)
    await port.edit_topic(forum.marked_id, 1, title="Lobby", hidden=True)
    assert (forum.topics[1].title, forum.topics[1].hidden) == ("Lobby", True)


async def test_how_topics_fail(
    tg: TelegramServer, forum: Chat, target: Chat, other: Account, connected: Connect
) -> None:
    theirs = tg.world.chats.add_supergroup(
        "Theirs", other, [tg.world.peers.by_id(forum.creator_id)], forum=True
    )
    port = (await connected()).target
    with pytest.raises(TargetLost, match="CHANNEL_FORUM_MISSING"):
        await make(port, target, "Tea", RED, 0, 1)
    with pytest.raises(Rejected, match="TOPIC_TITLE_EMPTY"):
        await make(port, forum, " ", RED, 0, 2)
    with pytest.raises(TargetLost) as gone:
        await port.edit_topic(forum.marked_id, 999, title="x")
    assert gone.value.error == "TOPIC_ID_INVALID"
    with pytest.raises(TargetLost, match="CHAT_ADMIN_REQUIRED"):
        await make(port, theirs, "Tea", RED, 0, 4)
    tg.faults.add(Fault("messages.createForumTopic", "flood", seconds=30))
    with pytest.raises(FloodWait) as flood:
        await make(port, forum, "Tea", RED, 0, 3)
    assert (flood.value.method, flood.value.scope) == ("messages.createForumTopic", "method")


async def test_a_lost_answer_is_unknown_and_the_topic_can_be_found(
    tg: TelegramServer, forum: Chat, connected: Connect
) -> None:
    """`after` lists the topics that this account has made, with what they are called."""
    port = (await connected()).target
    floor = await port.newest(forum.marked_id)
    tg.faults.add(Fault("messages.createForumTopic", "apply-error", code=500, message="RPC_CALL_FAIL"))
    with pytest.raises(Transient):
        await make(port, forum, "Tea", RED, 0, 1)
    (found,) = await port.after(forum.marked_id, floor)
    assert (found.service, found.topic, found.action["title"]) == ("TopicCreate", found.id, "Tea")


async def test_what_service_messages_say_of_topics(
    tg: TelegramServer, other: Account, me: Account, connected: Connect
) -> None:
    """Only what was touched; of General under its own id."""
    chats = tg.world.chats
    forum = chats.add_supergroup("Forum", other, [me], forum=True)
    made = chats.add_topic(forum, other, "Tea", icon_color=RED, icon_emoji_id=USUAL)
    chats.edit_topic(forum, other, made, title="Chai")
    chats.edit_topic(forum, other, made, closed=True)
    chats.edit_topic(forum, other, 1, hidden=True)
    source = (await connected()).source
    said: list[Message] = [m for m in await source.history(forum.marked_id, after=0) if m.action]
    assert [(m.service, m.topic, m.action) for m in said] == [
        ("TopicCreate", made, {"title": "Tea", "color": RED, "icon": USUAL}),
        ("TopicEdit", made, {"title": "Chai"}),
        ("TopicEdit", made, {"closed": True}),
        ("TopicEdit", 1, {"hidden": True}),
    ]


@pytest.mark.parametrize("kind", ["supergroup", "group"])
async def test_title_description_and_photo(
    tg: TelegramServer, source: Chat, me: Account, connected: Connect, kind: str
) -> None:
    """They are changed, read again, and leave no word in the history."""
    chats = tg.world.chats
    chat = chats.add_supergroup("Copy", me) if kind == "supergroup" else chats.add_group("Copy", me)
    source.photo = tg.world.media.photo(640, 640).photo
    connection = await connected()
    photo = (await connection.source.chat(source.marked_id)).photo
    assert photo is not None
    upload = Upload(file_id=5, size=photo.size, name="photo.jpg", small=True)
    for index in range(upload.parts):
        data = await connection.source.part(photo, index * PART_SIZE, PART_SIZE)
        await connection.target.save_part(upload, index, data)
    port, where = connection.target, chat.marked_id
    before = await port.newest(where)
    await port.edit_photo(where, upload)
    for _ in range(2):
        await port.edit_title(where, "Friends")
        await port.edit_about(where, "of tea" * 100)
    seen = await port.chat(where)
    assert (seen.title, seen.about, seen.may_change_info) == ("Friends", ("of tea" * 100)[:255], True)
    assert seen.photo is not None
    assert (seen.photo.width, seen.photo.height) == (640, 640)
    for _ in range(2):
        await port.edit_photo(where, None)
    assert (await port.chat(where)).photo is None
    assert await port.newest(where) == before


async def test_how_the_face_fails(tg: TelegramServer, source: Chat, me: Account, connected: Connect) -> None:
    port = (await connected()).target
    assert not (await port.chat(source.marked_id)).may_change_info
    with pytest.raises(Rejected, match="CHAT_ADMIN_REQUIRED"):
        await port.edit_title(source.marked_id, "Mine")
    with pytest.raises(Rejected, match="CHAT_ADMIN_REQUIRED"):
        await port.edit_about(source.marked_id, "mine")


async def test_what_a_migrated_group_says(
    tg: TelegramServer, other: Account, me: Account, connected: Connect
) -> None:
    """Each names the other, with the last id of the old one; both histories can be read."""
    chats = tg.world.chats
    group = chats.add_group("Group", other, [me])
    chats.post(group, other, "old")
    new = chats.migrate(group)
    chats.post(new, other, "new")
    source = (await connected()).source
    before, after = await source.chat(group.marked_id), await source.chat(new.marked_id)
    assert before.migrated_to == new.marked_id
    assert (after.migrated_from, after.migrated_from_max) == (
        group.marked_id, await source.newest(group.marked_id),
    )  # fmt: skip
    texts = [[m.text for m in await source.history(c, after=0) if m.text] for c in (before.id, after.id)]
    assert texts == [["old"], ["new"]]
