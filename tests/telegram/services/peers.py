"""Chats and people looked up: channels, groups, members, names, invitations.

A chat that is closed to the asker is `ChannelForbidden` in lists and CHANNEL_PRIVATE where it is needed open.
"""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from ..dispatch import Call, Dispatcher, RpcError
from ..resolving import answers, channel_of, chat_of, group_of, known_channel, user_of, view_of
from ..world.chats import Chat, Member
from ..world.views import View, admin_rights, banned_rights

_MAX_PARTICIPANTS = 200


def register(dispatcher: Dispatcher) -> None:
    answers(dispatcher, functions.channels.GetChannelsRequest)(get_channels)
    answers(dispatcher, functions.channels.GetFullChannelRequest)(get_full_channel)
    answers(dispatcher, functions.channels.GetParticipantRequest)(get_participant)
    answers(dispatcher, functions.channels.GetParticipantsRequest)(get_participants)
    answers(dispatcher, functions.channels.GetSendAsRequest)(get_send_as)
    answers(dispatcher, functions.channels.JoinChannelRequest)(join_channel)
    answers(dispatcher, functions.channels.LeaveChannelRequest)(leave_channel)
    answers(dispatcher, functions.messages.GetChatsRequest)(get_chats)
    answers(dispatcher, functions.messages.GetFullChatRequest)(get_full_chat)
    answers(dispatcher, functions.messages.CheckChatInviteRequest)(check_chat_invite)
    answers(dispatcher, functions.messages.ImportChatInviteRequest)(import_chat_invite)
    answers(dispatcher, functions.messages.ToggleNoForwardsRequest)(toggle_no_forwards)
    answers(dispatcher, functions.contacts.ResolveUsernameRequest)(resolve_username)


def get_channels(call: Call, request: Any) -> Any:
    view = view_of(call)
    return types.messages.Chats([view.chat(known_channel(call, named)) for named in request.id])


def get_chats(call: Call, request: Any) -> Any:
    view = view_of(call)
    chats = [call.world.chats.group(chat_id) for chat_id in request.id]
    if not all(chat is not None and call.me.id in chat.members for chat in chats):
        raise RpcError(400, "CHAT_ID_INVALID")
    return types.messages.Chats([view.chat(chat) for chat in chats if chat is not None])


def get_full_channel(call: Call, request: Any) -> Any:
    chat = channel_of(call, request.channel)
    view = view_of(call)
    view.peer(chat)
    if chat.linked is not None:
        view.peer(chat.linked)
    pinned = [i for i, m in chat.box.messages.items() if m.pinned]
    member = chat.members.get(call.me.id)
    next_send = None
    if chat.slow_mode and member is not None and member.last_sent and not chat.is_admin(call.me.id):
        next_send = int(member.last_sent + chat.slow_mode)
    full = types.ChannelFull(
        id=chat.id,
        about=chat.about,
        read_inbox_max_id=0,
        read_outbox_max_id=0,
        unread_count=0,
        chat_photo=_photo(call, chat),
        notify_settings=types.PeerNotifySettings(),
        bot_info=[],
        pts=chat.box.pts,
        can_view_participants=chat.kind == "supergroup" or None,
        participants_count=len(chat.audience()),
        pinned_msg_id=pinned[-1] if pinned else None,
        available_min_id=chat.available_min_id or None,
        linked_chat_id=chat.linked.id if chat.linked is not None else None,
        slowmode_seconds=chat.slow_mode or None,
        slowmode_next_send_date=next_send,
        ttl_period=chat.ttl_period or None,
        migrated_from_chat_id=chat.migrated_from.id if chat.migrated_from is not None else None,
        migrated_from_max_id=_last_before(call, chat),
        has_scheduled=bool(chat.scheduled) or None,
        send_paid_messages_stars=(0 if chat.is_admin(call.me.id) else chat.price) or None,
    )
    return types.messages.ChatFull(full, chats=view.groups(), users=view.people())


def _photo(call: Call, chat: Chat) -> Any:
    if chat.photo is None:
        return types.PhotoEmpty(0)
    return call.world.files.photo(chat.photo, call.me.id)


