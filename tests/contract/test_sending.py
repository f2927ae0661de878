"""The target port against the local Telegram: texts, files, albums, replies, and what goes wrong."""

from __future__ import annotations

import pytest
from telethon.tl import types

from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.media import Media as StoredMedia
from tests.telegram.world.messages import SHARED, Message
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import (
    AccountLimited,
    FloodWait,
    MediaExpired,
    PartsMissing,
    Rejected,
    TargetLost,
    Transient,
    Unnamed,
)
from tgstreamd.domain.messages import (
    PART_SIZE,
    Box,
    Draft,
    Entity,
    Media,
    Piece,
    Preview,
    ReplyTo,
    Sent,
    Upload,
)
from tgstreamd.telegram import files
from tgstreamd.telegram.connect import Connection

from .conftest import Connect


def in_box(chat: Chat, id_: int) -> Message:
    return chat.box.messages[id_]


async def read_media(connection: Connection, chat: Chat, message: Message) -> Media:
    got = (await connection.source.messages(chat.marked_id, [message.ids[SHARED]]))[message.ids[SHARED]]
    assert got.media is not None
    return got.media


async def copy_bytes(connection: Connection, media: Media, file_id: int, *, thumb: bool = False) -> Upload:
    size = media.thumb_size if thumb else media.size
    upload = Upload(
        file_id=file_id, size=size, name=media.name, small=thumb or media.kind in ("photo", "round")
    )
    for index in range(upload.parts):
        data = await connection.source.part(media, index * PART_SIZE, PART_SIZE, thumb=thumb)
        await connection.target.save_part(upload, index, data)
    return upload


async def copy(connection: Connection, target: Chat, media: Media, file_id: int) -> bytes:
    upload = await copy_bytes(connection, media, file_id)
    thumb = await copy_bytes(connection, media, file_id + 1, thumb=True) if media.thumb_size else None
    return await connection.target.commit(target.marked_id, media, upload, thumb)


async def test_a_text_with_entities(target: Chat, connected: Connect) -> None:
    port = (await connected()).target
    draft = Draft(
        pieces=(
            Piece(source_id=1, text="Hello 🌍 world", entities=(Entity(kind="bold", offset=9, length=5),)),
        ),
        silent=True,
    )
    sent = await port.send(target.marked_id, draft, [11], [None])
    message = in_box(target, sent.ids[11])
    assert (message.text, message.silent) == ("Hello 🌍 world", True)
    assert [(type(e).__name__, e.offset, e.length) for e in message.entities] == [("MessageEntityBold", 9, 5)]
    again = await port.send(target.marked_id, draft, [11], [None])
    assert again == sent
    assert await port.newest(target.marked_id) == sent.ids[11]


@pytest.mark.parametrize("dc", [2, 4])
async def test_a_file_travels_whole_from_either_data_centre(
    tg: TelegramServer, source: Chat, target: Chat, other: Account, connected: Connect, dc: int
) -> None:
    stored = tg.world.media.video(3_300_001, dc_id=dc, thumb=True)
    post = tg.world.chats.post(source, other, "look", media=stored)
    connection = await connected()
    media = await read_media(connection, source, post)
    assert (media.kind, media.size, media.dc) == ("video", 3_300_001, dc)
    committed = await copy(connection, target, media, 100)
    draft = Draft(pieces=(Piece(source_id=1, text="look", media=media),))
    sent = await connection.target.send(target.marked_id, draft, [12], [committed])
    made = in_box(target, sent.ids[12]).media
    assert made is not None
    assert made.document is not None
    assert stored.document is not None
    assert made.document is not stored.document
    assert made.document.blob.sha256 == stored.document.blob.sha256
    assert made.kind == "video"
    assert made.document.thumbs


async def test_every_file_kind_stays_what_it_is(
    tg: TelegramServer, source: Chat, target: Chat, other: Account, connected: Connect
) -> None:
    maker = tg.world.media
    kinds: dict[str, StoredMedia] = {
        "photo": maker.photo(1600, 1200, spoiler=True),
        "video": maker.video(700_000),
        "round": maker.round(600_000),
        "gif": maker.gif(300_000),
        "audio": maker.audio(400_000),
        "voice": maker.voice(40_000),
        "file": maker.document(11_000_000, name="report.pdf"),
    }
    connection = await connected()
    for number, (kind, stored) in enumerate(kinds.items(), 1):
        post = tg.world.chats.post(source, other, media=stored)
        media = await read_media(connection, source, post)
        assert media.kind == kind
        committed = await copy(connection, target, media, 1000 * number)
        draft = Draft(pieces=(Piece(source_id=1, media=media),))
        sent = await connection.target.send(target.marked_id, draft, [number], [committed])
        made = in_box(target, sent.ids[number]).media
        assert made is not None
        assert made.kind == stored.kind
        assert made.spoiler == stored.spoiler
        read = await read_media(connection, target, in_box(target, sent.ids[number]))
        assert (read.kind, read.name, read.mime, read.duration, read.width) == (
            media.kind, media.name, media.mime, media.duration, media.width,
        )  # fmt: skip


