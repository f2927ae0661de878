"""The kinds of posts that an ordinary account can make, each by one raw request.

An entry has the name that docs/fidelity.md knows it by, where it has one. What Telegram refuses is part of
the result: the refusal is kept by name, and the run goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from telethon import errors
from telethon.tl import functions, types

from tests.telegram.corpus import MARK
from tgstreamd.telegram.translate import name_of

from .files import MP4, OGG, noise, png
from .people import Person
from .stage import Group, sent_ids

E = types
Entry = Callable[["Poster"], Awaitable[list[int]]]
GEO = types.InputGeoPoint(48.8583, 2.2945)


class Poster:
    """Posts one account's entries into one chat."""

    def __init__(self, author: Person, group: Group, *, every: float, guest: Person, large: int) -> None:
        self.client = author.client
        self.group = group
        self.guest = guest
        self.large = large
        self._every = every
        #: Ids of what each entry became, and the names of the errors of those that were refused.
        self.ids: dict[str, list[int]] = {}
        self.refused: dict[str, str] = {}

    async def post(self, entry: str, make: Entry) -> None:
        """Make one entry behind its name, or keep why not."""
        try:
            await self.text(MARK + entry)
            await asyncio.sleep(self._every)
            self.ids[entry] = await make(self)
        except errors.RPCError as error:
            self.refused[entry] = name_of(error)
        # A server may answer with what the entry did not expect: worth a line, not the run.
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            self.refused[entry] = f"not understood ({type(error).__name__})"
        await asyncio.sleep(self._every)

    async def text(self, text: str, *entities: Any, **fields: Any) -> list[int]:
        peer = await self.client.get_input_entity(self.group.id)
        request = functions.messages.SendMessageRequest(peer, text, entities=list(entities) or None, **fields)
        return sent_ids(await self.client(request))

    async def media(self, media: Any, text: str = "", **fields: Any) -> list[int]:
        peer = await self.client.get_input_entity(self.group.id)
        return sent_ids(await self.client(functions.messages.SendMediaRequest(peer, media, text, **fields)))

    async def album(self, *items: tuple[Any, str], **fields: Any) -> list[int]:
        """`items`: media to upload, each with its caption."""
        peer = await self.client.get_input_entity(self.group.id)
        singles = []
        for media, caption in items:
            stored = await self.client(functions.messages.UploadMediaRequest(peer, media))
            singles.append(types.InputSingleMedia(_again(stored), caption))
        return sent_ids(await self.client(functions.messages.SendMultiMediaRequest(peer, singles, **fields)))

    async def upload(self, data: bytes, name: str) -> Any:
        return await self.client.upload_file(data, file_name=name, part_size_kb=512)

    async def picture(self, seed: int, width: int = 640, height: int = 480, **fields: Any) -> Any:
        return E.InputMediaUploadedPhoto(await self.upload(png(width, height, seed), "picture.png"), **fields)

    async def document(
        self, data: bytes, name: str, mime: str, *attributes: Any, **fields: Any
    ) -> types.InputMediaUploadedDocument:
        file = await self.upload(data, name)
        named = [*attributes, E.DocumentAttributeFilename(name)]
        return E.InputMediaUploadedDocument(file, mime, named, **fields)

    def answer(self, entry: str, number: int = 0, **quote: Any) -> Any:
        """A reply to what an earlier entry became."""
        ids = self.ids.get(entry) or next(iter(self.ids.values()))
        return E.InputReplyToMessage(ids[min(number, len(ids) - 1)], **quote)


def _again(stored: Any) -> Any:
    """What was uploaded, by reference, as an album wants it."""
    if isinstance(stored, E.MessageMediaPhoto):
        photo: Any = stored.photo
        return E.InputMediaPhoto(E.InputPhoto(photo.id, photo.access_hash, photo.file_reference))
    document = stored.document
    return E.InputMediaDocument(E.InputDocument(document.id, document.access_hash, document.file_reference))


