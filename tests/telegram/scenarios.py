"""What process mode can be filled with: `--scenario NAME`, or the control command `scenario`.

Each public coroutine takes the server and its arguments, and returns what a client needs to know. The demo
mixes every kind of message that a mirror copies; the others are made for one proof each.
They act as "the other people" through the world's functions and never as the mirroring account.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from telethon.tl import types

from .busy import Busy, unlike
from .harbour import harbour as harbour
from .harbour import harbour_hole as harbour_hole
from .harbour import harbour_scan as harbour_scan
from .server import TelegramServer
from .world.blobs import GeneratedBlob, LostContent
from .world.chats import Chat
from .world.media import Media
from .world.messages import Message
from .world.peers import Account
from .world.text import units

Styled = tuple[str, list[Any]]
#: The document of a custom emoji; nobody looks at it.
EMOJI = 5368324170671202286


def styled(*pieces: str | tuple[str, Any]) -> Styled:
    """A text of pieces, each plain or with a maker of its entity, `maker(offset, length)`."""
    text, entities = "", []
    for piece in pieces:
        words, maker = piece if isinstance(piece, tuple) else (piece, None)
        if maker is not None:
            entities.append(maker(units(text), units(words)))
        text += words
    return text, entities


class Speaker:
    """Posts into one chat; every file that it makes has contents of its own."""

    def __init__(self, tg: TelegramServer, chat: Chat, people: list[Account], seed: int = 0) -> None:
        self.world = tg.world
        self.chat = chat
        self.people = people
        self.said: list[Message] = []
        self._seed = seed

    def say(self, text: str | Styled = "", media: Media | None = None, **fields: Any) -> Message:
        words, entities = text if isinstance(text, tuple) else (text, [])
        sender = self.people[len(self.said) % len(self.people)]
        message = self.world.chats.post(self.chat, sender, words, entities=entities, media=media, **fields)
        self.said.append(message)
        return message

    def album(self, *items: Media | tuple[Media, str], **fields: Any) -> list[Message]:
        sender = self.people[len(self.said) % len(self.people)]
        messages = self.world.chats.post_album(self.chat, sender, items, **fields)
        self.said += messages
        return messages

    def make(self, kind: str, *args: Any, **fields: Any) -> Media:
        self._seed += 1
        made: Media = getattr(self.world.media, kind)(*args, seed=self._seed, **fields)
        return made


def _stage(tg: TelegramServer, *, premium: bool = True) -> tuple[Speaker, dict[str, Any]]:
    """The cast: two who write, one whose daemon mirrors, one who compares; and the two chats."""
    peers, chats = tg.world.peers, tg.world.chats
    otto = peers.add_account("Otto", last_name="Owner", username="otto_owner")
    ada = peers.add_account("Ada", username="ada_writes")
    mia = peers.add_account("Mia", last_name="Mirror", phone="+10000000001", premium=premium)
    cora = peers.add_account("Cora", last_name="Comparer", phone="+10000000002")
    source = chats.add_supergroup("Source", otto, [ada, mia, cora])
    target = chats.add_supergroup("Target", mia, [cora])
    found = {
        "source": source.marked_id,
        "target": target.marked_id,
        "account": mia.id,
        "reader": cora.id,
        "writers": [otto.id, ada.id],
    }
    return Speaker(tg, source, [otto, ada]), found


def _told(speaker: Speaker, found: dict[str, Any]) -> dict[str, Any]:
    """What the scenario returns: the cast, and how much was said."""
    told = {"messages": len(speaker.said), "last": speaker.said[-1].id}
    return found | told | {"bytes": sum(_bytes(m) for m in speaker.said)}


def _bytes(message: Message) -> int:
    stored = message.media and (message.media.document or message.media.photo)
    return stored.blob.size if stored else 0


def _chat(tg: TelegramServer, marked: int) -> Chat:
    chat = tg.world.chats.channel(-1_000_000_000_000 - marked)
    if chat is None:
        raise LookupError(f"no chat {marked}")
    return chat


def _again(tg: TelegramServer, args: dict[str, Any]) -> Speaker:
    """Speak on in the source of an earlier scenario."""
    peers = tg.world.peers
    people = [peers.by_id(number) for number in args["writers"]]
    return Speaker(tg, _chat(tg, args["source"]), people, seed=int(args.get("seed", 5000)))


async def nobody(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """An empty Telegram, which keeps what it is given: whoever wants to take part signs up."""
    tg.world.files.uploads.keep_up_to = 64_000_000
    return {}


# The demo


async def demo(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """The history: every kind that is copied, media in both data centres, one video of `big` bytes."""
    speaker, found = _stage(tg)
    _texts(speaker)
    _files(speaker, int(args.get("big", 300_000_000)))
    _albums(speaker)
    _answers(speaker)
    return _told(speaker, found)


async def demo_live(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """Ten live posts over a few seconds: an album in pieces, answers to old and new posts, one silent."""
    pause = float(args.get("pause", 0.4))
    speaker = _again(tg, args)
    old = next(m for m in speaker.chat.box.messages.values() if m.text.startswith("Good morning"))
    speaker.say("Live now: the first post after the history. 🎬")
    await asyncio.sleep(pause)
    speaker.say("I only read this now, and agree.", reply_to=old)
    group = tg.world.chats.new_group_id()
    for index in range(3):
        await asyncio.sleep(2 * pause)
        media = speaker.make("photo", 800 + index, 600, dc_id=2 + 2 * (index % 2))
        last = speaker.say("Three pictures, one by one" if not index else "", media, grouped_id=group)
    speaker.say("and straight after them a text")
    await asyncio.sleep(pause)
    speaker.say("Shh, this one makes no sound.", silent=True)
    speaker.say("", speaker.make("voice", 60_000, dc_id=4))
    await asyncio.sleep(pause)
    speaker.say("the log of the night", speaker.make("document", 5_000_000, name="night.log", dc_id=4))
    speaker.say(styled("That is the ", ("last", types.MessageEntityBold), " picture."), reply_to=last)
    return _told(speaker, {"source": args["source"]})


async def tamper(tg: TelegramServer, args: dict[str, Any]) -> None:
    """Change one letter of a copy and lose another copy: whoever compares must see both."""
    chats, target = tg.world.chats, _chat(tg, args["target"])
    messages = [m for m in target.box.messages.values() if m.action is None]
    chats.edit(messages[0], messages[0].text.replace("G", "C"))
    chats.delete(messages[-1])


def _texts(speaker: Speaker) -> None:
    E = types
    ada = speaker.people[1]
    say = speaker.say
    say("Good morning! This group is about to be mirrored.")
    say(styled(("bold", E.MessageEntityBold), ", ", ("italic", E.MessageEntityItalic), ", ",
               ("underlined", E.MessageEntityUnderline), ", ", ("struck", E.MessageEntityStrike), ", ",
               ("hidden", E.MessageEntitySpoiler)))  # fmt: skip
    say(styled("Run ", ("make demo", E.MessageEntityCode), " or:\n",
               ("print('hi')\n", lambda o, n: E.MessageEntityPre(o, n, "python"))))  # fmt: skip
    say(styled(("A quoted paragraph\nof two lines", E.MessageEntityBlockquote), "\nand its answer"))
    say(styled("Long: ", ("one\ntwo\nthree\nfour\nfive", lambda o, n: E.MessageEntityBlockquote(o, n, True))))
    say(styled("👩‍👩‍👧‍👦🏳️‍🌈 family, then ", ("𝔟𝔬𝔩𝔡 🎉", E.MessageEntityBold), " past the surrogates 🇺🇳 ",
               ("end", E.MessageEntityItalic)))  # fmt: skip
    say(
        styled("A ", ("link under words", lambda o, n: E.MessageEntityTextUrl(o, n, "https://example.org/a")))
    )
    say("Read https://example.com/story?id=1 when you have time")
    say("No preview here: https://example.com/plain", preview=False)
    say(styled("Ask ", ("Ada", lambda o, n: E.MessageEntityMentionName(o, n, ada.id)), ", or @otto_owner"))
    say(
        styled(
            "An emoji of the group's own: ",
            ("👍", lambda o, n: E.MessageEntityCustomEmoji(o, n, EMOJI)),
        )
    )
    when = datetime(2027, 3, 4, 18, 30, tzinfo=UTC)
    say(
        styled(
            "We meet ", ("on the 4th", lambda o, n: E.MessageEntityFormattedDate(o, n, when, short_date=True))
        )
    )
    say("#topic $USD /start@some_bot mail@example.org +491701234567")
    nested = styled("everything at once")[0]
    say((nested, [E.MessageEntityBold(0, 18), E.MessageEntityItalic(0, 10), E.MessageEntityUnderline(11, 7)]))
    say("A longer text. " * 200 + "The end.")
    say("  white space at the edges is trimmed  \n")
    say("مرحبا, שלום, 你好, नमस्ते — right to left and back")
    say("made quietly", silent=True)


def _files(speaker: Speaker, big: int) -> None:
    say, make = speaker.say, speaker.make
    say("A photo", make("photo"))
    say("Its caption stands above", make("photo", 900, 1600, dc_id=4), invert_media=True)
    say("", make("photo", 640, 640, dc_id=4, spoiler=True))
    say(styled("A video, ", ("with style", types.MessageEntityBold)), make("video", 6_000_000))
    say("", make("video", 2_500_000, seconds=3.5, width=480, height=848, dc_id=4, spoiler=True))
    say(
        "The big one",
        make("video", big, seconds=1800.0, width=1920, height=1080, name="the big one.mp4", dc_id=4),
    )
    say("", make("gif"))
    say("a second one, with words", make("gif", 700_000, dc_id=4, name="loop.mp4"))
    say("", make("round"))
    say("", make("round", 1_200_000, seconds=20.0, dc_id=4))
    say("", make("voice"))
    say("Listen to this", make("voice", 90_000, seconds=31, dc_id=4))
    say("", make("audio", 4_000_000, title="Ouvertüre", performer="Ensemble №1", name="01 Ouvertüre.mp3"))
    say("side B", make("audio", 3_000_000, dc_id=4))
    say("", make("sticker"))
    say("", make("sticker", 60_000, emoji="🐈‍⬛", dc_id=4))
    names = ["Отчёт 2026 (final) (2).PDF", "写真集.tar.gz", "no extension", "… and so on", "-rf *", ".hidden",
             "quote\"s & <tags>.html", "up and away.txt", "🚀.bin", "n" * 150 + ".txt"]  # fmt: skip
    for index, name in enumerate(names):
        say("", make("document", 40_000 + 9_973 * index, name=name, dc_id=2 + 2 * (index % 2)))
    sizes = [1, 1024, 512 * 1024, 512 * 1024 + 1, 10 * 1024 * 1024, 10 * 1024 * 1024 + 1]
    for size in sizes:
        say(f"{size} bytes", make("document", size, name=f"{size}.bin", mime_type="application/zip"))


def _albums(speaker: Speaker) -> None:
    make = speaker.make
    speaker.album(
        (make("photo"), "Photos and a video"), make("video", 3_000_000, dc_id=4), make("photo", dc_id=4)
    )
    speaker.album((make("audio", dc_id=4), "first"), (make("audio"), ""), (make("audio", 1_000_000), "last"))
    speaker.album(make("document", name="a.pdf"), (make("document", name="b.pdf", dc_id=4), "two documents"))
    speaker.album(
        *(make("photo", 400 + 10 * n, 300, dc_id=2 + 2 * (n % 2), spoiler=n == 3) for n in range(10))
    )


def _answers(speaker: Speaker) -> None:
    said = speaker.said
    first = said[0]
    album = [message for message in said if message.grouped_id == said[-1].grouped_id]
    speaker.say("Good morning to you too", reply_to=first)
    quoted = speaker.say("With a quote", reply_to=first, quote="about to be mirrored")
    assert quoted.reply is not None
    quoted.reply.quote_entities = [types.MessageEntityBold(0, 5)]
    speaker.say("The third picture is the best", reply_to=album[2])
    speaker.say("", speaker.make("photo", dc_id=4), reply_to=quoted)
    speaker.album(speaker.make("photo"), (speaker.make("photo"), "an album that answers"), reply_to=said[1])
    speaker.say("That was the history. 👋")


# Proofs


async def big_file(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """A text, one file of `size` bytes (in DC `dc`), and a text after it."""
    speaker, found = _stage(tg, premium=False)
    speaker.say("before")
    media = speaker.make(
        "document",
        int(args["size"]),
        name="big.bin",
        mime_type="application/octet-stream",
        dc_id=int(args.get("dc", 2)),
    )
    speaker.say("the file", media)
    speaker.say("after")
    return _told(speaker, found)


async def backlog(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """`count` mixed messages: texts, small media of both data centres, albums, answers."""
    speaker, found = _stage(tg)
    count = int(args.get("count", 200))
    while len(speaker.said) < count:
        number = len(speaker.said)
        dc = 2 + 2 * (number % 2)
        answers = speaker.said[number // 2] if number and number % 5 == 0 else None
        match number % 10:
            case 1:
                speaker.say(f"photo {number}", speaker.make("photo", 320, 240, dc_id=dc))
            case 3 if count - number >= 3:
                items = [speaker.make("photo", 300 + n, 200, dc_id=2 + 2 * (n % 2)) for n in range(3)]
                speaker.album((items[0], f"album {number}"), *items[1:])
            case 7:
                size = 20_000 + 150_000 * (number % 7)
                speaker.say("", speaker.make("document", size, name=f"file {number}.bin", dc_id=dc))
            case 8:
                speaker.say("", speaker.make("voice", 30_000, dc_id=dc))
            case _:
                text = styled(f"text {number}: ", ("important", types.MessageEntityBold))
                speaker.say(text, reply_to=answers)
    return _told(speaker, found)


async def say(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """One more text in the source, now."""
    speaker = _again(tg, args)
    speaker.say(args["text"])
    return _told(speaker, {})


async def edit(tg: TelegramServer, args: dict[str, Any]) -> None:
    """The text `text` of the source becomes `to`."""
    speaker = _again(tg, args)
    messages = speaker.chat.box.messages.values()
    [message] = [message for message in messages if message.text == args["text"]]
    tg.world.chats.edit(message, args["to"])


async def send_file(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """One more file of `size` bytes in the source, now; it lies in data centre `dc`.

    `cdn`: it is popular. `lie`: an offset for which the CDN sends something else, and the data centre, asked
    again, the bytes.
    """
    speaker = _again(tg, {"seed": int(args["size"])} | args)
    media = speaker.make("document", int(args["size"]), dc_id=int(args["dc"]))
    if args.get("cdn"):
        assert media.document is not None
        media.document.cdn = tg.world.cdn.origin_gives = True
        lie = int(args.get("lie", -1))
        tg.world.cdn.lie = lambda offset, data: bytes(len(data)) if offset == lie else data
    speaker.say("", media)
    return _told(speaker, {})


async def look(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """What stands in `chat` by the server's own knowledge, without moving a byte."""
    box = _chat(tg, args["chat"]).box
    shown = [_shown(box.messages[number]) for number in box.ids if box.messages[number].action is None]
    return {"messages": shown}


