"""What a request brings into a chat: its media, its text and what it answers, checked as Telegram checks.

Turns `InputMedia*`, texts with entities and `InputReplyTo*` into records. A kind of media that is not built
here is MEDIA_INVALID, never silence.
"""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from .dispatch import Call, RpcError
from .resolving import chat_of, message_of, user_of
from .told import moving_part, told
from .world.chats import Chat
from .world.files import StoredPhoto
from .world.media import Media, document_kind, preview_of
from .world.messages import Message, Reply
from .world.posting import make_reply
from .world.text import QUOTE_ENTITIES, cut, prepare, units

TEXT_LIMIT = 4096
CAPTION_LIMIT, PREMIUM_CAPTION_LIMIT = 1024, 4096
QUOTE_LIMIT = 1024
_PHOTO_EXTENSIONS = frozenset({"jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"})
_MAX_PHOTO_BYTES = 10 * 1024 * 1024

# --- media


def media_of(call: Call, chat: Chat | None, given: Any, *, uploads: bool = True) -> Media:
    """The media that an `InputMedia` means. `uploads` False: only what is already there (albums)."""
    if isinstance(given, types.InputMediaUploadedPhoto | types.InputMediaUploadedDocument):
        if not uploads:
            raise RpcError(400, "MEDIA_INVALID")
        uploaded = isinstance(given, types.InputMediaUploadedPhoto)
        media = _uploaded_photo(call, given) if uploaded else _uploaded_document(call, given)
    elif isinstance(given, types.InputMediaPhoto):
        photo = call.world.files.resolve_photo(call.me.id, given.id)
        media = Media(
            "photo",
            photo=photo,
            spoiler=bool(given.spoiler),
            ttl_seconds=given.ttl_seconds,
            moving=moving_part(call, given),
        )
    elif isinstance(given, types.InputMediaDocument):
        document = call.world.files.resolve_document(call.me.id, given.id)
        media = Media(
            document_kind(document.mime_type, document.attributes),
            document=document,
            spoiler=bool(given.spoiler),
            ttl_seconds=given.ttl_seconds,
            cover=_cover(call, given.video_cover),
            timestamp=given.video_timestamp,
        )
    else:
        return told(call, chat, given)
    if media.ttl_seconds is not None and chat is not None and chat.kind != "private":
        raise RpcError(400, "TTL_MEDIA_INVALID")
    if call.world.chats.is_protected(media, call.me):
        raise RpcError(400, "CHAT_FORWARDS_RESTRICTED")
    return media


def _cover(call: Call, given: Any) -> Any:
    return None if given is None else call.world.files.resolve_photo(call.me.id, given)


def photo_of(call: Call, file: Any) -> StoredPhoto:
    """The photo that Telegram makes of an uploaded file."""
    files = call.world.files
    extension = file.name.rpartition(".")[2].lower() if "." in (file.name or "") else ""
    if extension not in _PHOTO_EXTENSIONS:
        raise RpcError(400, "PHOTO_EXT_INVALID")
    blob = files.take_upload(call.me.id, file)
    if blob.size > _MAX_PHOTO_BYTES:
        raise RpcError(400, "PHOTO_SAVE_FILE_INVALID")
    size = files.image_size(blob)
    if size is None:
        raise RpcError(400, "IMAGE_PROCESS_FAILED")
    width, height = size
    if width + height > 10_000 or max(size) > 20 * min(size):
        raise RpcError(400, "PHOTO_INVALID_DIMENSIONS")
    return files.add_photo(blob, width=width, height=height, dc_id=call.me.home_dc, reencode=True)


def _uploaded_photo(call: Call, given: Any) -> Media:
    stored = photo_of(call, given.file)
    return Media(
        "photo",
        photo=stored,
        spoiler=bool(given.spoiler),
        ttl_seconds=given.ttl_seconds,
        moving=moving_part(call, given),
    )


def _uploaded_document(call: Call, given: Any) -> Media:
    """Facts 1.8: the attributes decide the kind, `force_file` makes it a plain file."""
    files = call.world.files
    blob = files.take_upload(call.me.id, given.file)
    thumb = files.take_upload(call.me.id, given.thumb) if given.thumb is not None else None
    if thumb is not None:
        size = files.image_size(thumb)
        if size is None or max(size) > 320:
            thumb = None  # "ignored otherwise" (facts 1.8)
    attributes = [a for a in given.attributes if not isinstance(a, types.DocumentAttributeHasStickers)]
    mime_type = given.mime_type or "application/octet-stream"
    if given.force_file:
        keep = (types.DocumentAttributeFilename, types.DocumentAttributeImageSize)
        attributes = [a for a in attributes if isinstance(a, keep)]
    else:
        _silent_video_is_a_gif(attributes, mime_type, bool(given.nosound_video))
    stored = files.add_document(
        blob, mime_type=mime_type, attributes=attributes, dc_id=call.me.home_dc, thumb=thumb
    )
    return Media(
        document_kind(mime_type, attributes),
        document=stored,
        spoiler=bool(given.spoiler),
        ttl_seconds=given.ttl_seconds,
        cover=_cover(call, given.video_cover),
        timestamp=given.video_timestamp,
    )


