"""Media without files that requests bring: places, contacts, dice, polls, checklists, stories; and pages.

Checked as Telegram checks them (telegram-facts.md 2.1, 2.3). What is not built here is MEDIA_INVALID.
"""

from __future__ import annotations

import copy
from typing import Any

from telethon.tl import types

from .dispatch import Call, RpcError
from .resolving import channel_of, unix, user_of
from .world.chats import Chat
from .world.media import Media, Page, document_kind, web_page

MAX_ANSWERS = 12
MAX_SOLUTION, MAX_SOLUTION_LINES = 200, 3
MAX_OPEN = 2_628_000
MAX_ITEMS, MAX_ITEM, MAX_TITLE = 30, 200, 255
#: Blocks that a sender may not set (RICH_VALIDATE_CTOR_NOT_ALLOWED).
_NOT_SENDABLE = (
    types.PageBlockUnsupported, types.PageBlockChannel, types.PageBlockEmbed, types.PageBlockEmbedPost,
    types.PageBlockRelatedArticles, types.PageBlockCover, types.PageBlockMap,
)  # fmt: skip


def told(call: Call, chat: Chat | None, given: Any) -> Media:
    """The media that an `InputMedia` without a file means."""
    if isinstance(given, types.InputMediaGeoPoint):
        return Media("geo", plain=types.MessageMediaGeo(_geo(given.geo_point)))
    if isinstance(given, types.InputMediaVenue):
        venue = types.MessageMediaVenue(
            _geo(given.geo_point),
            given.title,
            given.address,
            given.provider,
            given.venue_id,
            given.venue_type,
        )
        return Media("venue", plain=venue)
    if isinstance(given, types.InputMediaContact):
        return _contact(call, given)
    if isinstance(given, types.InputMediaDice):
        highest = {"🎲": 6, "🎯": 6, "🎳": 6, "🏀": 5, "⚽": 5, "🎰": 64}.get(given.emoticon)
        if highest is None:
            raise RpcError(400, "EMOTICON_INVALID")
        value = call.world.random.randint(1, highest)
        return Media("dice", plain=types.MessageMediaDice(value, given.emoticon))
    if isinstance(given, types.InputMediaPoll):
        return _poll(call, chat, given)
    if isinstance(given, types.InputMediaTodo):
        return _todo(call, given)
    if isinstance(given, types.InputMediaStory):
        return _story(call, given)
    if isinstance(given, types.InputMediaWebPage):
        return _web_page(given)
    raise RpcError(400, "MEDIA_EMPTY" if isinstance(given, types.InputMediaEmpty) else "MEDIA_INVALID")


def _geo(point: Any) -> Any:
    if not isinstance(point, types.InputGeoPoint) or not (abs(point.lat) <= 90 and abs(point.long) <= 180):
        raise RpcError(400, "MEDIA_INVALID")
    return types.GeoPoint(
        long=point.long, lat=point.lat, access_hash=0, accuracy_radius=point.accuracy_radius
    )


def _contact(call: Call, given: Any) -> Media:
    if not given.phone_number or not (given.first_name or given.last_name):
        raise RpcError(400, "CONTACT_NAME_EMPTY" if given.phone_number else "PHONE_NUMBER_INVALID")
    owner = call.world.peers.by_phone(given.phone_number)
    contact = types.MessageMediaContact(
        given.phone_number,
        given.first_name,
        given.last_name,
        given.vcard,
        user_id=owner.id if owner is not None else 0,
    )
    return Media("contact", plain=contact)


def _web_page(given: Any) -> Media:
    host = given.url.split("://", 1)[-1].split("/", 1)[0]
    if "." not in host or host.endswith(".invalid"):  # the top level that RFC 2606 keeps empty
        if given.optional:
            return Media("text")
        raise RpcError(400, "WEBPAGE_NOT_FOUND")
    page = types.MessageMediaWebPage(
        web_page(given.url),
        force_large_media=given.force_large_media or None,
        force_small_media=given.force_small_media or None,
        manual=True,
    )
    return Media("webpage", plain=page)


# --- polls


def _titled(call: Call, text: Any, limit: int, error: str) -> Any:
    """A title: only custom emoji stay, and only a Premium sender's."""
    if not text.text.strip() or len(text.text) > limit:
        raise RpcError(400, error)
    kept = [e for e in text.entities or () if isinstance(e, types.MessageEntityCustomEmoji)]
    return types.TextWithEntities(text.text, kept if call.me.premium else [])


