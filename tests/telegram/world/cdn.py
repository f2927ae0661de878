"""Popular files: the tokens that send clients to a CDN for them, and what the CDN has in its memory.

Owns the tokens. Which file is popular (`cdn` of a stored file), how long a token is good, what the CDN has
lost and what it makes of the bytes is a test's to say. Rules of https://core.telegram.org/cdn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from telethon.tl import types

from tests.telegram.dispatch import RpcError

from .blobs import Blob

if TYPE_CHECKING:
    from . import World
    from .files import Stored

#: The only CDN of this Telegram; the real one has a few, all with ids beyond 100.
CDN_DC = 203
MEBIBYTE = 1 << 20


@dataclass(eq=False)
class Grant:
    """What one redirect promised: this content, encrypted so, under this token."""

    token: bytes
    key: bytes
    iv: bytes
    stored: Stored
    blob: Blob
    account_id: int
    issued: float


class Cdn:
    """All tokens, and the script of a test."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._grants: dict[bytes, Grant] = {}
        self._requests: dict[bytes, Grant] = {}
        self._lost: set[Blob] = set()
        self._sent_away: set[tuple[int, Blob, int]] = set()
        #: Seconds of the world's clock for which a token is good.
        self.token_lifetime = 3600.0
        #: Bytes that each hash is of; ranges begin at the start of the file.
        self.hash_range = 128 * 1024
        #: Hashes that come with a redirect; the others have to be asked for.
        self.hashes_told = 8
        #: Whether a data centre gives the bytes itself where the account asks again for an offset for which
        #: it was sent to the CDN. The real one's rule is not known.
        self.origin_gives = False
        #: What the CDN makes of the bytes at an offset before it sends them.
        self.lie: Callable[[int, bytes], bytes] = lambda offset, data: data

    # The data centre's side

    def sends_away(self, account_id: int, stored: Stored, blob: Blob, offset: int) -> bool:
        """Whether the answer to this upload.getFile is a redirect."""
        if not stored.cdn:
            return False
        place = (account_id, blob, offset)
        if self.origin_gives and place in self._sent_away:
            return False
        self._sent_away.add(place)
        return True

    def redirect(self, account_id: int, stored: Stored, blob: Blob, offset: int) -> Any:
        """The answer that sends a client away; the token is the same until it expires."""
        grant = next(
            (
                known
                for known in self._grants.values()
                if known.blob is blob and known.account_id == account_id and self._is_good(known)
            ),
            None,
        )
        if grant is None:
            made = self._world.random.randbytes
            grant = Grant(made(20), made(32), made(16), stored, blob, account_id, self._world.now())
            self._grants[grant.token] = grant
        hashes = self.hashes(grant, offset)[: self.hashes_told]
        return types.upload.FileCdnRedirect(CDN_DC, grant.token, grant.key, grant.iv, hashes)

    def hashes(self, grant: Grant, offset: int) -> list[Any]:
        """The hashes of the megabyte around `offset`: SHA-256 of the content, not of what the CDN sends."""
        start = offset // MEBIBYTE * MEBIBYTE
        end = min(start + MEBIBYTE, grant.blob.size)
        made = []
        for place in range(start // self.hash_range * self.hash_range, end, self.hash_range):
            data = grant.blob.read(place, self.hash_range)
            made.append(types.FileHash(place, len(data), sha256(data).digest()))
        return made

    def reupload(self, grant: Grant, request_token: bytes) -> None:
        """Give the CDN the file again. Raises REQUEST_TOKEN_INVALID for a token that the CDN did not give."""
        if self._requests.pop(request_token, None) is not grant:
            raise RpcError(400, "REQUEST_TOKEN_INVALID")
        self._lost.discard(grant.blob)

    def find(self, token: bytes) -> Grant:
        """What a token stands for. Raises FILE_TOKEN_INVALID for one that is unknown or too old."""
        grant = self._grants.get(token)
        if grant is None or not self._is_good(grant):
            raise RpcError(400, "FILE_TOKEN_INVALID")
        return grant

    def _is_good(self, grant: Grant) -> bool:
        return self._world.now() < grant.issued + self.token_lifetime

    # The CDN's side

    def wants_reupload(self, grant: Grant) -> bytes | None:
        """The request token, where the CDN no longer has this file."""
        if grant.blob not in self._lost:
            return None
        token = self._world.random.randbytes(16)
        self._requests[token] = grant
        return token

    # For tests

    def lose(self) -> None:
        """The CDN's memory was needed for other files: it has none of those any more."""
        self._lost |= {grant.blob for grant in self._grants.values()}

    def lose_at_once(self, stored: Stored) -> None:
        """The CDN does not have this file yet."""
        self._lost.add(stored.blob)

    def expire_tokens(self) -> None:
        """Make every token given out until now an invalid one."""
        self._grants.clear()