def _shown(message: Message) -> dict[str, Any]:
    media = message.media
    stored = media and (media.document or media.photo)
    content = ""
    if media is not None and media.document is not None:
        blob = media.document.blob
        try:
            # The server has compared every part with its generator: the seed says as much as a digest.
            content = f"generated {blob.seed}" if isinstance(blob, GeneratedBlob) else blob.sha256
        except LostContent as error:
            content = str(error)
    return {
        "id": message.id,
        "text": message.text,
        "kind": media.kind if media else "text",
        "size": stored.blob.size if stored else 0,
        "content": content,
    }


async def corpus(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """Every kind of message (corpus.py); `entries` says which ids each has. `premium`: our account is."""
    from .corpus import digest, make_corpus  # it speaks as the scenarios do

    stage, found = corpus_stage(tg, premium=bool(args.get("premium", True)))
    entries = make_corpus(stage)
    return _told(stage.speaker, found) | {"entries": entries, "digest": digest(stage.speaker.said)}


def corpus_stage(tg: TelegramServer, *, premium: bool) -> tuple[Any, dict[str, Any]]:
    """The corpus's chats and people, before it is said; for those who want to hear it live."""
    from .corpus import Stage  # same

    speaker, found = _stage(tg, premium=premium)
    speaker.chat.username = "corpus_source"
    star = tg.world.peers.add_account("Star", username="the_star")
    people = [*speaker.people, tg.world.peers.by_id(found["account"]), tg.world.peers.by_id(found["reader"])]
    elsewhere = tg.world.chats.add_supergroup("Elsewhere", star, people)
    return Stage(speaker, elsewhere, star), found


async def polls(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """How many polls of `chat` take votes."""
    box = _chat(tg, args["chat"]).box
    media = [message.media for message in box.messages.values() if message.media is not None]
    return {"open": sum(1 for m in media if m.kind == "poll" and not m.plain.poll.closed)}


# The soak: a group whose people go on for a day.

_busy: dict[int, Busy] = {}


async def busy(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """A group that was quiet so far; `busy_on` goes on in it."""
    speaker, found = _stage(tg)
    speaker.say("here it begins")
    _busy[found["source"]] = Busy(tg.world, speaker.chat, speaker.people, int(args.get("seed", 1)))
    return _told(speaker, found)


async def busy_on(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """`deeds` more things happen in `source`."""
    group = _busy[args["source"]]
    for _ in range(int(args["deeds"])):
        group.deed()
    # A soak asks for so much that keeping every request would be what grows.
    tg.log.clear()
    return {"posted": group.posted, "deleted": group.deleted}


async def alike(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """How the target differs from the source by the server's own knowledge; how much stands there."""
    source, target = _chat(tg, args["source"]), _chat(tg, args["target"])
    return {"unlike": unlike(source, target), "messages": len(target.box.ids)}