def _last_before(call: Call, chat: Chat) -> int | None:
    """The newest id of the basic group that this supergroup was."""
    if chat.migrated_from is None:
        return None
    ids = chat.migrated_from.visible(call.me.id)
    return ids[-1] if ids else None


def get_full_chat(call: Call, request: Any) -> Any:
    chat = group_of(call, request.chat_id)
    view = view_of(call)
    view.peer(chat)
    listed: list[Any] = []
    for member in chat.members.values():
        if not member.active:
            continue
        view.see_user(member.account_id)
        if member.account_id == chat.creator_id:
            listed.append(types.ChatParticipantCreator(member.account_id))
            continue
        kind = types.ChatParticipantAdmin if member.rights else types.ChatParticipant
        listed.append(kind(member.account_id, member.inviter_id or chat.creator_id, member.joined))
    participants = types.ChatParticipants(chat.id, listed, chat.version)
    if not chat.is_member(call.me.id):
        participants = types.ChatParticipantsForbidden(chat.id)
    full = types.ChatFull(
        id=chat.id,
        about=chat.about,
        participants=participants,
        chat_photo=_photo(call, chat),
        notify_settings=types.PeerNotifySettings(),
        ttl_period=chat.ttl_period or None,
    )
    return types.messages.ChatFull(full, chats=view.groups(), users=view.people())


def _participant(view: View, chat: Chat, member: Member) -> Any:
    view.see_user(member.account_id)
    number, inviter = member.account_id, member.inviter_id or chat.creator_id
    if member.banned:
        return types.ChannelParticipantBanned(
            types.PeerUser(number),
            kicked_by=chat.creator_id,
            date=member.joined,
            banned_rights=banned_rights(member.banned, member.banned_until),
            left=not member.active or None,
            rank=member.rank,
        )
    if not member.active:
        return types.ChannelParticipantLeft(types.PeerUser(number))
    if number == chat.creator_id:
        rights = admin_rights(chat.admin_rights_of(number))
        return types.ChannelParticipantCreator(number, rights, rank=member.rank)
    if member.rights:
        return types.ChannelParticipantAdmin(
            number,
            promoted_by=chat.creator_id,
            date=member.joined,
            admin_rights=admin_rights(member.rights),
            is_self=number == view.viewer_id or None,
            inviter_id=inviter if number == view.viewer_id else None,
            rank=member.rank,
        )
    if number == view.viewer_id:
        return types.ChannelParticipantSelf(number, inviter, member.joined)
    return types.ChannelParticipant(number, member.joined)


def get_participant(call: Call, request: Any) -> Any:
    chat = channel_of(call, request.channel)
    wanted = user_of(call, request.participant, "PARTICIPANT_ID_INVALID")
    member = chat.members.get(wanted.id)
    if chat.kind == "channel" and wanted is not call.me and not chat.is_admin(call.me.id):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    if member is None or not (member.active or member.banned):
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    view = view_of(call)
    view.peer(chat)
    participant = _participant(view, chat, member)
    return types.channels.ChannelParticipant(participant, chats=view.groups(), users=view.people())


def get_participants(call: Call, request: Any) -> Any:
    chat = channel_of(call, request.channel)
    if chat.kind == "channel" and not chat.is_admin(call.me.id):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    members = [m for m in chat.members.values() if m.active]
    if isinstance(request.filter, types.ChannelParticipantsAdmins):
        members = [m for m in members if m.rights or m.account_id == chat.creator_id]
    elif isinstance(request.filter, types.ChannelParticipantsKicked):
        members = [m for m in chat.members.values() if "view_messages" in m.banned]
    elif isinstance(request.filter, types.ChannelParticipantsBanned):
        members = [m for m in members if m.banned]
    elif isinstance(request.filter, types.ChannelParticipantsBots):
        members = [m for m in members if call.world.peers.by_id(m.account_id).bot]
    elif isinstance(request.filter, types.ChannelParticipantsSearch):
        wanted = request.filter.q.lower()
        members = [m for m in members if wanted in call.world.peers.by_id(m.account_id).name.lower()]
    elif not isinstance(request.filter, types.ChannelParticipantsRecent):
        raise RpcError(400, "INPUT_FILTER_INVALID")
    chosen = members[request.offset : request.offset + max(0, min(request.limit, _MAX_PARTICIPANTS))]
    view = view_of(call)
    view.peer(chat)
    participants = [_participant(view, chat, m) for m in chosen]
    return types.channels.ChannelParticipants(
        len(members), participants, chats=view.groups(), users=view.people()
    )


