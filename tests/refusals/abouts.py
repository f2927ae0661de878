"""What of a message each error is about: a message that has it, and how a request is seen to have it.

The server refuses every request that has it, for as long as it does. What the program does about it is not
known here: that the message arrives without it is what the walk asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from telethon.tl import types

from tests.behaviour.test_kinds import poll
from tests.harness import House
from tests.telegram.world.media import Media, Page
from tests.telegram.world.messages import Message, Reply

TEXT, MEDIA, ALBUM = "messages.sendMessage", "messages.sendMedia", "messages.sendMultiMedia"
Request = Any


class Said(NamedTuple):
    """What is posted: the fields of each message, and which requests are of it."""

    posts: list[dict[str, Any]]
    mine: Callable[[Request], bool]


class About(NamedTuple):
    """`say` makes what is posted, marked with a word; `guilty`: whether a request has what is refused."""

    say: Callable[[House, Message, str], Said]
    guilty: Callable[[Request], bool]
    #: What every copy still has to have.
    keeps_media: bool = False


def hanging(request: Request) -> Any:
    return getattr(request, "media", None)


def entities(request: Request) -> list[Any]:
    items = getattr(request, "multi_media", None) or [request]
    return [entity for item in items for entity in getattr(item, "entities", None) or ()]


def says(request: Request) -> str:
    items = getattr(request, "multi_media", None) or [request]
    texts = [getattr(item, "message", None) or "" for item in items]
    if isinstance(hanging(request), types.InputMediaPoll):
        texts.append(hanging(request).poll.question.text)
    if (page := getattr(request, "rich_message", None)) is not None:
        texts += [block.text.text for block in page.blocks]
    return "\n".join(texts)


def marked(mark: str) -> Callable[[Request], bool]:
    return lambda request: re.search(rf"\b{mark}\b", says(request)) is not None


def file_id(request: Request) -> int:
    return int(getattr(getattr(hanging(request), "id", None), "id", 0))


def mention(house: House, mark: str) -> list[Any]:
    return [types.MessageEntityMentionName(0, len(mark), house.other.id)]


def text(**fields: Any) -> Callable[[House, Message, str], Said]:
    """A text; a field that is a function is made of the house, the first message and the mark."""

    def say(house: House, first: Message, mark: str) -> Said:
        made = {key: value(house, first, mark) if callable(value) else value for key, value in fields.items()}
        made.setdefault("text", f"{mark} and more words")
        return Said([made], marked(mark))

    return say


def album(**fields: Any) -> Callable[[House, Message, str], Said]:
    """A photo and a video, the first with the words."""

    def say(house: House, first: Message, mark: str) -> Said:
        made = text(**fields)(house, first, mark).posts[0]
        group = house.world.chats.new_group_id()
        photo, video = house.world.media.photo(100, 100), house.world.media.video(9000)
        reply = {"reply": made["reply"]} if "reply" in made else {}
        return Said(
            [{**made, "media": photo, "grouped_id": group}, {"media": video, "grouped_id": group, **reply}],
            marked(mark),
        )

    return say


def known_by(media: Callable[[House, int], Media], number: Callable[[Request], object]) -> Any:
    """A media without words, known by a number of its own."""

    def say(house: House, first: Message, mark: str) -> Said:
        own = int(mark.removeprefix("w"))
        return Said([{"media": media(house, own)}], lambda request: number(request) == own)

    return say


def sticker(house: House, first: Message, mark: str) -> Said:
    media = house.world.media.sticker()
    assert media.document is not None
    own = media.document.id
    return Said([{"media": media}], lambda request: file_id(request) == own)


def round_video(house: House, first: Message, mark: str) -> Said:
    def mine(request: Request) -> bool:
        stored = house.world.files.get_document(file_id(request))
        return stored is not None and any(getattr(a, "round_message", None) for a in stored.attributes)

    return Said([{"media": house.world.media.round(9000)}], mine)


def covered(house: House, first: Message, mark: str) -> Media:
    video = house.world.media.video(9000)
    video.cover = house.world.media.photo(90, 90, seed=9).photo
    return video


def illustrated(house: House, first: Message, mark: str) -> Media:
    made = poll(f"{mark}?")
    picture = house.world.media.photo(50, 50, seed=4).photo
    assert picture is not None
    shown = house.world.files.photo(picture, house.me.id)
    made.plain.attached_media = types.MessageMediaPhoto(photo=shown)
    return made


def of(make: str, *args: Any) -> Callable[[House, Message, str], Media]:
    """A media of this kind."""
    return lambda house, first, mark: getattr(house.world.media, make)(*args)


def geo(house: House, number: int) -> Media:
    point = types.GeoPoint(long=1.0, lat=number / 100, access_hash=1)
    return house.world.media.plain("geo", types.MessageMediaGeo(point))


def contact(house: House, number: int) -> Media:
    return house.world.media.plain("contact", types.MessageMediaContact(f"{number}", "Ann", "", "", 0))


def page(house: House, first: Message, mark: str) -> Page:
    return Page([types.PageBlockParagraph(types.TextPlain(mark))])


# --- what a request has


def anything(request: Request) -> bool:
    return True


def has_document(request: Request) -> bool:
    items = getattr(request, "multi_media", None) or [request]
    return any(isinstance(hanging(item), types.InputMediaDocument) for item in items)


def has_photo(request: Request) -> bool:
    return isinstance(hanging(request), types.InputMediaPhoto)


def has_story(request: Request) -> bool:
    return isinstance(hanging(request), types.InputMediaStory)


def has_cover(request: Request) -> bool:
    return bool(getattr(hanging(request), "video_cover", None))


def has_attachment(request: Request) -> bool:
    return bool(getattr(hanging(request), "attached_media", None))


def has_page(request: Request) -> bool:
    return request.rich_message is not None


def has_preview(request: Request) -> bool:
    return not request.no_webpage


def mentions(request: Request) -> bool:
    return any(isinstance(entity, types.InputMessageEntityMentionName) for entity in entities(request))


def dates(request: Request) -> bool:
    return any(isinstance(entity, types.MessageEntityFormattedDate) for entity in entities(request))


def formats(request: Request) -> bool:
    return bool(entities(request))


def answers(request: Request) -> bool:
    return request.reply_to is not None


def quotes(request: Request) -> bool:
    return bool(getattr(request.reply_to, "quote_text", None))


def is_long(request: Request) -> bool:
    return len(says(request)) > 500


NAMED: dict[str, Any] = {"entities": lambda house, first, mark: mention(house, mark)}
ANSWER: dict[str, Any] = {"reply": lambda house, first, mark: Reply(to=first)}
QUOTE: dict[str, Any] = {"reply": lambda house, first, mark: Reply(to=first, quote="first")}
BOLD: dict[str, Any] = {"entities": [types.MessageEntityBold(0, 2)]}
DATE: dict[str, Any] = {"entities": [types.MessageEntityFormattedDate(0, 2, 0)]}
LINK: dict[str, Any] = {"text": lambda house, first, mark: f"{mark} https://example.org/{mark}"}
LONG: dict[str, Any] = {"text": lambda house, first, mark: " ".join([mark, *["word"] * 150])}
PHOTO: dict[str, Any] = {"media": of("photo", 100, 100)}
STORY = known_by(lambda h, n: h.world.media.story(h.other.id, n), lambda r: getattr(hanging(r), "id", 0))
GEO = known_by(geo, lambda r: round(getattr(getattr(hanging(r), "geo_point", None), "lat", 0) * 100))
CONTACT = known_by(contact, lambda r: int(getattr(hanging(r), "phone_number", "0")))

ABOUTS: dict[str, dict[str, About]] = {
    TEXT: {
        "nothing": About(text(), anything),
        "mention": About(text(**NAMED), mentions),
        "reply": About(text(**ANSWER), answers),
        "quote": About(text(**QUOTE), quotes),
        "formatting": About(text(**BOLD), formats),
        "date": About(text(**DATE), dates),
        "preview": About(text(**LINK), has_preview),
        "length": About(text(**LONG), is_long),
        "page": About(text(text="", page=page), has_page),
    },
    MEDIA: {
        "nothing": About(text(**PHOTO), anything),
        "mention": About(text(**PHOTO, **NAMED), mentions, keeps_media=True),
        "reply": About(text(**PHOTO, **ANSWER), answers, keeps_media=True),
        "formatting": About(text(**PHOTO, **BOLD), formats, keeps_media=True),
        "length": About(text(**PHOTO, **LONG), is_long, keeps_media=True),
        "cover": About(text(media=covered), has_cover, keeps_media=True),
        "sticker": About(sticker, anything, keeps_media=True),
        "attachment": About(text(text="", media=illustrated), has_attachment, keeps_media=True),
        "any sticker": About(sticker, anything),
        "story": About(STORY, has_story),
        "photo": About(text(**PHOTO), has_photo),
        "file": About(text(media=of("document", 5000)), has_document),
        "video": About(text(media=of("video", 9000)), has_document),
        "gif": About(text(media=of("gif", 9000)), has_document),
        "audio": About(text(media=of("audio", 9000)), has_document),
        "voice": About(text(media=of("voice", 9000)), has_document),
        "round": About(round_video, anything),
        "poll": About(text(text="", media=lambda house, first, mark: poll(f"{mark}?")), anything),
        "geo": About(GEO, anything),
        "contact": About(CONTACT, anything),
    },
    ALBUM: {
        "nothing": About(album(), anything),
        "mention": About(album(**NAMED), mentions, keeps_media=True),
        "reply": About(album(**ANSWER), answers, keeps_media=True),
        "formatting": About(album(**BOLD), formats, keeps_media=True),
        "length": About(album(**LONG), is_long, keeps_media=True),
        "together": About(album(), anything, keeps_media=True),
        "video": About(album(), has_document),
    },
}

LEADS = {
    TEXT: ("mention", "reply"),
    MEDIA: ("mention", "reply", "cover", "sticker", "attachment", "story"),
    ALBUM: ("mention", "reply"),
}
#: What each error may be about, by its name; the first that fits. `lead`: anything that leads elsewhere.
NAMES: tuple[tuple[str, str], ...] = (
    (r"CHAT_FORWARDS_RESTRICTED|INPUT_USER_DEACTIVATED|CHANNEL_(?!FORUM).*|PEER_.*|CHAT_(ADMIN|GUEST|ID|INVALID|"
     r"RESTRICTED|WRITE|FORBIDDEN).*|USER_(?!BOT_INVALID).*|YOU_BLOCKED_USER|SEND_AS_PEER_INVALID", "lead"),
    (r"REPLY_MESSAGE_ID_INVALID|REPLY_TO_.*|MSG_ID_INVALID|MESSAGE_ID_INVALID", "reply"),
    (r"QUOTE_.*", "quote"),
    (r"ENTITY_MENTION_USER_INVALID", "mention"),
    (r"ENTITY_DATE_.*", "date"),
    (r"ENTIT.*", "formatting"),
    (r"WEBPAGE_.*|WC_CONVERT_URL_INVALID|CHAT_SEND_WEBPAGE_FORBIDDEN", "preview"),
    (r"MESSAGE_TOO_LONG|MEDIA_CAPTION_TOO_LONG", "length"),
    (r"PREMIUM_ACCOUNT_REQUIRED", "page"),
    (r"STOR(Y|IES)_.*", "story"),
    (r"POLL_.*|QUIZ_.*|BROADCAST_PUBLIC_VOTERS_FORBIDDEN|CHAT_SEND_POLL_FORBIDDEN", "poll"),
    (r"GEO_POINT_INVALID", "geo"),
    (r"PHONE_NUMBER_INVALID", "contact"),
    (r"CHAT_SEND_GIFS_FORBIDDEN", "gif"),
    (r"CHAT_SEND_AUDIOS_FORBIDDEN", "audio"),
    (r"CHAT_SEND_DOCS_FORBIDDEN|DOCUMENT_INVALID", "file"),
    (r"CHAT_SEND_ROUNDVIDEOS_FORBIDDEN", "round"),
    (r"CHAT_SEND_STICKERS_FORBIDDEN", "any sticker"),
    (r"CHAT_SEND_VOICES_FORBIDDEN|VOICE_MESSAGES_FORBIDDEN", "voice"),
    (r"CHAT_SEND_VIDEOS_FORBIDDEN|VIDEO_.*", "video"),
    (r"CHAT_SEND_(PHOTOS|MEDIA)_FORBIDDEN|IMAGE_PROCESS_FAILED|PHOTO_.*|MEDIA_(FILE_)?INVALID|MEDIA_EMPTY|"
     r"INPUT_FILE_INVALID|TTL_MEDIA_INVALID|PAYMENT_UNSUPPORTED", "photo"),
    (r".*GROUPED.*|MULTI_MEDIA_TOO_LONG|SLOWMODE_MULTI_MSGS_DISABLED", "together"),
)  # fmt: skip


def abouts(method: str, name: str) -> tuple[str, ...]:
    """What this error may be about on this method: `nothing` where nothing of a message is to blame."""
    found = next((what for pattern, what in NAMES if re.fullmatch(pattern, name)), "nothing")
    if found == "lead":
        return (*LEADS[method], "nothing")
    if method == ALBUM and found in ("photo", "file"):
        found = "together"
    return (found,) if found in ABOUTS[method] else ("nothing",)
