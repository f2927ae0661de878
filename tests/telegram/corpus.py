"""The corpus: at least one message of every kind and combination that members post, by name.

Each entry stands behind a text that names it, so that a reader can tell where its copies begin. `make_corpus`
is deterministic but for ids and dates. What the copy of an entry cannot be is in docs/fidelity.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from telethon.tl import types

from .scenarios import EMOJI, Speaker, styled
from .world.chats import Chat
from .world.media import Media, Page, web_page
from .world.messages import Message
from .world.peers import Account

E = types
GEO = types.GeoPoint(long=13.3777, lat=52.5163, access_hash=1, accuracy_radius=25)
NOTHING = types.TextEmpty()
#: What stands before each entry.
MARK = "corpus: "


class Stage:
    """Who and what the entries need."""

    def __init__(self, speaker: Speaker, elsewhere: Chat, star: Account) -> None:
        self.speaker = speaker
        self.elsewhere = elsewhere
        self.star = star
        self.world = speaker.world
        self.first = speaker.say("The corpus begins here, with words that are quoted below.")

    def text(self, *pieces: Any, **fields: Any) -> Message:
        return self.speaker.say(styled(*pieces), **fields)

    def file(self, kind: str, *args: Any, text: str = "", post: dict[str, Any] | None = None,
             **fields: Any) -> Message:  # fmt: skip
        return self.speaker.say(text, self.speaker.make(kind, *args, **fields), **(post or {}))

    def plain(self, plain: Any, text: str = "") -> Message:
        return self.speaker.say(text, Media("plain", plain=plain))


Post = Callable[[Stage], object]
ENTRIES: dict[str, Post] = {}


def _marked(s: Stage, name: str, make: Any) -> Message:
    return s.text("before ", (f"the {name} 😀", make), " after")


def _texts() -> None:
    simple = {
        "bold": E.MessageEntityBold,
        "italic": E.MessageEntityItalic,
        "underline": E.MessageEntityUnderline,
        "strike": E.MessageEntityStrike,
        "spoiler": E.MessageEntitySpoiler,
        "code": E.MessageEntityCode,
        "blockquote": E.MessageEntityBlockquote,
        "pre": lambda o, n: E.MessageEntityPre(o, n, "python"),
        "blockquote collapsed": lambda o, n: E.MessageEntityBlockquote(o, n, True),
        "text url": lambda o, n: E.MessageEntityTextUrl(o, n, "https://example.org/a?b=c#d"),
        "formatted date": lambda o, n: E.MessageEntityFormattedDate(
            o, n, datetime(2027, 3, 4, 18, 30, tzinfo=UTC), relative=True
        ),
    }
    for name, make in simple.items():
        ENTRIES[name] = partial(_marked, name=name, make=make)
    ENTRIES["custom emoji"] = lambda s: s.text(
        "so ", ("👍", lambda o, n: E.MessageEntityCustomEmoji(o, n, EMOJI))
    )
    ENTRIES["mention by name"] = lambda s: s.text(
        "ask ", ("Ada", lambda o, n: E.MessageEntityMentionName(o, n, s.speaker.people[1].id)), "!"
    )
    ENTRIES["detected"] = lambda s: s.text(
        "@otto_owner #topic $USD /start@some_bot mail@example.org +491701234567 example.com/page"
    )
    ENTRIES["nested"] = lambda s: s.speaker.say(
        ("everything at once", [E.MessageEntityBold(0, 18), E.MessageEntityItalic(0, 10),
                                E.MessageEntityUnderline(11, 7), E.MessageEntitySpoiler(4, 9)])
    )  # fmt: skip
    ENTRIES["families"] = lambda s: s.text(
        "👨‍👩‍👧‍👦🏳️‍🌈🇺🇳👍🏽 then ", ("𝔟𝔬𝔩𝔡 🎉", E.MessageEntityBold), " and e\u0301nd"
    )
    ENTRIES["right to left"] = lambda s: s.text("مرحبا, שלום \u200f and ", ("עברית", E.MessageEntityItalic))
    ENTRIES["longest text"] = lambda s: s.text("A line of the longest text.\n" * 146 + "end")
    ENTRIES["white space"] = lambda s: s.text("\n  a\n\n\n   b \u2003 \n")
    ENTRIES["made quietly"] = lambda s: s.text("shh", silent=True)
    ENTRIES["many entities"] = lambda s: s.text(*[(f"{n} ", E.MessageEntityBold) for n in range(100)])


def _previews() -> None:
    page = "https://example.com/story"

    def forced(url: str = page, **flags: Any) -> Media:
        return Media("webpage", plain=types.MessageMediaWebPage(web_page(url), manual=True, **flags))

    ENTRIES["preview"] = lambda s: s.text(f"read {page}")
    ENTRIES["preview none"] = lambda s: s.text(f"read {page}", preview=False)
    ENTRIES["preview large"] = lambda s: s.speaker.say(f"read {page}", forced(force_large_media=True))
    ENTRIES["preview small"] = lambda s: s.speaker.say(f"read {page}", forced(force_small_media=True))
    ENTRIES["preview above"] = lambda s: s.speaker.say(
        f"read {page}", forced(force_large_media=True), invert_media=True
    )
    ENTRIES["preview of another page"] = lambda s: s.speaker.say(
        "no link here", forced("https://example.org/b")
    )


def _links() -> None:
    def number(s: Stage) -> str:
        return f"https://t.me/c/{s.speaker.chat.id}/{s.first.id}"

    ENTRIES["link by number"] = lambda s: s.text(f"see {number(s)} and ", ("this", E.MessageEntityBold))
    ENTRIES["link by name"] = lambda s: s.text(f"see t.me/{s.speaker.chat.username}/{s.first.id}")
    ENTRIES["link under words"] = lambda s: s.text(
        "see ", ("there", lambda o, n: E.MessageEntityTextUrl(o, n, number(s)))
    )
    ENTRIES["link elsewhere"] = lambda s: s.text("see https://t.me/durov/1 and https://t.me/c/999/1")
    ENTRIES["link ahead"] = lambda s: s.text(f"see https://t.me/c/{s.speaker.chat.id}/100000")


def _files() -> None:
    add = ENTRIES.setdefault
    add("photo", lambda s: s.file("photo", text="a photo"))
    add("photo spoiler", lambda s: s.file("photo", 640, 640, dc_id=4, spoiler=True))
    add("photo above", lambda s: s.file("photo", 900, 1600, text="above", post={"invert_media": True}))
    add("live photo", lambda s: s.file("live_photo", text="it moves"))
    add("video", lambda s: s.file("video", 1_500_000, text="a video"))
    add("video spoiler", lambda s: s.file("video", 700_000, dc_id=4, spoiler=True))
    add("video cover and start", _covered)
    add("round", lambda s: s.file("round"))
    add("gif", lambda s: s.file("gif", text="a GIF"))
    add("voice", lambda s: s.file("voice", dc_id=4, text="listen"))
    add("music", lambda s: s.file("audio", 900_000, title="Ouvertüre", performer="№1", name="01 Ö.mp3"))
    add("music with cover", lambda s: s.file("audio", 900_000, thumb=True))
    add("sticker", lambda s: s.file("sticker"))
    add("sticker animated", lambda s: _sticker(s, "application/x-tgsticker", "AnimatedSticker.tgs"))
    add("sticker video", lambda s: _sticker(s, "video/webm", "sticker.webm"))
    add("file", lambda s: s.file("document", name="Отчёт 2026 (final) (2).PDF", text="a file"))
    add("file with picture", lambda s: s.file("document", thumb=True, dc_id=4))
    add("file without a name", lambda s: s.file("file", 5000, mime_type="application/zip", attributes=[]))
    add("file named to harm", lambda s: s.file("document", 5000, name="../a\x00/\u202egnp.exe"))
    add("file empty", lambda s: s.file("document", 0, name="empty.txt"))
    add("picture as file", lambda s: s.file(
        "file", 70_000, mime_type="image/png",
        attributes=[E.DocumentAttributeImageSize(800, 600), E.DocumentAttributeFilename("p.png")],
    ))  # fmt: skip
    add("long caption", lambda s: s.file("photo", text="A line of a long caption.\n" * 100))
    add("photo self-destructing", lambda s: _ttl(s, "photo"))
    add("photo expired", lambda s: s.plain(E.MessageMediaPhoto(ttl_seconds=5)))
    add("video expired", lambda s: s.plain(E.MessageMediaDocument(video=True, ttl_seconds=5)))


def _covered(s: Stage) -> Message:
    video = s.speaker.make("video", 600_000)
    video.cover, video.timestamp = s.speaker.make("photo", 640, 360).photo, 7
    return s.speaker.say("", video)


def _sticker(s: Stage, mime: str, name: str) -> Message:
    pack = types.InputStickerSetID(77, 78)
    attributes = [
        E.DocumentAttributeImageSize(512, 512), E.DocumentAttributeSticker("🐈", pack),
        E.DocumentAttributeFilename(name),
    ]  # fmt: skip
    return s.file("file", 20_000, mime_type=mime, attributes=attributes)


def _ttl(s: Stage, kind: str) -> Message:
    media = s.speaker.make(kind)
    media.ttl_seconds = 10
    return s.speaker.say("", media)


def words(text: str) -> Any:
    return types.TextWithEntities(text, [])


def _poll(question: str, *, right: int | None = None, **flags: Any) -> Any:
    options = [types.PollAnswer(words(f"answer {n}"), b"%d" % n) for n in range(3)]
    results = types.PollResults(total_voters=9)
    if right is not None:
        results.results = [types.PollAnswerVoters(o.option, correct=n == right or None)
                           for n, o in enumerate(options)]  # fmt: skip
        results.solution, results.solution_entities = "because it is so", [E.MessageEntityBold(0, 7)]
    return types.MessageMediaPoll(types.Poll(77, words(question), options, 5, **flags), results)


def _told() -> None:
    add = ENTRIES.setdefault
    add("place", lambda s: s.plain(E.MessageMediaGeo(GEO)))
    add("place unknown", lambda s: s.plain(E.MessageMediaGeo(E.GeoPointEmpty())))
    add("place live", lambda s: s.plain(E.MessageMediaGeoLive(GEO, 900, heading=90)))
    add(
        "venue",
        lambda s: s.plain(E.MessageMediaVenue(GEO, "Zoo", "Street 8", "foursquare", "v1", "arts/zoo")),
    )
    vcard = "BEGIN:VCARD\nVERSION:3.0\nFN:Ann Bee\nEND:VCARD"
    add("contact", lambda s: s.plain(E.MessageMediaContact("+4930123", "Ann", "Bee", vcard, 0)))
    add("poll", lambda s: s.plain(_poll("Lunch?")))
    add("poll with rules", lambda s: s.plain(_poll(
        "Lunch?", multiple_choice=True, public_voters=True, shuffle_answers=True, revoting_disabled=True,
    )))  # fmt: skip
    add("poll with words", lambda s: s.plain(_poll("Lunch?"), "we decide today"))
    add("poll with an end", lambda s: s.plain(_poll("Lunch?", close_date=_in_two_days(s))))
    add("poll closed", lambda s: s.plain(_poll("Lunch?", closed=True)))
    add("quiz", lambda s: s.plain(_poll("Capital?", right=1, quiz=True)))
    add("quiz closed", lambda s: s.plain(_poll("Capital?", right=2, quiz=True, closed=True)))
    add("quiz not answered", lambda s: s.plain(_poll("Capital?", quiz=True)))
    items = [types.TodoItem(n, words(t)) for n, t in ((1, "milk"), (5, "bread"))]
    todo = types.TodoList(words("Shopping"), items, others_can_complete=True)
    ticks = [types.TodoCompletion(1, types.PeerUser(5), datetime(2026, 1, 1, tzinfo=UTC))]
    add("checklist", lambda s: s.plain(E.MessageMediaToDo(todo, ticks)))
    for emoticon, value in {"🎲": 4, "🎯": 6, "🎰": 64}.items():
        add(f"dice {emoticon}", partial(_thrown, plain=E.MessageMediaDice(value, emoticon)))
    add("story", lambda s: s.speaker.say("", s.world.media.story(s.star.id, 5)))
    add("story gone", lambda s: s.speaker.say("", s.world.media.story(s.star.id, 6, alive=False)))
    game = types.Game(1, 2, "g", "Chess", "of kings", types.PhotoEmpty(1))
    add("game", lambda s: s.plain(E.MessageMediaGame(game)))
    add("invoice", lambda s: s.plain(E.MessageMediaInvoice("Shirt", "blue", "EUR", 1000, "x")))
    end = datetime(2027, 1, 1, tzinfo=UTC)
    add("giveaway", lambda s: s.plain(E.MessageMediaGiveaway([5], 3, end, months=3)))
    add("giveaway results", lambda s: s.plain(E.MessageMediaGiveawayResults(5, 6, 1, 0, [7], end)))
    add("paid", lambda s: s.plain(E.MessageMediaPaidMedia(50, [E.MessageExtendedMediaPreview(w=9, h=9)])))
    add("live stream", lambda s: s.plain(E.MessageMediaVideoStream(E.InputGroupCall(1, 2))))
    add("unsupported", lambda s: s.plain(E.MessageMediaUnsupported()))
    add("page", lambda s: s.text(page=_page(s)))
    add("page with a picture", lambda s: s.text(page=_page(s, photo=True)))
    add("page in part", lambda s: s.text(page=_page(s), in_part=True))
    add("page refused", lambda s: s.text(page=_page(s, types.PageBlockUnsupported())))


def _thrown(s: Stage, plain: Any) -> Message:
    return s.plain(plain)


def _in_two_days(s: Stage) -> datetime:
    return datetime.fromtimestamp(int(s.world.now()), UTC) + timedelta(days=2)


def _page(s: Stage, *more: Any, photo: bool = False) -> Page:
    bold = types.TextBold(types.TextPlain("bold"))
    blocks: list[Any] = [
        types.PageBlockHeading1(types.TextPlain("Title")),
        types.PageBlockParagraph(types.TextConcat([types.TextPlain("plain and "), bold])),
        types.PageBlockList([types.PageListItemText(types.TextPlain("one"), checkbox=True, checked=True)]),
        types.PageBlockTable(NOTHING, [types.PageTableRow([types.PageTableCell(text=bold)])]),
        *more,
    ]
    photos = [stored] if photo and (stored := s.speaker.make("photo").photo) else []
    blocks += [types.PageBlockPhoto(p.id, types.PageCaption(types.TextPlain("sea"), NOTHING)) for p in photos]
    return Page(blocks, photos=photos)


def _albums() -> None:
    add = ENTRIES.setdefault

    def album(*kinds: str, captions: tuple[str, ...] = (), **fields: Any) -> Post:
        def post(s: Stage) -> list[Message]:
            items = []
            for number, kind in enumerate(kinds):
                sizes = {"photo": (400 + number, 300), "live_photo": ()}.get(kind, (60_000 + number,))
                made = s.speaker.make(kind, *sizes, dc_id=2 + 2 * (number % 2))
                items.append((made, captions[number] if number < len(captions) else ""))
            return s.speaker.album(*items, **fields)

        return post

    add("album", album("photo", "photo", "photo", captions=("a caption",)))
    add("album of ten", album(*["photo", "video"] * 5, captions=tuple("0123456789")))
    add("album with a live photo", album("photo", "live_photo"))
    add("album of music", album("audio", "audio", captions=("", "second")))
    add("album of files", album("document", "document", "document", captions=("", "", "third")))
    add("album above", album("photo", "photo", captions=("above",), invert_media=True))
    add("album with a secret", _album_with_secret)


def _album_with_secret(s: Stage) -> list[Message]:
    secret = s.speaker.make("photo")
    secret.ttl_seconds = 10
    return s.speaker.album(s.speaker.make("photo"), secret, (s.speaker.make("video", 90_000), "after it"))


def _answers() -> None:
    add = ENTRIES.setdefault
    add("reply", lambda s: s.text("yes", reply_to=s.first))
    add("reply with a quote", lambda s: s.text("yes", reply_to=s.first, quote="words that are quoted"))
    add("reply with a photo", lambda s: s.file("photo", text="look", post={"reply_to": s.first}))
    add("reply to an album's item", _reply_to_item)
    add("album that replies", lambda s: s.speaker.album(
        s.speaker.make("photo"), s.speaker.make("photo"), reply_to=s.first))  # fmt: skip
    add("reply to a note", lambda s: s.text("what luck", reply_to=s.plain(E.MessageMediaDice(6, "🎲"))))
    add("reply to another chat", _reply_elsewhere)
    add("reply to another chat with a quote", lambda s: _reply_elsewhere(s, "other words"))
    add("reply to a service message", _reply_to_service)


def _reply_to_item(s: Stage) -> Message:
    album = s.speaker.album(s.speaker.make("photo"), s.speaker.make("photo"), s.speaker.make("photo"))
    return s.text("the second one", reply_to=album[1])


def _reply_elsewhere(s: Stage, quote: str | None = None) -> Message:
    there = s.world.chats.post(s.elsewhere, s.speaker.people[0], "Quite other words")
    return s.text("seen there", reply_to=there, quote=quote)


def _reply_to_service(s: Stage) -> Message:
    service = s.world.chats.service(
        s.speaker.chat, s.speaker.people[0], types.MessageActionChatEditTitle("Source")
    )
    return s.text("a fine title", reply_to=service)


def _surroundings() -> None:
    add = ENTRIES.setdefault
    add("forwarded", lambda s: s.text(
        "from afar", forward=types.MessageFwdHeader(
            datetime(2020, 1, 1, tzinfo=UTC), from_id=types.PeerUser(s.star.id))))  # fmt: skip
    hidden = types.MessageFwdHeader(datetime(2020, 1, 1, tzinfo=UTC), from_name="X")
    add("forwarded and hidden", lambda s: s.text("from someone", forward=hidden))
    add("sent by way of a bot", lambda s: s.text("inline", via_bot_id=s.star.id))
    button = types.KeyboardInlineButton("press", types.InlineButtonTypeUrl("https://example.org"))
    row = types.KeyboardInlineButtonRow([button])
    add("buttons", lambda s: s.text("press", reply_markup=types.ReplyInlineMarkup([row])))
    add("edited", lambda s: s.world.chats.edit(s.text("befor"), "before it was mirrored"))
    add("protected", lambda s: s.text("not to be copied", noforwards=True))


for _fill in (_texts, _previews, _links, _files, _told, _albums, _answers, _surroundings):
    _fill()


def make_corpus(stage: Stage) -> dict[str, list[int]]:
    """Post everything; the ids of each entry's messages."""
    said, ids = stage.speaker.said, {}
    for name, post in ENTRIES.items():
        stage.speaker.say(MARK + name)
        before = len(said)
        post(stage)
        ids[name] = [message.id for message in said[before:]]
    stage.speaker.say(MARK + "end")
    return ids


def digest(messages: list[Message]) -> str:
    """Of what was said, apart from ids and times."""
    found = hashlib.sha256()
    for message in messages:
        media = message.media
        stored = media and (media.document or media.photo)
        parts = [message.text, *(type(e).__name__ for e in message.entities)]
        if media is not None:
            content = f"{type(media.plain).__name__}, {stored.blob.size if stored else 0}"
            parts += [media.kind, content, str(media.spoiler), str(media.ttl_seconds)]
        parts += [type(block).__name__ for block in message.page.blocks] if message.page else []
        found.update(repr(parts).encode())
    return found.hexdigest()[:16]
