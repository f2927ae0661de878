"""One message that breaks something stops no other; three in a row pause the mirror, not the process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.interpose import Through
from tests.logged import Logs
from tests.telegram.faults import Fault

SEND = "messages.sendMessage"


def breaks_on(*texts: str, side: str = "before") -> Callable[[Any], None]:
    """The writing port raises what nobody foresaw for drafts with these texts."""

    def hook(chat: int, draft: Any, *rest: Any) -> None:
        if draft.pieces[0].text in texts:
            raise ZeroDivisionError("a bug of ours")

    def wrap(connection: Any) -> None:
        connection.target = Through(connection.target, **{side: {"send": hook}})

    return wrap


async def test_a_poison_message_is_parked_and_the_queue_goes_on(tmp_path: Path, logs: Logs) -> None:
    """With its traceback in the journal; never silently."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for text in ("one", "poison", "two", "three"):
            house.post(source, text)
        house.mirror(source, target)
        house.wrap = breaks_on("poison")
        await house.start()
        await house.run()
        assert house.texts(target) == ["one", "two", "three"]
        [parked] = (await house.verb("parked"))["parked"]
        assert "ZeroDivisionError" in parked["reason"]
        assert any(entry.get("exc_info") for entry in logs)


async def test_after_an_attempt_it_is_an_unknown_outcome_first(tmp_path: Path) -> None:
    """It had been sent before it broke us: the search finds it, and it is neither parked nor doubled."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for text in ("one", "poison", "two"):
            house.post(source, text)
        house.mirror(source, target)
        house.wrap = breaks_on("poison", side="after")
        await house.start()
        await house.run()
        assert house.texts(target) == ["one", "poison", "two"]
        assert (await house.verb("parked"))["parked"] == []


async def test_three_in_a_row_pause_the_mirror(tmp_path: Path, logs: Logs) -> None:
    """The third is neither parked nor skipped; others go on; it is tried again every ten minutes."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        other, beside = house.supergroup("Other"), house.own_supergroup("Beside")
        poison = [f"poison {n}" for n in range(5)]
        for text in ("good", *poison, "last"):
            house.post(source, text)
        house.post(other, "goes on")
        house.mirror(source, target)
        house.mirror(other, beside)
        house.wrap = breaks_on(*poison)
        await house.start()
        await house.run()
        assert house.texts(target) == ["good"]
        assert house.texts(beside) == ["goes on"]
        assert len((await house.verb("parked"))["parked"]) == 2
        mirror = (await house.status())["mirrors"][0]
        assert "3 messages in a row" in mirror["paused"]
        assert any(e["log_level"] == "error" and "3 messages in a row" in str(e.get("why")) for e in logs)
        # Tried again with the third, which stays where it is as long as it breaks us.
        await house.ask_again()
        await house.run()
        assert len((await house.verb("parked"))["parked"]) == 2
        # What broke us is mended: ten minutes later it goes on with the third.
        house.wrap = lambda connection: None
        await house.restart()
        await house.ask_again()
        await house.run()
        assert house.texts(target) == ["good", "poison 2", "poison 3", "poison 4", "last"]


async def test_a_success_between_is_no_row(tmp_path: Path) -> None:
    """Three poison messages with good ones between them: three parked, the mirror runs."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(3):
            house.post(source, f"poison {n}")
            house.post(source, f"good {n}")
        house.mirror(source, target)
        house.wrap = breaks_on(*(f"poison {n}" for n in range(3)))
        await house.start()
        await house.run()
        assert house.texts(target) == [f"good {n}" for n in range(3)]
        assert len((await house.verb("parked"))["parked"]) == 3


async def test_a_transfer_that_breaks_us_parks_its_message_only(tmp_path: Path) -> None:
    """The bug sits where the bytes are read; texts before and after it arrive."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "one")
        house.post(source, "poison", media=house.world.media.document(name="poison.pdf"))
        house.post(source, "two")
        house.mirror(source, target)

        def hook(media: Any, *rest: Any, **options: Any) -> None:
            raise ZeroDivisionError("a bug of ours")

        def wrap(connection: Any) -> None:
            connection.source = Through(connection.source, before={"part": hook})

        house.wrap = wrap
        await house.start()
        await house.run()
        assert house.texts(target) == ["one", "two"]
        [parked] = (await house.verb("parked"))["parked"]
        assert "ZeroDivisionError" in parked["reason"]


