"""What the domain asks of the world: a `Source` to read, a `Target` to write, `Ids`, a `Beat`; and what the
world asks of it, `LoginPatience`.

Reader and writer are never assumed to be the same account. Every call may raise the errors of
`tgstreamd.domain.errors` under `TelegramError`, and nothing else of Telegram's; each has a bounded duration.
A call that writes and raises `Transient` may have been carried out.
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
        """A fresh non-zero signed 64-bit number."""
        ...


class SecretIds:
    """`Ids` that nobody can guess or repeat."""

    def random_id(self) -> int:
        return secrets.randbits(63) + 1 - (1 << 62) or 1


class Beat(Protocol):
    """How a service tells the watchdog that it lives."""

    def __call__(self, seconds: float, /) -> None:
        """I report again within `seconds` (at most 60)."""
        ...


class LoginPatience(Protocol):
    """How long a login that Telegram does not know is tried again."""

    async def unknown(self, key: int, error: LoginUnknown) -> LoginUnknown | NotAuthorised:
        """Telegram has refused the login of this key: the error with the time that is left, or the end."""
        ...

    async def known(self) -> None:
        """Telegram knows the login."""
        ...


class Source(Protocol):
    """The reading account."""

    @property
    def connected(self) -> bool: ...

    async def account(self) -> Account: ...

    async def chat(self, chat: int) -> Chat:
        """Raises SourceLost where the account cannot see it."""
        ...

    async def topics(self, chat: int) -> tuple[Topic, ...]:
        """All topics of a forum, General included, however many pages that takes."""
        ...

    async def newest(self, chat: int, topic: int | None = None) -> int:
        """The highest message id, 0 for an empty chat."""
        ...

    async def count(self, chat: int, topic: int | None = None, *, after: int = 0) -> tuple[int, int]:
        """How many messages lie above id `after`, and the date of the oldest of them (0 for none)."""
        ...

    async def first_since(self, chat: int, date: int, topic: int | None = None) -> int:
        """The id of the first message at or after `date`; `newest + 1` where there is none."""
        ...

    async def box(self, chat: int) -> Box:
        """The present live position of the box that `chat` belongs to."""
        ...

    async def difference(self, chat: int, box: Box) -> Difference:
        """What happened after `box`. Raises Undecodable where it cannot be read."""
        ...

    async def history(
        self, chat: int, *, after: int, topic: int | None = None, limit: int = 100
    ) -> tuple[Message, ...]:
        """At most `limit` messages with ids above `after`, oldest first, service messages included.

        An empty answer means that nothing lies above. Raises Undecodable.
        """
        ...

    async def messages(self, chat: int, ids: Sequence[int]) -> dict[int, Message]:
        """The messages of these ids (any number) that exist."""
        ...

    async def hidden_to(self, chat: int) -> int:
        """Ids up to this one cannot be read by this account, whether they were deleted or not."""
        ...

    async def part(self, media: Media, offset: int, limit: int, *, thumb: bool = False) -> bytes:
        """`limit` bytes of the file (or its thumbnail) from `offset`; fewer only at its end.

        Raises MediaExpired where the reference is too old.
        """
        ...

    async def pinned(self, chat: int) -> tuple[int, ...]:
        """The ids of the pinned messages, oldest first."""
        ...

    async def pushed(self) -> Push:
        """The next thing that Telegram told by itself. Lost ones are made good by positions."""
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
        """Raises TargetLost where the account cannot see it."""
        ...

    async def topics(self, chat: int) -> tuple[Topic, ...]: ...

    async def newest(self, chat: int) -> int: ...

    async def start(self, chat: int) -> tuple[int, Box | None]:
        """The newest message id, and a live position not after it; None where Telegram does not say one."""
        ...

    async def difference(self, chat: int, box: Box) -> Difference:
        """As `Source.difference`: for finding what our own calls have made."""
        ...

    async def history(
        self, chat: int, *, after: int, topic: int | None = None, limit: int = 100
    ) -> tuple[Message, ...]:
        """As `Source.history`: everyone's messages, so that the two sides can be compared."""
        ...

    async def messages(self, chat: int, ids: Sequence[int]) -> dict[int, Message]:
        """The messages of these ids (any number) that exist."""
        ...

    async def save_part(
        self, upload: Upload, index: int, data: bytes, *, on_step: Callable[[int], None] | None = None
    ) -> None:
        """Store one part; sending it again is harmless. Raises Transient where Telegram says false.

        `on_step` gets, where the line is slow, the bytes of the part that are through so far.
        """
        ...

    async def commit(self, chat: int, media: Media, upload: Upload, thumb: Upload | None) -> bytes:
        """Turn complete uploads into a document or photo of the target's (`messages.uploadMedia`).

        Returns what `send` wants for it. Raises PartsMissing.
        """
        ...

    async def check_media(self, chat: int, media: Media, committed: bytes | None) -> None:
        """Ask whether `send` could use a file there now: a committed one, or (None) this one by reference.

        Sends nothing. Raises MediaExpired where its reference is too old, Rejected, TargetLost, FloodWait, …
        """
        ...

    async def send(
        self, chat: int, draft: Draft, random_ids: Sequence[int], committed: Sequence[bytes | None]
    ) -> Sent:
        """Carry out one draft: a `random_id` and a committed media (None: by reference) for each piece.

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
        """Make a message of ours look like `piece`; `replace` its media, by a committed one or by reference.

        Harmless to repeat; one that looks so already is fine. Raises Rejected where Telegram will not.
        """
        ...

    async def delete(self, chat: int, messages: Sequence[int]) -> int:
        """Delete at most 100 messages of ours, for everyone; unknown ids are fine.

        How many Telegram says were deleted: fewer where some were gone, or where it deletes nothing and
        says so in no other way.
        """
        ...

    async def pin(self, chat: int, message: int, *, pinned: bool) -> None:
        """Pin or unpin, silently and without leaving a service message behind."""
        ...

    async def create_topic(self, chat: int, title: str, color: int, icon: int, random_id: int) -> Sent:
        """Make a topic, once for this `random_id`: a message of its id. An icon that may not be used is left
        out.

        Raises Duplicate, Unnamed, Transient (outcome unknown), Rejected, FloodWait, TargetLost.
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
        """Make a topic (1: General) look so; None leaves it as it is. Harmless to repeat."""
        ...

    async def pin_topics(self, chat: int, order: Sequence[int], ours: Collection[int]) -> set[int]:
        """Pin these topics (1: General), in this order, above those that are not `ours`; of ours no others.

        Harmless to repeat. What is too many for Telegram is left out. Returns those that are no more.
        """
        ...

    async def edit_title(self, chat: int, title: str) -> None:
        """The chat's title, without leaving a service message behind."""
        ...

    async def edit_about(self, chat: int, about: str) -> None:
        """The chat's description."""
        ...

    async def edit_photo(self, chat: int, upload: Upload | None) -> None:
        """The chat's photo is what was uploaded, or none; without a service message. Raises PartsMissing."""
        ...

    async def after(self, chat: int, floor: int) -> tuple[Message, ...]:
        """This account's own messages with ids above `floor`, oldest first, enumerated, not searched.

        Of service messages only those that made a topic (`TopicCreate`).
        """
        ...

    async def scheduled(self, chat: int) -> tuple[Message, ...]:
        """This account's scheduled messages there."""
        ...
