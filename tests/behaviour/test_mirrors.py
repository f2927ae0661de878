"""What a mirror is: its four ids. Names are labels, history counts at birth, loops are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.logged import Logs


async def test_renaming_is_free(tmp_path: Path) -> None:
    """The same places under another label: it goes on, and nothing is copied again."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "one")
        house.mirror(source, target, name="before")
        await house.start()
        await house.run()
        await house.stop()
        house.mirrors[0]["name"] = "after"
        house.post(source, "two")
        await house.start()
        await house.run()
        assert house.texts(target) == ["one", "two"]
        [mirror] = (await house.status())["mirrors"]
        assert (mirror["name"], mirror["done"]) == ("after", 2)


async def test_a_name_is_resolved_once(tmp_path: Path) -> None:
    """No start resolves a known @name again, and one that now means another chat changes nothing."""
    async with House(tmp_path) as house:
        source = house.world.chats.add_channel("Source", house.other, [house.me], username="thesource")
        target = house.own_supergroup("Target")
        house.post(source, "one")
        house.mirror("@thesource", target)
        await house.start()
        await house.run()
        asked = house.tg.log.count("contacts.resolveUsername")
        await house.stop()
        source.username = None
        other = house.world.chats.add_channel("Impostor", house.other, username="thesource")
        house.post(other, "wrong")
        house.post(source, "two")
        await house.start()
        await house.run()
        assert house.texts(target) == ["one", "two"]
        assert house.tg.log.count("contacts.resolveUsername") == asked
        lines = (await house.verb("check"))["lines"]
        assert any(line["level"] == "fail" and "now means" in line["text"] for line in lines)


async def test_another_target_is_a_new_mirror(tmp_path: Path) -> None:
    """It begins with the whole history; the old one is forgotten by nobody."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        one, two = house.own_supergroup("One"), house.own_supergroup("Two")
        house.post(source, "a")
        house.mirror(source, one)
        await house.start()
        await house.run()
        await house.stop()
        house.mirrors[0]["target"] = two.marked_id
        house.post(source, "b")
        await house.start()
        await house.run()
        assert (house.texts(one), house.texts(two)) == (["a"], ["a", "b"])
        await house.stop()
        house.mirrors[0]["target"] = one.marked_id
        house.post(source, "c")
        await house.start()
        await house.run()
        assert (house.texts(one), house.texts(two)) == (["a", "b", "c"], ["a", "b"])


async def test_a_removed_mirror_put_back_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """The time between is included, also beside another mirror of the same source that never stopped."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        stays, goes = house.own_supergroup("Stays"), house.own_supergroup("Goes")
        house.mirror(source, stays, name="stays")
        house.mirror(source, goes, name="goes")
        house.post(source, "before")
        await house.start()
        await house.run()
        await house.stop()
        removed = house.mirrors.pop()
        await house.start()
        for n in range(3):
            house.post(source, f"between {n}")
        await house.run()
        assert house.texts(goes) == ["before"]
        house.post(source, "while stopped")
        await house.stop()
        house.mirrors.append(removed)
        await house.start()
        house.post(source, "after")
        await house.run()
        everything = ["before", *(f"between {n}" for n in range(3)), "while stopped", "after"]
        assert house.texts(stays) == everything
        assert house.texts(goes) == everything


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ("all", ["old 0", "old 1", "old 2", "old 3"]),
        ("none", []),
        ("FIRST", ["old 2", "old 3"]),
        ("2023-11-16", ["old 2", "old 3"]),
        ("2d", ["old 2", "old 3"]),
    ],
)
async def test_history_says_where_the_backlog_begins(
    tmp_path: Path, history: str, expected: list[str]
) -> None:
    """All, none, a first message id, a date, an age; live posts come in any case."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        posts = []
        for n in range(4):  # one at 22:14 of each day from 2023-11-14 on
            house.clock.advance(60)
            posts.append(house.post(source, f"old {n}"))
            house.clock.advance(86340)
        value = str(posts[2].id) if history == "FIRST" else history
        house.mirror(source, target, history=value)
        await house.start()
        await house.run()
        assert house.texts(target) == expected
        house.post(source, "new")
        await house.run()
        assert house.texts(target) == [*expected, "new"]


@pytest.mark.parametrize("later", ["all", "90d"])
async def test_history_counts_at_birth(tmp_path: Path, later: str, logs: Logs) -> None:
    """A later value changes nothing: a warning at the start, a failure of `check` where it is wider."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "old")
        house.mirror(source, target, history="none")
        await house.start()
        await house.run()
        await house.stop()
        house.mirrors[0]["history"] = later
        await house.start()
        assert any(e["log_level"] == "warning" and "at birth" in e["event"] for e in logs)
        house.post(source, "new")
        await house.run()
        assert house.texts(target) == ["new"]
        lines = (await house.verb("check"))["lines"]
        assert any(line["level"] == "fail" and line["subject"] == "history" for line in lines)


