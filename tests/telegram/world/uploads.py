"""Uploads under way: the parts of each file that accounts are sending, judged as Telegram judges them.

Owns the parts until a message takes them. Parts belong to the account *and* the key that sent them: another
key of the same account begins anew (whether the real Telegram would accept them is unknown, so the cautious
half of the answer is modelled). Sources: telegram-facts.md, 1.1 to 1.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import md5, sha256
from typing import TYPE_CHECKING, Any

from telethon.tl import types

from tests.telegram.dispatch import RpcError

from .blobs import Blob, BytesBlob, DigestBlob, GeneratedBlob, generate, stamp_of

if TYPE_CHECKING:
    from . import World

LARGEST_PART = 512 * 1024
#: saveFilePart is for files up to here.
SMALL_FILE = 10 * 1024 * 1024
PARTS_DEFAULT, PARTS_PREMIUM = 4000, 8000


def is_legal_part_size(size: int) -> bool:
    """Whole KiB, and 512 KiB must be a multiple."""
    return size > 0 and size % 1024 == 0 and LARGEST_PART % size == 0


@dataclass(slots=True)
class Part:
    """One part: its size, when it came, and its bytes, its generator's seed or its digest."""

    size: int
    at: float
    data: bytes | None = None
    seed: int | None = None
    digest: bytes = b""


@dataclass(eq=False)
class Upload:
    """The parts of one file id."""

    key_id: int
    big: bool
    part_size: int = 0
    total: int | None = None
    parts: dict[int, Part] = field(default_factory=dict)
    kept: int = 0
    taken: bool = False
    #: Digest of everything so far, while the parts come in order.
    running: Any = None
    running_next: int = 0


