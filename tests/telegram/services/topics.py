"""Forum topics: listed (at most 100 at a time), created once per `random_id`, edited, pinned, deleted.

Rules: telegram-facts.md 2.5. The methods take a peer since layer 229; only forums have topics here.
"""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from ..dispatch import Call, Dispatcher, RpcError
from ..resolving import answers, chat_of, unix, view_of
from ..world.chats import Chat
from ..world.messages import SHARED, Message
from ..world.rights import may
from ..world.topics import GENERAL, ICON_COLORS, Topic

_MAX_PAGE = 100
_MAX_TITLE = 128
_MAX_PINNED = 5
#: Emoji that anyone may use as a topic's icon: InputStickerSetEmojiDefaultTopicIcons.
DEFAULT_ICONS = frozenset(range(5_312_000_000_000_000_001, 5_312_000_000_000_000_033))


def register(dispatcher: Dispatcher) -> None:
    answers(dispatcher, functions.messages.GetForumTopicsRequest)(get_forum_topics)
    answers(dispatcher, functions.messages.GetForumTopicsByIDRequest)(get_forum_topics_by_id)
    answers(dispatcher, functions.messages.CreateForumTopicRequest)(create_forum_topic)
    answers(dispatcher, functions.messages.EditForumTopicRequest)(edit_forum_topic)
    answers(dispatcher, functions.messages.UpdatePinnedForumTopicRequest)(update_pinned_forum_topic)
    answers(dispatcher, functions.messages.ReorderPinnedForumTopicsRequest)(reorder_pinned_forum_topics)
    answers(dispatcher, functions.messages.DeleteTopicHistoryRequest)(delete_topic_history)
    answers(dispatcher, functions.messages.GetStickerSetRequest)(get_sticker_set)


def _forum(call: Call, peer: Any) -> Chat:
    chat = chat_of(call, peer)
    if not chat.forum:
        raise RpcError(400, "CHANNEL_FORUM_MISSING")
    return chat


def _topic(chat: Chat, topic_id: int) -> Topic:
    topic = chat.topics.get(topic_id)
    if topic is None:
        raise RpcError(400, "TOPIC_ID_INVALID")
    if topic.deleted:
        raise RpcError(400, "TOPIC_DELETED")
    return topic


def _top(chat: Chat, topic: Topic) -> tuple[int, int]:
    """Date and id of the newest message of a topic."""
    last = chat.last_in_topic(topic.id)
    return (last.date, last.ids[SHARED]) if last is not None else (topic.date, topic.id)


def _listed(call: Call, chat: Chat, topics: list[Topic | int], count: int) -> Any:
    view = view_of(call)
    view.peer(chat)
    rendered = []
    messages: list[Message] = []
    for topic in topics:
        if isinstance(topic, int):
            rendered.append(types.ForumTopicDeleted(topic))
            continue
        rendered.append(view.topic(chat, topic))
        last = chat.last_in_topic(topic.id)
        if last is not None:
            messages.append(last)
    return types.messages.ForumTopics(
        count=count,
        topics=rendered,
        messages=[view.message(m) for m in messages],
        chats=view.groups(),
        users=view.people(),
        pts=chat.box.pts,
    )


def get_forum_topics(call: Call, request: Any) -> Any:
    """By the date of their newest message; the pinned ones head the first page."""
    chat = _forum(call, request.peer)
    alive = [t for t in chat.topics.values() if not t.deleted]
    if request.q:
        alive = [t for t in alive if request.q.lower() in t.title.lower()]
    limit = max(1, min(request.limit, _MAX_PAGE))
    pinned = [t for topic_id in chat.pinned_topics for t in alive if t.id == topic_id]
    others = sorted(alive, key=lambda t: (*_top(chat, t), t.id), reverse=True)
    ordered = list(dict.fromkeys([*pinned, *others]))
    offset_date, offset_id = unix(request.offset_date), request.offset_id
    start = 0
    if request.offset_topic:
        place = [i for i, t in enumerate(ordered) if t.id == request.offset_topic]
        start = place[0] + 1 if place else 0
    if (offset_date or offset_id) and not start:
        below = (offset_date or 1 << 40, offset_id or 1 << 40, request.offset_topic)
        start = next((i for i, t in enumerate(ordered) if (*_top(chat, t), t.id) < below), len(ordered))
    return _listed(call, chat, list(ordered[start : start + limit]), len(alive))


def get_forum_topics_by_id(call: Call, request: Any) -> Any:
    chat = _forum(call, request.peer)
    found: list[Topic | int] = []
    for topic_id in request.topics[:_MAX_PAGE]:
        topic = chat.topics.get(topic_id)
        found.append(topic_id if topic is None or topic.deleted else topic)
    return _listed(call, chat, found, len(found))


def get_sticker_set(call: Call, request: Any) -> Any:
    """The icons that anyone may use; other sets do not exist here. The emoji themselves hold nothing."""
    if not isinstance(request.stickerset, types.InputStickerSetEmojiDefaultTopicIcons):
        raise RpcError(400, "STICKERSET_INVALID")
    stickers = types.StickerSet(
        1, 1, "Topic icons", "TopicIcons", count=len(DEFAULT_ICONS), hash=1, emojis=True, official=True
    )
    lies_in = types.InputStickerSetID(stickers.id, stickers.access_hash)
    documents = [
        types.Document(
            icon, 1, b"", None, "application/x-tgsticker", 1, 2,
            [types.DocumentAttributeCustomEmoji("\N{SMILING FACE WITH SMILING EYES}", lies_in, free=True)],
        )
        for icon in sorted(DEFAULT_ICONS)
    ]  # fmt: skip
    return types.messages.StickerSet(stickers, [], [], documents)


