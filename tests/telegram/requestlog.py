"""What the server was asked: every request, and per file how many parts and bytes came in or went out.

For tests and benchmarks to count with. Keeps the last requests whole, except file parts, which are only
counted. Judges nothing.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Entry:
    """One request. `error` is Telegram's message if it was refused; `at` is the world's time."""

    at: float
    method: str
    account_id: int | None
    dc_id: int
    key_id: int
    request: Any
    error: str | None = None
    #: Whether it came to the place for media only.
    media: bool = False


@dataclass
class Transfer:
    """The parts of one file: how many came in or went out, their bytes, and which (part or offset)."""

    parts: int = 0
    bytes: int = 0
    seen: Counter[int] = field(default_factory=Counter)


class RequestLog:
    """Counters and the last requests."""

    def __init__(self, keep: int = 50_000) -> None:
        self.requests: deque[Entry] = deque(maxlen=keep)
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        #: Those of `counts` that came to places for media only.
        self.at_media: Counter[str] = Counter()
        #: Uploads by the client's file id, downloads by document or photo id.
        self.uploads: dict[int, Transfer] = {}
        self.downloads: dict[int, Transfer] = {}
        #: Most keys and connections seen at once are the server's to tell; handshakes are counted here.
        self.handshakes = 0

    def add(self, entry: Entry) -> None:
        self.counts[entry.method] += 1
        if entry.media:
            self.at_media[entry.method] += 1
        if entry.error is not None:
            self.errors[entry.error] += 1
        if entry.request is not None:
            self.requests.append(entry)

    def count(self, method: str, *, account_id: int | None = None) -> int:
        """How often a method was asked for, refusals included."""
        if account_id is None:
            return self.counts[method]
        return sum(1 for e in self.requests if e.method == method and e.account_id == account_id)

    def of(self, *methods: str) -> list[Entry]:
        """The requests of these methods, oldest first."""
        return [entry for entry in self.requests if entry.method in methods]

    def uploaded(self, file_id: int, part: int, size: int) -> None:
        _count(self.uploads.setdefault(file_id, Transfer()), part, size)

    def downloaded(self, file_id: int, offset: int, size: int) -> None:
        _count(self.downloads.setdefault(file_id, Transfer()), offset, size)

    def clear(self) -> None:
        keep = self.requests.maxlen or 0
        self.__init__(keep)  # type: ignore[misc]  # the shortest way to say: as on the first day

    @property
    def bytes_received(self) -> int:
        return sum(t.bytes for t in self.uploads.values())

    @property
    def bytes_sent(self) -> int:
        return sum(t.bytes for t in self.downloads.values())


def _count(transfer: Transfer, position: int, size: int) -> None:
    transfer.parts += 1
    transfer.bytes += size
    transfer.seen[position] += 1
