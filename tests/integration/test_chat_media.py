"""Conversations about media, through Telethon and kurigram: kinds, uploads, references, albums, forwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.media import Media
from tests.telegram.world.peers import Account

from .speakers import Refused, Speaker, name_of, new_message, random_ids

Speak = Callable[[Account], Awaitable[Speaker]]


@pytest.fixture
def alice(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Alice")


async def _upload(me: Speaker, data: bytes, name: str, file_id: int) -> Any:
    """A small file in one part."""
    assert await me.call("upload.SaveFilePart", file_id=file_id, file_part=0, bytes=data)
    return me.t("InputFile", id=file_id, parts=1, name=name, md5_checksum="")


def _input(me: Speaker, media: Any) -> Any:
    """From a received media to the reference by which it is sent on."""
    if name_of(media) == "MessageMediaPhoto":
        found = media.photo
        return me.t(
            "InputMediaPhoto",
            id=me.t(
                "InputPhoto",
                id=found.id,
                access_hash=found.access_hash,
                file_reference=found.file_reference,
            ),
        )
    found = media.document
    return me.t(
        "InputMediaDocument",
        id=me.t(
            "InputDocument", id=found.id, access_hash=found.access_hash, file_reference=found.file_reference
        ),
    )


async def _send(me: Speaker, chat: Chat, media: Any, random_id: int, text: str = "", **fields: Any) -> Any:
    return await me.call(
        "messages.SendMedia", peer=me.peer(chat), media=media, message=text, random_id=random_id, **fields
    )


KINDS = ["photo", "video", "gif", "round", "audio", "voice", "document", "sticker"]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_is_seen_and_sent_on(
    tg: TelegramServer, speak: Speak, alice: Account, kind: str
) -> None:
    """By reference the file stays the same file: nothing is transferred."""
    chat = tg.world.chats.add_supergroup("Group", alice)
    made: Media = getattr(tg.world.media, kind)(dc_id=4, seed=3, spoiler=kind in ("photo", "video"))
    tg.world.chats.post(chat, alice, "seen", media=made)
    me = await speak(alice)
    seen = (await me.history(chat, limit=1)).messages[0]
    given = _input(me, seen.media)
    given.spoiler = seen.media.spoiler
    sent = new_message(await _send(me, chat, given, 1, "caption"))
    file = "photo" if kind == "photo" else "document"
    assert getattr(sent.media, file).id == getattr(seen.media, file).id
    assert getattr(sent.media, file).dc_id == 4
    assert bool(sent.media.spoiler) == (kind in ("photo", "video"))
    assert sent.message == ("" if kind in ("sticker", "round") else "caption")
    if kind != "photo":
        flags = [f for f in ("video", "round", "voice") if getattr(sent.media, f)]
        assert flags == {"video": ["video"], "gif": ["video"], "round": ["round"], "voice": ["voice"]}.get(
            kind, []
        )


async def test_an_uploaded_photo_comes_back_as_other_bytes(
    tg: TelegramServer, speak: Speak, alice: Account
) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice)
    me = await speak(alice)
    data = tg.world.files.jpeg(640, 480, 5)
    file = await _upload(me, data, "p.jpg", 11)
    sent = new_message(await _send(me, chat, me.t("InputMediaUploadedPhoto", file=file), 1, "look"))
    sizes = {(s.w, s.h) for s in sent.media.photo.sizes if hasattr(s, "w")}
    assert (640, 480) in sizes
    stored = tg.world.files.get_photo(sent.media.photo.id)
    assert stored is not None
    assert stored.blob.read(0, len(data)) != data
    nameless = await _upload(me, data, "p", 12)
    with pytest.raises(Refused, match="PHOTO_EXT_INVALID"):
        await _send(me, chat, me.t("InputMediaUploadedPhoto", file=nameless), 2)
    text = await _upload(me, b"not a picture", "p.jpg", 13)
    with pytest.raises(Refused, match="IMAGE_PROCESS_FAILED"):
        await _send(me, chat, me.t("InputMediaUploadedPhoto", file=text), 3)
    wide = await _upload(me, tg.world.files.jpeg(4000, 100, 5), "p.jpg", 14)
    with pytest.raises(Refused, match="PHOTO_INVALID_DIMENSIONS"):
        await _send(me, chat, me.t("InputMediaUploadedPhoto", file=wide), 4)


async def test_attributes_decide_the_kind_of_an_upload(
    tg: TelegramServer, speak: Speak, alice: Account
) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice)
    me = await speak(alice)
    video = me.t("DocumentAttributeVideo", duration=3.0, w=320, h=240)
    silent = me.t("DocumentAttributeVideo", duration=3.0, w=320, h=240, nosound=True)
    name = me.t("DocumentAttributeFilename", file_name="x.mp4")
    numbers = iter(range(1, 100))

    async def kind(attributes: list[Any], **fields: Any) -> tuple[list[str], bool]:
        number = next(numbers)
        file = await _upload(me, b"x" * 1000, "x.mp4", number)
        given = me.t(
            "InputMediaUploadedDocument", file=file, mime_type="video/mp4", attributes=attributes, **fields
        )
        media = new_message(await _send(me, chat, given, number)).media
        return sorted(name_of(a) for a in media.document.attributes), bool(media.video)

    assert await kind([video, name]) == (["DocumentAttributeFilename", "DocumentAttributeVideo"], True)
    assert "DocumentAttributeAnimated" in (await kind([silent]))[0]
    assert "DocumentAttributeAnimated" not in (await kind([silent], nosound_video=True))[0]
    assert await kind([video, name], force_file=True) == (["DocumentAttributeFilename"], False)
    thumb = await _upload(me, tg.world.files.jpeg(320, 180, 1), "t.jpg", 500)
    file = await _upload(me, b"y" * 1000, "x.mp4", 501)
    given = me.t(
        "InputMediaUploadedDocument", file=file, mime_type="video/mp4", attributes=[video], thumb=thumb
    )
    sent = new_message(await _send(me, chat, given, 501))
    assert any(hasattr(t, "w") and t.w == 320 for t in sent.media.document.thumbs)


async def test_missing_parts_and_expired_references(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice)
    tg.world.chats.post(chat, alice, media=tg.world.media.document())
    me = await speak(alice)
    lost = me.t("InputFile", id=77, parts=1, name="x.bin", md5_checksum="")
    given = me.t("InputMediaUploadedDocument", file=lost, mime_type="a/b", attributes=[])
    with pytest.raises(Refused, match="FILE_PART_0_MISSING"):
        await _send(me, chat, given, 1)
    old = _input(me, (await me.history(chat, limit=1)).messages[0].media)
    tg.world.files.expire_references()
    with pytest.raises(Refused, match="FILE_REFERENCE_EXPIRED"):
        await _send(me, chat, old, 2)
    item = me.t("InputSingleMedia", media=old, random_id=3, message="")
    fresh = _input(me, (await me.history(chat, limit=1)).messages[0].media)
    good = me.t("InputSingleMedia", media=fresh, random_id=4, message="")
    with pytest.raises(Refused, match="FILE_REFERENCE_1_EXPIRED"):
        await me.call("messages.SendMultiMedia", peer=me.peer(chat), multi_media=[good, item])


async def _album(me: Speaker, chat: Chat, items: list[tuple[Any, int, str]]) -> Any:
    singles = [me.t("InputSingleMedia", media=m, random_id=r, message=t) for m, r, t in items]
    return await me.call("messages.SendMultiMedia", peer=me.peer(chat), multi_media=singles)


async def test_an_album(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice)
    make = tg.world.media
    tg.world.chats.post_album(chat, alice, [make.photo(), (make.video(), "two"), make.photo(seed=9)])
    me = await speak(alice)
    seen = (await me.history(chat, limit=3)).messages[::-1]
    assert len({m.grouped_id for m in seen}) == 1
    items = [(_input(me, m.media), 100 + n, m.message) for n, m in enumerate(seen)]
    answer = await _album(me, chat, items)
    sent = [u.message for u in answer.updates if name_of(u) == "UpdateNewChannelMessage"]
    assert random_ids(answer) == {100: 5, 101: 6, 102: 7}
    assert [m.message for m in sent] == ["", "two", ""]
    assert len({m.grouped_id for m in sent}) == 1
    assert sent[0].grouped_id != seen[0].grouped_id
    again = await _album(me, chat, items)
    assert random_ids(again) == random_ids(answer)
    assert len(chat.box.ids) == 7
    part = await _album(me, chat, [items[0], (items[1][0], 200, "new")])
    assert random_ids(part) == {100: 5, 200: 8}
    assert chat.box.messages[8].grouped_id == sent[0].grouped_id


async def test_what_is_no_album(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice)
    make = tg.world.media
    for kind in ("photo", "document", "gif", "sticker", "voice", "round", "audio"):
        tg.world.chats.post(chat, alice, kind, media=getattr(make, kind)())
    me = await speak(alice)
    by_text = {m.message: _input(me, m.media) for m in (await me.history(chat, limit=7)).messages}
    for pair in (
        ["photo", "document"],
        ["gif", "photo"],
        ["sticker"],
        ["voice"],
        ["round"],
        ["audio", "photo"],
    ):
        with pytest.raises(Refused, match="MEDIA_INVALID"):
            await _album(me, chat, [(by_text[k], n + 1, "") for n, k in enumerate(pair)])
    with pytest.raises(Refused, match="MULTI_MEDIA_TOO_LONG"):
        await _album(me, chat, [(by_text["photo"], n + 1, "") for n in range(11)])
    file = await _upload(me, tg.world.files.jpeg(100, 100, 1), "p.jpg", 1)
    raw = me.t("InputMediaUploadedPhoto", file=file)
    with pytest.raises(Refused, match="MEDIA_INVALID"):
        await _album(me, chat, [(raw, 1, ""), (by_text["photo"], 2, "")])
    committed = await me.call("messages.UploadMedia", peer=me.peer(chat), media=raw)
    answer = await _album(me, chat, [(_input(me, committed), 1, "up"), (by_text["photo"], 2, "")])
    assert len(random_ids(answer)) == 2


async def test_captions(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice)
    tg.world.chats.post(chat, alice, media=tg.world.media.photo())
    me = await speak(alice)
    photo = _input(me, (await me.history(chat, limit=1)).messages[0].media)
    assert new_message(await _send(me, chat, photo, 1, "x" * 1024)).message == "x" * 1024
    with pytest.raises(Refused, match="MEDIA_CAPTION_TOO_LONG"):
        await _send(me, chat, photo, 2, "x" * 1025)
    alice.premium = True
    assert len(new_message(await _send(me, chat, photo, 3, "x" * 4096)).message) == 4096


async def test_media_without_a_file(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice)
    me = await speak(alice)
    point = me.t("InputGeoPoint", lat=48.2, long=16.4)

    def told(text: str) -> Any:
        return me.t("TextWithEntities", text=text, entities=[])

    poll = me.t(
        "Poll",
        id=0,
        question=told("Tea?"),
        answers=[me.t("InputPollAnswer", text=told(t)) for t in ("yes", "no")],
        hash=0,
    )
    given = {
        "MessageMediaGeo": me.t("InputMediaGeoPoint", geo_point=point),
        "MessageMediaVenue": me.t(
            "InputMediaVenue",
            geo_point=point,
            title="Café",
            address="Here 1",
            provider="",
            venue_id="",
            venue_type="",
        ),
        "MessageMediaContact": me.t(
            "InputMediaContact", phone_number="+123", first_name="Carl", last_name="", vcard=""
        ),
        "MessageMediaDice": me.t("InputMediaDice", emoticon="🎲"),
        "MessageMediaPoll": me.t("InputMediaPoll", poll=poll),
    }
    for number, (kind, media) in enumerate(given.items(), start=1):
        assert name_of(new_message(await _send(me, chat, media, number)).media) == kind
    page = me.t("InputMediaWebPage", url="https://example.com", force_small_media=True)
    sent = new_message(await _send(me, chat, page, 50, "see there"))
    assert (sent.media.manual, sent.media.force_small_media) == (True, True)
    game = me.t("InputGameShortName", bot_id=me.t("InputUserSelf"), short_name="g")
    with pytest.raises(Refused, match="MEDIA_INVALID"):
        await _send(me, chat, me.t("InputMediaGame", id=game), 51)


async def test_protected_media_cannot_be_sent_on(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    owner = tg.world.peers.add_account("Owner")
    source = tg.world.chats.add_supergroup("Source", owner, [alice], noforwards=True)
    target = tg.world.chats.add_supergroup("Target", alice)
    post = tg.world.chats.post(source, owner, "p", media=tg.world.media.photo())
    me = await speak(alice)
    photo = _input(me, (await me.history(source, limit=1)).messages[0].media)
    with pytest.raises(Refused, match="CHAT_FORWARDS_RESTRICTED"):
        await _send(me, target, photo, 1)
    with pytest.raises(Refused, match="CHAT_FORWARDS_RESTRICTED"):
        await me.call(
            "messages.ForwardMessages",
            from_peer=me.peer(source),
            id=[post.id],
            to_peer=me.peer(target),
            random_id=[2],
        )


async def test_kinds_that_a_chat_forbids(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    owner = tg.world.peers.add_account("Owner")
    chats = tg.world.chats
    source, target = chats.add_supergroup("A", alice), chats.add_supergroup("B", owner, [alice])
    errors = {
        "photo": "CHAT_SEND_PHOTOS_FORBIDDEN",
        "video": "CHAT_SEND_VIDEOS_FORBIDDEN",
        "sticker": "CHAT_SEND_STICKERS_FORBIDDEN",
        "document": "CHAT_SEND_DOCS_FORBIDDEN",
    }
    for kind in errors:
        chats.post(source, alice, kind, media=getattr(tg.world.media, kind)())
    chats.set_default_banned(target, "send_photos", "send_videos", "send_stickers", "send_docs")
    me = await speak(alice)
    for number, message in enumerate((await me.history(source, limit=4)).messages, start=1):
        kind = message.message or "sticker"
        with pytest.raises(Refused, match=errors[kind]) as caught:
            await _send(me, target, _input(me, message.media), number)
        assert caught.value.code == 403


async def test_forwards(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chats = tg.world.chats
    source, target = chats.add_channel("News", alice), chats.add_supergroup("Target", alice)
    album = chats.post_album(source, alice, [(tg.world.media.photo(), "one"), tg.world.media.photo(seed=2)])
    me = await speak(alice)

    async def forward(ids: list[int], randoms: list[int], **fields: Any) -> Any:
        return await me.call(
            "messages.ForwardMessages",
            from_peer=me.peer(source),
            id=ids,
            to_peer=me.peer(target),
            random_id=randoms,
            **fields,
        )

    ids = [m.id for m in album]
    answer = await forward(ids, [1, 2])
    sent = [u.message for u in answer.updates if name_of(u) == "UpdateNewChannelMessage"]
    assert [m.fwd_from.channel_post for m in sent] == ids
    assert sent[0].grouped_id == sent[1].grouped_id != album[0].grouped_id
    assert random_ids(await forward(ids, [1, 2])) == random_ids(answer)
    bare = new_message(await forward(ids[:1], [3], drop_author=True, drop_media_captions=True))
    assert (bare.fwd_from, bare.message) == (None, "")
    with pytest.raises(Refused, match="RANDOM_ID_INVALID"):
        await forward(ids, [4])
    with pytest.raises(Refused, match="MESSAGE_ID_INVALID"):
        await forward([1], [5])  # the service message of its creation


async def test_a_video_still_in_the_making_is_scheduled(
    tg: TelegramServer, speak: Speak, alice: Account
) -> None:
    chat = tg.world.chats.add_channel("News", alice)
    tg.world.chats.post(chat, alice, media=tg.world.media.video())
    tg.world.chats.process_videos(chat)
    me = await speak(alice)
    video = _input(me, (await me.history(chat, limit=1)).messages[0].media)
    answer = await _send(me, chat, video, 1, "soon")
    update = answer.updates[1]
    assert name_of(update) == "UpdateNewScheduledMessage"
    assert update.message.video_processing_pending
    waiting = await me.call("messages.GetScheduledHistory", peer=me.peer(chat), hash=0)
    assert [m.id for m in waiting.messages] == [update.message.id] == [random_ids(answer)[1]]
    assert random_ids(await _send(me, chat, video, 1, "soon")) == random_ids(answer)
    real = tg.world.chats.publish_scheduled(chat, update.message.id)
    told = await me.pushed("UpdateDeleteScheduledMessages")
    assert (told.messages, told.sent_messages) == ([update.message.id], [real.id])
    page = await me.history(chat, limit=1)
    assert (page.messages[0].id, page.messages[0].message, page.messages[0].from_scheduled) == (
        real.id,
        "soon",
        True,
    )