async def test_by_reference_no_byte_moves(
    tg: TelegramServer, source: Chat, target: Chat, other: Account, connected: Connect
) -> None:
    post = tg.world.chats.post(source, other, media=tg.world.media.video(5_000_000))
    connection = await connected()
    media = await read_media(connection, source, post)
    sent = await connection.target.send(
        target.marked_id, Draft(pieces=(Piece(source_id=1, media=media),)), [1], [None]
    )
    made = in_box(target, sent.ids[1]).media
    assert made is not None
    assert made.document is not None
    assert made.document.id == media.id
    assert tg.log.count("upload.getFile") == 0


async def test_an_album(
    tg: TelegramServer, source: Chat, target: Chat, other: Account, connected: Connect
) -> None:
    connection = await connected()
    pieces, committed = [], []
    for n in range(4):
        post = tg.world.chats.post(source, other, media=tg.world.media.photo(800, 600, seed=n))
        media = await read_media(connection, source, post)
        committed.append(await copy(connection, target, media, 10 * n + 10))
        pieces.append(Piece(source_id=n, text=f"item {n}", media=media))
    sent = await connection.target.send(
        target.marked_id, Draft(pieces=tuple(pieces)), [5, 6, 7, 8], committed
    )
    messages = [in_box(target, sent.ids[r]) for r in (5, 6, 7, 8)]
    assert [m.text for m in messages] == [f"item {n}" for n in range(4)]
    assert len({m.grouped_id for m in messages}) == 1
    assert messages[0].grouped_id


async def test_replies_quotes_and_topics(tg: TelegramServer, me: Account, connected: Connect) -> None:
    forum = tg.world.chats.add_supergroup("Forum", me, forum=True)
    topic = tg.world.chats.add_topic(forum, me, "Recipes")
    connection = await connected()
    port = connection.target

    async def say(random_id: int, text: str, **fields: object) -> int:
        draft = Draft(pieces=(Piece(source_id=1, text=text),), **fields)  # type: ignore[arg-type]  # the tests' own fields
        return (await port.send(forum.marked_id, draft, [random_id], [None])).ids[random_id]

    plain = await say(1, "a recipe of soup", topic=topic)
    answer = await say(2, "good", topic=topic, reply=ReplyTo(id=plain, quote="soup", quote_offset=12))
    general = await say(3, "in general", topic=1)
    reply = await say(4, "yes", topic=1, reply=ReplyTo(id=general))
    got = await connection.source.messages(forum.marked_id, [plain, answer, general, reply])
    assert [got[i].topic for i in (plain, answer, general, reply)] == [topic, topic, 1, 1]
    assert got[plain].reply is None
    quoted = got[answer].reply
    assert quoted is not None
    assert (quoted.id, quoted.quote, quoted.quote_offset) == (plain, "soup", 12)
    plain_reply = got[reply].reply
    assert plain_reply is not None
    assert plain_reply.id == general


async def test_a_link_without_preview_and_with_a_large_one(target: Chat, connected: Connect) -> None:
    connection = await connected()
    link = Piece(source_id=1, text="see https://example.org/x")
    bare = Draft(pieces=(link,), preview=Preview(mode="none"))
    large = Draft(pieces=(link,), preview=Preview(mode="forced", url="https://example.org/x", large=True))
    ids = []
    for number, draft in enumerate((bare, large), 1):
        ids.append((await connection.target.send(target.marked_id, draft, [number], [None])).ids[number])
    got = await connection.source.messages(target.marked_id, ids)
    assert got[ids[0]].preview.mode == "none"
    assert got[ids[1]].preview == Preview(mode="forced", url="https://example.org/x", large=True)


