"""Builds photos and documents for sending: by reference, or after an upload with all attributes.

Sanitises file names on upload: a name is only a label, and nothing is ever stored under it here. Reading
media is done by `media`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from telethon.extensions import BinaryReader
from telethon.tl import types

from ..domain.messages import FILE_KINDS, SMALL_FILE_MAX, Media, Upload

#: Attributes that the server adds to a document and does not accept back.
_STRIPPED: Final = (types.DocumentAttributeHasStickers,)
#: Telegram's largest thumbnail of a document, in pixels.
THUMB_MAX: Final = 320
#: Control characters, and those that reverse the direction of text: `exe.gpj` for `jpg.exe`.
_HIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")


@lru_cache(maxsize=64)
def decode(raw: bytes) -> Any:
    """Return the TL object of `Media.raw` or of a committed media."""
    with BinaryReader(raw) as reader:
        return reader.tgread_object()


def largest(sizes: Any) -> Any:
    """Return the largest size of a photo that has bytes: neither a blur nor an outline."""
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
    """Return the thumbnail that can accompany a document uploaded again, or None."""
    fitting = [s for s in document.thumbs or () if bytes_of(s) and max(s.w, s.h) <= THUMB_MAX]
    return largest(fitting)


# -- by reference -------------------------------------------------------------------------------------


def by_reference(media: Media) -> Any:
    """Return the `InputMedia` that sends the same file without transferring bytes; None if there is none."""
    if media.kind not in FILE_KINDS or media.refusal:
        return None
    made = reference(decode(media.raw), spoiler=media.spoiler)
    return bare(made) if media.alone else made


def bare(made: Any) -> Any:
    """Return an `InputMedia` without its cover or moving part."""
    if isinstance(made, types.InputMediaPhoto):
        return types.InputMediaPhoto(made.id, spoiler=made.spoiler)
    if isinstance(made, types.InputMediaDocument):
        return types.InputMediaDocument(made.id, spoiler=made.spoiler, video_timestamp=made.video_timestamp)
    return made


def reference(tl: Any, *, spoiler: bool = False) -> Any:
    """Return the `InputMedia` for a received or committed photo or document."""
    if isinstance(tl, types.MessageMediaPhoto) and isinstance(tl.photo, types.Photo):
        return types.InputMediaPhoto(
            photo_id(tl.photo),
            spoiler=spoiler or None,
            live_photo=tl.live_photo,
            video=document_id(tl.video),
        )
    if isinstance(tl, types.MessageMediaDocument) and isinstance(tl.document, types.Document):
        return types.InputMediaDocument(
            document_id(tl.document),
            spoiler=spoiler or None,
            video_cover=photo_id(tl.video_cover),
            video_timestamp=tl.video_timestamp,
        )
    return None


def photo_id(tl: Any) -> Any:
    """Return the `InputPhoto` of a photo; None if there is none."""
    if not isinstance(tl, types.Photo):
        return None
    return types.InputPhoto(tl.id, tl.access_hash, tl.file_reference)


def document_id(tl: Any) -> Any:
    """Return the `InputDocument` of a document; None if there is none."""
    if not isinstance(tl, types.Document):
        return None
    return types.InputDocument(tl.id, tl.access_hash, tl.file_reference)


# -- after an upload ----------------------------------------------------------------------------------


def input_file(upload: Upload, name: str) -> Any:
    """Return the handle of a complete upload. The digest is optional, and Telegram never asks for it."""
    if goes_small(upload):
        return types.InputFile(upload.file_id, upload.parts, name, "")
    return types.InputFileBig(upload.file_id, upload.parts, name)


def goes_small(upload: Upload) -> bool:
    return upload.small or upload.size <= SMALL_FILE_MAX


def uploaded(media: Media, upload: Upload, thumb: Upload | None) -> Any:
    """Return the `InputMedia` of an uploaded file, with its original attributes."""
    received = decode(media.raw)
    if media.kind in ("photo", "live_photo"):
        moving = None if media.alone else document_id(received.video)
        return types.InputMediaUploadedPhoto(
            input_file(upload, "photo.jpg"),
            spoiler=media.spoiler or None,
            live_photo=True if moving is not None else None,
            video=moving,
        )
    if isinstance(received, types.MessageMediaPhoto):
        return _photo_as_file(media, upload)
    document = received.document
    return types.InputMediaUploadedDocument(
        file=input_file(upload, harmless(upload.name or media.name)),
        mime_type=document.mime_type,
        attributes=[_as_sent(a) for a in document.attributes if not isinstance(a, _STRIPPED)],
        # Without it a silent video becomes a GIF, which albums do not accept.
        nosound_video=media.kind == "video" or None,
        force_file=media.kind == "file" or None,
        spoiler=media.spoiler or None,
        thumb=input_file(thumb, "thumb.jpg") if thumb else None,
        video_cover=None if media.alone else photo_id(received.video_cover),
        video_timestamp=received.video_timestamp,
    )


def harmless(name: str) -> str:
    """Return a file name without separators, control characters and reversed direction: some client may trust
    it."""
    kept = _HIDDEN.sub("", name).replace("/", "_").replace("\\", "_").strip()
    return kept if kept.strip(".") else "file"


def _photo_as_file(media: Media, upload: Upload) -> Any:
    """Return a picture that Telegram does not accept as a photo, as a file."""
    name = harmless(media.name or "photo.jpg")
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
        # Codec and preload prefix are computed by the server.
        return types.DocumentAttributeVideo(
            attribute.duration, attribute.w, attribute.h, round_message=attribute.round_message,
            supports_streaming=attribute.supports_streaming, nosound=attribute.nosound,
            video_start_ts=attribute.video_start_ts,
        )  # fmt: skip
    if isinstance(attribute, types.DocumentAttributeFilename):
        return types.DocumentAttributeFilename(harmless(attribute.file_name))
    if isinstance(attribute, types.DocumentAttributeSticker | types.DocumentAttributeCustomEmoji):
        # The sender must name a set, and the file does not become part of one.
        return types.DocumentAttributeSticker(attribute.alt, types.InputStickerSetEmpty())
    return attribute
