"""The connection for file parts on a table: the server's side of one session, without a socket."""

from __future__ import annotations

import asyncio
import gzip
import os
import struct
import time
from typing import Any

import pytest
from telethon import errors
from telethon.crypto import AuthKey
from telethon.tl import functions, types
from telethon.tl.alltlobjects import LAYER

from tests.fakes import FakeClock
from tests.telegram.mtproto import tl
from tests.telegram.mtproto.envelope import Message, open_message, seal_message
from tests.telegram.mtproto.transports import Transport
from tgstreamd.telegram.file_connection import ACKS, LeanWire
from tgstreamd.telegram.file_envelope import Envelope
from tgstreamd.telegram.file_requests import introduction
from tgstreamd.telegram.link import Link
from tgstreamd.telegram.message_ids import OUT_OF_TIME, RECENT, TOO_NEW, TOO_OLD, MessageIds, OutOfTimeError

KEY = b"\x01" + os.urandom(255)
NOW = 1_800_000_000.0
WHERE = types.InputDocumentFileLocation(1, 2, b"ref", "")
PART = 512 * 1024


class Table(asyncio.Transport):
    """The server's end: takes what the wire writes, and answers as it is told."""

    def __init__(self, *, now: float = NOW, silence: float = 60.0, introduction: bytes = b"") -> None:
        super().__init__()
        self.key = AuthKey(KEY)
        self.clock = FakeClock(now)
        #: The server's own clock.
        self.server_now = NOW
        self.salt = 7
        self.closed = False
        #: Bytes that the next machine has not confirmed, and how many fewer there are at each look.
        self.held = self.leaving = 0
        self.looks = 0
        self.heard: list[Message] = []
        self._ids = 0
        self._sent = 0
        self._stream = Transport()
        envelope = Envelope(KEY, self.key.key_id, MessageIds(self.clock))
        self.wire = LeanWire(self.key, envelope, introduction=introduction, silence=silence)
        self.wire.connection_made(self)

    # asyncio.Transport

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered."""

    def get_write_buffer_size(self) -> int:
        self.looks += 1
        self.held -= self.leaving
        return self.held

    def write(self, data: Any) -> None:
        for packet in self._stream.feed(data):
            self.heard.append(open_message(KEY, packet))

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True
        self.wire.connection_lost(None)

    # The server

    def next_id(self) -> int:
        self._ids += 4
        return (int(self.server_now * (1 << 32)) & ~3) + self._ids + 1

    def says(
        self, body: Any, *, content: bool = True, msg_id: int = 0, session: int = 0, step: int = 1 << 20
    ) -> int:
        """Send one message, in pieces of `step` bytes; its id."""
        data = body if isinstance(body, bytes) else bytes(body)
        msg_id = msg_id or self.next_id()
        packet = seal_message(
            KEY, self.key.key_id, salt=self.salt, session_id=session or self.heard[-1].session_id,
            msg_id=msg_id, seqno=self._sent * 2 + content, body=data,
        )  # fmt: skip
        self._sent += content
        self.arrives(self._stream.wrap(packet), step)
        return msg_id

    def arrives(self, data: bytes, step: int = 1 << 20) -> None:
        at = 0
        while at < len(data):
            room = self.wire.get_buffer(-1)
            chunk = data[at : at + min(step, len(room))]
            room[: len(chunk)] = chunk
            self.wire.buffer_updated(len(chunk))
            at += len(chunk)

    def answers(self, request: Message, result: Any, **options: Any) -> int:
        body = result if isinstance(result, bytes) else bytes(result)
        return self.says(tl.rpc_result(request.msg_id, body), **options)

    def asks(self, request: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(
            self.wire.ask(request), loop=asyncio.get_running_loop(), eager_start=True
        )
        return task


def get(index: int = 0) -> Any:
    return functions.upload.GetFileRequest(WHERE, index * PART, PART)


def content(message: Message) -> Any:
    """The request in a message, without its wrapper."""
    assert message.body[:4] == struct.pack("<I", functions.InvokeWithoutUpdatesRequest.CONSTRUCTOR_ID)
    return tl.decode(message.body[4:])


def a_file(data: bytes) -> bytes:
    return tl.upload_file(types.storage.FilePartial(), 1, data).data


@pytest.mark.parametrize("size", [0, 1, 253, 254, 4096, PART])
@pytest.mark.parametrize("step", [1000, 1 << 20])
async def test_a_part_comes_as_it_was_sent(size: int, step: int) -> None:
    table = Table()
    asked = table.asks(get())
    request = content(table.heard[0])
    assert (request.offset, request.limit, request.location.id) == (0, PART, 1)
    data = os.urandom(size)
    table.answers(table.heard[0], a_file(data), step=step)
    assert bytes((await asked).bytes) == data
    assert table.wire.load == 0


@pytest.mark.parametrize("size", [1, 253, 254, 4096, PART])
@pytest.mark.parametrize("big", [False, True])
async def test_a_part_goes_as_it_is(size: int, big: bool) -> None:
    table = Table()
    data = os.urandom(size)
    request = (
        functions.upload.SaveBigFilePartRequest(-5, 3, 9, data)
        if big
        else functions.upload.SaveFilePartRequest(-5, 3, data)
    )
    asked = table.asks(request)
    seen = content(table.heard[0])
    assert (seen.file_id, seen.file_part, bytes(seen.bytes)) == (-5, 3, data)
    # What Telethon would have written.
    assert bytes(table.heard[0].body[4:]) == bytes(request)
    table.answers(table.heard[0], tl.TRUE)
    assert await asked is True


async def test_answers_find_their_requests_in_any_order_and_in_containers() -> None:
    table = Table()
    asked = [table.asks(get(n)) for n in range(3)]
    first, second, third = table.heard
    table.answers(third, a_file(b"3" * 300))
    inner = [(table.next_id(), 5, tl.rpc_result(request.msg_id, a_file(name * 300)))
             for request, name in ((second, b"2"), (first, b"1"))]  # fmt: skip
    packed = b"".join(struct.pack("<qii", i, s, len(b)) + b for i, s, b in inner)
    table.says(struct.pack("<Ii", tl.MSG_CONTAINER, 2) + packed, content=False)
    assert [bytes((await task).bytes[:1]) for task in asked] == [b"1", b"2", b"3"]


async def test_compressed_answers_and_errors() -> None:
    table = Table()
    asked, refused, flood, lost = (table.asks(get(n)) for n in range(4))
    packed = struct.pack("<I", tl.GZIP_PACKED) + tl.serialize_bytes(gzip.compress(a_file(bytes(5000))))
    table.answers(table.heard[0], packed)
    assert len((await asked).bytes) == 5000
    table.says(tl.rpc_error(table.heard[1].msg_id, 303, "FILE_MIGRATE_4"))
    with pytest.raises(errors.FileMigrateError) as moved:
        await refused
    assert moved.value.new_dc == 4
    table.says(tl.rpc_error(table.heard[2].msg_id, 420, "FLOOD_PREMIUM_WAIT_3"))
    with pytest.raises(errors.FloodPremiumWaitError) as waits:
        await flood
    assert waits.value.seconds == 3
    table.answers(table.heard[3], a_file(bytes(5000))[:100])
    with pytest.raises(BufferError):
        await lost
    assert table.wire.alive


async def test_a_wrong_salt_is_corrected_and_only_the_refused_request_sent_again() -> None:
    table = Table()
    asked, other = table.asks(get(0)), table.asks(get(1))
    first = table.heard[0]
    table.says(types.BadServerSalt(first.msg_id, first.seqno, 48, 99), content=False)
    assert len(table.heard) == 3
    again = table.heard[2]
    assert (again.salt, bytes(again.body)) == (99, bytes(first.body))
    assert again.msg_id > table.heard[1].msg_id
    assert again.seqno > table.heard[1].seqno
    table.answers(again, a_file(b"x"))
    table.answers(table.heard[1], a_file(b"y"))
    assert bytes((await asked).bytes) == b"x"
    assert bytes((await other).bytes) == b"y"


@pytest.mark.parametrize(("ahead", "code"), [(4000.0, 17), (-4000.0, 16)])
async def test_a_wrong_clock_is_put_right(ahead: float, code: int) -> None:
    table = Table(now=NOW + ahead)
    asked = table.asks(get())
    first = table.heard[0]
    table.says(types.BadMsgNotification(first.msg_id, first.seqno, code), content=False)
    again = table.heard[1]
    assert abs(again.msg_id / (1 << 32) - NOW) < 1
    table.answers(again, a_file(b"x"))
    assert bytes((await asked).bytes) == b"x"


def introduced(message: Message) -> bool:
    """Whether a request says who we are; that, if anything, stands first."""
    return message.body[:4] == struct.pack("<I", functions.InvokeWithLayerRequest.CONSTRUCTOR_ID)


HELLO = introduction(1, {"device_model": "d", "system_version": "s", "app_version": "a"})


async def test_a_connection_says_who_it_is_until_it_is_answered() -> None:
    """In its first requests themselves, parts too; a ping before them is no request."""
    table = Table(introduction=HELLO)
    ping = table.asks(functions.PingRequest(7))
    assert tl.decode(table.heard[0].body).ping_id == 7
    table.says(types.Pong(table.heard[0].msg_id, 7), content=False)
    await ping
    parts = [functions.upload.SaveFilePartRequest(-5, n, os.urandom(PART)) for n in range(2)]
    asked = [table.asks(part) for part in parts]
    assert all(introduced(message) for message in table.heard[1:])
    layer = tl.decode(table.heard[1].body)
    assert layer.layer == LAYER
    assert isinstance(layer.query, functions.InvokeWithoutUpdatesRequest)
    assert isinstance(layer.query.query, functions.InitConnectionRequest)
    assert bytes(layer.query.query.query) == bytes(parts[0])
    table.answers(table.heard[1], tl.TRUE)
    await asked[0]
    later = table.asks(get())
    assert content(table.heard[3]).offset == 0
    table.answers(table.heard[2], tl.TRUE)
    table.answers(table.heard[3], a_file(b"x"))
    await asyncio.gather(asked[1], later)


async def test_a_server_that_has_forgotten_who_we_are_is_told_once_more() -> None:
    table = Table(introduction=HELLO)
    first = table.asks(get())
    table.answers(table.heard[0], a_file(b"x"))
    await first
    asked = table.asks(get())
    assert not introduced(table.heard[1])
    table.says(tl.rpc_error(table.heard[1].msg_id, 400, "CONNECTION_NOT_INITED"))
    assert introduced(table.heard[2])
    table.answers(table.heard[2], a_file(b"y"))
    assert (await asked).bytes == b"y"
    asked = table.asks(get())
    table.says(tl.rpc_error(table.heard[3].msg_id, 400, "CONNECTION_NOT_INITED"))
    table.says(tl.rpc_error(table.heard[4].msg_id, 400, "CONNECTION_NOT_INITED"))
    with pytest.raises(errors.ConnectionNotInitedError):
        await asked
    assert table.wire.alive


async def test_numbers_out_of_step_end_the_connection() -> None:
    table = Table()
    asked = table.asks(get())
    table.says(types.BadMsgNotification(table.heard[0].msg_id, 1, 32), content=False)
    with pytest.raises(BufferError):
        await asked
    assert table.closed
    with pytest.raises(ConnectionError):
        await table.wire.ask(get())


async def test_other_refusals_end_only_their_request() -> None:
    table = Table()
    asked, other = table.asks(get(0)), table.asks(get(1))
    table.says(types.BadMsgNotification(table.heard[0].msg_id, 1, 35), content=False)
    with pytest.raises(errors.BadMessageError):
        await asked
    table.answers(table.heard[1], a_file(b"y"))
    assert (await other).bytes == b"y"


async def test_a_new_session_has_its_salt_and_what_was_lost_is_sent_again() -> None:
    table = Table()
    lost, kept = table.asks(get(0)), table.asks(get(1))
    table.says(types.NewSessionCreated(table.heard[1].msg_id, 1, 55))
    assert len(table.heard) == 3
    assert content(table.heard[2]).offset == 0
    assert table.heard[2].salt == 55
    table.answers(table.heard[2], a_file(b"x"))
    table.answers(table.heard[1], a_file(b"y"))
    assert bytes((await lost).bytes) + bytes((await kept).bytes) == b"xy"


async def test_an_answer_that_the_server_holds_back_is_asked_for() -> None:
    table = Table()
    asked = table.asks(get())
    answer = table.next_id()
    table.says(types.MsgDetailedInfo(table.heard[0].msg_id, answer, 1000, 0), content=False)
    wanted = tl.decode(table.heard[1].body)
    assert isinstance(wanted, types.MsgResendReq)
    assert list(wanted.msg_ids) == [answer]
    table.answers(table.heard[0], a_file(b"x"), msg_id=answer)
    assert (await asked).bytes == b"x"


async def test_answers_are_acknowledged_together() -> None:
    table = Table()
    sent: list[int] = []
    for n in range(ACKS):
        asked = table.asks(get(n))
        sent.append(table.answers(table.heard[n], a_file(b"x")))
        await asked
    ack = tl.decode(table.heard[-1].body)
    assert isinstance(ack, types.MsgsAck)
    assert list(ack.msg_ids) == sent
    assert len(table.heard) == ACKS + 1
    assert table.heard[-1].seqno % 2 == 0


async def test_a_repeated_or_unasked_answer_does_no_harm() -> None:
    table = Table()
    asked = table.asks(get())
    msg_id = table.answers(table.heard[0], a_file(b"x"))
    table.answers(table.heard[0], a_file(b"z"), msg_id=msg_id)
    table.answers(table.heard[0], a_file(b"z"))
    assert (await asked).bytes == b"x"
    assert table.wire.alive


async def test_what_is_of_no_interest_is_passed_over() -> None:
    table = Table()
    asked = table.asks(get())
    table.says(types.MsgsAck([table.heard[0].msg_id]), content=False)
    table.says(types.UpdatesTooLong())
    table.says(struct.pack("<Iq", 0xDEADBEEF, 5))
    table.says(types.Pong(1, 2), content=False)
    table.answers(table.heard[0], a_file(b"x"))
    assert (await asked).bytes == b"x"


@pytest.mark.parametrize("skew", [-400.0, -299.0, -120.0, -31.0, 31.0, 120.0, 299.0, 400.0])
async def test_a_clock_that_is_wrong_all_along_loses_no_answer(skew: float) -> None:
    """31 to 299 s behind the server takes our ids and says nothing of it."""
    table = Table(now=NOW + skew)
    asked = table.asks(get())
    table.answers(table.heard[0], a_file(b"x"))
    assert (await asked).bytes == b"x"
    later = table.asks(get())
    # A clock that is ahead made ids that are: they may only grow.
    assert table.heard[1].msg_id / (1 << 32) - NOW == pytest.approx(max(0.0, skew), abs=1)
    table.answers(table.heard[1], a_file(b"y"))
    assert (await later).bytes == b"y"


@pytest.mark.parametrize("step", [-3600.0, -100.0, 100.0, 3600.0])
async def test_a_clock_that_is_set_in_the_middle_changes_nothing(step: float) -> None:
    table = Table()
    asked = table.asks(get())
    table.answers(table.heard[0], a_file(b"x"))
    await asked
    table.clock.step(step)
    asked = table.asks(get())
    assert table.heard[1].msg_id / (1 << 32) == pytest.approx(NOW, abs=1)
    table.answers(table.heard[1], a_file(b"y"))
    assert (await asked).bytes == b"y"


async def test_a_machine_that_slept_goes_by_the_time_that_passed() -> None:
    table = Table()
    asked = table.asks(get())
    table.answers(table.heard[0], a_file(b"x"))
    await asked
    table.clock.suspend(200)
    table.server_now += 200
    asked = table.asks(get())
    assert table.heard[1].msg_id / (1 << 32) == pytest.approx(NOW + 200, abs=1)
    table.answers(table.heard[1], a_file(b"y"))
    assert (await asked).bytes == b"y"


@pytest.mark.parametrize("off", [-TOO_OLD - 5, TOO_NEW + 5])
async def test_a_message_from_another_time_is_not_believed(off: float) -> None:
    table = Table()
    asked = table.asks(get())
    table.says(types.MsgsAck([table.heard[0].msg_id]), content=False)
    table.server_now = NOW + off
    table.answers(table.heard[0], a_file(b"old"))
    assert not asked.done()
    table.server_now = NOW
    table.answers(table.heard[0], a_file(b"new"))
    assert (await asked).bytes == b"new"


@pytest.mark.parametrize(("off", "words"), [(-400, "400 s behind"), (100, "100 s ahead")])
async def test_only_messages_from_another_time_end_the_connection(off: float, words: str) -> None:
    """As where the machine was held for a while, and its clocks with it."""
    table = Table()
    first = table.asks(get())
    table.answers(table.heard[0], a_file(b"x"))
    await first
    table.server_now += off
    asked = [table.asks(get(n)) for n in range(OUT_OF_TIME)]
    for request in table.heard[1:]:
        table.answers(request, a_file(b"x"))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(error) for error in found] == [OutOfTimeError] * OUT_OF_TIME
    assert words in str(found[0])
    assert table.closed


async def test_one_answer_from_another_time_is_not_waited_for_without_a_reason() -> None:
    table = Table(silence=0.02)
    first = table.asks(get())
    table.answers(table.heard[0], a_file(b"x"))
    await first
    table.server_now += 100
    asked = table.asks(get())
    table.answers(table.heard[1], a_file(b"y"))
    with pytest.raises(OutOfTimeError, match="another time"):
        await asked


async def test_a_message_older_than_all_that_are_remembered_is_refused() -> None:
    table = Table()
    first = table.asks(get())
    old = table.next_id()
    for n in range(RECENT):
        table.says(types.Pong(n, n), content=False)
    table.answers(table.heard[0], a_file(b"replayed"), msg_id=old)
    assert not first.done()
    table.answers(table.heard[0], a_file(b"x"))
    assert (await first).bytes == b"x"


@pytest.mark.parametrize("how", ["session", "even", "key", "altered"])
async def test_a_message_that_fails_a_check_ends_the_connection(how: str) -> None:
    table = Table()
    asked = table.asks(get())
    body = tl.rpc_result(table.heard[0].msg_id, a_file(b"x"))
    if how == "session":
        table.says(body, session=12345)
    elif how == "even":
        table.says(body, msg_id=table.next_id() + 1)
    else:
        packet = bytearray(
            seal_message(KEY, table.key.key_id, salt=7, session_id=table.heard[0].session_id,
                         msg_id=table.next_id(), seqno=1, body=body)
        )  # fmt: skip
        packet[0 if how == "key" else -1] ^= 1
        table.arrives(table._stream.wrap(bytes(packet)))
    with pytest.raises(errors.SecurityError):
        await asked
    assert table.closed


async def test_a_key_that_is_not_known() -> None:
    table = Table()
    asked = table.asks(get())
    table.arrives(b"\x01" + struct.pack("<i", -404))
    with pytest.raises(errors.AuthKeyNotFound):
        await asked
    assert not table.wire.alive


async def test_a_transport_flood_and_a_packet_that_is_too_large() -> None:
    for noise in (b"\x01" + struct.pack("<i", -429), b"\x7f\xff\xff\xff" + bytes(60)):
        table = Table()
        asked = table.asks(get())
        table.arrives(noise)
        with pytest.raises(BufferError):
            await asked
        assert table.closed


async def test_a_cut_connection_fails_what_is_under_way_each_with_its_own_error() -> None:
    table = Table()
    asked = [table.asks(get(n)) for n in range(2)]
    table.wire.connection_lost(None)
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(error) for error in found] == [ConnectionResetError] * 2
    assert found[0] is not found[1]


async def test_a_call_on_a_connection_whose_end_was_not_told_yet() -> None:
    table = Table()
    first = table.asks(get(0))
    table.closed = True
    second = table.asks(get(1))
    found = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(error) for error in found] == [ConnectionResetError] * 2
    assert len(table.heard) == 1
    assert not table.wire.alive


async def test_what_was_given_up_is_not_sent_later() -> None:
    table = Table()
    table.wire.pause_writing()
    asked, kept = table.asks(get(0)), table.asks(get(1))
    assert table.heard == []
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert table.wire.load == 1
    table.wire.resume_writing()
    assert [content(message).offset for message in table.heard] == [PART]
    table.answers(table.heard[0], a_file(b"x"))
    await kept


async def test_bytes_that_leave_are_a_sign_of_life() -> None:
    """Also inside a part: on a slow line it takes longer than nothing may move at all."""
    table = Table(silence=0.02)
    asked = table.asks(functions.upload.SaveFilePartRequest(-5, 0, os.urandom(PART)))
    table.held, table.leaving = PART, 1000
    while table.looks < 60:
        await asyncio.wait([asked], timeout=0.02)
        assert not asked.done()
    # From here on none is confirmed any more.
    table.leaving = 0
    with pytest.raises(ConnectionError, match="nothing moves"):
        await asked


async def test_time_on_a_slow_way_is_no_time_that_a_call_waits() -> None:
    """Bytes move and no call ends: it is the line. Where others are answered, it is the call."""
    table = Table(silence=40.0)
    lost, made = table.asks(get(0)), asyncio.get_running_loop().time()
    [call] = table.wire._sent.values()
    table.held, table.leaving = PART, 1000
    # The timer's looks, made by hand: each stands for ten seconds.
    for _ in range(20):
        table.wire._check_alive()
    assert call.since > made + 19 * 10.0
    since = call.since
    for _ in range(20):
        answered = table.asks(get(1))
        table.answers(table.heard[-1], a_file(b"x"))
        await answered
        table.wire._check_alive()
    assert call.since == since
    assert not lost.done()
    lost.cancel()


async def test_a_connection_is_busy_while_a_call_of_then_is_under_way_and_moves() -> None:
    table = Table()
    link = Link(table.wire, time.monotonic)
    first = table.asks(get(0))
    is_busy = link.busy()
    assert not is_busy()
    table.wire.moved()
    assert is_busy()
    # A call that came later says nothing of what stood before the question.
    second = table.asks(get(1))
    table.answers(table.heard[0], a_file(b"x"))
    await first
    table.wire.moved()
    assert not is_busy()
    second.cancel()


async def test_silence_ends_the_connection() -> None:
    table = Table(silence=0.02)
    asked = table.asks(get())
    with pytest.raises(ConnectionError, match="nothing moves"):
        await asked
    assert table.closed
