"""Converts received media: the kind of each, its size, and the location of its bytes.

The only place that lists all constructors of `MessageMedia`. Media that cannot be copied becomes a note;
media that must not be (paid, self-destructing) carries its refusal. Sending is done by `files` and
`generated_media`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from telethon.tl import types

from ..domain.messages import Media, MediaKind
from . import generated_media
from .files import bytes_of, decode, largest, thumbnail
from .peer_cache import Directory

#: Kind by constructor; `""` if it depends on the content. Empty and WebPage are not media in the domain:
#: nothing, and a preview.
KINDS: Final[dict[type, MediaKind | str]] = {
    types.MessageMediaEmpty: "",
    types.MessageMediaWebPage: "",
    types.MessageMediaPhoto: "photo",
    types.MessageMediaDocument: "file",
    types.MessageMediaGeo: "geo",
    types.MessageMediaGeoLive: "geo_live",
    types.MessageMediaVenue: "venue",
    types.MessageMediaContact: "contact",
    types.MessageMediaPoll: "poll",
    types.MessageMediaDice: "dice",
    types.MessageMediaToDo: "todo",
    types.MessageMediaGame: "game",
    types.MessageMediaInvoice: "invoice",
    types.MessageMediaStory: "story",
    types.MessageMediaGiveaway: "giveaway",
    types.MessageMediaGiveawayResults: "giveaway_results",
    types.MessageMediaPaidMedia: "paid",
    types.MessageMediaVideoStream: "video_stream",
    types.MessageMediaUnsupported: "unsupported",
}


class Located(NamedTuple):
    """The location of a file's bytes, or the bytes themselves."""

    location: Any
    inline: bytes | None = None


def from_tl(media: Any, directory: Directory | None = None) -> Media | None:
    """Convert a `MessageMedia`; None if there is no media."""
    kind = KINDS.get(type(media), "unsupported") if media is not None else ""
    if not kind:
        return None
    if isinstance(media, types.MessageMediaPhoto):
        return _photo(media)
    if isinstance(media, types.MessageMediaDocument):
        return _document(media)
    return generated_media.read(kind, media, directory)


def _photo(media: Any) -> Media:
    photo = media.photo
    if not isinstance(photo, types.Photo):
        return Media(kind="expired", note="a photo that has expired", refusal=_ttl(media), raw=bytes(media))
    size = largest(photo.sizes)
    return Media(
        kind="live_photo" if media.live_photo else "photo",
        id=photo.id,
        size=bytes_of(size),
        dc=photo.dc_id,
        mime="image/jpeg",
        name="photo.jpg",
        width=getattr(size, "w", 0),
        height=getattr(size, "h", 0),
        spoiler=bool(media.spoiler),
        note="a live photo" if media.live_photo else "",
        refusal=_ttl(media),
        companions=media.video is not None,
        raw=bytes(media),
    )


def _document(media: Any) -> Media:
    document = media.document
    if not isinstance(document, types.Document):
        what = "a video" if media.video or media.round else "a voice message" if media.voice else "a file"
        return Media(kind="expired", note=f"{what} that has expired", refusal=_ttl(media), raw=bytes(media))
    facts = {type(attribute): attribute for attribute in document.attributes}
    video = facts.get(types.DocumentAttributeVideo)
    shape = video or facts.get(types.DocumentAttributeImageSize)
    audio = facts.get(types.DocumentAttributeAudio)
    named = facts.get(types.DocumentAttributeFilename)
    thumb = thumbnail(document)
    # Alternative qualities of a video are made by the server and would only fill the ledger.
    lean = types.MessageMediaDocument(
        nopremium=media.nopremium, spoiler=media.spoiler, video=media.video, round=media.round,
        voice=media.voice, document=document, video_cover=media.video_cover,
        video_timestamp=media.video_timestamp, ttl_seconds=media.ttl_seconds,
    )  # fmt: skip
    return Media(
        kind=document_kind(document.attributes),
        id=document.id,
        size=document.size,
        dc=document.dc_id,
        mime=document.mime_type,
        name=named.file_name if named else "",
        width=shape.w if shape else 0,
        height=shape.h if shape else 0,
        duration=float(video.duration if video else audio.duration if audio else 0),
        spoiler=bool(media.spoiler),
        thumb_size=bytes_of(thumb) if thumb else 0,
        refusal=_ttl(media),
        companions=isinstance(media.video_cover, types.Photo),
        raw=bytes(lean),
    )


def _ttl(media: Any) -> str:
    return "self-destructing" if media.ttl_seconds else ""


def document_kind(attributes: Any) -> MediaKind:
    """Return the kind of a document, decided by its attributes rather than its MIME type."""
    facts = {type(attribute): attribute for attribute in attributes}
    if types.DocumentAttributeSticker in facts or types.DocumentAttributeCustomEmoji in facts:
        return "sticker"
    if types.DocumentAttributeAnimated in facts:
        return "gif"
    if video := facts.get(types.DocumentAttributeVideo):
        return "round" if video.round_message else "video"
    if audio := facts.get(types.DocumentAttributeAudio):
        return "voice" if audio.voice else "audio"
    return "file"


@lru_cache(maxsize=64)
def locate(raw: bytes, thumb: bool) -> Located | None:
    """Return the location of a media's bytes (or of its thumbnail's); None if there are none."""
    media = decode(raw)
    if isinstance(media, types.MessageMediaPhoto) and isinstance(media.photo, types.Photo):
        return _locate(types.InputPhotoFileLocation, media.photo, largest(media.photo.sizes))
    if isinstance(media, types.MessageMediaDocument) and isinstance(media.document, types.Document):
        if thumb:
            return _locate(types.InputDocumentFileLocation, media.document, thumbnail(media.document))
        d = media.document
        return Located(types.InputDocumentFileLocation(d.id, d.access_hash, d.file_reference, ""))
    return None


def _locate(cls: Any, file: Any, size: Any) -> Located | None:
    if size is None:
        return None
    inline = size.bytes if isinstance(size, types.PhotoCachedSize) else None
    return Located(cls(file.id, file.access_hash, file.file_reference, size.type), inline)
