"""The life of the daemon that leaves a ledger of this program's schema, with some of everything in it.

The deeds of `story` happen beside it, and trouble of the kinds that Telegram makes.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tests.harness import House
from tests.ledgers.story import MIRRORS, Story
from tests.telegram.faults import Fault

SEND = "messages.sendMessage"
HISTORY = "messages.getHistory"
HOURS = 7200
#: Mirrors that are there from the beginning.
FIRST = tuple(name for name in MIRRORS if name not in ("talk", "archive"))


def says(text: str) -> Any:
    return lambda _, request: text in getattr(request, "message", "")


def slow_mode(story: Story, name: str, skip: int = 0) -> Fault:
    return Fault(
        SEND,
        code=420,
        message=f"SLOWMODE_WAIT_{HOURS}",
        peer=story.target[name].marked_id,
        skip=skip,
    )


async def live(house: House) -> Story:
    """Live it. The daemon is stopped at the end, with what it left in its folder."""
    story, faults = Story(house), house.tg.faults
    for name in FIRST:
        configure(house, story, name)
    story.do("begin")
    faults.add(Fault(SEND, message="MESSAGE_FORBIDDEN", when=says("refused"), times=None))
    await house.start()
    await house.run(3600)
    house.mirrors = [mirror for mirror in house.mirrors if mirror["name"] != "gone"]
    await house.restart()
    story.do("move")
    await house.run(60)
    house.clock.advance(4000)
    story.do("expire")
    await house.run(60)
    await house.verb("pause", mirror="quiet")
    story.do("whisper")

    story.do("film")
    faults.add(slow_mode(story, "files"))
    await house.run(10)

    story.do("file_more")
    await _break_off(house)
    story.do("take_back")
    await house.run(10)

    story.do("talk")
    faults.add(slow_mode(story, "talk", skip=4))
    await _begin(house, story, "talk")
    await house.run(40)
    story.do("talk_on")
    await house.run(10)

    story.do("speak_last")
    cut = faults.add(Fault(SEND, "apply-cut", when=says("the open one")))
    await house.run(60, until=lambda: cut.hits == 1)
    await house.stop()
    for method in ("updates.getChannelDifference", HISTORY):
        peer = story.target["news"].marked_id
        faults.add(Fault(method, code=500, message="RPC_CALL_FAIL", peer=peer, times=None))
    faults.add(Fault(SEND, message="PEER_FLOOD", when=says("group 3")))
    await house.start()
    story.do("ask")
    await house.run(10)
    story.do("regret")
    await house.read()

    story.do("be_missed")
    await _begin(house, story, "archive")
    # The one's newest id is told, and nothing below it; the other's history cannot be read.
    quiet, archive = story.source["quiet"].marked_id, story.source["archive"].marked_id
    faults.add(Fault(HISTORY, "flood", seconds=HOURS, peer=quiet, skip=1))
    faults.add(Fault(HISTORY, code=500, message="RPC_CALL_FAIL", peer=archive, times=None))
    await house.read()
    await house.stop()
    return story


async def _begin(house: House, story: Story, name: str) -> None:
    configure(house, story, name)
    await house.restart()


def configure(house: House, story: Story, name: str) -> None:
    source = story.source[name]
    ref = f"@{source.username}" if source.username else source
    house.mirror(ref, story.target[name], name=name, **MIRRORS[name])


async def _break_off(house: House) -> None:
    """Telegram asks to wait in the middle of a file, and nobody does."""
    house.tg.faults.add(Fault("upload.saveFilePart", "flood", seconds=HOURS, part=2))
    # In their order, so that it is always the same parts that have arrived.
    house.options["stream"] = {"buffer_parts": 1}
    await house.restart()
    await house.read()
    transfer = asyncio.ensure_future(house.daemon.staging.catch_up())
    await house.clock.parked()
    transfer.cancel()
    await asyncio.wait([transfer])
    # With the next look it stands in the ledger.
    await house.daemon.staging.catch_up()
