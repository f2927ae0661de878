"""The interfaces to the outside world: `Source` to read, `Target` to write, `Ids`, `Beat`, `LoginPatience`.

Reader and writer are never assumed to be the same account. A call raises the subclasses of `TelegramError` in
`tgstreamd.domain.errors` and no other error of Telegram's; its duration is bounded. A writing call that
raises `Transient` may have been carried out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from .errors import LoginUnknown, NotAuthorised
from .messages import Account, Box, Chat, Draft, Media, Message, Piece, Preview, Sent, Topic, Upload
from .updates import Difference, Push


class Ids(Protocol):
    def random_id(self) -> int:
        """Return a fresh non-zero signed 64-bit number."""
        ...


class SecretIds:
    """Draws ids that nobody can guess or repeat."""

    def random_id(self) -> int:
        return secrets.randbits(63) + 1 - (1 << 62) or 1


class Beat(Protocol):
    """Reports to the watchdog that a service is alive."""

    def __call__(self, seconds: float, /) -> None:
        """Report now, and promise the next report within `seconds` (at most 60)."""
        ...


class LoginPatience(Protocol):
    """Decides for how long a login that Telegram does not know is retried."""

    async def unknown(self, key: int, error: LoginUnknown) -> LoginUnknown | NotAuthorised:
        """Note that Telegram refused this key's login; return the error, with the time left or final."""
        ...

    async def known(self) -> None:
        """Note that Telegram knows the login."""
        ...


class Source(Protocol):
    """The reading account."""

    @property
    def connected(self) -> bool: ...

    async def account(self) -> Account: ...

    async def chat(self, chat: int) -> Chat:
        """Return the chat. Raises SourceLost where the account cannot see it."""
        ...

    async def topics(self, chat: int) -> tuple[Topic, ...]:
        """Return all topics of a forum, General included, over all pages."""
        ...

    async def newest(self, chat: int, topic: int | None = None) -> int:
        """Return the highest message id, 0 for an empty chat."""
        ...

    async def count(self, chat: int, topic: int | None = None, *, after: int = 0) -> tuple[int, int]:
        """Return the number of messages above id `after`, and the date of the oldest of them (0 for none)."""
        ...

    async def first_since(self, chat: int, date: int, topic: int | None = None) -> int:
        """Return the id of the first message at or after `date`; `newest + 1` where there is none."""
        ...

    async def box(self, chat: int) -> Box:
        """Return the current live position of the box that `chat` belongs to."""
        ...

    async def difference(self, chat: int, box: Box) -> Difference:
        """Return the events after `box`. Raises Undecodable where the answer cannot be read."""
        ...

    async def history(
        self, chat: int, *, after: int, topic: int | None = None, limit: int = 100
    ) -> tuple[Message, ...]:
        """Return at most `limit` messages with ids above `after`, oldest first, service messages included.

        An empty answer means that there are no more. Raises Undecodable.
        """
        ...

    async def messages(self, chat: int, ids: Sequence[int]) -> dict[int, Message]:
        """Return those messages of these ids (any number) that exist, by id."""
        ...

    async def hidden_to(self, chat: int) -> int:
        """Return the id up to which this account can read nothing, whether deleted or not."""
        ...

    async def part(self, media: Media, offset: int, limit: int, *, thumb: bool = False) -> bytes:
        """Return `limit` bytes of the file (or its thumbnail) from `offset`; fewer only at its end.

        Raises MediaExpired where the reference is too old.
        """
        ...

    async def pinned(self, chat: int) -> tuple[int, ...]:
        """Return the ids of the pinned messages, oldest first."""
        ...

    async def pushed(self) -> Push:
        """Wait for and return the next push of Telegram. Lost ones are recovered by positions."""
        ...