def units(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def words(text: str) -> Any:
    return E.TextWithEntities(text, [])


def _video(**fields: Any) -> Any:
    return E.DocumentAttributeVideo(3.0, 640, 360, **fields)


async def _styled(p: Poster) -> list[int]:
    return await p.text(
        "bold italic underlined struck hidden code",
        E.MessageEntityBold(0, 4), E.MessageEntityItalic(5, 6), E.MessageEntityUnderline(12, 10),
        E.MessageEntityStrike(23, 6), E.MessageEntitySpoiler(30, 6), E.MessageEntityCode(37, 4),
    )  # fmt: skip


async def _families(p: Poster) -> list[int]:
    head = "👨‍👩‍👧‍👦🏳️‍🌈 then "
    return await p.text(f"{head}bold 🎉", E.MessageEntityBold(units(head), units("bold 🎉")))


async def _mention(p: Poster) -> list[int]:
    user = await p.client.get_input_entity(p.guest.me.id)
    return await p.text("ask them!", E.InputMessageEntityMentionName(4, 4, user))


async def _page(p: Poster) -> list[int]:
    blocks = [
        E.PageBlockHeading1(E.TextPlain("Title")),
        E.PageBlockParagraph(E.TextPlain("A paragraph.")),
    ]
    return await p.text("", rich_message=E.InputRichMessage(blocks))


async def _poll(p: Poster, *, right: int | None = None, old_answers: bool = False, **flags: Any) -> list[int]:
    made = E.PollAnswer if old_answers else E.InputPollAnswer
    answers = [
        made(words(f"answer {n}"), b"%d" % n) if old_answers else made(words(f"answer {n}")) for n in range(3)
    ]
    poll = E.Poll(0, words("Which one?"), answers, 0, **flags)
    more: dict[str, Any] = {}
    if right is not None:
        more = {"correct_answers": [right], "solution": "because", "solution_entities": []}
    return await p.media(E.InputMediaPoll(poll, **more))


async def _sticker(p: Poster) -> list[int]:
    found = await p.client(functions.messages.GetStickerSetRequest(E.InputStickerSetAnimatedEmoji(), 0))
    one = found.documents[0]
    return await p.media(E.InputMediaDocument(E.InputDocument(one.id, one.access_hash, one.file_reference)))


async def _forwarded(p: Poster) -> list[int]:
    saved = sent_ids(await p.client(functions.messages.SendMessageRequest("me", "from afar")))
    peer = await p.client.get_input_entity(p.group.id)
    request = functions.messages.ForwardMessagesRequest("me", saved, peer)
    return sent_ids(await p.client(request))


async def _checklist(p: Poster) -> list[int]:
    items = [E.TodoItem(1, words("milk")), E.TodoItem(2, words("bread"))]
    return await p.media(E.InputMediaTodo(E.TodoList(words("Shopping"), items)))


async def _custom_emoji(p: Poster) -> list[int]:
    return await p.text("👍 ours", E.MessageEntityCustomEmoji(0, 2, 5368324170671202286))


async def _pictures(p: Poster) -> list[int]:
    return await p.album(
        (await p.picture(31), "a caption"), (await p.picture(32, 480, 640), ""), (await p.picture(33), "")
    )


async def _documents(p: Poster) -> list[int]:
    return await p.album(
        (await p.document(noise(70_000, 41), "one.bin", "application/octet-stream"), ""),
        (await p.document(noise(90_000, 42), "two.bin", "application/octet-stream"), "two files"),
    )


async def _photo_and_video(p: Poster) -> list[int]:
    video = await p.document(noise(300_000, 44, start=MP4), "clip.mp4", "video/mp4", _video())
    return await p.album((await p.picture(43), ""), (video, "a picture and a video"))


#: What is posted before the daemon starts: its history.
HISTORY: dict[str, Entry] = {
    "plain": lambda p: p.text("Good morning. This chat is about to be mirrored."),
    "styled": _styled,
    "families": _families,
    "pre": lambda p: p.text("print('hi')", E.MessageEntityPre(0, 11, "python")),
    "blockquote": lambda p: p.text("a quoted line\nand its answer", E.MessageEntityBlockquote(0, 13)),
    "link under words": lambda p: p.text("a link", E.MessageEntityTextUrl(2, 4, "https://example.org/a")),
    "mention by name": _mention,
    "detected": lambda p: p.text("#topic $USD mail@example.org +491701234567 example.com/page"),
    "longest text": lambda p: p.text("A line of the longest text.\n" * 146 + "end"),
    "white space": lambda p: p.text("  edges are trimmed  \n"),
    "made quietly": lambda p: p.text("shh", silent=True),
    "custom emoji": _custom_emoji,
    "preview": lambda p: p.text("read https://telegram.org/blog"),
    "preview none": lambda p: p.text("read https://telegram.org/blog", no_webpage=True),
    "preview large": lambda p: p.media(
        E.InputMediaWebPage("https://telegram.org/blog", force_large_media=True, optional=True), "large"
    ),
    "photo": lambda p: _then(p, p.picture(1), "a photo"),
    "photo spoiler": lambda p: _then(p, p.picture(2, spoiler=True)),
    "photo above": lambda p: _then(p, p.picture(3, 480, 640), "above", invert_media=True),
    "video": lambda p: _then(
        p, p.document(noise(900_000, 4, start=MP4), "video.mp4", "video/mp4", _video()), "a video"
    ),
    "round": lambda p: _then(
        p,
        p.document(
            noise(200_000, 5, start=MP4),
            "round.mp4",
            "video/mp4",
            E.DocumentAttributeVideo(2.0, 240, 240, round_message=True),
        ),
    ),
    "gif": lambda p: _then(
        p,
        p.document(
            noise(150_000, 6, start=MP4), "loop.mp4", "video/mp4", _video(), E.DocumentAttributeAnimated()
        ),
    ),
    "voice": lambda p: _then(
        p,
        p.document(
            noise(40_000, 7, start=OGG),
            "voice.ogg",
            "audio/ogg",
            E.DocumentAttributeAudio(4, voice=True, waveform=bytes(63)),
        ),
    ),
    "music": lambda p: _then(
        p,
        p.document(
            noise(400_000, 8),
            "01 Ö.mp3",
            "audio/mpeg",
            E.DocumentAttributeAudio(30, title="Ouvertüre", performer="№1"),
        ),
    ),
    "file": lambda p: _then(
        p, p.document(noise(100_000, 9), "Отчёт (final) (2).PDF", "application/pdf"), "a file"
    ),
    "file of 10 MB and a byte": lambda p: _then(
        p, p.document(noise(10 * 1024 * 1024 + 1, 10), "edge.bin", "application/octet-stream")
    ),
    "sticker": _sticker,
    "place": lambda p: p.media(E.InputMediaGeoPoint(GEO)),
    "place live": lambda p: p.media(E.InputMediaGeoLive(GEO, period=900)),
    "venue": lambda p: p.media(E.InputMediaVenue(GEO, "Zoo", "Street 8", "foursquare", "v1", "arts/zoo")),
    "contact": lambda p: p.media(E.InputMediaContact("+4930123456", "Ann", "Bee", "")),
    "poll": _poll,
    "poll with rules": lambda p: _poll(p, multiple_choice=True, public_voters=True),
    "quiz not answered": lambda p: _poll(p, right=1, quiz=True),
    "dice 🎲": lambda p: p.media(E.InputMediaDice("🎲")),
    "checklist": _checklist,
    "page": _page,
    "album": _pictures,
    "album of files": _documents,
    "album of a photo and a video": _photo_and_video,
    "forwarded": _forwarded,
    "reply": lambda p: p.text("yes", reply_to=p.answer("plain")),
    "reply with a quote": lambda p: p.text(
        "yes", reply_to=p.answer("plain", quote_text="about to be mirrored", quote_offset=27)
    ),
    "reply to an album's item": lambda p: p.text("the second one", reply_to=p.answer("album", 1)),
    "to be edited": lambda p: p.text("befor"),
    "photo to be edited": lambda p: _then(p, p.picture(11), "befor"),
    "to be deleted": lambda p: p.text("this goes away"),
    "to be pinned": lambda p: p.text("this is pinned"),
    "to be pinned for a while": lambda p: p.text("this is pinned for a while"),
}
#: What is posted while the daemon runs.
LIVE: dict[str, Entry] = {
    "live text": lambda p: p.text("the first live post"),
    "live photo post": lambda p: _then(p, p.picture(21), "live"),
    "live large file": lambda p: _then(
        p, p.document(noise(p.large, 22), "large.bin", "application/octet-stream"), "the large one"
    ),
    "live album": lambda p: _pictures(p),
    "live reply": lambda p: p.text("and I agree", reply_to=p.answer("plain")),
    "live quiet": lambda p: p.text("shh, live", silent=True),
    "live after the large one": lambda p: p.text("behind the large file"),
    "live last": lambda p: p.text("the last live post"),
}


async def _then(p: Poster, media: Awaitable[Any], text: str = "", **fields: Any) -> list[int]:
    return await p.media(await media, text, **fields)
