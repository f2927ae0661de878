"""Who wrote it: one line above the posts of one author, also across restarts, lanes, topics and mirrors."""

from __future__ import annotations

from pathlib import Path

import pytest
from telethon.tl import types

from tests.behaviour.test_kinds import poll
from tests.harness import House
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account


def people(house: House, source: Chat) -> tuple[Account, Account]:
    ana, bo = house.world.peers.add_account("Ana"), house.world.peers.add_account("Bo")
    for person in (ana, bo):
        house.world.chats.join(source, person)
    return ana, bo


async def test_consecutive_posts_of_one_author_carry_one_line(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        ana, bo = people(house, source)
        now, make = int(house.clock.now()) - 100_000, house.world.media
        for seconds, who, text, media in [
            (0, ana, "one", None),
            (300, ana, "two", None),
            (301, bo, "three", None),
            (302, ana, "four", None),
            (303, ana, "", make.photo()),
            (700, ana, "five", None),
            (701, ana, "", make.sticker()),
            (5000, ana, "", make.sticker(seed=3)),
            (5001, bo, "", make.sticker(seed=4)),
            (5002, bo, "six", None),
        ]:
            house.post(source, text, sender=who, media=media, date=now + seconds)
        house.mirror(source, target, attribution="author")
        await house.start()
        await house.run()
        lines = ["Ana\none", "two", "Bo\nthree", "Ana\nfour", "", "Ana\nfive", "", "", "", "Bo", "six"]
        assert house.texts(target) == lines
        [first, *_] = house.messages(target)
        assert [(type(e).__name__, e.offset, e.length) for e in first.entities] == [
            ("MessageEntityBold", 0, 3)
        ]


async def test_the_line_of_a_forwarded_post_with_its_date(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        ana, bo = people(house, source)
        when = 1551723720  # 2019-03-04 18:22 UTC
        header = types.MessageFwdHeader(date=None, from_id=types.PeerUser(bo.id))
        house.post(source, "said Bo", sender=ana, forward=header, date=when)
        house.post(
            source, "hidden", sender=ana, forward=types.MessageFwdHeader(date=None, from_name="Cy"), date=when
        )
        house.post(source, "mine", sender=ana, date=when + 1)
        house.mirror(source, target, attribution="author-link", dates="always")
        await house.start()
        await house.run()
        copies = house.messages(target)
        assert [copy.text for copy in copies] == [
            "Ana · forwarded from Bo · 2019-03-04 18:22\nsaid Bo",
            "Ana · forwarded from Cy · 2019-03-04 18:22\nhidden",
            "Ana · 2019-03-04 18:22\nmine",
        ]
        urls = [e.url for copy in copies for e in copy.entities if isinstance(e, types.MessageEntityTextUrl)]
        assert len(urls) == 3
        assert all(url.startswith("https://t.me/c/") for url in urls)


async def test_a_restart_does_not_forget_who_spoke(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        ana, bo = people(house, source)
        house.mirror(source, target, attribution="author")
        await house.start()
        house.post(source, "one", sender=ana)
        await house.run(20)
        await house.stop()
        house.post(source, "two", sender=ana)
        house.post(source, "three", sender=bo)
        await house.start()
        await house.run()
        assert house.texts(target) == ["Ana\none", "two", "Bo\nthree"]


async def test_an_edit_keeps_the_line_as_it_was(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        ana, bo = people(house, source)
        house.mirror(source, target, attribution="author")
        await house.start()
        posts = [house.post(source, text, sender=ana) for text in ("one", "two")]
        house.post(source, "three", sender=bo)
        await house.run()
        for post in posts:
            house.world.chats.edit(post, f"{post.text}!")
        await house.run()
        assert house.texts(target) == ["Ana\none!", "two!", "Bo\nthree"]


async def test_each_topic_has_speakers_of_its_own(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("S", forum=True), house.own_supergroup("T", forum=True)
        ana, bo = people(house, source)
        tea = house.world.chats.add_topic(source, house.other, "Tea")
        house.post(source, "hello", sender=ana)
        house.post(source, "green", sender=bo, topic=tea)
        house.post(source, "again", sender=ana)
        house.post(source, "black", sender=bo, topic=tea)
        house.post(source, "mine too", sender=ana, topic=tea)
        house.mirror(source, target, attribution="author")
        await house.start()
        await house.run()
        assert house.texts(target) == ["Ana\nhello", "Bo\ngreen", "again", "black", "Ana\nmine too"]


async def test_what_another_mirror_puts_between_ends_the_line(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        other = house.supergroup("Another")
        ana, _ = people(house, source)
        house.mirror(source, target, attribution="author")
        house.mirror(other, target)
        await house.start()
        house.post(source, "one", sender=ana)
        await house.run(10)
        house.post(other, "between")
        await house.run(10)
        house.post(source, "two", sender=ana)
        await house.run(10)
        assert house.texts(target) == ["Ana\none", "between", "Ana\ntwo"]


@pytest.mark.parametrize("awake", [True, False])
async def test_who_writes_in_the_target_ends_the_line(tmp_path: Path, awake: bool) -> None:
    """Also a person who writes by our own account; also while the daemon was stopped."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target", forum=True)
        tea = house.world.chats.add_topic(target, house.me, "Tea")
        ana, bo = people(house, source)
        house.world.chats.join(target, bo)
        house.mirror(source, target, attribution="author")
        await house.start()
        for n, who in enumerate([None, bo, house.me]):
            if not awake:
                await house.stop()
            if who is not None:
                house.post(target, "between", sender=who)
                house.post(target, "elsewhere", sender=who, topic=tea)
            if not awake:
                await house.start()
            await house.hear()
            for m in range(2):
                house.post(source, f"{n}{m}", sender=ana)
                await house.run(10)
        told = [m.text for m in house.messages(target) if m.text != "elsewhere"]
        assert told == ["Ana\n00", "01", "between", "Ana\n10", "11", "between", "Ana\n20", "21"]


async def test_an_answer_that_was_lost_is_settled_with_its_speaker(tmp_path: Path) -> None:
    """Killed after Telegram took the call and before its answer: the next start knows who spoke."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        ana, _ = people(house, source)
        house.mirror(source, target, attribution="author")
        await house.start()
        await house.run(10)
        house.post(source, "one", sender=ana)
        await house.read()
        [row] = await house.store.mirror_list()
        job = (await house.store.heads(row.id)).live
        assert job is not None
        prepared = await house.daemon.outgoing.prepare(house.daemon.roster.mirrors[row.id], job)
        assert prepared is not None
        send, draft, committed = prepared
        await house.store.attempt(
            job.id, send.seq, draft=draft, committed=committed, floor_id=0, run="dead", now=house.clock.now(),
            fingerprints=house.daemon.outgoing.fingerprints(draft, committed),
        )  # fmt: skip
        ids = [copy.random_id for copy in send.copies]
        await house.daemon.connection.target.send(target.marked_id, draft, ids, committed)
        await house.stop()
        house.post(source, "two", sender=ana)
        await house.start()
        await house.run()
        assert house.texts(target) == ["Ana\none", "two"]


async def test_a_kind_without_caption_has_its_topic_named_when_that_changes(tmp_path: Path) -> None:
    """In a chat without topics: behind it, as a message of ours; with its author where that changes too."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Forum", forum=True), house.own_supergroup("Flat")
        named = house.own_supergroup("Named")
        ana, bo = people(house, source)
        make, tea = house.world.media, house.world.chats.add_topic(source, house.other, "Tea")
        asked = None
        for who, text, topic, media in [
            (ana, "", tea, make.sticker()),
            (ana, "", tea, make.sticker(seed=2)),
            (bo, "", tea, make.round()),
            (bo, "words", tea, None),
            (bo, "", tea, make.sticker(seed=3)),
            (bo, "", 1, make.sticker(seed=4)),
            (bo, "", tea, make.sticker(seed=5)),
            (bo, "", tea, poll()),
        ]:
            asked = house.post(source, text, sender=who, topic=topic, media=media)
        house.mirror(source, target)
        house.mirror(source, named, attribution="author")
        await house.start()
        await house.run()
        name = "▸ Tea"
        assert house.texts(target) == ["", name, "", "", f"{name}\nwords", "", "", "", name, ""]
        assert house.texts(named) == [
            "", f"{name}\nAna", "", "", "Bo", f"{name}\nwords", "", "", "", name, "",
        ]  # fmt: skip
        # An edit makes neither more nor fewer of them.
        assert asked is not None
        house.world.chats.close_poll(asked)
        await house.run()
        assert len(house.texts(target)) == 10
        assert house.messages(target)[-1].media.plain.poll.closed  # type: ignore[union-attr]  # it is a poll