class Target(Protocol):
    """The writing account."""

    @property
    def connected(self) -> bool: ...

    @property
    def key(self) -> int:
        """Identity of the key under which parts are stored: parts sent under another are lost."""
        ...

    async def account(self) -> Account: ...

    async def chat(self, chat: int) -> Chat:
        """Return the chat. Raises TargetLost where the account cannot see it."""
        ...

    async def topics(self, chat: int) -> tuple[Topic, ...]: ...

    async def newest(self, chat: int) -> int: ...

    async def start(self, chat: int) -> tuple[int, Box | None]:
        """Return the newest message id, and a live position not after it; None where Telegram gives none."""
        ...

    async def difference(self, chat: int, box: Box) -> Difference:
        """As `Source.difference`: used to find the messages that our own calls created."""
        ...

    async def history(
        self, chat: int, *, after: int, topic: int | None = None, limit: int = 100
    ) -> tuple[Message, ...]:
        """As `Source.history`: everyone's messages, for comparing both sides."""
        ...

    async def messages(self, chat: int, ids: Sequence[int]) -> dict[int, Message]:
        """Return those messages of these ids (any number) that exist, by id."""
        ...

    async def save_part(
        self, upload: Upload, index: int, data: bytes, *, on_step: Callable[[int], None] | None = None
    ) -> None:
        """Store one part; repeating it is harmless. Raises Transient where Telegram answers false.

        On a slow line `on_step` is called with the number of bytes of the part sent so far.
        """
        ...

    async def commit(self, chat: int, media: Media, upload: Upload, thumb: Upload | None) -> bytes:
        """Turn complete uploads into a document or photo of the target's (`messages.uploadMedia`).

        Returns the bytes that `send` needs for it. Raises PartsMissing.
        """
        ...

    async def check_media(self, chat: int, media: Media, committed: bytes | None) -> None:
        """Ask whether `send` could now use a file there: a committed one, or (None) this one by reference.

        Sends nothing. Raises MediaExpired where its reference is too old, Rejected, TargetLost, FloodWait, …
        """
        ...

    async def send(
        self, chat: int, draft: Draft, random_ids: Sequence[int], committed: Sequence[bytes | None]
    ) -> Sent:
        """Send one draft: a `random_id` and a committed media (None: by reference) for each piece.

        Raises Duplicate, Unnamed, Transient (outcome unknown), Rejected, MediaExpired, FloodWait, …
        """
        ...

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
        """Edit a message of ours to match `piece`; `replace` its media, by a committed one or by reference.

        Repeating it is harmless; an unchanged message is no error. Raises Rejected where Telegram refuses.
        """
        ...

    async def delete(self, chat: int, messages: Sequence[int]) -> int:
        """Delete at most 100 messages of ours, for everyone; unknown ids are no error.

        Returns the number that Telegram reports as deleted: lower where some were gone before, or where
        Telegram deletes nothing without reporting an error.
        """
        ...

    async def pin(self, chat: int, message: int, *, pinned: bool) -> None:
        """Pin or unpin, silently and without leaving a service message."""
        ...

    async def create_topic(self, chat: int, title: str, color: int, icon: int, random_id: int) -> Sent:
        """Create a topic, once for this `random_id`; its message has the topic's id.

        Omits an icon that is not allowed. Raises Duplicate, Unnamed, Transient (outcome unknown), Rejected,
        FloodWait, TargetLost.
        """
        ...

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
        """Set the properties of a topic (1: General); None leaves one unchanged. Repeating it is harmless."""
        ...

    async def pin_topics(self, chat: int, order: Sequence[int], ours: Collection[int]) -> set[int]:
        """Pin these topics (1: General) in this order, above those not in `ours`; unpin all others in `ours`.

        Repeating it is harmless. Omits topics beyond Telegram's limit. Returns those that no longer exist.
        """
        ...

    async def edit_title(self, chat: int, title: str) -> None:
        """Set the chat's title, without leaving a service message."""
        ...

    async def edit_about(self, chat: int, about: str) -> None:
        """Set the chat's description."""
        ...

    async def edit_photo(self, chat: int, upload: Upload | None) -> None:
        """Set the chat's photo to the upload, or remove it, without service message. Raises PartsMissing."""
        ...

    async def after(self, chat: int, floor: int) -> tuple[Message, ...]:
        """Return this account's own messages above id `floor`, oldest first, enumerated rather than searched.

        Includes only those service messages that created a topic (`TopicCreate`).
        """
        ...

    async def scheduled(self, chat: int) -> tuple[Message, ...]:
        """Return this account's scheduled messages in the chat."""
        ...
