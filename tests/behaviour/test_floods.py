"""Telegram says *not so fast*: obeyed to the second, said, kept across restarts, and no message is lost."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.logged import Logs
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tgstreamd.domain.holds import Scope
from tgstreamd.ledger import READER
from tgstreamd.limits.holds import Holds

SEND, MEDIA, ALBUM = "messages.sendMessage", "messages.sendMedia", "messages.sendMultiMedia"


def mixed(house: House, source: Chat) -> list[str]:
    """A backlog of texts, photos and albums; the texts and captions that it will show."""
    make = house.world.media
    said: list[str] = []
    for n in range(3):
        house.post(source, f"text {n}")
        house.post(source, f"photo {n}", media=make.photo(seed=n))
        house.world.chats.post_album(
            source, house.other, [(make.photo(seed=10 * n + k), f"album {n}.{k}") for k in (1, 2)]
        )
        said += [f"text {n}", f"photo {n}", f"album {n}.1", f"album {n}.2"]
    return said


@pytest.mark.parametrize("seconds", [30, 3600])
@pytest.mark.parametrize("method", [SEND, MEDIA, ALBUM])
async def test_a_flood_in_mid_backlog_costs_nothing_but_time(
    tmp_path: Path, method: str, seconds: int, logs: Logs
) -> None:
    """None lost, none early, none doubled; the status and the log say until when."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        said = mixed(house, source)
        house.mirror(source, target)
        fault = house.tg.faults.add(Fault(method, "flood", seconds=seconds, skip=1))
        await house.start()
        await house.run(until=lambda: fault.hits == 1)
        until = house.clock.now() + seconds
        [told] = logs.of("Telegram asks to wait")
        assert told["seconds"] == seconds
        assert told["until"]
        assert told["log_level"] == "warning"
        status = (await house.status())["mirrors"][0]
        assert abs(status["hold_until"] - until) <= 1
        assert f"FLOOD_WAIT_{seconds}" in status["hold_reason"]
        assert f"{seconds} s" in await house.daemon.status_line()
        await house.run()
        assert [message.text for message in house.messages(target)] == said
        assert house.tg.faults.violations == []
        assert (await house.status())["mirrors"][0]["hold_until"] is None


@pytest.mark.parametrize("method", [SEND, MEDIA, ALBUM])
async def test_a_flood_is_kept_across_a_restart(tmp_path: Path, method: str) -> None:
    """A start in the middle of the hour does not ask again before it is over."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        said = mixed(house, source)
        house.mirror(source, target)
        fault = house.tg.faults.add(Fault(method, "flood", seconds=3600, skip=1))
        await house.start()
        await house.run(until=lambda: fault.hits == 1)
        for _ in range(3):
            await house.restart()
            await house.run(900)
        await house.run()
        assert [message.text for message in house.messages(target)] == said
        assert house.tg.faults.violations == []


async def test_other_methods_and_reading_go_on(tmp_path: Path) -> None:
    """While sendMedia waits an hour, texts go to another target, and both sources are read."""
    async with House(tmp_path) as house:
        pictures, talk = house.supergroup("Pictures"), house.supergroup("Talk")
        one, two = house.own_supergroup("One"), house.own_supergroup("Two")
        house.mirror(pictures, one)
        house.mirror(talk, two)
        house.tg.faults.add(Fault(MEDIA, "flood", seconds=3600))
        await house.start()
        await house.run()
        house.post(pictures, "held", media=house.world.media.photo())
        await house.run(30)
        for n in range(5):
            house.post(talk, f"words {n}")
            house.post(pictures, f"later {n}")
        await house.run(300)
        assert house.texts(two) == [f"words {n}" for n in range(5)]
        assert house.texts(one) == []
        statuses = {mirror["name"]: mirror for mirror in (await house.status())["mirrors"]}
        assert statuses["m1"]["waiting_live"] == 6
        await house.run()
        assert house.texts(one) == ["held", *(f"later {n}" for n in range(5))]
        assert house.tg.faults.violations == []


async def test_slow_mode_binds_one_target_only(tmp_path: Path) -> None:
    """The target says how long; another target does not wait, and the backlog is not slowed down for it."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        slow = house.world.chats.add_supergroup("Slow", house.other, [house.me], slow_mode=60)
        free = house.own_supergroup("Free")
        for n in range(4):
            house.post(source, str(n))
        house.mirror(source, slow)
        house.mirror(source, free)
        await house.start()
        begun = house.clock.now()
        await house.run(until=lambda: len(house.texts(free)) == 4)
        assert house.clock.now() - begun < 60
        await house.run()
        assert house.texts(slow) == [str(n) for n in range(4)]
        dates = [message.date for message in house.messages(slow)]
        assert all(later - earlier >= 60 for earlier, later in pairwise(dates))
        assert (await house.status())["backlog_interval"] == 3.5


