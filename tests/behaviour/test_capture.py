"""What comes in: late album items, things nobody can read, floods of reading, pauses that lose nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.harness import House
from tests.interpose import Through
from tests.logged import Logs
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tgstreamd.domain.errors import Undecodable
from tgstreamd.domain.messages import Message, Sent

SEND = "messages.sendMessage"


async def running(house: House, **options: Any) -> tuple[Chat, Chat]:
    """A mirror that is through with its history of one post."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    house.post(source, "first")
    house.mirror(source, target, **options)
    await house.start()
    await house.run()
    return source, target


# -- albums -----------------------------------------------------------------------------------------------


async def test_items_later_than_the_first_attempt_become_an_album_behind_it(tmp_path: Path) -> None:
    """They answer its first copy; two late ones stay together, and nothing overtakes them."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        make = house.world.media
        group = house.world.chats.new_group_id()
        for n in range(2):
            house.post(source, f"in time {n}", media=make.photo(seed=n), grouped_id=group)
        await house.run()
        for n in range(2):
            house.post(source, f"late {n}", media=make.photo(seed=5 + n), grouped_id=group)
        house.post(source, "after")
        await house.run()
        copies = house.messages(target)[1:]
        assert [copy.text for copy in copies] == ["in time 0", "in time 1", "late 0", "late 1", "after"]
        assert copies[2].reply is not None
        assert copies[2].reply.to is copies[0]
        assert copies[2].grouped_id == copies[3].grouped_id
        assert copies[2].grouped_id != copies[0].grouped_id


async def test_an_item_that_comes_while_the_album_waits_joins_it(tmp_path: Path) -> None:
    """As long as nothing was attempted it is one album, whatever held it up."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        house.tg.faults.add(Fault(SEND, "flood", seconds=100))
        house.post(source, "holds the queue")
        make = house.world.media
        group = house.world.chats.new_group_id()
        house.post(source, "a", media=make.photo(seed=1), grouped_id=group)
        house.post(source, "b", media=make.photo(seed=2), grouped_id=group)
        await house.run(30)
        house.post(source, "c", media=make.photo(seed=3), grouped_id=group)
        await house.run()
        copies = house.messages(target)[2:]
        assert [copy.text for copy in copies] == ["a", "b", "c"]
        assert len({copy.grouped_id for copy in copies}) == 1


async def test_an_album_of_ten_waits_for_nothing(tmp_path: Path) -> None:
    """It is full: it goes at once; one at the edge of a history page stays whole as well."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        for n in range(95):
            house.post(source, str(n))
        house.world.chats.post_album(source, house.other, [make.photo(seed=n) for n in range(10)])
        house.options["pace"] = {"interval": 3.5}
        house.mirror(source, target, history="90")
        await house.start()
        await house.run()
        copies = house.messages(target)
        assert len(copies) == 7 + 10
        assert len({copy.grouped_id for copy in copies[-10:]}) == 1


@pytest.mark.parametrize("really", [False, True])
async def test_an_answer_that_names_only_a_part_of_an_album(tmp_path: Path, really: bool) -> None:
    """What it names is settled; the rest is asked for under its own ids, and doubled in no case."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        make = house.world.media
        cut = [True]

        class Forgetful(Through):
            """Leaves the last two items out of the first answer that has four."""

            async def send(self, chat: int, draft: Any, ids: Any, committed: Any) -> Sent:
                sent: Sent = await self._inner.send(chat, draft, ids, committed)
                if not cut[0] or len(sent.ids) != 4:
                    return sent
                cut[0] = False
                named = dict(sorted(sent.ids.items())[:2])
                if not really:
                    gone = [m for m in house.messages(target) if m.id in sent.ids.values()]
                    house.world.chats.remove([m for m in gone if m.id not in named.values()])
                    house.world.chats.forget_random_ids()
                return msgspec.structs.replace(sent, ids=named)

        def wrap(connection: Any) -> None:
            connection.target = Forgetful(connection.target)

        house.wrap = wrap
        await house.restart()
        album = [(make.photo(seed=n), f"item {n}") for n in range(4)]
        house.world.chats.post_album(source, house.other, album)
        house.post(source, "after")
        await house.run()
        assert house.texts(target) == ["first", *(f"item {n}" for n in range(4)), "after"]


# -- long captions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["apply-cut", "cut"])
@pytest.mark.parametrize("restart", [False, True])
async def test_a_caption_that_is_too_long_for_us_is_split(tmp_path: Path, action: str, restart: bool) -> None:
    """A premium author's: the rest follows as a reply; a lost answer to the second part doubles nothing."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        words = " ".join(f"word{n}" for n in range(240))
        assert 1024 < len(words) < 2048
        house.post(source, words, media=house.world.media.photo())
        house.post(source, "after")
        house.tg.faults.add(Fault(SEND, action))
        if restart:
            await house.run(until=lambda: house.tg.log.count(SEND) >= 2)
            await house.restart()
        await house.run()
        photo, rest, after = house.messages(target)[1:]
        assert f"{photo.text} {rest.text}" == words
        assert rest.reply is not None
        assert rest.reply.to is photo
        assert after.text == "after"


# -- what cannot be read ----------------------------------------------------------------------------------


async def test_a_difference_that_cannot_be_decoded_counts_as_too_long(tmp_path: Path) -> None:
    """A fresh position, the gap closed from the history; nothing is lost, and nothing stops."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        left = [2]

        def broken(*args: Any, **options: Any) -> None:
            if left[0] > 0:
                left[0] -= 1
                raise Undecodable("an object of tomorrow")

        def wrap(connection: Any) -> None:
            connection.source = Through(connection.source, before={"difference": broken})

        house.wrap = wrap
        await house.stop()
        for n in range(3):
            house.post(source, f"missed {n}")
        await house.start()
        await house.run()
        house.post(source, "live")
        await house.run()
        assert house.texts(target) == ["first", "missed 0", "missed 1", "missed 2", "live"]


