"""Changes the target chat itself: its topics, title, description and photo.

Each call is safe to repeat: a state already reached is accepted, and a topic is created once per `random_id`.
Does not decide when to call, and omits the topic id of General where Telegram requires it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from telethon.tl import functions, types

from ..domain.errors import Rejected
from ..domain.messages import GENERAL_TOPIC, Account, Sent, Upload
from ..domain.refusals import row
from . import files
from .peer_cache import is_channel
from .peers import Peers
from .reading import Reading
from .send_result import settle

#: Allowed colours of a topic's icon, and the longest title (https://core.telegram.org/api/forum).
COLORS: Final = (0x6FB9F0, 0xFFD67E, 0xCB86DB, 0x8EEE98, 0xFF93B2, 0xFB6F5F)
TITLE_MAX: Final = 128
#: Topics that may be pinned, if Telegram's configuration does not say.
PINNED_MAX: Final = 5
#: https://core.telegram.org/method/messages.editChatAbout
ABOUT_MAX: Final = 255


class ChatEdits:
    """The calls that change a chat."""

    def __init__(self, peers: Peers, reading: Reading) -> None:
        self._peers = peers
        self._reading = reading
        self._default_icons: frozenset[int] | None = None

    # Topics.

    async def create_topic(
        self, chat: int, account: Account, title: str, color: int, icon: int, random_id: int
    ) -> Sent:
        """Create a topic, which is a message with the same id. An icon that this account may not use is left
        out."""
        peer = await self._peers.peer(chat, "target")
        usable = await self._icon(account, icon)

        async def ask(icon: int) -> Any:
            return await self._reading.call(
                functions.messages.CreateForumTopicRequest(
                    peer, title[:TITLE_MAX], icon_color=color if color in COLORS else COLORS[0],
                    icon_emoji_id=icon or None, random_id=random_id,
                )
            )  # fmt: skip

        try:
            answer = await ask(usable)
        except Rejected:
            if not usable:
                raise
            # A definite refusal, so nothing was created: retry without the icon, since the topic matters
            # more.
            answer = await ask(0)
        return settle(answer, [random_id])

    async def edit_topic(
        self,
        chat: int,
        account: Account,
        topic: int,
        *,
        title: str | None,
        icon: int | None,
        closed: bool | None,
        hidden: bool | None,
    ) -> None:
        peer = await self._peers.peer(chat, "target")
        if icon and not await self._icon(account, icon):
            icon = None
        # One call each: closing and hiding cannot be combined with other changes.
        wanted: list[dict[str, Any]] = [
            {"closed": closed} if closed is not None else {},
            {"hidden": hidden} if hidden is not None else {},
        ]
        face = {"title": title[:TITLE_MAX] if title else None, "icon_emoji_id": icon}
        wanted.insert(0, {name: value for name, value in face.items() if value is not None})
        for changes in filter(None, wanted):
            await self._quietly(functions.messages.EditForumTopicRequest(peer, topic, **changes))

    async def pin_topics(self, chat: int, order: Sequence[int], ours: Collection[int]) -> set[int]:
        """Pin these topics, in this order, above those that are not `ours`, and unpin all others of ours.
        Return those that no longer exist.

        https://core.telegram.org/method/messages.reorderPinnedForumTopics, `force`: the whole list.
        """
        there = await self._reading.topics(chat)
        pinned = sorted((topic.pinned, topic.id) for topic in there if topic.pinned)
        gone = set(order) - {topic.id for topic in there} - {GENERAL_TOPIC}
        present = [topic for _, topic in pinned]
        theirs = [topic for topic in present if topic not in ours]
        room = await self._reading.limit("topics_pinned_limit", PINNED_MAX) - len(theirs)
        wanted = [*[topic for topic in order if topic not in gone][: max(0, room)], *theirs]
        if wanted != present:
            peer = await self._peers.peer(chat, "target")
            await self._quietly(functions.messages.ReorderPinnedForumTopicsRequest(peer, wanted, force=True))
        return gone

    async def _icon(self, account: Account, icon: int) -> int:
        """Return the icon if this account may use it: any with Premium, otherwise one of Telegram's own set;
        else 0."""
        if not icon or account.premium:
            return icon
        if self._default_icons is None:
            request = functions.messages.GetStickerSetRequest(
                types.InputStickerSetEmojiDefaultTopicIcons(), hash=0
            )
            try:
                answer = await self._reading.call(request)
            except Rejected:
                return 0
            self._default_icons = frozenset(document.id for document in answer.documents)
        return icon if icon in self._default_icons else 0

    # The chat's own title, description and photo.

    async def edit_title(self, chat: int, title: str) -> None:
        request: Any
        if is_channel(chat):
            channel = await self._peers.channel(chat, "target")
            request = functions.channels.EditTitleRequest(channel, title)
        else:
            request = functions.messages.EditChatTitleRequest(-chat, title)
        await self._call_silently(chat, request)

    async def edit_about(self, chat: int, about: str) -> None:
        peer = await self._peers.peer(chat, "target")
        await self._quietly(functions.messages.EditChatAboutRequest(peer, about[:ABOUT_MAX]))

    async def edit_photo(self, chat: int, upload: Upload | None) -> None:
        """Set the chat's photo to the upload, or remove it."""
        request: Any
        photo: Any = types.InputChatPhotoEmpty()
        if upload is not None:
            photo = types.InputChatUploadedPhoto(file=files.input_file(upload, upload.name))
        if is_channel(chat):
            request = functions.channels.EditPhotoRequest(await self._peers.channel(chat, "target"), photo)
        else:
            request = functions.messages.EditChatPhotoRequest(-chat, photo)
        await self._call_silently(chat, request)

    async def _call_silently(self, chat: int, request: Any) -> None:
        """Make the call and delete the service message that announces it, which the copy of a chat does not
        need."""
        answer = await self._quietly(request)
        posted = [getattr(update, "message", None) for update in getattr(answer, "updates", ())]
        said = [message.id for message in posted if isinstance(message, types.MessageService)]
        if not said:
            return
        gone: Any
        if is_channel(chat):
            gone = functions.channels.DeleteMessagesRequest(await self._peers.channel(chat, "target"), said)
        else:
            gone = functions.messages.DeleteMessagesRequest(said, revoke=True)
        try:
            await self._reading.call(gone)
        except Rejected:
            return  # it stays: harmless

    async def _quietly(self, request: Any) -> Any:
        try:
            return await self._reading.call(request)
        except Rejected as error:
            if row(error.error, error.method).then != "so already":
                raise
            return None
