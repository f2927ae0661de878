"""Bytes from a CDN on paper: what is asked for, and that nothing passes whose hash was not compared."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telethon.tl import types

from tests.telegram.mtproto.crypto import CtrStream
from tgstreamd.domain.errors import Undecodable
from tgstreamd.telegram.cdn_file import (
    BLOCK,
    PIECE_MAX,
    RANGE_MAX,
    RANGES_MAX,
    UNIT,
    CdnFile,
    CdnTrouble,
    Check,
    Range,
    pieces,
)

KEY, IV = bytes(range(32)), bytes(range(16))
CONTENT = random.Random(1).randbytes(60_000)


def file(*hashes: types.FileHash, key: bytes = KEY, iv: bytes = IV) -> CdnFile:
    return CdnFile(types.upload.FileCdnRedirect(203, b"token", key, iv, list(hashes)))


def hash_of(offset: int, limit: int) -> types.FileHash:
    return types.FileHash(offset, limit, sha256(CONTENT[offset : offset + limit]).digest())


def ranges(size: int) -> list[Range]:
    found = (hash_of(offset, size) for offset in range(0, len(CONTENT), size))
    return [Range(known.offset, known.offset + known.limit, known.hash) for known in found]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 33), st.integers(1, 3 * BLOCK))
def test_requests_are_legal_and_bring_every_byte_once(start: int, size: int) -> None:
    asked = list(pieces(start, start + size))
    assert asked[0][0] <= start
    assert sum(asked[-1]) >= start + size
    for (at, limit), following in zip(asked, [*asked[1:], None], strict=True):
        assert at % UNIT == limit % UNIT == BLOCK % limit == 0
        assert limit <= PIECE_MAX
        assert at // BLOCK == (at + limit - 1) // BLOCK
        assert following is None or following[0] == at + limit


def test_a_part_of_512_kib_is_one_request() -> None:
    assert list(pieces(3 * PIECE_MAX, 4 * PIECE_MAX)) == [(3 * PIECE_MAX, PIECE_MAX)]


@settings(max_examples=60, deadline=None)
@given(st.integers(3_000, 20_000), st.integers(0, 59_999), st.integers(1, 30_000), st.integers(500, 9_000))
def test_what_passes_is_what_was_wanted(size: int, offset: int, limit: int, piece: int) -> None:
    """Whatever the ranges and whatever the pieces."""
    end = min(offset + limit, len(CONTENT))
    touched = [known for known in ranges(size) if known.offset < end and known.end > offset]
    check = Check(touched, offset, end)
    for at in range(touched[0].offset, min(touched[-1].end, len(CONTENT)), piece):
        check.add(at, CONTENT[at : min(at + piece, touched[-1].end)])
    assert check.bytes() == CONTENT[offset:end]


@settings(max_examples=60, deadline=None)
@given(st.integers(3_000, 20_000), st.integers(0, 59_999))
def test_one_wrong_byte_anywhere_in_a_touched_range_is_found(size: int, wrong: int) -> None:
    """Even where that byte itself is not wanted."""
    [known] = [known for known in ranges(size) if known.offset <= wrong < known.end]
    data = bytearray(CONTENT[known.offset : known.end])
    data[wrong - known.offset] ^= 1
    check = Check([known], known.offset, known.offset + 1)
    check.add(known.offset, bytes(data))
    with pytest.raises(CdnTrouble, match=f"from {known.offset} on"):
        check.bytes()


def test_a_whole_part_is_not_copied() -> None:
    check = Check(ranges(20_000)[:1], 0, 20_000)
    data = CONTENT[:20_000]
    check.add(0, data)
    assert check.bytes() is data


@pytest.mark.parametrize("offset", [0, 4096, 512 * 1024, (1 << 32) - 4096])
def test_the_counter_is_the_number_of_the_block(offset: int) -> None:
    """Twelve bytes of the iv, and offset / 16 as four bytes, big-endian."""
    sent = CtrStream(KEY, IV[:12] + (offset // 16).to_bytes(4, "big"))(CONTENT)
    assert file().decrypt(offset, memoryview(sent)) == CONTENT


@pytest.mark.parametrize(("key", "iv"), [(b"short", IV), (KEY, IV + b"x"), (b"", b"")])
def test_a_redirect_without_a_key_is_none(key: bytes, iv: bytes) -> None:
    with pytest.raises(Undecodable):
        file(key=key, iv=iv)


def test_hashes_are_kept_until_they_were_used_and_never_too_many() -> None:
    known = file(hash_of(0, 1000), hash_of(1000, 1000))
    first = known.range_at(999)
    assert first is not None
    assert known.range_at(2000) is None
    known.used([first], 1000)
    assert known.range_at(999) is None
    assert known.range_at(1000) is not None
    many = known.learn(types.FileHash(n * 1000, 1000, bytes(32)) for n in range(5 * RANGES_MAX))
    # What was asked for is answered, also where it cannot be kept.
    assert len(many) == 5 * RANGES_MAX
    assert sum(known.range_at(n * 1000) is not None for n in range(5 * RANGES_MAX)) == RANGES_MAX


def test_hashes_of_no_use_are_left_out() -> None:
    """Of nothing, of half the file, of what no file has."""
    odd = [(0, 0), (0, -5), (-4096, 4096), (0, RANGE_MAX + 1)]
    assert file().learn(types.FileHash(offset, limit, bytes(32)) for offset, limit in odd) == []
