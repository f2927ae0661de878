"""Every kind of message through the real daemon: another client sees what docs/fidelity.md says, no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compare import Reader
from tests.fidelity import by_entry, expected
from tests.running import LocalTelegram, RunningDaemon, until

pytestmark = pytest.mark.thorough


async def test_the_corpus_differs_only_as_the_page_says(tmp_path: Path) -> None:
    async with LocalTelegram("corpus", premium=True) as tg:
        daemon = RunningDaemon(tmp_path, tg, pace={"interval": 0.02})
        await daemon.prepare()
        await daemon.start()
        try:
            await until(daemon.settled)
            await until(lambda: closed(tg))
            login = await tg.session(tg.found["reader"])
            async with Reader(login["telethon"], tg.public_key) as reader:
                source, target = await reader.read(tg.found["source"]), await reader.read(tg.found["target"])
        finally:
            assert await daemon.stop() == 0
    entries = tg.found["entries"]
    print(f"{len(source)} messages, {len(entries)} entries, digest {tg.found['digest']}")
    found = list(by_entry(source, target, live_after=tg.found["last"]))
    assert {(entry, aspect) for entry, aspect, _ in found} == expected("premium"), "\n".join(
        line for *_, line in found
    )
    assert len(entries) >= 100
    assert len({one.kind for one in source}) >= 20


async def closed(tg: LocalTelegram) -> bool | None:
    """Closed polls are closed some seconds after they were sent, by the second clock."""
    return True if await tg.scenario("polls", chat=tg.found["target"]) == {"open": tg_open(tg)} else None


def tg_open(tg: LocalTelegram) -> int:
    """Polls of the corpus that take votes."""
    return len([name for name in tg.found["entries"] if name.startswith(("poll", "quiz"))]) - 2