async def test_a_scheduled_answer(
    tg: TelegramServer, source: Chat, target: Chat, other: Account, connected: Connect
) -> None:
    post = tg.world.chats.post(source, other, media=tg.world.media.video(500_000))
    connection = await connected()
    media = await read_media(connection, source, post)
    tg.world.chats.process_videos(target)
    sent = await connection.target.send(
        target.marked_id, Draft(pieces=(Piece(source_id=1, media=media),)), [9], [None]
    )
    assert not sent.ids
    scheduled = sent.scheduled[9]
    assert [m.id for m in await connection.target.scheduled(target.marked_id)] == [scheduled]
    tg.world.chats.publish_scheduled(target, scheduled)
    while not (push := await connection.source.pushed()).published:
        pass
    assert push.chat == target.marked_id
    assert push.published == ((scheduled, target.box.ids[-1]),)


async def test_own_messages_above_a_floor(
    tg: TelegramServer, target: Chat, other: Account, connected: Connect
) -> None:
    tg.world.chats.join(target, other)
    port = (await connected()).target
    floor = await port.newest(target.marked_id)
    for n in range(3):
        tg.world.chats.post(target, other, f"theirs {n}")
        await port.send(
            target.marked_id, Draft(pieces=(Piece(source_id=n, text=f"mine {n}"),)), [n + 1], [None]
        )
    assert [m.text for m in await port.after(target.marked_id, floor)] == ["mine 0", "mine 1", "mine 2"]


TEXT = Draft(pieces=(Piece(source_id=1, text="hello"),))


@pytest.mark.parametrize(
    ("code", "name", "expected", "scope"),
    [
        (420, "FLOOD_WAIT_30", FloodWait, "method"),
        (420, "SLOWMODE_WAIT_12", FloodWait, "chat"),
        (400, "PEER_FLOOD", AccountLimited, ""),
        (403, "CHAT_WRITE_FORBIDDEN", TargetLost, ""),
        (406, "TOPIC_CLOSED", TargetLost, ""),
        (500, "RPC_CALL_FAIL", Transient, ""),
        (-503, "Timeout", Transient, ""),
        (400, "QUOTE_TEXT_INVALID", Rejected, ""),
        (400, "SOMETHING_NEW", Rejected, ""),
    ],
)
async def test_refusals(
    tg: TelegramServer, target: Chat, connected: Connect, code: int, name: str, expected: type, scope: str
) -> None:
    port = (await connected()).target
    await port.account()
    tg.faults.add(Fault("messages.sendMessage", "error", code=code, message=name))
    with pytest.raises(expected) as caught:
        await port.send(target.marked_id, TEXT, [1], [None])
    assert getattr(caught.value, "scope", "") == scope
    # Telethon would refuse by itself for the length of the flood; ours asks again.
    assert (await port.send(target.marked_id, TEXT, [2], [None])).ids


async def test_an_expired_reference(
    tg: TelegramServer, source: Chat, target: Chat, other: Account, connected: Connect
) -> None:
    post = tg.world.chats.post(source, other, media=tg.world.media.video(2_000_000))
    connection = await connected()
    media = await read_media(connection, source, post)
    tg.world.files.expire_references()
    with pytest.raises(MediaExpired):
        await connection.source.part(media, 0, PART_SIZE)
    with pytest.raises(MediaExpired):
        await connection.target.send(
            target.marked_id, Draft(pieces=(Piece(source_id=1, media=media),)), [1], [None]
        )
    fresh = await read_media(connection, source, post)
    assert len(await connection.source.part(fresh, 0, PART_SIZE)) == PART_SIZE


@pytest.mark.parametrize("kind", ["photo", "document", "sticker"])
async def test_a_file_is_tried_without_being_sent(
    tg: TelegramServer, source: Chat, target: Chat, other: Account, connected: Connect, kind: str
) -> None:
    post = tg.world.chats.post(source, other, media=getattr(tg.world.media, kind)())
    connection = await connected()
    media = await read_media(connection, source, post)
    before = await connection.target.newest(target.marked_id)
    await connection.target.check_media(target.marked_id, media, None)
    committed = bytes(files.by_reference(media))
    await connection.target.check_media(target.marked_id, media, committed)
    assert await connection.target.newest(target.marked_id) == before
    tg.world.files.expire_references()
    for staged in (None, committed):
        with pytest.raises(MediaExpired):
            await connection.target.check_media(target.marked_id, media, staged)