async def test_a_long_backlog_is_said_before_its_first_job(tmp_path: Path, logs: Logs) -> None:
    """How many, since when, and how long it takes: in the journal, the status and `check`."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(120):
            house.post(source, str(n))
        house.clock.advance(30 * 86400)
        house.mirror(source, target)
        await house.start()
        [born] = logs.of("mirror born")
        # 120 posts and the service message that made the group.
        assert born["backlog"] == "121 messages since 2023-11-14, 7 min at 3.5 s"
        assert house.texts(target) == []
        mirror = (await house.status())["mirrors"][0]
        assert mirror["waiting_history"] == 121
        assert mirror["eta_seconds"] == round(121 * 3.5)
        lines = (await house.verb("check"))["lines"]
        assert all(line["level"] != "fail" for line in lines)


async def test_the_backlog_is_silent_and_live_follows_the_source(tmp_path: Path) -> None:
    """Nobody's phone rings seventy thousand times."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "old")
        house.post(source, "old, silent", silent=True)
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.post(source, "new")
        house.post(source, "new, silent", silent=True)
        await house.run()
        assert [message.silent for message in house.messages(target)] == [True, True, False, True]


async def paused(house: House) -> dict[str, str]:
    """The mirrors that do not run, by name, with the reason."""
    status = await house.status()
    return {mirror["name"]: mirror["paused"] for mirror in status["mirrors"] if mirror["paused"]}


async def test_a_circle_that_only_telegram_shows_pauses_its_last_mirror(tmp_path: Path) -> None:
    """Two mirrors by name that feed each other: the first runs, the second says why it does not."""
    async with House(tmp_path) as house:
        chats = house.world.chats
        one = chats.add_supergroup("One", house.me, username="theone")
        two = chats.add_supergroup("Two", house.me, username="thetwo")
        house.mirror("@theone", two, name="there")
        house.mirror("@thetwo", one, name="back")
        await house.start()
        house.post(one, "in one", sender=house.me)
        house.post(two, "in two", sender=house.me)
        await house.run()
        assert house.texts(one) == ["in one"]
        assert house.texts(two) == ["in two", "in one"]
        assert list(await paused(house)) == ["back"]
        assert "feeds itself" in (await paused(house))["back"]
        # Asking again lets nothing through in between.
        await house.ask_again()
        await house.run()
        assert house.texts(one) == ["in one"]
        lines = (await house.verb("check"))["lines"]
        assert [line["mirror"] for line in lines if line["level"] == "fail"] == ["back"]


async def test_a_channel_feeds_its_discussion_group(tmp_path: Path) -> None:
    """Mirroring the group into its own channel is a circle; so is the way round by a third chat."""
    async with House(tmp_path) as house:
        chats = house.world.chats
        group = house.own_supergroup("Group")
        channel = chats.add_channel("Channel", house.me, linked=group)
        third = house.own_supergroup("Third")
        house.mirror(group, channel, name="short")
        house.mirror(third, channel, name="in")
        house.mirror(group, third, name="round")
        await house.start()
        house.post(group, "said", sender=house.me)
        await house.run()
        found = await paused(house)
        assert set(found) == {"short", "round"}
        assert house.texts(channel) == []


async def test_the_same_pair_twice_runs_once(tmp_path: Path) -> None:
    """Once by id and once by name: the second is refused with the first's name, the first runs."""
    async with House(tmp_path) as house:
        source = house.world.chats.add_channel("Source", house.other, [house.me], username="thesource")
        target = house.own_supergroup("Target")
        house.post(source, "once")
        house.mirror(source, target, name="by id")
        house.mirror("@thesource", target, name="by name")
        await house.start()
        await house.run()
        assert house.texts(target) == ["once"]
        status: dict[str, Any] = await house.status()
        running = [mirror["name"] for mirror in status["mirrors"] if not mirror["paused"]]
        assert running == ["by id"]
        assert "by name" in str(status)
        assert "same source and target" in str(status)


async def test_chains_and_several_mirrors_of_one_source_work(tmp_path: Path) -> None:
    """A → B → C, and A → D beside it: own posts are source posts for everyone but their maker."""
    async with House(tmp_path) as house:
        a = house.supergroup("A")
        b, c, d = (house.own_supergroup(title) for title in "BCD")
        house.mirror(a, b)
        house.mirror(b, c)
        house.mirror(a, d)
        house.post(a, "old")
        await house.start()
        await house.run()
        first = house.post(a, "new", media=house.world.media.photo())
        house.post(a, "answer", reply_to=first)
        await house.run()
        for chat in (b, c, d):
            assert house.texts(chat) == ["old", "new", "answer"]
            replies = [message.reply for message in house.messages(chat)]
            assert replies[2] is not None
            assert replies[2].to is house.messages(chat)[1]
