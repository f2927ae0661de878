"""Pictures that look like pictures from outside: a JPEG header with true dimensions, noise behind it.

Enough for clients and this server, which only read dimensions; no decoder would show them.
"""

from __future__ import annotations

import struct

from .blobs import generate

#: Telegram's boxes for photos: letter and longest side (telegram-facts.md, 1.8).
BOXES = (("s", 100), ("m", 320), ("x", 800), ("y", 1280), ("w", 2560))


def jpeg(width: int, height: int, seed: int = 0) -> bytes:
    """A JPEG of these dimensions; about a tenth of a byte for each pixel, at most 200 KB."""
    size = max(64, min(200_000, width * height // 10))
    seed &= (1 << 62) - 1
    # Entropy-coded data holds no marker: 0xff becomes 0xfe.
    noise = generate(seed, 0, size).replace(b"\xff", b"\xfe")
    return b"".join(
        (
            b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00",
            b"\xff\xdb\x00\x43\x00" + b"\x10" * 64,
            struct.pack(">2sHBHHB", b"\xff\xc0", 17, 8, height, width, 3),
            b"\x01\x22\x00\x02\x11\x00\x03\x11\x00",
            b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00",
            noise,
            b"\xff\xd9",
        )
    )


def stripped(width: int, height: int) -> bytes:
    """The tiny inline thumbnail of type `i`: version, height, width, data."""
    longest = max(width, height, 1)
    return bytes((1, max(1, height * 40 // longest), max(1, width * 40 // longest))) + bytes(range(40))


def dimensions(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a JPEG or PNG."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        width, height = struct.unpack_from(">II", data, 16)
        return width, height
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def photo_sizes(width: int, height: int) -> list[tuple[str, int, int]]:
    """The sizes that Telegram keeps of a photo: (letter, width, height), the largest last."""
    longest = max(width, height)
    sizes: list[tuple[str, int, int]] = []
    for letter, box in BOXES:
        if longest <= box:
            sizes.append((letter, width, height))
            return sizes
        # Between two boxes nothing is kept but what is not larger than the original.
        if letter == "s":
            continue
        sizes.append((letter, *_fit(width, height, box)))
    return sizes


def _fit(width: int, height: int, box: int) -> tuple[int, int]:
    longest = max(width, height)
    return max(1, round(width * box / longest)), max(1, round(height * box / longest))