def get_send_as(call: Call, request: Any) -> Any:
    """Only as oneself."""
    chat_of(call, request.peer)
    view = view_of(call)
    peers = [types.SendAsPeer(view.see_user(call.me.id))]
    return types.channels.SendAsPeers(peers, chats=[], users=view.people())


def resolve_username(call: Call, request: Any) -> Any:
    name = request.username.removeprefix("@")
    if not name or not name.replace("_", "a").isalnum() or len(name) > 32:
        raise RpcError(400, "USERNAME_INVALID")
    view = view_of(call)
    account = call.world.peers.by_username(name)
    if account is not None:
        peer = view.see_user(account.id)
    else:
        chat = call.world.chats.by_username(name)
        if chat is None:
            raise RpcError(400, "USERNAME_NOT_OCCUPIED")
        peer = view.peer(chat)
    return types.contacts.ResolvedPeer(peer, chats=view.groups(), users=view.people())


# --- coming and going


def _invited(call: Call, invite: str) -> Chat:
    if not invite:
        raise RpcError(400, "INVITE_HASH_EMPTY")
    chat = call.world.chats.by_invite(invite)
    if chat is None:
        raise RpcError(400, "INVITE_HASH_INVALID")
    member = chat.members.get(call.me.id)
    if member is not None and "view_messages" in member.banned:
        raise RpcError(400, "INVITE_HASH_EXPIRED")
    return chat


def check_chat_invite(call: Call, request: Any) -> Any:
    chat = _invited(call, request.hash)
    if chat.is_member(call.me.id):
        return types.ChatInviteAlready(view_of(call).chat(chat))
    return types.ChatInvite(
        title=chat.title,
        photo=types.PhotoEmpty(0),
        participants_count=len(chat.audience()),
        color=0,
        channel=chat.shared or None,
        broadcast=chat.kind == "channel" or None,
        megagroup=chat.kind == "supergroup" or None,
        public=chat.username is not None or None,
        about=chat.about or None,
    )


def _moved(call: Call, chat: Chat) -> Any:
    """The answer to coming or going: that the chat looks different now."""
    view = view_of(call)
    view.peer(chat)
    return view.updates([types.UpdateChannel(chat.id) if chat.shared else types.UpdateChat(chat.id)])


def import_chat_invite(call: Call, request: Any) -> Any:
    chat = _invited(call, request.hash)
    if chat.is_member(call.me.id):
        raise RpcError(400, "USER_ALREADY_PARTICIPANT")
    call.world.chats.join(chat, call.me, link=True)
    return types.messages.ChatInviteJoinResultOk(_moved(call, chat))


def join_channel(call: Call, request: Any) -> Any:
    """Layer 229 answers with a `ChatInviteJoinResult`."""
    chat = channel_of(call, request.channel)
    call.world.chats.join(chat, call.me)
    return types.messages.ChatInviteJoinResultOk(_moved(call, chat))


def leave_channel(call: Call, request: Any) -> Any:
    chat = channel_of(call, request.channel)
    if not chat.is_member(call.me.id):
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    call.world.chats.leave(chat, call.me)
    return _moved(call, chat)


def toggle_no_forwards(call: Call, request: Any) -> Any:
    """Content protection is the owner's to switch."""
    chat = chat_of(call, request.peer)
    if chat.creator_id != call.me.id:
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    if chat.noforwards == request.enabled:
        raise RpcError(400, "CHAT_NOT_MODIFIED")
    call.world.chats.set_noforwards(chat, request.enabled, call.me)
    return _moved(call, chat)
