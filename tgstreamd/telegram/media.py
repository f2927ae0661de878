"""Media between Telegram's objects and the model's: kinds, sizes, locations, and what is sent.

All the kinds of `MessageMedia` are named here, in one place. A kind that cannot be copied yet becomes a
note for people; one that must not be copied (paid, self-destructing) carries its refusal.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from telethon.extensions import BinaryReader
from telethon.tl import types

from ..model import FILE_KINDS, SMALL_FILE_MAX, Media, MediaKind, Upload
from .notes import note_for

#: Which kind each constructor becomes; `""` where it depends on what it holds. Empty and WebPage are no
#: media to the model: nothing, and a preview.
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
#: What the server adds to a document, and does not want back.
_STRIPPED: Final = (types.DocumentAttributeHasStickers,)
#: Telegram's largest thumbnail for a document, in pixels.
THUMB_MAX: Final = 320


class Located(NamedTuple):
    """Where a file's bytes are: a location to ask for, or the bytes themselves."""

    location: Any
    inline: bytes | None = None


def from_tl(media: Any) -> Media | None:
    """The model's media for a `MessageMedia`; None where there is none to speak of."""
    kind = KINDS.get(type(media), "unsupported") if media is not None else ""
    if not kind:
        return None
    if isinstance(media, types.MessageMediaPhoto):
        return _photo(media)
    if isinstance(media, types.MessageMediaDocument):
        return _document(media)
    refusal = "paid" if kind == "paid" else ""
    return Media(kind=kind, note=note_for(media), refusal=refusal, raw=bytes(media))  # type: ignore[arg-type]  # the table holds kinds only


def rich(message: Any) -> Media:
    """A "rich message", which is no MessageMedia but a page of blocks."""
    return Media(kind="rich", note="a rich message", raw=bytes(message))


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
    # Other qualities of a video are made by the server, and would only fill the ledger.
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
        raw=bytes(lean),
    )


def _ttl(media: Any) -> str:
    return "self-destructing" if media.ttl_seconds else ""


def document_kind(attributes: Any) -> MediaKind:
    """What a document is, which its attributes decide, not its MIME type."""
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


def largest(sizes: Any) -> Any:
    """The largest size of a photo that has bytes: neither a blur nor an outline."""
    real = [size for size in sizes if bytes_of(size)]
    return max(real, key=lambda size: (size.w * size.h, bytes_of(size)), default=None)


def bytes_of(size: Any) -> int:
    if isinstance(size, types.PhotoSize):
        return int(size.size)
    if isinstance(size, types.PhotoSizeProgressive):
        return max(size.sizes, default=0)
    if isinstance(size, types.PhotoCachedSize):
        return len(size.bytes)
    return 0


def thumbnail(document: Any) -> Any:
    """The thumbnail that can go along with a document uploaded again, or None."""
    fitting = [s for s in document.thumbs or () if bytes_of(s) and max(s.w, s.h) <= THUMB_MAX]
    return largest(fitting)


@lru_cache(maxsize=64)
def decode(raw: bytes) -> Any:
    """The TL object of `Media.raw` or of a committed media."""
    with BinaryReader(raw) as reader:
        return reader.tgread_object()


@lru_cache(maxsize=64)
def locate(raw: bytes, thumb: bool) -> Located | None:
    """Where the bytes of a media (or of its thumbnail) are; None where there are none."""
    media = decode(raw)
    if isinstance(media, types.MessageMediaPhoto) and isinstance(media.photo, types.Photo):
        return _located(types.InputPhotoFileLocation, media.photo, largest(media.photo.sizes))
    if isinstance(media, types.MessageMediaDocument) and isinstance(media.document, types.Document):
        if thumb:
            return _located(types.InputDocumentFileLocation, media.document, thumbnail(media.document))
        d = media.document
        return Located(types.InputDocumentFileLocation(d.id, d.access_hash, d.file_reference, ""))
    return None


