"""Inside the guest: the local Telegram of the demo, with what the boot tests want to happen in it.

Adds scenarios of its own to those of `tests.telegram.scenarios`, and is started and told like that one.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tests.telegram import __main__ as program
from tests.telegram import scenarios
from tests.telegram.scenarios import Speaker
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat


def _chat(tg: TelegramServer, marked: int) -> Chat:
    chat = tg.world.chats.channel(-1_000_000_000_000 - marked)
    assert chat is not None
    return chat


async def boot(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """A source and a target with two more: `long` holds 1,100 messages, `second` is empty."""
    peers, chats = tg.world.peers, tg.world.chats
    otto = peers.add_account("Otto", username="otto_owner")
    mia = peers.add_account("Mia", last_name="Mirror", phone="+10000000001", premium=True)
    ina = peers.add_account("Ina", last_name="Instance", phone="+10000000003")
    found = {}
    for name, owner in (("source", otto), ("target", mia), ("long", otto), ("second", mia), ("third", ina)):
        found[name] = chats.add_supergroup(name.title(), owner, [mia, ina])
    speaker = Speaker(tg, found["source"], [otto])
    for number in range(10):
        speaker.say(f"history {number}")
    speaker.say("a picture", speaker.make("photo", dc_id=4))
    speaker.say("a file", speaker.make("document", 3_000_000, name="file.bin", dc_id=2))
    long = Speaker(tg, found["long"], [otto])
    for number in range(1100):
        long.say(f"long {number}")
    ids = {name: chat.marked_id for name, chat in found.items()}
    return ids | {"code": mia.code, "account": mia.id, "other": ina.id, "writer": otto.id}


async def post(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """Texts into `chat`, and after them a file of `size` bytes if that is given."""
    otto = tg.world.peers.by_id(args["writer"])
    speaker = Speaker(tg, _chat(tg, args["chat"]), [otto], seed=int(args.get("seed", 1)) * 1000)
    for text in args.get("texts", ()):
        speaker.say(text)
    if size := args.get("size"):
        speaker.say("big", speaker.make("document", int(size), name="big.bin", dc_id=4))
    await asyncio.sleep(0)
    return {}


if __name__ == "__main__":
    for scenario in (boot, post):
        setattr(scenarios, scenario.__name__, scenario)
    program.main()
