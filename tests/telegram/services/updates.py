"""What happened meanwhile: the state, the difference of the account's own box and that of a channel.

The server decides what is too long: purged events, a scripted limit, or more than the client wants to have.
"""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from ..dispatch import Call, Dispatcher, RpcError
from ..resolving import answers, channel_of, unix, view_of
from ..world.boxes import Box, Event
from ..world.chats import Chat
from ..world.views import View

#: updates.getChannelDifference: what users may ask for, and bots.
_MAX_LIMIT, _MAX_BOT_LIMIT = 100, 100_000
#: What one who is not a member is told to wait before the next call.
_POLL_SECONDS = 30


def register(dispatcher: Dispatcher) -> None:
    answers(dispatcher, functions.updates.GetStateRequest)(get_state)
    answers(dispatcher, functions.updates.GetDifferenceRequest)(get_difference)
    answers(dispatcher, functions.updates.GetChannelDifferenceRequest)(get_channel_difference)


def _state(call: Call, pts: int | None = None) -> Any:
    box = call.world.chats.box_of(call.me.id)
    return types.updates.State(
        pts=box.pts if pts is None else pts, qts=0, date=int(call.world.now()), seq=1, unread_count=0
    )


def get_state(call: Call, request: Any) -> Any:
    return _state(call)


def get_difference(call: Call, request: Any) -> Any:
    """Channels are only named here (`UpdateChannelTooLong`): each has a difference of its own."""
    chats = call.world.chats
    box = chats.box_of(call.me.id)
    since = unix(request.date)
    if request.pts <= 0:
        raise RpcError(400, "PERSISTENT_TIMESTAMP_EMPTY")
    if not since:
        raise RpcError(400, "DATE_EMPTY")
    pending = box.after(request.pts)
    limit = request.pts_total_limit
    if request.pts < box.purged_to or (limit and len(pending) > limit):
        return types.updates.DifferenceTooLong(box.pts)
    view = view_of(call)
    events, rest = pending[: chats.difference_slice], pending[chats.difference_slice :]
    summary = box.summary(events)
    new = [view.message(m) for m in summary.new]
    other = _named(call, box, events, None)
    other += [u for u in (view.event(e, None) for e in summary.events) if u is not None]
    for chat in chats.of_account(call.me.id):
        if chat.shared and chat.box.events and chat.box.events[-1].date >= since:
            view.peer(chat)
            other.append(types.UpdateChannelTooLong(chat.id, pts=chat.box.pts))
    if not new and not other and not events:
        return types.updates.DifferenceEmpty(date=int(call.world.now()), seq=1)
    whole = {
        "new_messages": new,
        "new_encrypted_messages": [],
        "other_updates": other,
        "chats": view.groups(),
        "users": view.people(),
    }
    if rest:
        return types.updates.DifferenceSlice(**whole, intermediate_state=_state(call, events[-1].pts))
    return types.updates.Difference(**whole, state=_state(call))


def _named(call: Call, box: Box, events: list[Event], chat: Chat | None) -> list[Any]:
    """Which messages the account's own calls made (C2)."""
    ids = call.world.chats.random_ids
    return [
        types.UpdateMessageID(message_id, random_id)
        for message_id, random_id in ids.told_in(events, call.me.id, chat)
        if ids.of_gone == "id" or message_id in box.messages
    ]


def _within(message_ids: list[int], wanted: Any) -> bool:
    return any(r.min_id <= i <= r.max_id for i in message_ids for r in wanted.ranges)


def _too_long(chat: Chat, view: View, limit: int) -> Any:
    """Only the newest messages and a fresh pts: the gap between is the client's to close."""
    ids = chat.visible(view.viewer_id)[-limit:]
    messages = [view.message(chat.box.messages[i]) for i in reversed(ids)]
    dialog = view.dialog(chat)
    return types.updates.ChannelDifferenceTooLong(
        dialog=dialog,
        messages=messages,
        chats=view.groups(),
        users=view.people(),
        final=True,
        timeout=chat.difference_timeout,
    )


def get_channel_difference(call: Call, request: Any) -> Any:
    chat = channel_of(call, request.channel)
    if request.pts <= 0:
        raise RpcError(400, "PERSISTENT_TIMESTAMP_EMPTY")
    limit = max(1, min(request.limit, _MAX_BOT_LIMIT if call.me.bot else _MAX_LIMIT))
    timeout = chat.difference_timeout
    if timeout is None and not chat.is_member(call.me.id):
        timeout = _POLL_SECONDS
    pending = chat.box.after(request.pts)
    view = view_of(call)
    beyond = chat.difference_limit
    if request.pts < chat.box.purged_to or (beyond is not None and len(pending) > beyond):
        return _too_long(chat, view, limit)
    if not pending:
        return types.updates.ChannelDifferenceEmpty(pts=chat.box.pts, final=True, timeout=timeout)
    events = pending[:limit]
    new, other = _rendered(chat, view, events, request.filter)
    other = _named(call, chat.box, events, chat) + other
    view.peer(chat)
    return types.updates.ChannelDifference(
        pts=events[-1].pts,
        new_messages=new,
        other_updates=other,
        chats=view.groups(),
        users=view.people(),
        final=len(events) == len(pending) or None,
        timeout=timeout,
    )


def _rendered(chat: Chat, view: View, events: list[Event], wanted: Any) -> tuple[list[Any], list[Any]]:
    summary = chat.box.summary(events)
    fresh = summary.new
    if isinstance(wanted, types.ChannelMessagesFilter):
        fresh = [m for m in fresh if _within([m.ids[0]], wanted)]
    new = [view.message(m) for m in fresh]
    other = [u for u in (view.event(e, chat) for e in summary.events) if u is not None]
    return new, other
