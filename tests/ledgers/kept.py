"""Keeps the ledger that a life left, with what stood in the targets; and puts both back.

`NNNN.db` is the ledger of schema NNNN as one file, `NNNN.json` the world around it: when which deed of the
story was done, and the messages of our account. A target is put back message by message, under the same ids;
what happened there before is purged, so that a difference from before is too long.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from tests.fakes import CountingIds
from tests.harness import House
from tests.ledgers.story import MIRRORS, Story
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message
from tgstreamd import __version__

HERE = Path(__file__).parent
#: Above every `random_id` of a kept ledger.
NEW_IDS = 1_000_000


def numbers() -> list[int]:
    """The schemas of which a ledger is kept."""
    return sorted(int(file.stem) for file in HERE.glob("*.db"))


def ledger(number: int) -> Path:
    return HERE / f"{number:04}.db"


def keep(house: House, story: Story) -> int:
    """Keep the ledger of a daemon that was stopped; its schema. Refuses to replace one that is kept."""
    db = sqlite3.connect(house.folder / "ledger.db")
    db.row_factory = sqlite3.Row
    number = int(db.execute("PRAGMA user_version").fetchone()[0])
    if ledger(number).exists():
        raise FileExistsError(f"{ledger(number)} is kept already, and stays as it is")
    # Small pages: most of its trees have a few rows.
    db.execute("PRAGMA page_size = 512")
    db.execute("VACUUM INTO ?", (str(ledger(number)),))
    kept = {
        "version": __version__,
        "now": house.clock.now(),
        "deeds": story.done,
        "targets": {name: _seen(house, story, db, name) for name in MIRRORS},
        "documents": _documents(house, story),
    }
    db.close()
    # A message a line.
    text = json.dumps(kept, ensure_ascii=False).replace("}, ", "},\n")
    ledger(number).with_suffix(".json").write_text(f"{text}\n")
    return number


def _seen(house: House, story: Story, db: sqlite3.Connection, name: str) -> dict[str, Any]:
    """What our account has put into a target."""
    chat = story.target[name]
    ids: dict[Message, int] = {}
    for row in db.execute("SELECT random_id FROM copy WHERE target = ?", (chat.marked_id,)):
        if (message := house.world.chats.random_ids.recall(house.me.id, chat, row["random_id"])) is not None:
            ids[message] = row["random_id"]
    there = {**chat.box.messages, **{-number: message for number, message in chat.scheduled.items()}}
    return {
        "pts": chat.box.pts,
        "next": chat.box.next_id,
        "messages": [
            _written(chat, number, message, ids[message])
            for number, message in there.items()
            if message in ids
        ],
    }


def _written(chat: Chat, number: int, message: Message, random_id: int) -> dict[str, Any]:
    """One of our messages; of a scheduled one the number is negative. Its media is that of the original."""
    topic = chat.topics.get(number)
    fields = {
        "id": number,
        "random_id": random_id,
        "text": message.text,
        "topic": message.topic if topic is None else None,
        "makes": [topic.title, topic.icon_color, topic.icon_emoji_id] if topic is not None else [],
        "pinned": message.pinned,
    }
    return {key: value for key, value in fields.items() if value}


def _documents(house: House, story: Story) -> list[list[Any]]:
    """What was uploaded, or committed: its id, and of which post it is the file."""
    own = {media.document.id for media in story.media.values() if media.document is not None}
    found = []
    for document in house.world.files.documents():
        if document.id not in own:
            digest = document.blob.sha256
            like = next(m for m in story.media.values() if m.document and m.document.blob.sha256 == digest)
            found.append([document.id, *story.posted(like)])
    return found


async def put_back(house: House, number: int) -> Story:
    """Make the world of a kept ledger anew in an empty `house`, and give its daemon that ledger."""
    kept = json.loads(ledger(number).with_suffix(".json").read_text())
    story = Story(house)
    for deed, when in kept["deeds"]:
        house.clock.advance(when - house.clock.now())
        story.do(deed)
    house.clock.advance(kept["now"] - house.clock.now())
    for document, *post in kept["documents"]:
        media = story.media[tuple(post)].document
        assert media is not None
        house.world.files.add_document(
            media.blob, mime_type=media.mime_type, attributes=media.attributes, number=document
        )
    for name, seen in kept["targets"].items():
        _put_back(house, story, name, seen)
    shutil.copyfile(ledger(number), house.folder / "ledger.db")
    house.ids = CountingIds(NEW_IDS)
    return story


def _put_back(house: House, story: Story, name: str, seen: dict[str, Any]) -> None:
    chats, me, chat = house.world.chats, house.me, story.target[name]
    box = chat.box
    for one in seen["messages"]:
        if one["id"] > 0:
            box.next_id = one["id"]
        if makes := one.get("makes"):
            message = chats.create_topic(chat, me, *makes).message
        else:
            text = one.get("text", "")
            media = story.media.get((name, text.split("\n")[-1]))
            fields = {"text": text, "media": media, "topic": one.get("topic")}
            message = chats.draft(chat, me, pinned=one.get("pinned", False), **fields)
            if one["id"] < 0:
                chats.schedule(message, chats.now() + 60)
            else:
                chats.deliver([message])
        chats.random_ids.remember(me.id, chat, one["random_id"], message)
    box.next_id, box.pts = seen["next"], seen["pts"]
    box.purge()
