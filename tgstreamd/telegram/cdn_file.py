"""Holds the state of one file on a CDN: its token and key, and the hashes that verify its bytes.

`Check` returns no byte whose hash it has not compared. AES in counter mode is imported only once a redirect
to a CDN occurs. Makes no requests: `downloads` does. https://core.telegram.org/cdn
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from ..domain.errors import Undecodable

#: Unit of offsets and limits, largest limit of a request, and the block that a request must not cross
#: (https://core.telegram.org/cdn#restrictions-on-uploadgetfile-and-uploadgetcdnfile-parameters).
UNIT: Final = 4096
PIECE_MAX: Final = 512 * 1024
BLOCK: Final = 1024 * 1024
#: Hashes of longer ranges are unusable: one part would cost a multiple of its bytes.
RANGE_MAX: Final = 1024 * 1024
#: Errors of both ends for an expired token
#: (https://core.telegram.org/cdn#possible-errors-and-their-meanings).
TOO_OLD: Final = frozenset({"FILE_TOKEN_INVALID", "REQUEST_TOKEN_INVALID"})
#: Unused hashes kept for one file.
RANGES_MAX: Final = 1000


class CdnTrouble(Exception):
    """The CDN did not deliver this part, or delivered it wrong; holds the reason.

    `ordinary`: the token has merely expired, which happens to every token.
    """

    def __init__(self, what: str, *, ordinary: bool = False) -> None:
        super().__init__(what)
        self.ordinary = ordinary


class Range(NamedTuple):
    """A range of the file and the SHA-256 of its bytes; the last one may reach beyond the end of the file."""

    offset: int
    end: int
    digest: bytes


class CdnFile:
    """The data of a redirect, and the hashes received with it and later."""

    def __init__(self, redirect: Any) -> None:
        """`redirect` is an `upload.fileCdnRedirect`. Raises Undecodable if its key is invalid."""
        self.dc: int = redirect.dc_id
        self.token = bytes(redirect.file_token)
        self._key = bytes(redirect.encryption_key)
        self._iv = bytes(redirect.encryption_iv)
        if len(self._key) != 32 or len(self._iv) != 16:
            raise Undecodable("upload.getFile: the redirect to a CDN has no key")
        #: Held while hashes are requested, so that concurrent parts request them once.
        self.asking = asyncio.Lock()
        self._ranges: dict[int, Range] = {}
        self.learn(redirect.file_hashes)

    def learn(self, hashes: Iterable[Any]) -> list[Range]:
        """Store hashes (`FileHash`) from the file's data centre; return the usable ones."""
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
        """Return the known range that contains this byte."""
        return covering(self._ranges.values(), offset)

    def used(self, ranges: Iterable[Range], end: int) -> None:
        """Forget ranges that end before `end`, since their bytes have been verified."""
        for known in ranges:
            if known.end <= end:
                self._ranges.pop(known.offset, None)

    def decrypt(self, offset: int, data: Any) -> bytes:
        """Decrypt what the CDN sent for `offset`, a multiple of 16."""
        # Imported here: it costs 8 MB of memory and few installations ever use a CDN.
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CTR

        counter = self._iv[:12] + (offset // 16).to_bytes(4, "big")
        return Cipher(AES(self._key), CTR(counter)).decryptor().update(data)


class Check:
    """Collects the bytes from `offset` to `end` while hashing all ranges that they touch."""

    def __init__(self, ranges: Sequence[Range], offset: int, end: int) -> None:
        """`ranges` cover all bytes wanted, in order."""
        self._wanted = offset, end
        self._hashes = [(known, sha256()) for known in ranges]
        self._kept: list[bytes | memoryview] = []

    def add(self, offset: int, data: bytes) -> None:
        """Add the file's bytes at `offset`; each piece begins where the previous one ended."""
        for known, digest in self._hashes:
            digest.update(_overlap(offset, data, known.offset, known.end))
        self._kept.append(_overlap(offset, data, *self._wanted))

    def bytes(self) -> bytes:
        """Return the bytes wanted. Raises CdnTrouble if a hash does not match."""
        for known, digest in self._hashes:
            if digest.digest() != known.digest:
                raise CdnTrouble(f"the bytes from {known.offset} on are not those of the file")
        return bytes(self._kept[0]) if len(self._kept) == 1 else b"".join(self._kept)


def covering(ranges: Iterable[Range], offset: int) -> Range | None:
    return next((known for known in ranges if known.offset <= offset < known.end), None)


def pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the requests (offset, limit) that cover the bytes from `start` to `end`, and perhaps more."""
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
    """Return the part of `data`, located at `offset`, that lies between `start` and `end`, without copying
    the whole."""
    if start <= offset and offset + len(data) <= end:
        return data
    return memoryview(data)[max(0, start - offset) : max(0, end - offset)]