def _located(cls: Any, file: Any, size: Any) -> Located | None:
    if size is None:
        return None
    inline = size.bytes if isinstance(size, types.PhotoCachedSize) else None
    return Located(cls(file.id, file.access_hash, file.file_reference, size.type), inline)


def by_reference(media: Media) -> Any:
    """The `InputMedia` that sends the same file again without moving a byte; None where there is none."""
    if media.kind not in FILE_KINDS or media.refusal:
        return None
    return as_input(decode(media.raw), spoiler=media.spoiler)


def as_input(media: Any, *, spoiler: bool) -> Any:
    """The `InputMedia` for a photo or document that Telegram has: a received or a committed one."""
    if isinstance(media, types.MessageMediaPhoto) and isinstance(media.photo, types.Photo):
        p = media.photo
        return types.InputMediaPhoto(
            types.InputPhoto(p.id, p.access_hash, p.file_reference), spoiler=spoiler or None
        )
    if isinstance(media, types.MessageMediaDocument) and isinstance(media.document, types.Document):
        d, cover = media.document, media.video_cover
        return types.InputMediaDocument(
            types.InputDocument(d.id, d.access_hash, d.file_reference),
            spoiler=spoiler or None,
            video_cover=types.InputPhoto(cover.id, cover.access_hash, cover.file_reference)
            if isinstance(cover, types.Photo)
            else None,
            video_timestamp=media.video_timestamp,
        )
    return None


def input_file(upload: Upload, name: str) -> Any:
    """The handle of a complete upload. The digest is optional, and Telegram never asks for it."""
    if goes_small(upload):
        return types.InputFile(upload.file_id, upload.parts, name, "")
    return types.InputFileBig(upload.file_id, upload.parts, name)


def goes_small(upload: Upload) -> bool:
    return upload.small or upload.size <= SMALL_FILE_MAX


def uploaded(media: Media, upload: Upload, thumb: Upload | None) -> Any:
    """The `InputMedia` of a file that was uploaded, with the attributes that make it what it was."""
    if media.kind in ("photo", "live_photo"):
        return types.InputMediaUploadedPhoto(input_file(upload, "photo.jpg"), spoiler=media.spoiler or None)
    received = decode(media.raw)
    if isinstance(received, types.MessageMediaPhoto):
        return _photo_as_file(media, upload)
    document = received.document
    return types.InputMediaUploadedDocument(
        file=input_file(upload, upload.name or media.name or "file"),
        mime_type=document.mime_type,
        attributes=[_as_sent(a) for a in document.attributes if not isinstance(a, _STRIPPED)],
        # Without it a silent video becomes a GIF, which no album takes.
        nosound_video=media.kind == "video" or None,
        force_file=media.kind == "file" or None,
        spoiler=media.spoiler or None,
        thumb=input_file(thumb, "thumb.jpg") if thumb else None,
        video_timestamp=received.video_timestamp,
    )


def _photo_as_file(media: Media, upload: Upload) -> Any:
    """A picture that Telegram does not take as a photo."""
    name = media.name or "photo.jpg"
    return types.InputMediaUploadedDocument(
        file=input_file(upload, name),
        mime_type=media.mime or "image/jpeg",
        attributes=[
            types.DocumentAttributeImageSize(media.width, media.height),
            types.DocumentAttributeFilename(name),
        ],
        force_file=True,
        spoiler=media.spoiler or None,
    )


def _as_sent(attribute: Any) -> Any:
    if isinstance(attribute, types.DocumentAttributeVideo):
        # The codec and the length of the head are the server's findings.
        return types.DocumentAttributeVideo(
            attribute.duration, attribute.w, attribute.h, round_message=attribute.round_message,
            supports_streaming=attribute.supports_streaming, nosound=attribute.nosound,
            video_start_ts=attribute.video_start_ts,
        )  # fmt: skip
    if isinstance(attribute, types.DocumentAttributeSticker | types.DocumentAttributeCustomEmoji):
        # A set is the sender's to name, and the file becomes no part of it.
        return types.DocumentAttributeSticker(attribute.alt, types.InputStickerSetEmpty())
    return attribute
