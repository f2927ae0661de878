"""A ledger that an older program left goes on under this one: nothing is lost, nothing comes twice."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.harness import House
from tests.ledgers import kept
from tests.ledgers.life import configure, live
from tests.ledgers.story import MASS, MIRRORS, Story
from tests.telegram.world.chats import Chat
from tgstreamd.control import status
from tgstreamd.domain.clock import SystemClock
from tgstreamd.ledger import Store
from tgstreamd.policy.pacing import Pace

#: What a ledger is kept for: each of these finds something in the first one.
HOLDS = (
    "gap WHERE lane = 'live'",
    "gap WHERE lane = 'backlog' AND remaining > 0",
    "job WHERE state = 'waiting' AND lane = 'live'",
    "job WHERE state = 'waiting' AND lane = 'backlog'",
    "job WHERE state = 'waiting' AND kind = 'topic'",
    "job WHERE state = 'waiting' AND attempts > 0",
    "job WHERE state = 'done' AND items > 1",
    "job WHERE state = 'skipped' AND reason LIKE 'service message: %'",
    "job WHERE state = 'parked' AND reason = 'deletion held'",
    "job WHERE state = 'parked' AND reason <> 'deletion held'",
    "job JOIN send ON send.job = job.id WHERE job.state = 'open' AND send.state = 'open' AND floor_id > 0",
    "job JOIN send ON send.job = job.id WHERE job.state = 'open' AND send.state = 'accepted'",
    "copy WHERE target_id IS NULL AND fingerprint <> ''",
    "copy WHERE scheduled_id IS NOT NULL",
    "copy WHERE target_id IS NOT NULL",
    "change WHERE kind = 'edit'",
    "change WHERE kind = 'delete'",
    "change WHERE kind = 'pin'",
    "change WHERE kind = 'topic'",
    "hold WHERE scope = 'account'",
    "hold WHERE scope LIKE 'chat:%'",
    "hold WHERE scope LIKE 'method:%'",
    "mirror WHERE held LIKE '% deletions within %'",
    "mirror WHERE held LIKE '%timer%'",
    "mirror WHERE hold <> ''",
    "mirror WHERE waiting <> ''",
    "mirror WHERE lost <> ''",
    "mirror WHERE active = 0",
    "mirror WHERE forum = 1",
    "topic WHERE shown IS NULL",
    "upload WHERE done = x'03'",
    *("box", "committed", "deletion", "doubt", "fact", "feed", "mark", "moved", "name", "pinned", "poll"),
    *("tally", "title", "vanished", "voice"),
)


def lines(house: House, chat: Chat) -> list[str]:
    """What stands in a chat, without the lines that name authors."""
    return [text.split("\n")[-1] for text in house.texts(chat)]


def lacks(ledger: Path) -> list[str]:
    """What a ledger has nothing of."""
    db = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        return [rows for rows in HOLDS if db.execute(f"SELECT count(*) FROM {rows}").fetchone()[0] == 0]
    finally:
        db.close()


def test_the_first_ledger_holds_some_of_everything() -> None:
    assert lacks(kept.ledger(1)) == []


@pytest.mark.slow
async def test_the_life_that_leaves_one_can_be_lived_today(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await live(house)
    assert lacks(tmp_path / "ledger.db") == []


@pytest.mark.parametrize("number", kept.numbers())
async def test_it_goes_on_from_a_kept_ledger(tmp_path: Path, number: int) -> None:
    async with House(tmp_path) as house:
        story = await kept.put_back(house, number)
        for name in MIRRORS:
            configure(house, story, name)
        await house.start()
        for scheduled in list(story.target["video"].scheduled):
            house.world.chats.publish_scheduled(story.target["video"], scheduled)
        await house.run()
        await let_go(house, story)
        for name in MIRRORS:
            house.post(story.source[name], f"{name}, at last")
        await house.run()
        expected = {
            "news": [
                *("news 51, edited", "news 52", "news 53", "picture 1", "picture 2", "picture 3"),
                *("the open one", "after it 1", "refused"),
            ],
            "timer": ["timer 1"],
            "quiet": ["quiet 1", "quiet 2", "quiet 3"],
            "lost": ["lost 1"],
            "known": ["known 1", "known 2"],
            "gone": ["", "gone 1"],
            "group": ["group 1", "group 2", "group 3"],
            "files": ["paper 1", "in the way", "paper 2", "paper 3", "said and gone"],
            "video": ["video 1", "video 2"],
            "talk": [f"talk {n}" for n in range(1, 11)],
            "archive": [f"archive {n}" for n in range(1, 6)],
        }
        for name, texts in expected.items():
            assert lines(house, story.target[name]) == [*texts, f"{name}, at last"], name
        news = house.messages(story.target["news"])
        assert [message.text for message in news if message.pinned] == [f"news {MASS + 1}"]
        for text in ("paper 2", "paper 3"):
            [copy] = [m for m in house.messages(story.target["files"]) if m.text == text]
            original = story.media["files", text]
            assert copy.media is not None
            assert copy.media.document is not None
            assert original.document is not None
            assert copy.media.document.blob.sha256 == original.document.blob.sha256
        titles = {topic.title for topic in story.target["talk"].topics.values()}
        assert titles == {"General", "Green tea", "Cake", "Milk"}
        for mirror in (await house.status())["mirrors"]:
            left = {key: mirror[key] for key in ("backlog", "parked", "paused", "held_deletions")}
            assert left == {"backlog": 0, "parked": 0, "paused": "", "held_deletions": ""}, mirror["name"]


async def let_go(house: House, story: Story) -> None:
    """Whatever waits for somebody gets its word."""
    for name in ("news", "timer", "quiet", "known"):
        await house.verb("resume", mirror=name)
    await house.verb("retry", ids=None)
    house.world.chats.unban(story.source["lost"], house.me)
    house.world.chats.join(story.source["lost"], house.me)
    await house.run()
    await house.ask_again()
    await house.run()


@pytest.mark.parametrize("number", kept.numbers())
async def test_the_status_reads_a_kept_ledger_as_it_is(tmp_path: Path, number: int) -> None:
    """Beside a daemon that is stopped; not a byte of it changes."""
    ledger = tmp_path / "ledger.db"
    ledger.write_bytes(kept.ledger(number).read_bytes())
    store = await Store.open_read_only(ledger)
    seen = await status.status(store, status.Live(), pace=Pace(), now=SystemClock().now())
    await store.close()
    mirrors = {mirror["name"]: mirror for mirror in seen["mirrors"]}
    assert set(mirrors) == set(MIRRORS) - {"gone"}
    assert mirrors["news"]["parked"] == 2
    assert f"{MASS} deletions" in mirrors["news"]["held_deletions"]
    assert "already holds copies" in mirrors["known"]["paused"]
    assert mirrors["talk"]["backlog"] == 7
    assert mirrors["archive"]["backlog"] == 6
    assert ledger.read_bytes() == kept.ledger(number).read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.db"]
