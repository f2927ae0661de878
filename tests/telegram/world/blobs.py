"""Contents of files: bytes kept, bytes generated, and bytes of which only a digest is left.

A generated content is a function of seed and offset, so a file of 4 GB costs no memory and two files of one
seed are prefixes of one another. What a client uploads is recognised part by part if it is such a content.
"""

from __future__ import annotations

import random
import struct
from functools import cached_property
from hashlib import sha256

#: A generated content is made of pages, each with its stamp and a slice of one random block.
PAGE = 4096
_STAMP = struct.Struct("<8sqq")
_MAGIC = b"tgs-page"
_BLOCK_SIZE = 1 << 20
_BLOCK = random.Random(20240817).randbytes(_BLOCK_SIZE + PAGE)
_STEP = 2654435761


def generate(seed: int, offset: int, limit: int) -> bytes:
    """`limit` bytes at `offset` of the endless content with this seed."""
    if limit <= 0:
        return b""
    first, skip = divmod(offset, PAGE)
    last = (offset + limit - 1) // PAGE
    parts: list[bytes] = []
    rest = PAGE - _STAMP.size
    for page in range(first, last + 1):
        start = ((page + 1) * _STEP + seed * 40503) & (_BLOCK_SIZE - 1)
        parts.append(_STAMP.pack(_MAGIC, seed, page))
        parts.append(_BLOCK[start : start + rest])
    data = b"".join(parts)
    return data[skip : skip + limit] if skip or len(data) != limit else data


def stamp_of(data: bytes | memoryview) -> tuple[int, int] | None:
    """(seed, page) if `data` begins with a page of a generated content."""
    if len(data) < _STAMP.size:
        return None
    magic, seed, page = _STAMP.unpack_from(data)
    return (seed, page) if magic == _MAGIC else None


class LostContent(Exception):
    """The bytes were received and counted, but not kept."""


class Blob:
    """A content of known size."""

    size: int

    def read(self, offset: int, limit: int) -> bytes:
        """At most `limit` bytes from `offset`; fewer, or none, at the end."""
        raise NotImplementedError

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal digest of the whole."""
        digest = sha256()
        for offset in range(0, self.size, 1 << 20):
            digest.update(self.read(offset, 1 << 20))
        return digest.hexdigest()


class BytesBlob(Blob):
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, limit: int) -> bytes:
        return self._data[offset : offset + limit]


class GeneratedBlob(Blob):
    def __init__(self, size: int, seed: int) -> None:
        if size < 0 or not -(1 << 63) <= seed < 1 << 63:
            raise ValueError("size and seed out of range")
        self.size = size
        self.seed = seed

    def read(self, offset: int, limit: int) -> bytes:
        return generate(self.seed, offset, min(limit, self.size - offset))


class DigestBlob(Blob):
    """An upload that was too big to keep. `digest` is None if its parts did not come in order."""

    def __init__(self, size: int, part_digests: list[bytes], digest: str | None) -> None:
        self.size = size
        self.part_digests = part_digests
        self._digest = digest

    @cached_property
    def sha256(self) -> str:
        if self._digest is None:
            raise LostContent("the parts of this upload came out of order and were not kept")
        return self._digest

    def read(self, offset: int, limit: int) -> bytes:
        raise LostContent("this upload was too big to keep; see Files.keep_uploads_up_to")
