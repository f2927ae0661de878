"""Messages, media and drafts between Telegram's objects and the model's."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from tgstreamd.domain.messages import Account, Draft, Entity, Piece, Preview, ReplyTo, Upload
from tgstreamd.telegram import convert, entities, files, media
from tgstreamd.telegram.peer_cache import CHANNEL_MARK, Directory, marked
from tgstreamd.telegram.session import StoredSession

WHEN = datetime(2024, 5, 1, tzinfo=UTC)
ME = Account(id=1, name="Me")


@pytest.fixture
def directory() -> Directory:
    made = Directory(StoredSession(None))
    photo = types.ChatPhotoEmpty()
    made.learn(
        types.contacts.ResolvedPeer(
            types.PeerUser(7),
            [
                types.Channel(50, "Forum", photo, WHEN, megagroup=True, forum=True, access_hash=5),
                types.Channel(51, "Group", photo, WHEN, megagroup=True, access_hash=6),
            ],
            [types.User(7, first_name="Ann", last_name="Bee", access_hash=77)],
        )
    )
    return made


def tl(channel: int = 51, **fields: Any) -> Any:
    given: dict[str, Any] = {"id": 9, "peer_id": types.PeerChannel(channel), "date": WHEN, "message": "hi"}
    return types.Message(**(given | fields))


def read(directory: Directory, **fields: Any) -> Any:
    got = convert.message(tl(**fields), directory)
    assert got is not None
    return got


def test_a_plain_message(directory: Directory) -> None:
    got = read(directory, from_id=types.PeerUser(7), silent=True, grouped_id=4, noforwards=True)
    assert (got.chat, got.id, got.date, got.text) == (-CHANNEL_MARK - 51, 9, int(WHEN.timestamp()), "hi")
    assert (got.sender, got.sender_id, got.silent, got.group, got.protected) == ("Ann Bee", 7, True, 4, True)
    assert got.topic is None


def test_a_mention_that_cannot_be_made(directory: Directory) -> None:
    """A link where the name is public, plain words else; those who are known are mentioned."""
    directory.learn(
        types.contacts.ResolvedPeer(
            types.PeerUser(8),
            [],
            [types.User(8, min=True, first_name="Min", username="Min_User", access_hash=5)],
        )
    )
    told = [Entity(kind="mention_name", offset=n, length=1, args={"user_id": n}) for n in (7, 8, 9)]
    sent = entities.to_tl(told, premium=False, input_user=directory.input_user, username=directory.username)
    assert [type(one).__name__ for one in sent] == ["InputMessageEntityMentionName", "MessageEntityTextUrl"]
    assert (sent[1].offset, sent[1].url) == (8, "https://t.me/Min_User")


def test_an_empty_message_is_none(directory: Directory) -> None:
    assert convert.message(types.MessageEmpty(5, types.PeerChannel(51)), directory) is None
    assert convert.message(types.MessageEmpty(5, None), directory) is None


def test_a_service_message(directory: Directory) -> None:
    action = types.MessageActionTopicCreate("Recipes", 0)
    service = types.MessageService(12, types.PeerChannel(50), date=WHEN, action=action)
    got = convert.message(service, directory)
    assert got is not None
    assert (got.service, got.topic) == ("TopicCreate", 12)


def header(**fields: Any) -> Any:
    return types.MessageReplyHeader(**fields)


@pytest.mark.parametrize(
    ("channel", "reply_to", "topic", "answers"),
    [
        (51, None, None, None),
        (51, {"reply_to_msg_id": 3}, None, 3),
        (51, {"reply_to_msg_id": 3, "reply_to_top_id": 2}, None, 3),
        (50, None, 1, None),
        (50, {"reply_to_msg_id": 3}, 1, 3),
        (50, {"reply_to_msg_id": 20, "forum_topic": True}, 20, None),
        (50, {"reply_to_msg_id": 25, "reply_to_top_id": 20, "forum_topic": True}, 20, 25),
        (50, {"reply_to_msg_id": 20, "reply_to_top_id": 20, "forum_topic": True}, 20, None),
        (51, {"reply_to_msg_id": 3, "reply_to_scheduled": True}, None, None),
    ],
)
def test_topics_and_replies(
    directory: Directory,
    channel: int,
    reply_to: dict[str, Any] | None,
    topic: int | None,
    answers: int | None,
) -> None:
    got = read(directory, channel=channel, reply_to=header(**reply_to) if reply_to else None)
    assert got.topic == topic
    assert (got.reply.id if got.reply else None) == answers


def test_a_quote_from_another_chat(directory: Directory) -> None:
    reply = header(
        reply_to_msg_id=3, reply_to_peer_id=types.PeerChannel(60), quote=True, quote_text="words",
        quote_offset=5, quote_entities=[types.MessageEntityBold(0, 5)],
    )  # fmt: skip
    got = read(directory, reply_to=reply).reply
    assert (got.id, got.chat, got.quote, got.quote_offset) == (3, -CHANNEL_MARK - 60, "words", 5)
    assert got.quote_entities == (Entity(kind="bold", offset=0, length=5),)


def test_all_media_of_the_layer_are_named() -> None:
    known = {
        cls for name, cls in vars(types).items() if name.startswith("MessageMedia") and inspect.isclass(cls)
    }
    assert known == set(media.KINDS)
    assert len(known) == 19


def test_all_entities_of_the_layer_survive_reading() -> None:
    for name, cls in vars(types).items():
        if name.startswith("MessageEntity") and inspect.isclass(cls):
            make: Any = cls
            fields = inspect.signature(make.__init__).parameters
            extra: dict[str, Any] = {
                key: value
                for key, value in {
                    "url": "u", "language": "py", "user_id": 7, "document_id": 8, "old_text": "x",
                    "date": WHEN,
                }.items()
                if key in fields
            }  # fmt: skip
            (got,) = entities.from_tl([make(1, 2, **extra)])
            assert (got.offset, got.length) == (1, 2)
            assert not got.kind.startswith("message")


def test_entities_go_there_and_back(directory: Directory) -> None:
    given = [
        types.MessageEntityBold(0, 1),
        types.MessageEntityPre(1, 2, "python"),
        types.MessageEntityTextUrl(3, 4, "https://example.org"),
        types.MessageEntityBlockquote(5, 6, collapsed=True),
        types.MessageEntityCustomEmoji(7, 2, 12345),
        types.MessageEntityFormattedDate(9, 2, WHEN, short_time=True),
        types.MessageEntityHashtag(11, 2),
        types.MessageEntityMentionName(13, 2, 7),
        types.MessageEntityMentionName(15, 2, 8),
    ]
    read_back = entities.from_tl(given)
    sent = entities.to_tl(read_back, premium=True, input_user=directory.input_user)
    assert [type(e).__name__ for e in sent] == [
        "MessageEntityBold", "MessageEntityPre", "MessageEntityTextUrl", "MessageEntityBlockquote",
        "MessageEntityCustomEmoji", "MessageEntityFormattedDate", "InputMessageEntityMentionName",
    ]  # fmt: skip
    assert [e.to_dict() for e in sent[:6]] == [e.to_dict() for e in given[:6]]
    assert sent[-1].user_id.access_hash == 77
    without = entities.to_tl(read_back, premium=False, input_user=directory.input_user)
    assert "MessageEntityCustomEmoji" not in [type(e).__name__ for e in without]
    quoted = entities.to_tl(read_back, premium=True, input_user=directory.input_user, quote=True)
    assert {type(e).__name__ for e in quoted} == {
        "MessageEntityBold", "MessageEntityCustomEmoji", "MessageEntityFormattedDate",
    }  # fmt: skip


def document(*attributes: Any, **fields: Any) -> Any:
    given: dict[str, Any] = {
        "id": 3, "access_hash": 4, "file_reference": b"r", "date": WHEN, "mime_type": "video/mp4",
        "size": 1_000_000, "dc_id": 4, "attributes": list(attributes),
    }  # fmt: skip
    return types.Document(**(given | fields))


VIDEO = types.DocumentAttributeVideo(12.5, 640, 480, preload_prefix_size=99, video_codec="h264")


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("file", [types.DocumentAttributeFilename("a.pdf")]),
        ("video", [VIDEO]),
        ("round", [types.DocumentAttributeVideo(3, 240, 240, round_message=True)]),
        ("gif", [VIDEO, types.DocumentAttributeAnimated()]),
        ("audio", [types.DocumentAttributeAudio(30, title="t")]),
        ("voice", [types.DocumentAttributeAudio(30, voice=True, waveform=b"w")]),
        ("sticker", [types.DocumentAttributeSticker("🙂", types.InputStickerSetEmpty()), VIDEO]),
        ("sticker", [types.DocumentAttributeCustomEmoji("🙂", types.InputStickerSetEmpty())]),
    ],
)
def test_the_attributes_decide_the_kind(kind: str, attributes: list[Any]) -> None:
    got = media.from_tl(types.MessageMediaDocument(document=document(*attributes)))
    assert got is not None
    assert got.kind == kind


def test_a_video_and_its_uploaded_copy() -> None:
    thumbs = [types.PhotoStrippedSize("i", b"x"), types.PhotoSize("m", 320, 240, 5000),
              types.PhotoSize("y", 1280, 720, 90000)]  # fmt: skip
    tl_media = types.MessageMediaDocument(
        spoiler=True, video_timestamp=7,
        document=document(VIDEO, types.DocumentAttributeFilename("v.mp4"),
                          types.DocumentAttributeHasStickers(), thumbs=thumbs),
        alt_documents=[document(VIDEO)],
    )  # fmt: skip
    got = media.from_tl(tl_media)
    assert got is not None
    assert (got.size, got.dc, got.name, got.duration, got.width, got.spoiler, got.thumb_size) == (
        1_000_000, 4, "v.mp4", 12.5, 640, True, 5000,
    )  # fmt: skip
    assert files.decode(got.raw).alt_documents is None
    upload = Upload(file_id=1, size=got.size)
    made = files.uploaded(got, upload, Upload(file_id=2, size=5000, small=True))
    assert (made.nosound_video, made.force_file, made.spoiler, made.video_timestamp) == (True, None, True, 7)
    assert [type(a).__name__ for a in made.attributes] == [
        "DocumentAttributeVideo",
        "DocumentAttributeFilename",
    ]
    assert (made.attributes[0].preload_prefix_size, made.attributes[0].video_codec) == (None, None)
    assert isinstance(made.file, types.InputFile)
    assert isinstance(made.thumb, types.InputFile)
    reference = files.by_reference(got)
    assert (reference.id.id, reference.spoiler, reference.video_timestamp) == (3, True, 7)
    bytes(made)
    bytes(reference)


def test_a_large_file_goes_up_as_a_big_one() -> None:
    got = media.from_tl(types.MessageMediaDocument(document=document(size=20_000_000)))
    assert got is not None
    made = files.uploaded(got, Upload(file_id=1, size=got.size), None)
    assert isinstance(made.file, types.InputFileBig)
    assert made.file.parts == 39
    assert made.force_file


def test_the_largest_size_of_a_photo() -> None:
    sizes = [
        types.PhotoStrippedSize("i", b"blur"),
        types.PhotoSize("m", 320, 240, 20_000),
        types.PhotoSizeProgressive("y", 1280, 960, [1000, 50_000, 120_000]),
        types.PhotoSize("x", 800, 600, 60_000),
        types.PhotoPathSize("j", b"outline"),
    ]
    photo = types.Photo(5, 6, b"r", WHEN, sizes, 2)
    got = media.from_tl(types.MessageMediaPhoto(photo=photo, spoiler=True))
    assert got is not None
    assert (got.kind, got.size, got.width, got.height, got.spoiler) == ("photo", 120_000, 1280, 960, True)
    where = media.locate(got.raw, False)
    assert where is not None
    assert where.location.thumb_size == "y"


def test_a_photo_that_comes_with_its_bytes() -> None:
    photo = types.Photo(5, 6, b"r", WHEN, [types.PhotoCachedSize("m", 90, 90, b"jpeg")], 2)
    got = media.from_tl(types.MessageMediaPhoto(photo=photo))
    assert got is not None
    where = media.locate(got.raw, False)
    assert where is not None
    assert (got.size, where.inline) == (4, b"jpeg")


def test_what_must_not_or_cannot_be_copied() -> None:
    expired = media.from_tl(types.MessageMediaPhoto(ttl_seconds=5))
    assert expired is not None
    assert (expired.kind, expired.refusal) == ("expired", "self-destructing")
    once = media.from_tl(types.MessageMediaDocument(document=document(VIDEO), ttl_seconds=0x7FFFFFFF))
    assert once is not None
    assert once.refusal == "self-destructing"
    assert files.by_reference(once) is None
    paid = media.from_tl(types.MessageMediaPaidMedia(50, []))
    assert paid is not None
    assert (paid.kind, paid.refusal, paid.note) == ("paid", "paid", "paid media for 50 stars")
    poll = types.Poll(1, types.TextWithEntities("Lunch?", []), [], 0)
    got = media.from_tl(types.MessageMediaPoll(poll, types.PollResults()))
    assert got is not None
    assert (got.kind, got.note) == ("poll", 'a poll: "Lunch?"')
    assert media.from_tl(types.MessageMediaEmpty()) is None
    assert media.from_tl(None) is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Preview(mode="auto")),
        ({"entities": [types.MessageEntityUrl(0, 2)]}, Preview(mode="none")),
        ({"entities": [types.MessageEntityTextUrl(0, 2, "u")]}, Preview(mode="none")),
        (
            {"media": types.MessageMediaWebPage(types.WebPage(1, "https://u", "u", 0))},
            Preview(mode="auto"),
        ),
        (
            {
                "media": types.MessageMediaWebPage(
                    types.WebPage(1, "https://u", "u", 0), force_large_media=True
                )
            },
            Preview(mode="forced", url="https://u", large=True),
        ),
        (
            {"media": types.MessageMediaWebPage(types.WebPagePending(1, WHEN, url="https://u"))},
            Preview(mode="auto"),
        ),
    ],
)
def test_previews(directory: Directory, fields: dict[str, Any], expected: Preview) -> None:
    got = read(directory, **fields)
    assert got.preview == expected
    assert got.media is None


def draft(**fields: Any) -> Draft:
    return Draft(pieces=(Piece(source_id=1, text="x"),), **fields)


def test_where_a_draft_goes(directory: Directory) -> None:
    def sent(**fields: Any) -> Any:
        return convert.reply_to(draft(**fields), ME, directory, types.InputPeerChannel(5, 1))

    assert sent() is None
    assert sent(topic=1) is None
    into = sent(topic=20)
    assert (into.reply_to_msg_id, into.top_msg_id) == (20, None)
    answer = sent(topic=20, reply=ReplyTo(id=25))
    assert (answer.reply_to_msg_id, answer.top_msg_id) == (25, 20)
    general = sent(topic=1, reply=ReplyTo(id=25))
    assert (general.reply_to_msg_id, general.top_msg_id) == (25, None)
    assert answer.reply_to_peer_id is None
    for topic in (20, None):
        across = sent(topic=topic, reply=ReplyTo(id=25, across=True))
        assert (across.reply_to_msg_id, across.top_msg_id) == (25, topic)
        assert across.reply_to_peer_id.channel_id == 5
    quoted = sent(reply=ReplyTo(id=25, quote="words", quote_offset=3))
    assert (quoted.quote_text, quoted.quote_offset, quoted.quote_entities) == ("words", 3, None)


def test_marked_ids() -> None:
    assert marked(types.PeerChannel(5)) == -CHANNEL_MARK - 5
    assert marked(types.PeerChat(5)) == -5
    assert marked(types.PeerUser(5)) == 5
    assert marked(types.InputPeerChannel(5, 1)) == -CHANNEL_MARK - 5
    assert marked(types.ChannelForbidden(5, 1, "x")) == -CHANNEL_MARK - 5


def test_nothing_of_a_name_is_stored(directory: Directory, tmp_path: Path) -> None:
    assert b"Ann" not in directory.session.encode()
    assert b"Forum" not in directory.session.encode()


def test_replies_to_what_is_elsewhere(directory: Directory) -> None:
    """Of another chat, of one that is not named, of a story: what is known of each."""
    header = types.MessageReplyHeader(
        reply_to_msg_id=4, reply_to_peer_id=types.PeerChannel(50), quote=True, quote_text="so"
    )
    reply = read(directory, reply_to=header).reply
    assert (reply.id, reply.chat, reply.quote, reply.what) == (
        4, -CHANNEL_MARK - 50, "so", "a message of Forum",
    )  # fmt: skip
    origin = types.MessageFwdHeader(date=WHEN, from_name="Zoe")
    photo = types.MessageMediaPhoto()
    reply = read(directory, reply_to=types.MessageReplyHeader(reply_from=origin, reply_media=photo)).reply
    assert (reply.id, reply.chat, reply.what) == (0, 0, "a photo that has expired of Zoe")
    story = types.MessageReplyStoryHeader(types.PeerUser(7), 5)
    reply = read(directory, reply_to=story).reply
    assert (reply.id, reply.chat, reply.what) == (0, 7, "a story of Ann Bee")