async def test_an_expired_item_of_an_album_is_named(
    tg: TelegramServer, source: Chat, target: Chat, other: Account, connected: Connect
) -> None:
    connection = await connected()
    posts = [tg.world.chats.post(source, other, media=tg.world.media.photo(seed=n)) for n in range(3)]
    medias = [await read_media(connection, source, post) for post in posts]
    tg.faults.add(Fault("messages.sendMultiMedia", "error", message="FILE_REFERENCE_2_EXPIRED"))
    draft = Draft(pieces=tuple(Piece(source_id=n, media=m) for n, m in enumerate(medias)))
    with pytest.raises(MediaExpired) as caught:
        await connection.target.send(target.marked_id, draft, [1, 2, 3], [None] * 3)
    assert caught.value.index == 2


async def test_missing_parts_are_named(
    tg: TelegramServer, source: Chat, target: Chat, other: Account, connected: Connect
) -> None:
    post = tg.world.chats.post(source, other, media=tg.world.media.document(11_000_000))
    connection = await connected()
    media = await read_media(connection, source, post)
    upload = await copy_bytes(connection, media, 77)
    for part in (3, 0):
        tg.world.files.uploads.forget_part(part, file_id=77)
        with pytest.raises(PartsMissing) as caught:
            await connection.target.commit(target.marked_id, media, upload, None)
        assert caught.value.parts == (part,)
        data = await connection.source.part(media, part * PART_SIZE, PART_SIZE)
        await connection.target.save_part(upload, part, data)
    assert await connection.target.commit(target.marked_id, media, upload, None)


async def test_a_mention_needs_an_access_hash(
    tg: TelegramServer, target: Chat, other: Account, connected: Connect
) -> None:
    connection = await connected()
    mention = Entity(kind="mention_name", offset=0, length=5, args={"user_id": other.id})
    draft = Draft(pieces=(Piece(source_id=1, text="hello you", entities=(mention,)),))
    first = await connection.target.send(target.marked_id, draft, [1], [None])
    assert in_box(target, first.ids[1]).entities == []
    await connection.resolve("@otto")
    second = await connection.target.send(target.marked_id, draft, [2], [None])
    (made,) = in_box(target, second.ids[2]).entities
    assert isinstance(made, types.MessageEntityMentionName | types.InputMessageEntityMentionName)


async def test_where_a_target_stands_and_what_was_made_since(
    tg: TelegramServer, me: Account, other: Account, connected: Connect
) -> None:
    """From the position before a call, and from the one that its answer tells, the difference names all later
    calls; of a basic group as of a channel."""
    chats = tg.world.chats
    connection = await connected()
    port = connection.target
    for chat in (
        chats.add_supergroup("Target", me, [other]),
        chats.add_channel("Target", me),
        chats.add_group("Target", me, [other]),
    ):
        newest, before = await port.start(chat.marked_id)
        assert newest == max(chat.visible(me.id))
        assert before is not None
        chats.post(chat, other, "theirs")
        made: dict[int, int] = {}
        for random_id in (1, 2):
            draft = Draft(pieces=(Piece(source_id=1, text=f"mine {random_id}"),))
            sent = await port.send(chat.marked_id, draft, [random_id], [None])
            made |= sent.ids
            assert sent.position is not None
            told = await port.difference(chat.marked_id, before)
            assert told.made == made
            assert {m.id for m in told.messages} >= set(made.values())
            after = sent.position
            assert after.pts == chat.box_for(me.id).pts
            later = await port.difference(chat.marked_id, after)
            assert later.made == {}
        chat.box_for(me.id).purge()
        assert (await port.difference(chat.marked_id, before)).too_long
        assert (await connection.source.difference(chat.marked_id, before)).too_long


async def test_a_position_that_telegram_does_not_know_is_too_long(
    tg: TelegramServer, target: Chat, connected: Connect
) -> None:
    port = (await connected()).target
    tg.faults.add(Fault("updates.getChannelDifference", message="PERSISTENT_TIMESTAMP_INVALID"))
    told = await port.difference(target.marked_id, Box(pts=1))
    assert (told.too_long, told.box.pts) == (True, target.box.pts)


async def test_an_answer_without_a_message_names_none(
    tg: TelegramServer, target: Chat, connected: Connect
) -> None:
    port = (await connected()).target
    draft = Draft(pieces=(Piece(source_id=1, text="gone"),))
    sent = await port.send(target.marked_id, draft, [1], [None])
    tg.world.chats.delete(in_box(target, sent.ids[1]))
    assert await port.send(target.marked_id, draft, [1], [None]) == Sent(unseen={1: sent.ids[1]})
    tg.world.chats.random_ids.of_gone = "nothing"
    with pytest.raises(Unnamed):
        await port.send(target.marked_id, draft, [1], [None])