async def test_a_message_of_tomorrow_is_parked_in_its_place(tmp_path: Path) -> None:
    """The page is halved until it stands alone; its neighbours arrive, and `parked` has its link."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        posts = [house.post(source, str(n)) for n in range(30)]
        bad = posts[17].id

        class Old(Through):
            """Cannot read one message, nor any page that it stands on."""

            async def history(self, chat: int, **options: Any) -> tuple[Message, ...]:
                page: tuple[Message, ...] = await self._inner.history(chat, **options)
                if any(message.id == bad for message in page):
                    raise Undecodable("an object of tomorrow")
                return page

            async def messages(self, chat: int, ids: Any) -> dict[int, Message]:
                if bad in ids:
                    raise Undecodable("an object of tomorrow")
                found: dict[int, Message] = await self._inner.messages(chat, ids)
                return found

        def wrap(connection: Any) -> None:
            connection.source = Old(connection.source)

        house.wrap = wrap
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert house.texts(target) == [str(n) for n in range(30) if n != 17]
        [parked] = (await house.verb("parked"))["parked"]
        assert "cannot be read at this layer" in parked["reason"]
        assert parked["link"].endswith(f"/{bad}")


# -- floods of reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["messages.getHistory", "updates.getChannelDifference"])
async def test_a_flood_of_reading_holds_no_send(tmp_path: Path, method: str, logs: Logs) -> None:
    """What was captured goes out meanwhile; no call comes early; the rest follows after the hour."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        other, beside = house.supergroup("Other"), house.own_supergroup("Beside")
        house.mirror(other, beside)
        await house.restart()
        house.post(source, "warm")
        await house.run()
        for n in range(5):
            house.post(source, str(n))
        await house.read()
        house.tg.faults.add(Fault(method, "flood", seconds=3600))
        house.post(source, "news")
        await house.run(600)
        assert house.texts(target)[2:7] == [str(n) for n in range(5)]
        if method == "updates.getChannelDifference":
            assert any(entry.get("seconds") == 3600 for entry in logs)
        await house.run()
        assert house.texts(target) == ["first", "warm", *(str(n) for n in range(5)), "news"]
        assert house.tg.faults.violations == []


# -- pauses -----------------------------------------------------------------------------------------------


async def test_a_pause_stops_sending_and_nothing_else(tmp_path: Path) -> None:
    """It survives restarts; posts are captured; an attempt under way is settled; `resume` goes on."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        house.tg.faults.add(Fault(SEND, "apply-cut"))
        house.post(source, "under way")
        await house.run(until=lambda: house.tg.log.count(SEND) >= 2)
        await house.verb("pause", mirror="m1")
        house.post(source, "waits")
        await house.run()
        await house.restart()
        doomed = house.post(source, "deleted while paused")
        await house.run()
        house.world.chats.delete(doomed)
        await house.run()
        assert house.texts(target) == ["first", "under way"]
        status = (await house.status())["mirrors"][0]
        assert status["paused"]
        assert (status["done"], status["waiting_live"]) == (2, 2)
        answer = await house.verb("resume", mirror="m1")
        assert answer["released"] == "paused by the operator"
        await house.run()
        assert house.texts(target) == ["first", "under way", "waits", "deleted while paused"]


async def test_a_removed_mirror_leaves_no_attempt_unsettled(tmp_path: Path) -> None:
    """Taken out of the file with an answer lost: another mirror of the same target is not blocked."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        other = house.supergroup("Other")
        house.tg.faults.add(Fault(SEND, "apply-cut"))
        house.post(source, "under way")
        await house.run(until=lambda: house.tg.log.count(SEND) >= 2)
        await house.stop()
        house.mirrors.clear()
        house.post(other, "of the other")
        house.mirror(other, target, name="other")
        await house.start()
        await house.run()
        assert house.texts(target) == ["first", "under way", "of the other"]


async def test_a_push_that_comes_after_the_edit_brings_nothing_old_back(tmp_path: Path) -> None:
    """A burst: the difference, which has the edit, is read before the pushes are taken."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        waiting, sent = house.post(source, "one"), house.post(source, "two")
        house.world.chats.edit(waiting, "one, edited")
        house.world.chats.edit(sent, "two, edited")
        house.daemon.capture.tell(source.marked_id)
        await house.daemon.capture.catch_up()
        assert len(await house.hear()) >= 2
        await house.run()
        assert house.texts(target) == ["one, edited", "two, edited"]