async def test_a_jobs_own_trouble_parks_it_after_half_an_hour(tmp_path: Path) -> None:
    """No hold, no outage: 30 minutes of connected time, then the queue goes on and its reply degrades."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        bad = house.post(source, "troubled")
        house.post(source, "its answer", reply_to=bad)
        house.post(source, "after")
        house.mirror(source, target)
        house.tg.faults.add(
            Fault(
                SEND, code=500, message="RPC_CALL_FAIL", times=None, when=lambda _, r: r.message == "troubled"
            )
        )
        await house.start()
        begun = house.clock.now()
        await house.run()
        first, second = house.messages(target)
        assert "its answer" in first.text
        assert first.text != "its answer"
        assert second.text == "after"
        assert 1800 <= first.date - begun <= 2000
        [parked] = (await house.verb("parked"))["parked"]
        assert parked["text"] == "troubled"


@pytest.mark.parametrize("kind", ["hold", "outage"])
async def test_waiting_for_others_is_no_trouble_of_its_own(tmp_path: Path, kind: str) -> None:
    """An hour of flood, or of no connection, parks nothing."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.post(source, "patient")
        await house.hear()
        if kind == "hold":
            house.tg.faults.add(Fault(SEND, "flood", seconds=3600))
            await house.run(3599)
        else:
            await house.tg.stop()
            for _ in range(40):
                await house.daemon.sender.step()
                house.clock.advance(100)
            await house.tg.start()
        await house.run()
        assert house.texts(target) == ["patient"]
        assert (await house.verb("parked"))["parked"] == []


@pytest.mark.parametrize("live", [False, True])
async def test_a_message_that_breaks_the_reading_is_parked(tmp_path: Path, live: bool) -> None:
    """Our own bug, while an answer is read: the page is halved until it stands alone; the others arrive."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "first")
        bad: list[int] = []

        def breaks(messages: Any) -> None:
            if any(message.id in bad for message in messages):
                raise ZeroDivisionError("a bug of ours")

        class Buggy(Through):
            """Breaks on every answer that holds one message."""

            async def history(self, chat: int, **options: Any) -> Any:
                page = await self._inner.history(chat, **options)
                breaks(page)
                return page

            async def messages(self, chat: int, ids: Any) -> Any:
                found = await self._inner.messages(chat, ids)
                breaks(found.values())
                return found

            async def difference(self, chat: int, box: Any) -> Any:
                answer = await self._inner.difference(chat, box)
                breaks(answer.messages)
                return answer

        def wrap(connection: Any) -> None:
            connection.source = Buggy(connection.source)

        house.wrap = wrap
        house.mirror(source, target)
        if live:
            await house.start()
            await house.run()
            house.world.chats.silence(source, True)  # a push is another way in
        for n in range(9):
            post = house.post(source, str(n))
            if n == 5:
                bad.append(post.id)
        if not live:
            await house.start()
        await house.run()
        house.world.chats.silence(source, False)
        house.post(source, "after")
        await house.run()
        assert house.texts(target) == ["first", *(str(n) for n in range(9) if n != 5), "after"]
        [parked] = (await house.verb("parked"))["parked"]
        assert parked["source_id"] == bad[0]


async def parked(house: House) -> tuple[Any, Any]:
    """The second of four posts was refused; the originals, and the target."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    posts = [house.post(source, f"number {n}") for n in range(4)]
    house.mirror(source, target, deletes="mirror")
    house.tg.faults.add(Fault(SEND, message="NOT_WANTED", skip=1))
    await house.start()
    await house.run()
    assert len((await house.verb("parked"))["parked"]) == 1
    return posts, target


@pytest.mark.parametrize("restart", [False, True])
async def test_what_happened_to_a_parked_message_counts_when_it_is_tried_again(
    tmp_path: Path, restart: bool
) -> None:
    """It was edited and pinned while nobody could copy it."""
    async with House(tmp_path) as house:
        posts, target = await parked(house)
        house.world.chats.edit(posts[1], "edited")
        house.world.chats.pin(posts[1], house.other)
        await house.run()
        if restart:
            await house.restart()
        await house.verb("retry", ids=None)
        await house.run()
        assert house.texts(target) == ["number 0", "number 2", "number 3", "edited"]
        assert [copy.text for copy in house.messages(target) if copy.pinned] == ["edited"]


async def test_a_parked_message_that_was_deleted_is_not_sent_any_more(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        posts, target = await parked(house)
        house.world.chats.delete(posts[1])
        await house.run()
        await house.verb("retry", ids=None)
        await house.run()
        assert house.texts(target) == ["number 0", "number 2", "number 3"]
        assert house.tg.log.count(SEND) == 4
        (mirror,) = (await house.status())["mirrors"]
        assert (mirror["parked"], mirror["backlog"]) == (0, 0)