def _silent_video_is_a_gif(attributes: list[Any], mime_type: str, keep_video: bool) -> None:
    animated = [a for a in attributes if isinstance(a, types.DocumentAttributeAnimated)]
    video = next((a for a in attributes if isinstance(a, types.DocumentAttributeVideo)), None)
    if video is None or video.round_message or mime_type != "video/mp4":
        return
    if keep_video:
        for found in animated:
            attributes.remove(found)
    elif video.nosound and not animated:
        attributes.append(types.DocumentAttributeAnimated())


# --- text


def text_of(call: Call, given: Any, *, caption: bool) -> tuple[str, list[Any]]:
    """The text of a request (or of one album item) as the server keeps it."""

    def mentioned(user: Any) -> int:
        named = user_of(call, user, "ENTITY_MENTION_USER_INVALID")
        if named.deactivated:
            raise RpcError(400, "INPUT_USER_DEACTIVATED")  # of a deleted account (facts C6)
        return named.id

    premium = call.me.premium
    text, entities = prepare(given.message or "", given.entities, premium=premium, mention=mentioned)
    if caption:
        if len(text) > (PREMIUM_CAPTION_LIMIT if premium else CAPTION_LIMIT):
            raise RpcError(400, "MEDIA_CAPTION_TOO_LONG")
    else:
        if len(text) > TEXT_LIMIT:
            raise RpcError(400, "MESSAGE_TOO_LONG")
        if not text:
            raise RpcError(400, "MESSAGE_EMPTY")
    return text, entities


def preview(call: Call, chat: Chat, text: str, entities: list[Any], no_webpage: Any) -> Media | None:
    """The preview of a text's link, where the sender may embed one."""
    if no_webpage:
        return None
    member = chat.members.get(call.me.id)
    banned = chat.default_banned | (member.banned if member is not None else frozenset())
    if "embed_links" in banned and not chat.is_admin(call.me.id):
        return None
    return preview_of(call.world, text, entities, pending=call.world.chats.pending_previews)


# --- replies, quotes and topics


def reply_of(call: Call, chat: Chat, given: Any, top_msg_id: int | None = None) -> Reply | None:
    """What a message answers and in which topic it lands (facts 2.5)."""
    if given is not None and not isinstance(given, types.InputReplyToMessage):
        raise RpcError(400, "REPLY_TO_INVALID")
    top = top_msg_id if given is None else given.top_msg_id
    wanted = None if given is None else given.reply_to_msg_id
    if chat.forum and wanted is not None and wanted != 1 and wanted in chat.topics and top in (None, wanted):
        return _in_topic(call, chat, wanted, None, given)
    if top is not None:
        if not chat.forum:
            top = None  # a thread outside of forums follows from the replied message
        elif top == 1 or top not in chat.topics:
            raise RpcError(400, "TOPIC_ID_INVALID")
    if given is None or not wanted:
        return _in_topic(call, chat, top, None, given)
    to = _replied(call, chat, given)
    if to is None:
        return _in_topic(call, chat, top, None, given)
    if chat.forum and to.chat is chat and given.reply_to_peer_id is None:
        # Whatever topic is named: the one of the answered message counts (tdesktop#26986, facts C11).
        top = None if to.topic == 1 else to.topic
    return _in_topic(call, chat, top, to, given)


def _replied(call: Call, chat: Chat, given: Any) -> Message | None:
    """The replied message; what happens where it is gone is scripted (`chats.missing_reply`)."""
    source = chat if given.reply_to_peer_id is None else chat_of(call, given.reply_to_peer_id)
    try:
        to = message_of(call, source, given.reply_to_msg_id, "REPLY_MESSAGE_ID_INVALID")
    except RpcError:
        if call.world.chats.missing_reply == "drop":
            return None
        raise
    if source is not chat and (source.noforwards or to.noforwards):
        raise RpcError(400, "CHAT_FORWARDS_RESTRICTED")
    return to


def _in_topic(call: Call, chat: Chat, topic_id: int | None, to: Message | None, given: Any) -> Reply | None:
    if chat.forum:
        topic = chat.topics[topic_id or 1]
        if topic.deleted:
            raise RpcError(400, "TOPIC_DELETED")
        mine = topic.creator_id == call.me.id or chat.has_right(call.me.id, "manage_topics")
        if topic.closed and not mine:
            raise RpcError(406, "TOPIC_CLOSED")
    external = given is not None and given.reply_to_peer_id is not None
    reply = make_reply(chat, to, topic_id, external=external)
    if given is not None and given.quote_text:
        if reply is None or reply.to is None:
            raise RpcError(400, "QUOTE_TEXT_INVALID")
        _quote(reply, given)
    return reply


def _quote(reply: Reply, given: Any) -> None:
    """The quote must stand in the replied text; the nearest place to the given offset counts."""
    assert reply.to is not None
    text, quote = reply.to.text, given.quote_text
    if units(quote) > QUOTE_LIMIT:
        raise RpcError(400, "QUOTE_TEXT_INVALID")
    wanted = given.quote_offset or 0
    places = []
    at = text.find(quote)
    while at >= 0:
        places.append(units(text[:at]))
        at = text.find(quote, at + 1)
    if not places:
        raise RpcError(400, "QUOTE_TEXT_INVALID")
    reply.quote = quote
    reply.quote_offset = min(places, key=lambda place: abs(place - wanted))
    assert cut(text, reply.quote_offset, units(quote)) == quote
    reply.quote_entities = [e for e in given.quote_entities or () if isinstance(e, QUOTE_ENTITIES)]
