"""How much is on its way at once, over a line that is only a queue and a rate.

Its time is a clock that is moved by hand: what is sent stands in the queue, a ping behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from telethon.tl import functions, types

from tests.fakes import FakeClock
from tests.telegram.mtproto.envelope import Message
from tests.unit.test_lean import PART, Table, content
from tgstreamd.domain.errors import FloodWait, NotAuthorised, Transient
from tgstreamd.domain.messages import Media
from tgstreamd.telegram.client import PING_TIMEOUT
from tgstreamd.telegram.downloads import Downloads
from tgstreamd.telegram.file_calls import Call
from tgstreamd.telegram.line_speed import (
    FIRST,
    LEAST,
    REST,
    SLOW,
    LineSpeed,
    Steps,
    next_step,
    parts_at_once,
)

#: The file of the smallest of all wishes: 3 MB.
PARTS = 6
KBIT = 1000 / 8
DONE = bytes.fromhex("b5757299")  # boolTrue


class SlowLine(Table):
    """One connection over it, and the pings of another. `hides`: a proxy takes everything at once."""

    def __init__(self, rate: float, *, delay: float = 0.05, hides: bool = False) -> None:
        self.rate, self.delay, self.hides = rate, delay, hides
        self.free_at = 0.0
        self.sent = 0
        #: The parts of which all was sent.
        self.parts: dict[int, Message] = {}
        self.news = asyncio.Event()
        super().__init__()
        #: Seconds that each ping took.
        self.pings: list[float] = []
        self.speed = LineSpeed(self.clock.monotonic, self.ping)

    def get_write_buffer_size(self) -> int:
        left = max(0.0, self.free_at - self.clock.monotonic()) * self.rate
        return 0 if self.hides else int(left)

    def write(self, data: Any) -> None:
        self.queue(len(data))
        self.sent += len(data)
        before = len(self.heard)
        super().write(data)
        for message in self.heard[before:]:
            # invokeWithoutUpdates, saveBigFilePart, file_id, file_part
            self.parts[int.from_bytes(message.body[16:20], "little")] = message
            self.news.set()

    def queue(self, size: int) -> None:
        self.free_at = max(self.clock.monotonic(), self.free_at) + size / self.rate

    def drain(self) -> None:
        """Time passes until all of it is through, and the answer back."""
        seconds = max(0.0, self.free_at - self.clock.monotonic()) + self.delay
        self.clock.advance(seconds)
        self.server_now += seconds

    async def ping(self) -> float:
        began = self.clock.monotonic()
        self.queue(100)
        self.drain()
        await asyncio.sleep(0)
        self.pings.append(self.clock.monotonic() - began)
        return self.pings[-1]

    async def whole(self, index: int) -> Message:
        """The part of this number, when all of it was sent."""
        while index not in self.parts:
            self.news.clear()
            await self.news.wait()
        return self.parts[index]

    async def upload(self, parts: int = PARTS) -> None:
        self.parts.clear()

        async def one(index: int) -> None:
            async with self.speed.turn() as steps:
                asked = asyncio.ensure_future(self.wire.ask(save(index), steps))
                message = await self.whole(index)
                self.drain()
                self.answers(message, DONE)
                assert await asked

        await asyncio.gather(*map(one, range(parts)))


def save(index: int) -> Any:
    return functions.upload.SaveBigFilePartRequest(-5, index, PARTS, bytes(PART))


@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("rate", [20 * KBIT, 64 * KBIT, 160 * KBIT, 240 * KBIT, 1000 * KBIT])
async def test_a_slow_line_is_used_and_never_filled(rate: float, hides: bool) -> None:
    """Each byte goes once, the line is hardly ever idle, and what is asked beside the parts is answered in
    time: the main connection is not taken for dead."""
    line = SlowLine(rate, delay=0.1, hides=hides)
    began = line.clock.monotonic()
    await line.upload()
    assert len(line.heard) == PARTS
    assert line.sent < 1.01 * PARTS * PART
    assert line.clock.monotonic() - began < 1.35 * PARTS * PART / rate
    assert max(line.pings) < PING_TIMEOUT - 2.5


async def test_a_fast_line_costs_two_pings_for_all_its_files() -> None:
    line = SlowLine(100_000 * KBIT, delay=0.04)
    await line.upload(1)
    assert len(line.pings) == 2
    await line.upload()
    assert len(line.pings) == 2


async def test_a_fast_line_takes_every_part_at_once() -> None:
    speed = LineSpeed(FakeClock().monotonic, pings([0.01] * 2))
    others = [speed.turn() for _ in range(20)]
    async with speed.turn() as first:
        assert first is not None
        waiting = asyncio.gather(*(other.__aenter__() for other in others))
        await first.passed(lambda: True)
        await first.passed(lambda: True)
        assert speed.is_fast
        await asyncio.sleep(0)
        assert not waiting.done()
    assert await waiting == [None] * 20
    for other in others:
        await other.__aexit__(None, None, None)


async def test_a_proxy_that_holds_parts_and_no_ping_is_found_out_by_the_answers() -> None:
    """It has a queue for each connection: the pings are quick, and a part takes a minute all the same."""
    clock = FakeClock()
    speed = LineSpeed(clock.monotonic, pings([0.01] * 20))
    for _ in range(3):
        async with speed.turn() as steps:
            assert steps is not None
            await steps.passed(lambda: True)
            await steps.passed(lambda: True)
            clock.advance(65)
    # Two arrive within ten seconds, not three.
    async with speed.turn() as steps:
        assert steps is not None
        await steps.passed(lambda: True)
        await steps.passed(lambda: True)
        clock.advance(4)
    turns = [speed.turn() for _ in range(3)]
    entered = [asyncio.ensure_future(turn.__aenter__()) for turn in turns]
    await asyncio.sleep(0)
    assert [task.done() for task in entered] == [True, True, False]
    for turn, task in zip(turns, entered, strict=True):
        await task
        await turn.__aexit__(None, None, None)


def test_as_many_parts_at_once_as_arrive_soon() -> None:
    assert parts_at_once(1, 65.0) == 1
    assert parts_at_once(1, 5.0) == 2
    assert parts_at_once(1, 8.0) == 2
    assert parts_at_once(2, 8.0) == 3
    assert parts_at_once(2, 16.0) == 1
    assert parts_at_once(1, 0.1) == 100
    # Ten at once that took a second each, all together, are as fast as one in a tenth of it.
    assert parts_at_once(10, 1.0) == 100
    assert parts_at_once(10, 20.0) == 5


async def test_a_part_that_somebody_on_the_way_holds_is_waited_for() -> None:
    """Longer than nothing may move elsewhere, as long as 20 kbit/s need; on a fast line it is not."""
    table = Table(silence=0.02)
    slow = Call(save(0), asyncio.get_running_loop().create_future(), 0.0, in_steps=True)
    assert slow.patience >= PART * 8 / 20_000
    steps = steps_of(table, pings([0.01] * 9))
    asked = asyncio.ensure_future(table.wire.ask(save(0), steps))
    await asyncio.wait([asked], timeout=0.1)
    assert not asked.done()
    table.answers(table.heard[0], DONE)
    assert await asked


def pings(seconds: list[float]) -> Callable[[], Any]:
    left = iter(seconds)

    async def ping() -> float:
        return next(left)

    return ping


async def test_a_long_line_is_not_taken_for_a_slow_one() -> None:
    """Two seconds there and back: what counts is by how much our bytes hold a ping up."""
    line = SlowLine(100_000 * KBIT, delay=2.0)
    await line.upload()
    assert len(line.pings) < 6
    async with line.speed.turn() as steps:
        assert steps is None


async def test_a_line_that_becomes_slow_gets_one_part_at_a_time() -> None:
    """When those that were under way are through; and many again when it is fast again."""
    clock = FakeClock()
    speed = await fast(clock)
    first, second, third = speed.turn(), speed.turn(), speed.turn()
    assert await first.__aenter__() is None
    assert await second.__aenter__() is None
    clock.advance(SLOW)
    await first.__aexit__(None, None, None)
    coming = asyncio.ensure_future(third.__aenter__())
    await asyncio.sleep(0)
    assert not coming.done()
    await second.__aexit__(None, None, None)
    steps = await coming
    assert steps is not None
    assert steps.size == FIRST
    await steps.took(0.01)
    await steps.took(0.01)
    assert speed.is_fast
    await third.__aexit__(None, None, None)


async def fast(clock: FakeClock) -> LineSpeed:
    speed = LineSpeed(clock.monotonic, pings([]))
    async with speed.turn() as steps:
        assert steps is not None
        await steps.took(0.01)
        await steps.took(0.01)
    assert speed.is_fast
    return speed


async def test_the_speed_of_an_hour_ago_says_nothing() -> None:
    clock = FakeClock()
    speed = await fast(clock)
    clock.advance(REST - 1)
    async with speed.turn() as steps:
        assert steps is None
    clock.advance(REST)
    async with speed.turn() as steps:
        assert steps is not None


async def test_a_failure_after_a_long_time_makes_the_speed_unknown() -> None:
    clock = FakeClock()
    speed = await fast(clock)
    for seconds in (SLOW - 1, SLOW):
        assert speed.is_fast
        turn = speed.turn()
        await turn.__aenter__()
        clock.advance(seconds)
        assert not await turn.__aexit__(Transient, Transient("nothing moves"), None)
    assert not speed.is_fast


async def test_a_wait_that_telegram_orders_is_heard_by_all_who_wait_for_their_turn() -> None:
    """They would hear it themselves, one after the other, from a Telegram that has said so."""
    speed = LineSpeed(FakeClock().monotonic, pings([]))
    first = speed.turn()
    await first.__aenter__()
    waiting = [asyncio.ensure_future(speed.turn().__aenter__()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    flood = FloodWait(900, scope="method", method="upload.getFile")
    assert not await first.__aexit__(FloodWait, flood, None)
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(error) for error in found] == [asyncio.CancelledError, FloodWait, FloodWait]
    async with speed.turn() as steps:
        assert steps is not None


async def test_whoever_gives_up_waiting_holds_nobody_up() -> None:
    speed = LineSpeed(FakeClock().monotonic, pings([]))
    first = speed.turn()
    await first.__aenter__()
    waiting = [asyncio.ensure_future(speed.turn().__aenter__()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    await first.__aexit__(None, None, None)
    # Both its turn and its going away come at once.
    waiting[1].cancel()
    assert await waiting[2] is not None


def test_steps_grow_while_they_are_short_and_shrink_while_they_are_long() -> None:
    assert next_step(FIRST, 0.1) == 8 * FIRST
    assert next_step(FIRST, 0.5) == 2 * FIRST
    assert next_step(FIRST, 2.0) == FIRST
    assert next_step(FIRST, 4.0) == FIRST // 2
    assert next_step(LEAST, 400.0) == LEAST
    assert next_step(PART, 0.1) == PART


# On the connection.


def steps_of(line: Table, ping: Callable[[], Any]) -> Steps:
    return Steps(LineSpeed(line.clock.monotonic, ping), ping)


async def test_a_step_waits_for_the_one_before_it_and_the_next_call_for_the_whole_part() -> None:
    table = SlowLine(100_000 * KBIT, hides=True)
    gate: asyncio.Queue[float] = asyncio.Queue()
    told: list[int] = []
    steps = steps_of(table, gate.get)
    steps.on_step = told.append
    asked = asyncio.ensure_future(table.wire.ask(save(0), steps))
    other = asyncio.ensure_future(table.wire.ask(save(1)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert table.heard == []
    gate.put_nowait(0.01)
    gate.put_nowait(0.01)
    await table.whole(1)
    assert told == [FIRST, 9 * FIRST]
    # In their order, and whole.
    assert [content(message).file_part for message in table.heard] == [0, 1]
    for message in table.heard:
        table.answers(message, DONE)
    assert await asked
    assert await other


async def test_a_part_that_is_given_up_in_its_middle_takes_its_connection_along() -> None:
    table = Table()
    asked = asyncio.ensure_future(table.wire.ask(save(0), steps_of(table, asyncio.Queue[float]().get)))
    other = asyncio.ensure_future(table.wire.ask(save(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.cancel()
    found = await asyncio.gather(asked, other, return_exceptions=True)
    assert [type(error) for error in found] == [asyncio.CancelledError, ConnectionResetError]
    assert table.closed


async def test_a_connection_that_dies_in_a_step_ends_the_call() -> None:
    table = Table()
    asked = asyncio.ensure_future(table.wire.ask(save(0), steps_of(table, asyncio.Queue[float]().get)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    table.wire.connection_lost(None)
    with pytest.raises(ConnectionResetError):
        await asked


async def test_a_ping_that_never_comes_back_ends_the_call_with_its_reason() -> None:
    async def over() -> float:
        raise NotAuthorised("the login is over")

    table = Table()
    with pytest.raises(NotAuthorised):
        await table.wire.ask(save(0), steps_of(table, over))
    assert table.closed


# Down.


class Origin:
    """A pool that gives what is asked for at the speed of its line."""

    def __init__(self, line: SlowLine, size: int) -> None:
        self._line = line
        self._data = bytes(range(256)) * (size // 256 + 1)
        self._data = self._data[:size]
        self.asked: list[tuple[int, int]] = []

    def speed(self, _direction: str) -> LineSpeed:
        return self._line.speed

    async def call(self, _dc: int, _direction: str, request: Any, *, file: int = 0) -> Any:
        self.asked.append((request.offset, request.limit))
        found = self._data[request.offset : request.offset + request.limit]
        self._line.queue(len(found))
        self._line.drain()
        return types.upload.File(types.storage.FilePartial(), 1, found)


@pytest.mark.parametrize("rate", [20 * KBIT, 64 * KBIT, 240 * KBIT, 100_000 * KBIT])
async def test_on_a_slow_downlink_a_part_comes_in_pieces(rate: float) -> None:
    line = SlowLine(rate)
    size = 2 * PART + 10_001
    origin: Any = Origin(line, size)
    downloads = Downloads(origin, origin, line.clock.monotonic)
    media: Any = Media(id=1, kind="file", size=size, dc=2, raw=b"")
    found = [await downloads.part(media, None, at, PART, thumb=False) for at in range(0, size, PART)]
    assert b"".join(found) == origin._data
    for offset, limit in origin.asked:
        assert offset % 4096 == 0
        assert PART * 2 % limit == 0
        assert offset // (2 * PART) == (offset + limit - 1) // (2 * PART)
    assert all(before[0] < after[0] for before, after in pairwise(origin.asked))
    # What comes beside it is never held up for long.
    assert max(min(limit, size - offset) / rate for offset, limit in origin.asked) < PING_TIMEOUT - 2.5
    assert len(origin.asked) < 12 or rate < 1000 * KBIT
