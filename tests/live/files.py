"""Contents to upload: pictures that decode, and files that only have to arrive as they are."""

from __future__ import annotations

import random
import struct
import zlib


def png(width: int, height: int, seed: int) -> bytes:
    """A picture of coloured blocks, which every decoder reads."""
    draw = random.Random(seed)
    tiles = [[bytes(draw.randrange(256) for _ in range(3)) for _ in range(8)] for _ in range(8)]
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += tiles[y * 8 // height][x * 8 // width]
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def noise(size: int, seed: int, *, start: bytes = b"") -> bytes:
    """`size` bytes that no compression shortens, beginning with `start`."""
    return (start + random.Random(seed).randbytes(max(0, size - len(start))))[:size]


#: The first box of an MP4 file, and the first page's mark of an Ogg file.
MP4 = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 0x200, b"isom", b"mp42")
OGG = b"OggS\x00\x02"