def _poll(call: Call, chat: Chat | None, given: Any) -> Media:
    poll = copy.copy(given.poll)
    if not 1 <= len(poll.answers) <= MAX_ANSWERS:
        raise RpcError(400, "POLL_ANSWERS_INVALID")
    poll.question = _titled(call, poll.question, 300, "POLL_QUESTION_INVALID")
    if poll.public_voters and chat is not None and chat.kind == "channel":
        raise RpcError(400, "BROADCAST_PUBLIC_VOTERS_FORBIDDEN")
    if (poll.subscribers_only or poll.countries_iso2) and (chat is None or chat.kind != "channel"):
        raise RpcError(400, "MEDIA_INVALID")
    _check_close(call, poll)
    right = given.correct_answers or []
    if poll.quiz and not right:
        raise RpcError(400, "QUIZ_CORRECT_ANSWERS_EMPTY")
    if right and (not poll.quiz or not all(0 <= i < len(poll.answers) for i in right)):
        raise RpcError(400, "QUIZ_CORRECT_ANSWER_INVALID")
    solution = given.solution or ""
    if len(solution) > MAX_SOLUTION or solution.count("\n") > MAX_SOLUTION_LINES - 1:
        raise RpcError(400, "POLL_SOLUTION_INVALID" if poll.quiz else "MEDIA_INVALID")
    poll.id = call.world.random.getrandbits(62) + 1
    poll.closed = None
    poll.answers = [
        types.PollAnswer(_titled(call, answer.text, 100, "POLL_ANSWER_INVALID"), bytes([48 + number]))
        for number, answer in enumerate(poll.answers)
    ]
    if len({answer.text.text for answer in poll.answers}) != len(poll.answers):
        raise RpcError(400, "POLL_OPTION_DUPLICATE")
    results = types.PollResults(total_voters=0)
    made = types.MessageMediaPoll(poll, results)
    answers = {poll.answers[index].option for index in right}
    return Media("poll", plain=made, right=answers, solution=(solution, given.solution_entities or []))


def _check_close(call: Call, poll: Any) -> None:
    if poll.close_period and poll.close_date:
        raise RpcError(400, "MEDIA_INVALID")
    if poll.close_period and not 5 <= poll.close_period <= MAX_OPEN:
        raise RpcError(400, "MEDIA_INVALID")
    if poll.close_date and not 5 <= unix(poll.close_date) - call.world.now() <= MAX_OPEN:
        raise RpcError(400, "MEDIA_INVALID")


# --- checklists and stories


def _todo(call: Call, given: Any) -> Media:
    if not call.me.premium:
        raise RpcError(403, "PREMIUM_ACCOUNT_REQUIRED")
    todo = given.todo
    if not 1 <= len(todo.list) <= MAX_ITEMS or len({item.id for item in todo.list}) != len(todo.list):
        raise RpcError(400, "TODO_ITEMS_EMPTY" if not todo.list else "TODO_ITEM_DUPLICATE")
    made = types.TodoList(
        _titled(call, todo.title, MAX_TITLE, "MEDIA_INVALID"),
        [types.TodoItem(i.id, _titled(call, i.title, MAX_ITEM, "MEDIA_INVALID")) for i in todo.list],
        others_can_append=todo.others_can_append or None,
        others_can_complete=todo.others_can_complete or None,
    )
    return Media("todo", plain=types.MessageMediaToDo(made))


def _story(call: Call, given: Any) -> Media:
    if isinstance(given.peer, types.InputPeerChannel):
        peer: Any = types.PeerChannel(channel_of(call, given.peer).id)
    else:
        peer = types.PeerUser(user_of(call, given.peer, "PEER_ID_INVALID").id)
    owner = getattr(peer, "user_id", None) or peer.channel_id
    if (owner, given.id) not in call.world.media.stories:
        raise RpcError(400, "STORY_ID_INVALID")
    return Media("story", plain=types.MessageMediaStory(peer, given.id))


# --- pages


def page_of(call: Call, given: Any) -> Page:
    """The page that an `InputRichMessage` means; its files are references."""
    if not isinstance(given, types.InputRichMessage) or not given.blocks:
        raise RpcError(400, "RICH_MESSAGE_EMPTY")
    if any(isinstance(block, _NOT_SENDABLE) for block in given.blocks):
        raise RpcError(400, "RICH_VALIDATE_CTOR_NOT_ALLOWED")
    files = call.world.files
    return Page(
        blocks=list(given.blocks),
        photos=[files.resolve_photo(call.me.id, photo) for photo in given.photos or ()],
        documents=[files.resolve_document(call.me.id, file) for file in given.documents or ()],
        rtl=bool(given.rtl),
    )


def moving_part(call: Call, given: Any) -> Any:
    """The video of a live photo: a document that Telegram has, and a video."""
    if given.video is None:
        return None
    stored = call.world.files.resolve_document(call.me.id, given.video)
    if not given.live_photo or document_kind(stored.mime_type, stored.attributes) not in ("video", "gif"):
        raise RpcError(400, "MEDIA_INVALID")
    return stored
