"""The dialog list, in pages by date, and single dialogs. Order: newest message first.

Archive and pinned dialogs do not exist here: the folder is empty, nothing is pinned.
"""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from ..dispatch import Call, Dispatcher, RpcError
from ..resolving import answers, chat_of, unix, view_of
from ..world.chats import Chat

_MAX_PAGE = 100


def register(dispatcher: Dispatcher) -> None:
    answers(dispatcher, functions.messages.GetDialogsRequest)(get_dialogs)
    answers(dispatcher, functions.messages.GetPinnedDialogsRequest)(get_pinned_dialogs)
    answers(dispatcher, functions.messages.GetPeerDialogsRequest)(get_peer_dialogs)


def _key(chat: Chat, viewer_id: int) -> tuple[int, int, int]:
    """Date and id of the newest message, then the chat itself, so that the order is total."""
    top = chat.top_message(viewer_id)
    tie = chat.partner_of(viewer_id) if chat.kind == "private" else chat.marked_id
    if top is None:
        return (chat.date, 0, tie)
    return (top.date, top.id_for(viewer_id) or 0, tie)


def _parts(call: Call, chats: list[Chat]) -> dict[str, Any]:
    view = view_of(call)
    tops = [top for chat in chats if (top := chat.top_message(call.me.id)) is not None]
    return {
        "dialogs": [view.dialog(chat) for chat in chats],
        "messages": [view.message(top) for top in tops],
        "chats": view.groups(),
        "users": view.people(),
    }


def get_dialogs(call: Call, request: Any) -> Any:
    me = call.me.id
    chats = sorted(call.world.chats.of_account(me), key=lambda c: _key(c, me), reverse=True)
    if request.folder_id:
        chats = []
    limit = max(1, min(request.limit, _MAX_PAGE))
    start = 0
    offset_date, offset_id = unix(request.offset_date), request.offset_id
    if offset_date or offset_id:
        tie = 1 << 62
        if not isinstance(request.offset_peer, types.InputPeerEmpty):
            peer = chat_of(call, request.offset_peer)
            tie = peer.partner_of(me) if peer.kind == "private" else peer.marked_id
        below = (offset_date or 1 << 40, offset_id or 1 << 40, tie)
        start = next((i for i, c in enumerate(chats) if _key(c, me) < below), len(chats))
    chosen = chats[start : start + limit]
    parts = _parts(call, chosen)
    if start == 0 and len(chosen) == len(chats):
        return types.messages.Dialogs(**parts)
    return types.messages.DialogsSlice(count=len(chats), **parts)


def _common_state(call: Call) -> Any:
    box = call.world.chats.box_of(call.me.id)
    return types.updates.State(pts=box.pts, qts=0, date=int(call.world.now()), seq=1, unread_count=0)


def get_pinned_dialogs(call: Call, request: Any) -> Any:
    return types.messages.PeerDialogs(dialogs=[], messages=[], chats=[], users=[], state=_common_state(call))


def get_peer_dialogs(call: Call, request: Any) -> Any:
    chats = []
    for named in request.peers:
        if not isinstance(named, types.InputDialogPeer):
            raise RpcError(400, "PEER_ID_INVALID")
        chats.append(chat_of(call, named.peer))
    return types.messages.PeerDialogs(**_parts(call, chats), state=_common_state(call))