def _check_icon(call: Call, icon_emoji_id: int | None) -> None:
    if icon_emoji_id and not call.me.premium and icon_emoji_id not in DEFAULT_ICONS:
        raise RpcError(400, "DOCUMENT_INVALID")


def create_forum_topic(call: Call, request: Any) -> Any:
    chat = _forum(call, request.peer)
    chats = call.world.chats
    if not request.random_id:
        raise RpcError(400, "RANDOM_ID_EMPTY")
    view = view_of(call)
    before = chats.random_ids.recall(call.me.id, chat, request.random_id)
    if before is not None:
        named = types.UpdateMessageID(before.ids[SHARED], request.random_id)
        if before.deleted:
            return view.updates([named] if chats.random_ids.of_gone == "id" else [])
        return view.updates([named, types.UpdateNewChannelMessage(view.message(before), chat.box.pts, 0)])
    if not may(chat, call.me, "manage_topics"):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    title = request.title.strip()
    if not title:
        raise RpcError(400, "TOPIC_TITLE_EMPTY")
    if len(title) > _MAX_TITLE:
        raise RpcError(400, "TOPIC_TITLE_EMPTY")  # the error for a long title is not known
    color = request.icon_color if request.icon_color is not None else ICON_COLORS[0]
    if color not in ICON_COLORS:
        raise RpcError(400, "TOPIC_ICON_COLOR_INVALID")
    _check_icon(call, request.icon_emoji_id)
    change = chats.create_topic(chat, call.me, title, color, request.icon_emoji_id)
    chats.random_ids.remember(call.me.id, chat, request.random_id, change.message)
    topic_id = change.message.ids[SHARED]
    return view.updates([types.UpdateMessageID(topic_id, request.random_id), view.change(change)])


def edit_forum_topic(call: Call, request: Any) -> Any:
    chat = _forum(call, request.peer)
    topic = _topic(chat, request.topic_id)
    if topic.creator_id != call.me.id and not chat.has_right(call.me.id, "manage_topics"):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    title, icon = request.title, request.icon_emoji_id
    changes_face = title is not None or icon is not None
    if request.closed is not None and (changes_face or request.hidden is not None):
        raise RpcError(400, "TOPIC_CLOSE_SEPARATELY")
    if request.hidden is not None and (topic.id != GENERAL or changes_face):
        raise RpcError(400, "TOPIC_HIDE_SEPARATELY")
    if title is not None and not title.strip():
        raise RpcError(400, "TOPIC_TITLE_EMPTY")
    if topic.id == GENERAL and icon:
        raise RpcError(400, "GENERAL_MODIFY_ICON_FORBIDDEN")
    _check_icon(call, icon)
    wanted = {"title": title, "icon_emoji_id": icon, "closed": request.closed, "hidden": request.hidden}
    if all(value is None or (getattr(topic, name) or 0) == value for name, value in wanted.items()):
        raise RpcError(400, "TOPIC_NOT_MODIFIED")
    change = call.world.chats.edit_topic(chat, call.me, topic.id, **wanted)
    view = view_of(call)
    return view.updates([view.change(change)])


def _may_pin(call: Call, peer: Any) -> Chat:
    chat = _forum(call, peer)
    if not chat.has_right(call.me.id, "manage_topics"):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    return chat


def update_pinned_forum_topic(call: Call, request: Any) -> Any:
    chat = _may_pin(call, request.peer)
    topic = _topic(chat, request.topic_id)
    if request.pinned and len({*chat.pinned_topics, topic.id}) > _MAX_PINNED:
        raise RpcError(400, "PINNED_TOO_MUCH")
    view = view_of(call)
    return view.updates([call.world.chats.pin_topic(chat, topic.id, pinned=request.pinned)(view)])


def reorder_pinned_forum_topics(call: Call, request: Any) -> Any:
    """`force`: the whole list. Without it only those change places that are pinned and named."""
    chat = _may_pin(call, request.peer)
    order = list(dict.fromkeys(_topic(chat, topic_id).id for topic_id in request.order))
    if not request.force:
        named = iter([topic for topic in order if topic in chat.pinned_topics])
        order = [next(named) if topic in order else topic for topic in chat.pinned_topics]
    if len(order) > _MAX_PINNED:
        raise RpcError(400, "PINNED_TOO_MUCH")
    view = view_of(call)
    return view.updates([call.world.chats.order_topics(chat, order)(view)])


def delete_topic_history(call: Call, request: Any) -> Any:
    """The topic goes with all of its messages, in one call here (Telegram: repeat until offset 0)."""
    chat = _forum(call, request.peer)
    topic = _topic(chat, request.top_msg_id)
    if topic.id == GENERAL:
        raise RpcError(400, "TOPIC_ID_INVALID")
    if not chat.has_right(call.me.id, "delete_messages"):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    change = call.world.chats.delete_topic(chat, topic.id)
    count = change.events[SHARED].count if change is not None else 0
    return types.messages.AffectedHistory(pts=chat.box.pts, pts_count=count, offset=0)
