"""Implements `ports.Target`, the writing account, over Telethon.

Sends with the given `random_id`s and reads the answer item by item: an id that Telegram does not name is not
in the result. Repeats nothing; the caller handles unknown outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from telethon.tl import functions, types

from ..domain.errors import Rejected, Transient
from ..domain.messages import (
    TOLD_KINDS,
    Account,
    Box,
    Chat,
    Draft,
    Media,
    Message,
    Piece,
    Preview,
    Sent,
    Topic,
    Upload,
)
from ..domain.refusals import row
from ..domain.updates import Difference
from . import convert, entities, files, generated_media, rich
from .chat_edits import ChatEdits
from .client import Client
from .differences import Differences
from .peer_cache import is_channel
from .peers import Peers
from .pool import Pool
from .reading import Reading
from .send_result import settle


class TelegramTarget:
    """The writing port of an account."""

    def __init__(self, client: Client, peers: Peers, pool: Pool) -> None:
        self._client = client
        self._peers = peers
        self._pool = pool
        self._reading = Reading(client, peers, "target")
        self._differences = Differences(client, peers, self._reading, "target")
        self._edits = ChatEdits(peers, self._reading)
        self._account: Account | None = None

    @property
    def connected(self) -> bool:
        return self._client.connected

    @property
    def key(self) -> int:
        """The id of the account's key, signed 64 bits: uploaded parts belong to the key of its data
        centre."""
        return self._client.stored.key_id

    async def account(self) -> Account:
        self._account = await self._reading.account()
        return self._account

    async def chat(self, chat: int) -> Chat:
        return await self._reading.chat(chat)

    async def topics(self, chat: int) -> tuple[Topic, ...]:
        return await self._reading.topics(chat)

    async def newest(self, chat: int) -> int:
        return await self._reading.newest(chat)

    async def start(self, chat: int) -> tuple[int, Box | None]:
        return await self._differences.start(chat)

    async def difference(self, chat: int, box: Box) -> Difference:
        return await self._differences.difference(chat, box)

    async def history(
        self, chat: int, *, after: int, topic: int | None = None, limit: int = 100
    ) -> tuple[Message, ...]:
        return await self._reading.history(chat, after, topic, limit)

    async def messages(self, chat: int, ids: Sequence[int]) -> dict[int, Message]:
        return await self._reading.messages(chat, ids)

    async def scheduled(self, chat: int) -> tuple[Message, ...]:
        return await self._reading.scheduled(chat)

    async def after(self, chat: int, floor: int) -> tuple[Message, ...]:
        mine: list[Message] = []
        place = floor
        while page := await self._reading.history(chat, place, None, 100):
            # A channel's posts belong to the channel: Telegram does not always name their author.
            own = [m for m in page if m.out or m.sender_id == chat]
            mine += [m for m in own if m.service in ("", "TopicCreate")]
            place = page[-1].id
        return tuple(mine)

    # Uploads.

    async def save_part(
        self, upload: Upload, index: int, data: bytes, *, on_step: Callable[[int], None] | None = None
    ) -> None:
        request: Any
        if files.goes_small(upload):
            request = functions.upload.SaveFilePartRequest(upload.file_id, index, data)
        else:
            request = functions.upload.SaveBigFilePartRequest(upload.file_id, index, upload.parts, data)
        if not await self._pool.save(request, on_step):
            raise Transient(f"Telegram did not keep part {index}", error="PART_NOT_SAVED")

    async def commit(self, chat: int, item: Media, upload: Upload, thumb: Upload | None) -> bytes:
        peer = await self._peers.peer(chat, "target")
        request = functions.messages.UploadMediaRequest(peer, files.uploaded(item, upload, thumb))
        answer = await self._reading.call(request, timeout=120)
        made = files.reference(answer, spoiler=item.spoiler)
        if made is None:
            raise Rejected(f"Telegram made no file of the upload, but {type(answer).__name__}")
        return bytes(made)

    async def check_media(self, chat: int, item: Media, committed: bytes | None) -> None:
        account = self._account or await self.account()
        made = self._input(chat, Piece(source_id=0, media=item), committed, account)
        # For a file that Telegram already has this creates nothing new and returns the same file.
        request = functions.messages.UploadMediaRequest(await self._peers.peer(chat, "target"), made)
        await self._reading.call(request, timeout=120)

    # Sending.

    async def send(
        self, chat: int, draft: Draft, random_ids: Sequence[int], committed: Sequence[bytes | None]
    ) -> Sent:
        peer = await self._peers.peer(chat, "target")
        account = self._account or await self.account()
        common: dict[str, Any] = {
            "silent": draft.silent or None,
            "invert_media": draft.invert or None,
            "reply_to": convert.reply_to(draft, account, self._client.directory, peer),
        }
        items = [
            (random_id, piece, self._input(chat, piece, raw, account))
            for random_id, piece, raw in zip(random_ids, draft.pieces, committed, strict=True)
        ]
        request: Any
        if len(items) > 1:
            request = functions.messages.SendMultiMediaRequest(
                peer,
                [
                    types.InputSingleMedia(
                        made, piece.text, random_id=random_id, entities=self._entities(piece, account)
                    )
                    for random_id, piece, made in items
                ],
                **common,
            )
        else:
            request = self._single(peer, draft, *items[0], account, common)
        answer = await self._reading.call(request, timeout=90)
        return settle(answer, random_ids)

    # Changing what was sent.

    async def edit(
        self,
        chat: int,
        message: int,
        piece: Piece,
        *,
        preview: Preview,
        invert: bool,
        replace: bool,
        committed: bytes | None,
    ) -> None:
        account = self._account or await self.account()
        kind = piece.media.kind if piece.media is not None else ""
        if kind == "poll":
            # A poll cannot be edited, only closed.
            if piece.media is not None and piece.media.closed:
                await self._close_poll(chat, message)
            return
        made: Any = self._input(chat, piece, committed, account) if replace or kind == "todo" else None
        if made is None and piece.media is None:
            made = convert.linked(preview)
        request = functions.messages.EditMessageRequest(
            await self._peers.peer(chat, "target"), message, message=piece.text, media=made,
            entities=self._entities(piece, account), invert_media=invert or None,
            no_webpage=preview.mode == "none" or None, rich_message=self._page(piece),
        )  # fmt: skip
        await self._modify(request)

    async def _modify(self, request: Any) -> None:
        try:
            await self._reading.call(request, timeout=90)
        except Rejected as error:
            if row(error.error, error.method).then != "so already":
                raise

    async def _close_poll(self, chat: int, message: int) -> None:
        """Close a poll in the target, whose id only the target knows."""
        found = await self._reading.messages_tl(chat, [message])
        hanging = getattr(found[0], "media", None) if found else None
        if not isinstance(hanging, types.MessageMediaPoll) or hanging.poll.closed:
            return
        peer = await self._peers.peer(chat, "target")
        closing = generated_media.closing(hanging.poll)
        await self._modify(functions.messages.EditMessageRequest(peer, message, media=closing))

    async def delete(self, chat: int, messages: Sequence[int]) -> int:
        request: Any
        if is_channel(chat):
            channel = await self._peers.channel(chat, "target")
            request = functions.channels.DeleteMessagesRequest(channel, list(messages))
        else:
            request = functions.messages.DeleteMessagesRequest(list(messages), revoke=True)
        # Each deleted message is one event (https://core.telegram.org/constructor/messages.affectedMessages).
        return int((await self._reading.call(request)).pts_count)

    async def pin(self, chat: int, message: int, *, pinned: bool) -> None:
        peer = await self._peers.peer(chat, "target")
        request = functions.messages.UpdatePinnedMessageRequest(
            peer, message, silent=True, unpin=not pinned or None
        )
        try:
            answer = await self._reading.call(request)
        except Rejected as error:
            if row(error.error, error.method).then != "so already":
                raise
            return
        # Pinning posts a service message, which the source already has as one of its own.
        posted = [update.message for update in answer.updates if hasattr(update, "message")]
        said = [m.id for m in posted if isinstance(getattr(m, "action", None), types.MessageActionPinMessage)]
        if said:
            await self.delete(chat, said)

    # The chat itself.

    async def create_topic(self, chat: int, title: str, color: int, icon: int, random_id: int) -> Sent:
        account = self._account or await self.account()
        return await self._edits.create_topic(chat, account, title, color, icon, random_id)

    async def pin_topics(self, chat: int, order: Sequence[int], ours: Collection[int]) -> set[int]:
        return await self._edits.pin_topics(chat, order, ours)

    async def edit_topic(
        self,
        chat: int,
        topic: int,
        *,
        title: str | None = None,
        icon: int | None = None,
        closed: bool | None = None,
        hidden: bool | None = None,
    ) -> None:
        account = self._account or await self.account()
        await self._edits.edit_topic(
            chat, account, topic, title=title, icon=icon, closed=closed, hidden=hidden
        )

    async def edit_title(self, chat: int, title: str) -> None:
        await self._edits.edit_title(chat, title)

    async def edit_about(self, chat: int, about: str) -> None:
        await self._edits.edit_about(chat, about)

    async def edit_photo(self, chat: int, upload: Upload | None) -> None:
        await self._edits.edit_photo(chat, upload)

    def _single(self, peer: Any, draft: Draft, random_id: int, piece: Piece, made: Any, account: Account,
                common: dict[str, Any]) -> Any:  # fmt: skip
        preview = draft.preview
        made = convert.linked(preview) if made is None else made
        formatted = self._entities(piece, account)
        if made is not None:
            return functions.messages.SendMediaRequest(
                peer, made, piece.text, random_id=random_id, entities=formatted, **common
            )
        return functions.messages.SendMessageRequest(
            peer, piece.text, no_webpage=preview.mode == "none" or None, random_id=random_id,
            entities=formatted, rich_message=self._page(piece), **common,
        )  # fmt: skip

    def _input(self, chat: int, piece: Piece, committed: bytes | None, account: Account) -> Any:
        """Return the `InputMedia` of a piece; None for a text, and for a page, which is sent as a text is."""
        if committed is not None:
            made = files.decode(committed)
            return files.bare(made) if piece.media is not None and piece.media.alone else made
        if piece.media is None or piece.media.kind == "rich":
            return None
        if piece.media.kind in TOLD_KINDS:
            directory = self._client.directory
            sender = generated_media.Sender(account.premium, directory, directory.broadcast(chat))
            return generated_media.as_input(piece.media, sender, files.decode(piece.media.raw))
        made = files.by_reference(piece.media)
        if made is None:
            raise Rejected(f"{piece.media.kind} cannot be sent by reference", error="NO_REFERENCE")
        return made

    def _page(self, piece: Piece) -> Any:
        if piece.media is None or piece.media.kind != "rich":
            return None
        return rich.as_input(files.decode(piece.media.raw), self._client.directory)

    def _entities(self, piece: Piece, account: Account) -> list[Any] | None:
        directory = self._client.directory
        sent = entities.to_tl(
            piece.entities,
            premium=account.premium,
            input_user=directory.input_user,
            username=directory.username,
        )
        return sent or None