async def test_a_long_flood_slows_the_backlog_and_calm_restores_it(tmp_path: Path) -> None:
    """Doubled by a wait of 60 s or more, kept across a restart, halved again after twelve calm hours."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(12):
            house.post(source, str(n))
        house.mirror(source, target)
        house.tg.faults.add(Fault(SEND, "flood", seconds=59, skip=2))
        house.tg.faults.add(Fault(SEND, "flood", seconds=60, skip=4))
        await house.start()
        await house.run(until=lambda: len(house.texts(target)) == 4)
        assert (await house.status())["backlog_interval"] == 3.5
        await house.run(until=lambda: len(house.texts(target)) == 6)
        await house.restart()
        assert (await house.status())["backlog_interval"] == 7.0
        await house.run()
        dates = [message.date for message in house.messages(target)]
        assert all(b - a >= 6 for a, b in pairwise(dates[7:]))
        house.post(source, "live goes at its own pace")
        house.clock.advance(12 * 3600)
        await house.run()
        assert (await house.status())["backlog_interval"] == 3.5


@pytest.mark.parametrize("seconds", [30, 3600])
@pytest.mark.parametrize(
    "method", ["upload.saveFilePart", "upload.saveBigFilePart", "upload.getFile", "messages.uploadMedia"]
)
async def test_a_flood_of_a_transfer_is_waited_out(tmp_path: Path, method: str, seconds: int) -> None:
    """The file arrives whole; the texts of another target do not wait for it."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        size = 11_000_000 if method == "upload.saveBigFilePart" else 2_000_000
        original = house.post(source, "a file", media=house.world.media.document(size=size))
        house.mirror(source, target)
        fault = house.tg.faults.add(
            Fault(method, "flood", seconds=seconds, skip=1 if "upload." in method else 0)
        )
        await house.start()
        begun = house.clock.now()
        await house.run()
        assert fault.hits == 1
        [copy] = house.messages(target)
        assert copy.date >= begun + seconds - 1
        assert digest(copy) == digest(original)


@pytest.mark.parametrize("method", ["upload.saveFilePart", "messages.uploadMedia"])
async def test_a_flood_of_a_transfer_is_kept_across_a_restart(tmp_path: Path, method: str) -> None:
    """Nothing of that kind is asked again before the wait is over."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "a file", media=house.world.media.document())
        house.mirror(source, target)
        await house.start()
        house.tg.faults.flood(house.me.id, method, 3600)
        begun = house.clock.now()

        async def kept() -> bool:
            return Scope.method(method) in await house.store.holds(READER)

        await house.read()
        await house.serve(house.daemon.staging.run, kept)
        await house.restart()
        before = len(house.tg.faults.violations)
        await house.run()
        assert len(house.tg.faults.violations) == before
        assert house.messages(target)[0].date >= begun + 3599


async def test_a_flood_met_while_another_is_stored_is_kept_too(tmp_path: Path) -> None:
    """Parts are answered in parallel, also while the ledger writes."""
    methods = ["upload.saveFilePart", "upload.getFile"]

    def met(account: int, scope: Scope, *_: object) -> None:
        if scope.name == methods[0]:
            house.daemon.staging.flooded(methods[1], 3600)

    async with House(tmp_path) as house:
        house.mirror(house.supergroup("Source"), house.own_supergroup("Target"))
        house.interpose("store", before={"hold_until": met})
        await house.start()
        house.daemon.staging.flooded(methods[0], 60)
        await house.daemon.staging.catch_up()
        await house.daemon.staging.catch_up()
        held = Holds(await house.store.holds(READER)).in_force(house.clock.now())
        assert [(hold.scope.name, round(hold.until - house.clock.now())) for hold in held] == [
            ("upload.getFile", 3600),
            ("upload.saveFilePart", 60),
        ]


def digest(message: Any) -> str:
    return str(message.media.document.blob.sha256)
