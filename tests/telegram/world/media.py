"""Media of a message: its kind, and how a viewer gets it; makers of plausible media for tests.

Contents belong to `files`; here lies what surrounds them (attributes, spoiler, preview, poll). The kind is
decided by the attributes, as Telegram decides it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from telethon.tl import types

from .text import first_link

if TYPE_CHECKING:
    from . import World
    from .files import StoredDocument, StoredPhoto


@dataclass(eq=False)
class Media:
    """One of `photo`, `document` and `plain` (a `MessageMedia*` that looks the same to everybody)."""

    kind: str
    photo: StoredPhoto | None = None
    document: StoredDocument | None = None
    plain: Any = None
    spoiler: bool = False
    ttl_seconds: int | None = None
    cover: StoredPhoto | None = None
    timestamp: int | None = None
    #: What moves in a live photo.
    moving: StoredDocument | None = None
    #: Of a quiz: the right options and the explanation, shown once it is closed.
    right: set[bytes] = field(default_factory=set)
    solution: tuple[str, list[Any]] = ("", [])

    def render(self, world: World, viewer_id: int) -> Any:
        if self.photo is not None:
            return types.MessageMediaPhoto(
                spoiler=self.spoiler or None,
                photo=world.files.photo(self.photo, viewer_id),
                ttl_seconds=self.ttl_seconds,
                live_photo=self.moving is not None or None,
                video=world.files.document(self.moving, viewer_id) if self.moving else None,
            )
        if self.document is not None:
            return types.MessageMediaDocument(
                spoiler=self.spoiler or None,
                video=self.kind in ("video", "gif") or None,
                round=self.kind == "round" or None,
                voice=self.kind == "voice" or None,
                document=world.files.document(self.document, viewer_id),
                video_cover=world.files.photo(self.cover, viewer_id) if self.cover else None,
                video_timestamp=self.timestamp,
                ttl_seconds=self.ttl_seconds,
            )
        return self.plain

    @property
    def album_kind(self) -> str | None:
        """Kinds that may stand together in an album (facts 3); None: not in an album at all."""
        return {"photo": "visual", "video": "visual", "audio": "audio", "document": "document"}.get(self.kind)


def end_poll(media: Media) -> None:
    """Nobody votes any more; the answers of a quiz are shown to everyone."""
    poll, results = media.plain.poll, media.plain.results
    poll.closed = True
    if media.right:
        results.results = [
            types.PollAnswerVoters(a.option, correct=a.option in media.right or None) for a in poll.answers
        ]
        results.solution, results.solution_entities = media.solution if media.solution[0] else (None, None)


@dataclass(eq=False)
class Page:
    """A rich message: blocks, with the files that they name by id."""

    blocks: list[Any]
    photos: list[StoredPhoto] = field(default_factory=list)
    documents: list[StoredDocument] = field(default_factory=list)
    rtl: bool = False

    def render(self, world: World, viewer_id: int, *, part: bool = False) -> Any:
        """`part`: only the first block, as long pages come in histories."""
        return types.RichMessage(
            blocks=self.blocks[:1] if part else self.blocks,
            photos=[world.files.photo(photo, viewer_id) for photo in self.photos],
            documents=[world.files.document(file, viewer_id) for file in self.documents],
            rtl=self.rtl or None,
            part=part or None,
        )


def document_kind(mime_type: str, attributes: Sequence[Any]) -> str:
    """What a document is (facts 1.8)."""
    by_type = {type(a): a for a in attributes}
    if types.DocumentAttributeSticker in by_type:
        return "sticker"
    video = by_type.get(types.DocumentAttributeVideo)
    if types.DocumentAttributeAnimated in by_type and (video is not None or mime_type == "image/gif"):
        return "gif"
    if video is not None:
        return "round" if video.round_message else "video"
    audio = by_type.get(types.DocumentAttributeAudio)
    if audio is not None:
        return "voice" if audio.voice else "audio"
    return "document"


def web_page(url: str) -> Any:
    """A preview, the same for the same address."""
    full = url if "://" in url else f"http://{url}"
    host = full.split("://", 1)[1].split("/", 1)[0]
    number = int.from_bytes(hashlib.blake2b(full.encode(), digest_size=8).digest(), "little", signed=True)
    return types.WebPage(
        id=number,
        url=full,
        display_url=full.split("://", 1)[1],
        hash=0,
        type="article",
        site_name=host,
        title=f"The page at {host}",
        description="A page of the local Telegram's web.",
    )


def preview_of(world: World, text: str, entities: list[Any], *, pending: bool = False) -> Media | None:
    """The preview that Telegram adds to a text with a link."""
    url = first_link(text, entities)
    if url is None or ("://" in url and not url.startswith("http")):
        return None
    page = web_page(url)
    if pending:
        page = types.WebPagePending(page.id, int(world.now()), url=page.url)
    return Media("webpage", plain=types.MessageMediaWebPage(page))


class MediaMaker:
    """Media as other people would have uploaded them. Contents are generated from `seed`, never stored."""

    def __init__(self, world: World) -> None:
        self._world = world
        #: Stories that can be seen: who told it, and its number.
        self.stories: set[tuple[int, int]] = set()

    def story(self, owner_id: int, number: int, *, alive: bool = True, channel: bool = False) -> Media:
        if alive:
            self.stories.add((owner_id, number))
        peer: Any = types.PeerChannel(owner_id) if channel else types.PeerUser(owner_id)
        return Media("story", plain=types.MessageMediaStory(peer, number))

    def live_photo(self, *, seed: int = 1, dc_id: int = 2, **fields: Any) -> Media:
        made = self.photo(seed=seed, dc_id=dc_id, **fields)
        made.moving = self.video(300_000, seconds=3.0, seed=seed, dc_id=dc_id, name="live.mp4").document
        return made

    def photo(
        self, width: int = 1280, height: int = 960, *, seed: int = 1, dc_id: int = 2, spoiler: bool = False
    ) -> Media:
        files = self._world.files
        blob = files.from_bytes(files.jpeg(width, height, seed))
        stored = files.add_photo(blob, width=width, height=height, dc_id=dc_id, reencode=False)
        return Media("photo", photo=stored, spoiler=spoiler)

    def file(
        self,
        size: int,
        *,
        mime_type: str,
        attributes: Sequence[Any],
        seed: int = 1,
        dc_id: int = 2,
        thumb: bool = False,
        spoiler: bool = False,
    ) -> Media:
        """Any document: its attributes decide what it is."""
        files = self._world.files
        small = files.from_bytes(files.jpeg(320, 240, seed)) if thumb else None
        stored = files.add_document(
            files.generated(size, seed),
            mime_type=mime_type,
            attributes=list(attributes),
            dc_id=dc_id,
            thumb=small,
        )
        return Media(document_kind(mime_type, attributes), document=stored, spoiler=spoiler)

    def video(
        self,
        size: int = 3_000_000,
        *,
        seconds: float = 12.0,
        width: int = 1280,
        height: int = 720,
        name: str = "video.mp4",
        **fields: Any,
    ) -> Media:
        attributes = [
            types.DocumentAttributeVideo(seconds, width, height, supports_streaming=True),
            types.DocumentAttributeFilename(name),
        ]
        fields.setdefault("thumb", True)
        return self.file(size, mime_type="video/mp4", attributes=attributes, **fields)

    def gif(self, size: int = 400_000, *, name: str = "funny.mp4", **fields: Any) -> Media:
        attributes = [
            types.DocumentAttributeVideo(3.0, 320, 240, supports_streaming=True, nosound=True),
            types.DocumentAttributeFilename(name),
            types.DocumentAttributeAnimated(),
        ]
        fields.setdefault("thumb", True)
        return self.file(size, mime_type="video/mp4", attributes=attributes, **fields)

    def round(self, size: int = 900_000, *, seconds: float = 8.0, **fields: Any) -> Media:
        attributes = [
            types.DocumentAttributeVideo(seconds, 384, 384, round_message=True, supports_streaming=True)
        ]
        fields.setdefault("thumb", True)
        return self.file(size, mime_type="video/mp4", attributes=attributes, **fields)

    def audio(
        self,
        size: int = 2_000_000,
        *,
        seconds: int = 180,
        title: str = "A song",
        performer: str = "A singer",
        name: str = "song.mp3",
        **fields: Any,
    ) -> Media:
        attributes = [
            types.DocumentAttributeAudio(seconds, title=title, performer=performer),
            types.DocumentAttributeFilename(name),
        ]
        return self.file(size, mime_type="audio/mpeg", attributes=attributes, **fields)

    def voice(self, size: int = 40_000, *, seconds: int = 7, seed: int = 1, **fields: Any) -> Media:
        waveform = hashlib.shake_128(f"wave {seed}".encode()).digest(63)
        attributes = [types.DocumentAttributeAudio(seconds, voice=True, waveform=waveform)]
        return self.file(size, mime_type="audio/ogg", attributes=attributes, seed=seed, **fields)

    def document(
        self,
        size: int = 150_000,
        *,
        name: str = "report.pdf",
        mime_type: str = "application/pdf",
        **fields: Any,
    ) -> Media:
        return self.file(
            size, mime_type=mime_type, attributes=[types.DocumentAttributeFilename(name)], **fields
        )

    def sticker(self, size: int = 25_000, *, emoji: str = "🙂", **fields: Any) -> Media:
        attributes = [
            types.DocumentAttributeImageSize(512, 512),
            types.DocumentAttributeSticker(emoji, types.InputStickerSetEmpty()),
            types.DocumentAttributeFilename("sticker.webp"),
        ]
        return self.file(size, mime_type="image/webp", attributes=attributes, **fields)

    def plain(self, kind: str, media: Any) -> Media:
        """Any `MessageMedia*` that holds no file (geo, venue, contact, dice, poll, …)."""
        return Media(kind, plain=media)
