"""Sets up the local Telegram for the benchmarks of the whole daemon: chats, backlogs, live posts.

Adds commands to the control socket. They act as other users; the results are measured here, by one clock,
where both chats are.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.telegram.control import Control
from tests.telegram.scenarios import Speaker
from tests.telegram.server import TelegramServer
from tests.telegram.world.blobs import generate
from tests.telegram.world.chats import Chat
from tests.telegram.world.media import Media

#: Seconds between checks of the target, and so the resolution of the figures.
LOOK = 0.0005


class StageControl(Control):
    """The control socket, with pairs of chats."""

    def __init__(self, tg: TelegramServer) -> None:
        super().__init__(tg)
        self._world = tg.world
        self._pairs: list[tuple[Chat, Chat]] = []
        self._speakers: list[Speaker] = []

    async def do_stage(self, mirrors: int = 1) -> dict[str, Any]:
        """Create an account that mirrors, and `mirrors` sources (of another account) and targets (its
        own)."""
        peers, chats = self._world.peers, self._world.chats
        owner = peers.add_account("Otto", username="otto_owner")
        me = peers.add_account("Mia", phone="+10000000001", premium=True)
        for number in range(mirrors):
            source = chats.add_supergroup(f"Source {number}", owner, [me])
            target = chats.add_supergroup(f"Target {number}", me)
            self._pairs.append((source, target))
            self._speakers.append(Speaker(self._tg, source, [owner], seed=number * 100_000))
        return {
            "account": me.id,
            "pairs": [(source.marked_id, target.marked_id) for source, target in self._pairs],
        }

    async def do_texts(self, each: int) -> None:
        """Post `each` texts in every source."""
        for speaker in self._speakers:
            for number in range(each):
                speaker.say(f"text {number}")

    async def do_mixed(self, count: int) -> dict[str, int]:
        """Post `count` messages in the first source, all with media, of both data centres and all sizes."""
        speaker = self._speakers[0]
        size = 0
        for number in range(count):
            dc = 2 + 2 * (number % 2)
            if number % 50 == 20:
                media = speaker.make("document", 30_000_000, name=f"film {number}.bin", dc_id=dc)
            elif number % 5 == 2:
                media = speaker.make(
                    "document", 400_000 + 350_000 * (number % 9), name=f"{number}.bin", dc_id=dc
                )
            elif number % 5 == 4:
                media = speaker.make("voice", 60_000, dc_id=dc)
            else:
                media = self._photo(300_000, number, dc)
            stored = media.document or media.photo
            assert stored is not None
            size += stored.blob.size
            speaker.say(f"number {number}", media)
        return {"bytes": size}

    async def do_counts(self) -> list[int]:
        """Return the number of messages in each target, without service messages."""
        return [
            sum(1 for number in target.box.ids if target.box.messages[number].action is None)
            for _, target in self._pairs
        ]

    async def do_live(self, kind: str, times: int, every: float) -> list[float]:
        """Post into the first source repeatedly; return the seconds until each copy is in the target."""
        _, target = self._pairs[0]
        speaker = self._speakers[0]
        taken: list[float] = []
        for number in range(times):
            media = self._photo(1_000_000, 1000 + number, 2 + 2 * (number % 2)) if kind == "photo" else None
            before = len(target.box.ids)
            began = time.perf_counter()
            speaker.say(f"live {number}", media)
            while len(target.box.ids) == before:
                if time.perf_counter() > began + 60:
                    raise TimeoutError(f"the copy of live post {number} did not come within a minute")
                await asyncio.sleep(LOOK)
            taken.append(time.perf_counter() - began)
            await asyncio.sleep(max(0.0, every - taken[-1]))
        return taken

    def _photo(self, size: int, seed: int, dc_id: int) -> Media:
        files = self._world.files
        picture = files.jpeg(2560, 1920, seed)
        blob = files.from_bytes(picture[:-2] + generate(seed, 0, size - len(picture)) + picture[-2:])
        stored = files.add_photo(blob, width=2560, height=1920, dc_id=dc_id, reencode=False)
        return Media("photo", photo=stored)
