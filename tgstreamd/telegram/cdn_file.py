"""One file that lies on a CDN: its token and key, and the hashes by which its bytes are believed.

Promises that `Check` gives no byte whose hash it has not compared, and that AES in counter mode is imported
only for who meets a redirect. Asks nobody: that is `downloads`'.
https://core.telegram.org/cdn
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from ..domain.errors import Undecodable

#: What an offset and a limit are multiples of, the most that is asked for at once, and the block that a
#: request must lie in (https://core.telegram.org/cdn#restrictions-on-uploadgetfile-and-uploadgetcdnfile-parameters).
UNIT: Final = 4096
PIECE_MAX: Final = 512 * 1024
BLOCK: Final = 1024 * 1024
#: Hashes of longer ranges are of no use: a part would cost many times its bytes.
RANGE_MAX: Final = 1024 * 1024
#: What both ends say of a token that is too old (https://core.telegram.org/cdn#possible-errors-and-their-meanings).
TOO_OLD: Final = frozenset({"FILE_TOKEN_INVALID", "REQUEST_TOKEN_INVALID"})
#: Hashes kept for one file that have not been used yet.
RANGES_MAX: Final = 1000


class CdnTrouble(Exception):
    """The CDN does not give this part, or gives it wrong; the reason in words.

    `ordinary`: only the token is too old, which happens to every one of them.
    """

    def __init__(self, what: str, *, ordinary: bool = False) -> None:
        super().__init__(what)
        self.ordinary = ordinary


class Range(NamedTuple):
    """A range of the file and the SHA-256 of its bytes; at the end of the file it may reach beyond."""

    offset: int
    end: int
    digest: bytes


class CdnFile:
    """What a redirect said, and the hashes that came with it and later."""

    def __init__(self, redirect: Any) -> None:
        """`redirect` is an `upload.fileCdnRedirect`. Raises Undecodable where its key is none."""
        self.dc: int = redirect.dc_id
        self.token = bytes(redirect.file_token)
        self._key = bytes(redirect.encryption_key)
        self._iv = bytes(redirect.encryption_iv)
        if len(self._key) != 32 or len(self._iv) != 16:
            raise Undecodable("upload.getFile: the redirect to a CDN has no key")
        #: Held while hashes are asked for, so that parts under way ask once.
        self.asking = asyncio.Lock()
        self._ranges: dict[int, Range] = {}
        self.learn(redirect.file_hashes)

    def learn(self, hashes: Iterable[Any]) -> list[Range]:
        """Keep hashes (`FileHash`) that the file's data centre has told; those of use."""
        found = [
            Range(known.offset, known.offset + known.limit, bytes(known.hash))
            for known in hashes
            if known.offset >= 0 and 0 < known.limit <= RANGE_MAX
        ]
        self._ranges |= {known.offset: known for known in found}
        while len(self._ranges) > RANGES_MAX:
            del self._ranges[next(iter(self._ranges))]
        return found

    def range_at(self, offset: int) -> Range | None:
        """The known range that this byte lies in."""
        return covering(self._ranges.values(), offset)

    def used(self, ranges: Iterable[Range], end: int) -> None:
        """Forget ranges that end before `end`: whoever wanted them has them."""
        for known in ranges:
            if known.end <= end:
                self._ranges.pop(known.offset, None)

    def decrypt(self, offset: int, data: Any) -> bytes:
        """What the CDN sent for `offset`, a multiple of 16, in clear."""
        # Here, not above: 8 MB of memory for the few who ever meet a CDN.
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CTR

        counter = self._iv[:12] + (offset // 16).to_bytes(4, "big")
        return Cipher(AES(self._key), CTR(counter)).decryptor().update(data)


class Check:
    """The bytes from `offset` to `end`, collected while the hashes of all ranges that they touch are made."""

    def __init__(self, ranges: Sequence[Range], offset: int, end: int) -> None:
        """`ranges` cover all bytes wanted, in their order."""
        self._wanted = offset, end
        self._hashes = [(known, sha256()) for known in ranges]
        self._kept: list[bytes | memoryview] = []

    def add(self, offset: int, data: bytes) -> None:
        """What the file has at `offset`; each piece begins where the last one ended."""
        for known, digest in self._hashes:
            digest.update(_overlap(offset, data, known.offset, known.end))
        self._kept.append(_overlap(offset, data, *self._wanted))

    def bytes(self) -> bytes:
        """Those wanted. Raises CdnTrouble where one hash is not what it should be."""
        for known, digest in self._hashes:
            if digest.digest() != known.digest:
                raise CdnTrouble(f"the bytes from {known.offset} on are not those of the file")
        return bytes(self._kept[0]) if len(self._kept) == 1 else b"".join(self._kept)


def covering(ranges: Iterable[Range], offset: int) -> Range | None:
    return next((known for known in ranges if known.offset <= offset < known.end), None)


def pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The requests (offset, limit) that bring the bytes from `start` to `end`, and perhaps more."""
    at = start // UNIT * UNIT
    while at < end:
        limit = UNIT
        while limit < PIECE_MAX and limit < end - at:
            limit *= 2
        while at // BLOCK != (at + limit - 1) // BLOCK:
            limit //= 2
        yield at, limit
        at += limit


def _overlap(offset: int, data: bytes, start: int, end: int) -> bytes | memoryview:
    """What of `data`, which lies at `offset`, lies between `start` and `end`; the whole is not copied."""
    if start <= offset and offset + len(data) <= end:
        return data
    return memoryview(data)[max(0, start - offset) : max(0, end - offset)]
