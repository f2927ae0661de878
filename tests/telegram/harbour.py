"""The world of the walk: a harbour's group with a little history, and around it every kind of chat that a
list to pick from should say something about.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from .server import TelegramServer

CODE, PASSWORD, HINT = "12345", "fair winds", "what sailors wish"
FILMS = ("the new ferry.mp4", "regatta.mp4", "a storm from the pier.mp4")
SAID = [
    "Good morning from the harbour office.",
    "Low water at 06:12, high water at 12:31.",
    "The ferry runs every hour again.",
    "Berths 4 to 9 are closed for repairs until Friday.",
    "Has anyone seen a grey dinghy with a red sail?",
    "It lies behind the ice house.",
    "Fog until noon, keep your lights on.",
    "The crane is back in service.",
    "Fish auction today at three.",
    "Thank you all for helping with the nets!",
]


async def harbour(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """The cast, seven chats, and `count` posts; `films` of them, from post `at`, are films."""
    peers, chats = tg.world.peers, tg.world.chats
    otto = peers.add_account("Otto", last_name="Harbourmaster", username="otto_harbour")
    ada = peers.add_account("Ada", username="ada_writes")
    mia = peers.add_account(
        "Mia", last_name="Mirror", phone="+4915112345678", code=CODE, password=PASSWORD, password_hint=HINT
    )
    source = chats.add_supergroup("Harbour News", otto, [ada, mia], username="harbour_news")
    target = chats.add_supergroup("Harbour News, a copy", mia, [otto])
    forum = chats.add_supergroup("Harbour Forum", otto, [ada, mia], forum=True)
    topics = [
        chats.add_topic(forum, otto, title) for title in ("Boats for sale", "Weather", "Lost and found")
    ]
    copied = chats.add_supergroup("Forum, a copy", mia, [otto], forum=True)
    chats.add_channel("Tide Tables", otto, [mia], username="tide_tables")
    chats.set_noforwards(chats.add_channel("Captains' Log", otto, [mia]), True)
    chats.add_group("Crew of the Ida", otto, [ada, mia])
    began = datetime.now(UTC) - timedelta(days=3)
    for number in range(int(args.get("count", 20))):
        media = None
        film = number - int(args.get("at", 2))
        if 0 <= film < int(args.get("films", 1)):
            size, name = int(args.get("film", 60_000_000)) * (film + 2) // 2, FILMS[film]
            media = tg.world.media.video(size, seconds=95.0, name=name, seed=number)
        elif number % 6 == 4:
            media = tg.world.media.photo(1280, 960, seed=100 + number)
        who, text = (otto, ada)[number % 2], SAID[number % len(SAID)]
        date = int((began + timedelta(minutes=10 * number)).timestamp())
        chats.post(source, who, text, media=media, date=date)
        if number % 4 == 0:
            chats.post(forum, who, text, topic=topics[number % 3], date=date)
    return {
        "source": source.marked_id,
        "target": target.marked_id,
        "forum": forum.marked_id,
        "forum_target": copied.marked_id,
        "account": mia.id,
    }


async def harbour_hole(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """Somebody deletes a copy of the target and changes nothing else; which one is `place`, from its end."""
    chats = tg.world.chats
    target = chats.channel(-1_000_000_000_000 - int(args["target"]))
    assert target is not None
    copies = [message for message in target.box.messages.values() if message.action is None]
    gone = copies[-int(args.get("place", 3))]
    chats.delete(gone)
    return {"deleted": gone.id}


async def harbour_scan(tg: TelegramServer, args: dict[str, Any]) -> dict[str, Any]:
    """A phone of the account scans the QR code that was asked for last."""
    tg.logins.accept(tg.logins.newest_token(), tg.world.peers.by_id(args["account"]))
    return {}
