"""Converts Telegram's updates and differences to the domain's pushes and differences.

Pure; handles every form in which updates arrive. Only groups and channels matter: private messages to the
account are dropped unread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from telethon.tl import types

from ..domain.messages import Box, Message
from ..domain.updates import Difference, Push
from . import convert
from .peer_cache import CHANNEL_MARK, Directory, marked

_NEW: Final = (types.UpdateNewMessage, types.UpdateNewChannelMessage)
_EDIT: Final = (types.UpdateEditMessage, types.UpdateEditChannelMessage)
#: Updates about a chat itself.
_CHANGED: Final = (
    types.UpdateChannel,
    types.UpdateChat,
    types.UpdateChatParticipant,
    types.UpdateChatParticipants,
    types.UpdateChatParticipantAdd,
    types.UpdateChatParticipantAdmin,
    types.UpdateChatParticipantDelete,
    types.UpdateChatDefaultBannedRights,
    types.UpdateChannelParticipant,
    types.UpdatePeerHistoryTTL,
    # These do not list all pinned topics and belong to no sequence, so the list is read instead.
    types.UpdatePinnedForumTopic,
    types.UpdatePinnedForumTopics,
)
#: Service messages after which a chat's properties have changed.
_TURNING: Final = {
    "ChatMigrateTo", "ChannelMigrateFrom", "NoForwardsToggle", "SetMessagesTTL",
    "ChatEditTitle", "ChatEditPhoto", "ChatDeletePhoto",
}  # fmt: skip
#: "Ask for everything": a gap, a reconnection, too many pushes.
EVERYTHING: Final = Push(chat=0)


def pushes(update: Any, directory: Directory) -> Iterator[Push]:
    """Yield the pushes in one object of the updates queue."""
    if isinstance(update, types.UpdatesTooLong):
        yield EVERYTHING
    elif isinstance(update, types.UpdateShortChatMessage):
        yield from _message(_long(update), update.pts, directory)
    elif isinstance(update, types.UpdateShort):
        yield from _push(update.update, directory)
    elif isinstance(update, types.Updates | types.UpdatesCombined):
        for inner in update.updates:
            yield from _push(inner, directory)


def _long(short: Any) -> Any:
    """Return the full message of an `updateShortChatMessage`."""
    return types.Message(
        id=short.id, peer_id=types.PeerChat(short.chat_id), date=short.date, message=short.message,
        out=short.out, silent=short.silent, from_id=types.PeerUser(short.from_id), fwd_from=short.fwd_from,
        via_bot_id=short.via_bot_id, reply_to=short.reply_to, entities=short.entities,
        ttl_period=short.ttl_period,
    )  # fmt: skip


def _message(tl: Any, pts: int, directory: Directory, *, edit: bool = False) -> Iterator[Push]:
    message = convert.message(tl, directory)
    if message is not None and message.chat < 0:
        turned = message.service in _TURNING
        yield Push(chat=message.chat, message=message, pts=pts, edit=edit, changed=turned)


def _push(update: Any, directory: Directory) -> Iterator[Push]:
    if isinstance(update, _NEW):
        yield from _message(update.message, update.pts, directory)
    elif isinstance(update, _EDIT):
        yield from _message(update.message, update.pts, directory, edit=True)
    elif (gone := _deleted(update)) is not None:
        if gone[1]:
            yield Push(chat=gone[0], deleted=gone[1], pts=update.pts)
    elif isinstance(update, types.UpdateDeleteScheduledMessages):
        yield Push(
            chat=marked(update.peer),
            published=tuple(zip(update.messages, update.sent_messages or (), strict=False)),
        )
    elif isinstance(update, types.UpdateMessagePoll):
        if update.poll is not None and update.poll.closed:
            where = marked(update.peer) if update.peer is not None else 0
            if where <= 0:
                yield Push(chat=where, poll_closed=True)
    elif isinstance(update, types.UpdateChannelTooLong):
        yield Push(chat=-CHANNEL_MARK - update.channel_id, pts=update.pts or 0)
    elif isinstance(update, types.UpdatePinnedChannelMessages | types.UpdateChannelWebPage):
        yield Push(chat=-CHANNEL_MARK - update.channel_id, pts=update.pts)
    elif (chat := _changed(update)) is not None:
        yield Push(chat=chat, changed=True)


def _pins(update: Any) -> tuple[int, tuple[int, ...], bool] | None:
    if isinstance(update, types.UpdatePinnedChannelMessages):
        return -CHANNEL_MARK - update.channel_id, tuple(update.messages), bool(update.pinned)
    if isinstance(update, types.UpdatePinnedMessages) and marked(update.peer) < 0:
        return marked(update.peer), tuple(update.messages), bool(update.pinned)
    return None


def _deleted(update: Any) -> tuple[int, tuple[int, ...]] | None:
    """Return chat and ids of deleted messages; chat 0 for basic groups, which Telegram does not name."""
    if isinstance(update, types.UpdateDeleteChannelMessages):
        return -CHANNEL_MARK - update.channel_id, tuple(update.messages)
    if isinstance(update, types.UpdateDeleteMessages):
        return 0, tuple(update.messages)
    return None


def _changed(update: Any) -> int | None:
    if not isinstance(update, _CHANGED):
        return None
    if isinstance(update, types.UpdateChatParticipants):
        return marked(update.participants)
    chat = marked(update.peer) if hasattr(update, "peer") else marked(update)
    return chat if chat < 0 else None


def channel_difference(answer: Any, chat: int, directory: Directory) -> Difference:
    """Convert an answer of `updates.getChannelDifference`."""
    if isinstance(answer, types.updates.ChannelDifferenceTooLong):
        return Difference(box=Box(pts=answer.dialog.pts or 0), too_long=True, timeout=answer.timeout)
    if isinstance(answer, types.updates.ChannelDifferenceEmpty):
        return Difference(box=Box(pts=answer.pts), final=bool(answer.final), timeout=answer.timeout)
    return _difference(
        answer, directory, Box(pts=answer.pts), final=bool(answer.final), timeout=answer.timeout, only=chat
    )


def common_difference(answer: Any, before: Box, directory: Directory) -> Difference:
    """Convert an answer of `updates.getDifference`, which covers all basic groups of the account."""
    if isinstance(answer, types.updates.DifferenceTooLong):
        return Difference(box=Box(pts=answer.pts, qts=before.qts, date=before.date), too_long=True)
    if isinstance(answer, types.updates.DifferenceEmpty):
        return Difference(box=Box(pts=before.pts, qts=before.qts, date=convert.seconds(answer.date)))
    final = isinstance(answer, types.updates.Difference)
    return _difference(answer, directory, state_box(answer.state if final else answer.intermediate_state),
                       final=final)  # fmt: skip


def state_box(state: Any) -> Box:
    return Box(pts=state.pts, qts=state.qts, date=convert.seconds(state.date))


def _difference(answer: Any, directory: Directory, box: Box, *, final: bool, timeout: int | None = None,
                only: int = 0) -> Difference:  # fmt: skip
    others = list(answer.other_updates)
    told = [p for update in others for p in _push(update, directory)]
    new = list(_groups(convert.messages(answer.new_messages, directory)))
    new += [p.message for p in told if p.message and not p.edit]
    return Difference(
        box=box,
        final=final,
        messages=tuple({(m.chat, m.id): m for m in new}.values()),
        edits=tuple(p.message for p in told if p.message and p.edit),
        pins=tuple(pins for update in others if (pins := _pins(update))),
        deleted=tuple(gone for update in others if (gone := _deleted(update)) and gone[1]),
        changed=tuple(
            dict.fromkeys(
                [p.chat for p in told if p.changed] + [m.chat for m in new if m.service in _TURNING]
            )
        ),
        made={u.random_id: u.id for u in others if isinstance(u, types.UpdateMessageID)},
        timeout=timeout,
    )


def _groups(messages: Iterable[Message]) -> Iterator[Message]:
    return (message for message in messages if message.chat < 0)