class Uploads:
    """All uploads, by (account, file id, big or small)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._uploads: dict[tuple[int, int, bool], Upload] = {}
        #: Bigger uploads that are not a generated content leave only their digests.
        self.keep_up_to = 8 * 1024 * 1024
        #: Script: what was taken once is a 500 for ever, as another server was seen to do.
        self.taken_once = False
        #: Seconds by the world's clock after which a part is forgotten, each by itself.
        self.parts_lifetime = 6 * 3600.0

    def save(
        self,
        account_id: int,
        key_id: int,
        file_id: int,
        number: int,
        data: bytes | memoryview,
        *,
        big: bool,
        total: int | None = None,
    ) -> None:
        """Take one part in, or raise what Telegram answers. `total`: -1 while a stream's end is unknown."""
        size = len(data)
        account = self._world.peers.by_id(account_id)
        limit = PARTS_PREMIUM if account.premium else PARTS_DEFAULT
        upload = self._uploads.get((account_id, file_id, big))
        if upload is None or upload.key_id != key_id:
            upload = Upload(key_id, big)
        streamed_end = big and total is not None and total >= 0 and size == 0 and number == total
        if size == 0 and not streamed_end and not (big and upload.total == -1 and number + 1 == total):
            raise RpcError(400, "FILE_PART_EMPTY")
        if size > LARGEST_PART:
            raise RpcError(400, "FILE_PART_TOO_BIG")
        if number < 0 or number >= limit:
            raise RpcError(400, "FILE_PART_INVALID")
        if big:
            assert total is not None
            self._check_big(upload, number, size, total, limit)
        else:
            self._check_small(upload, number, size)
        self._uploads[account_id, file_id, big] = upload
        if size:
            self._store(upload, number, data, size)

    def _check_big(self, upload: Upload, number: int, size: int, total: int, limit: int) -> None:
        if total > limit or total == 0 or total < -1:
            raise RpcError(400, "FILE_PARTS_INVALID")
        if upload.total not in (None, -1, total):
            raise RpcError(400, "FILE_PARTS_INVALID")
        streamed = total == -1 or upload.total == -1
        if streamed and number not in upload.parts and number != len(upload.parts) and size:
            # Parts of a stream are numbered by who sends them, and the server cannot place a later one.
            raise RpcError(400, "FILE_PART_SIZE_INVALID")
        if total >= 0 and number > total - (1 if size else 0):
            raise RpcError(400, "FILE_PART_INVALID")
        last = total >= 0 and number >= total - 1
        if not last:
            self._check_size(upload, number, size)
            upload.part_size = size
        elif upload.part_size and size > upload.part_size:
            raise RpcError(400, "FILE_PART_SIZE_CHANGED")
        if total >= 0 or upload.total is None:
            upload.total = total

    def _check_small(self, upload: Upload, number: int, size: int) -> None:
        # Only the last part may have a size of its own, and nobody says which one is the last.
        if is_legal_part_size(size) and (not upload.part_size or size == upload.part_size):
            upload.part_size = upload.part_size or size
        elif any(n > number for n in upload.parts):
            raise RpcError(400, "FILE_PART_SIZE_CHANGED" if upload.part_size else "FILE_PART_SIZE_INVALID")
        if upload.part_size and number * upload.part_size >= SMALL_FILE:
            raise RpcError(400, "FILE_PART_INVALID")

    @staticmethod
    def _check_size(upload: Upload, number: int, size: int) -> None:
        if not is_legal_part_size(size):
            raise RpcError(400, "FILE_PART_SIZE_INVALID")
        if upload.part_size and size != upload.part_size:
            raise RpcError(400, "FILE_PART_SIZE_CHANGED")

    def _store(self, upload: Upload, number: int, data: bytes | memoryview, size: int) -> None:
        known = upload.parts.get(number)
        if known is not None and known.size != size:
            raise RpcError(400, "FILE_PART_SIZE_CHANGED")
        part = Part(size, self._world.now())
        stamp = stamp_of(data)
        if stamp is not None and data == generate(stamp[0], stamp[1] * 4096, size):
            part.seed = stamp[0]
            part.digest = stamp[1].to_bytes(8, "little")
        elif upload.kept + size <= self.keep_up_to:
            part.data = bytes(data)
            upload.kept += size
        else:
            part.digest = sha256(data).digest()
        if known is not None and known.data is not None:
            upload.kept -= known.size
        if part.seed is None and number == upload.running_next and known is None:
            upload.running = upload.running or sha256()
            upload.running.update(data)
            upload.running_next += 1
        elif part.seed is not None and number == upload.running_next and upload.running is not None:
            upload.running.update(data)
            upload.running_next += 1
        upload.parts[number] = part

    # Taking

    def take(self, account_id: int, file: Any) -> Blob:
        """The content of InputFile or InputFileBig; raises FILE_PART_X_MISSING and its relatives."""
        big = isinstance(file, types.InputFileBig)
        if not big and not isinstance(file, types.InputFile):
            raise RpcError(400, "INPUT_FILE_INVALID")
        account = self._world.peers.by_id(account_id)
        limit = PARTS_PREMIUM if account.premium else PARTS_DEFAULT
        upload = self._uploads.get((account_id, file.id, big))
        if file.parts < 1 or file.parts > limit:
            raise RpcError(400, "FILE_PARTS_INVALID")
        if upload is None:
            raise RpcError(400, "FILE_PART_0_MISSING")
        if upload.taken and self.taken_once:
            raise RpcError(500, "RPC_CALL_FAIL")
        self._forget_old(upload)
        if upload.total is not None and upload.total >= 0 and upload.total != file.parts:
            # A stream that ended on a border names the count of its real parts in its empty last one.
            raise RpcError(400, "FILE_PARTS_INVALID")
        if upload.total == -1 or any(number >= file.parts for number in upload.parts):
            raise RpcError(400, "FILE_PARTS_INVALID")
        for number in range(file.parts):
            if number not in upload.parts:
                raise RpcError(400, f"FILE_PART_{number}_MISSING")
        parts = [upload.parts[number] for number in range(file.parts)]
        first = parts[0].size
        if any(part.size != first for part in parts[:-1]) or parts[-1].size > first:
            raise RpcError(400, "FILE_PART_SIZE_CHANGED")
        if len(parts) > 1 and not is_legal_part_size(first):
            raise RpcError(400, "FILE_PART_SIZE_INVALID")
        blob = self._assemble(upload, parts)
        if not big and blob.size > SMALL_FILE:
            raise RpcError(400, "FILE_PARTS_INVALID")
        if not big and file.md5_checksum:
            digest = md5(blob.read(0, blob.size))
            if digest.hexdigest() != file.md5_checksum.lower():
                raise RpcError(400, "MD5_CHECKSUM_INVALID")
        upload.taken = True
        return blob

    @staticmethod
    def _assemble(upload: Upload, parts: list[Part]) -> Blob:
        size = sum(part.size for part in parts)
        seeds = {part.seed for part in parts}
        in_place = all(
            part.seed is not None and int.from_bytes(part.digest, "little") * 4096 == number * parts[0].size
            for number, part in enumerate(parts)
        )
        if len(seeds) == 1 and in_place and parts[0].seed is not None:
            return GeneratedBlob(size, parts[0].seed)
        contents: list[bytes] = []
        for part in parts:
            if part.data is not None:
                contents.append(part.data)
            elif part.seed is not None and size <= 64 * 1024 * 1024:
                contents.append(generate(part.seed, int.from_bytes(part.digest, "little") * 4096, part.size))
            else:
                break
        else:
            return BytesBlob(b"".join(contents))
        whole = upload.running is not None and upload.running_next == len(parts)
        digest = upload.running.hexdigest() if whole else None
        return DigestBlob(size, [part.digest for part in parts], digest)

    def _forget_old(self, upload: Upload) -> None:
        oldest = self._world.now() - self.parts_lifetime
        for number in [n for n, part in upload.parts.items() if part.at < oldest]:
            del upload.parts[number]

    # For tests

    def parts_of(self, account_id: int, file_id: int) -> dict[int, int]:
        """{part: size} of what is there."""
        found: dict[int, int] = {}
        for big in (False, True):
            upload = self._uploads.get((account_id, file_id, big))
            if upload is not None:
                found |= {number: part.size for number, part in upload.parts.items()}
        return found

    def forget_part(self, number: int, *, file_id: int | None = None) -> int:
        """Lose part `number` of one upload or of all; how many were lost."""
        lost = 0
        for (_, known_id, _), upload in self._uploads.items():
            if file_id in (None, known_id) and upload.parts.pop(number, None) is not None:
                lost += 1
        return lost

    def forget(self, key_id: int | None = None) -> None:
        """Lose the uploads of one key, or all."""
        for name in [n for n, u in self._uploads.items() if key_id in (None, u.key_id)]:
            del self._uploads[name]
