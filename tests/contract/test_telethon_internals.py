"""What the adapter replaces in Telethon is where it was: fails when another version moves it.

The version is pinned exactly; a change of it begins here.
"""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import telethon
from telethon import TelegramClient
from telethon.client.telegrambaseclient import TelegramBaseClient
from telethon.network import MTProtoSender
from telethon.network.mtprotostate import MTProtoState
from telethon.tl import functions
from telethon.tl.alltlobjects import LAYER

from tests.fakes import HANG
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.telegram.client import Client
from tgstreamd.telegram.session import StoredSession
from tgstreamd.telegram.wire import Wire

from .conftest import log_in, settings_for


def test_version_and_layer() -> None:
    assert (telethon.__version__, LAYER) == ("1.45.0", 229)


def test_connect_starts_the_loops_that_we_replace() -> None:
    source = inspect.getsource(TelegramBaseClient.connect)
    for used in (
        "self._update_loop()",
        "self._keepalive_loop()",
        "self._on_login(me)",
        "self._sender.connect(",
    ):
        assert used in source
    assert {"_update_loop", "_keepalive_loop", "_on_login", "_get_dc", "_call"} <= set(dir(TelegramClient))


def test_the_sender_keeps_its_state_where_we_look() -> None:
    names = inspect.getsource(MTProtoSender)
    for used in ("self._pending_state", "self._send_queue", "self._updates_queue", "self._state.",
                 "self._handle_new_session_created", "self._auto_reconnect", "self._try_connect(attempt)",
                 "self._try_gen_auth_key(attempt)"):  # fmt: skip
        assert used in names
    assert set(inspect.signature(MTProtoState.write_data_as_message).parameters) == {
        "self", "buffer", "data", "content_related", "after_id",
    }  # fmt: skip
    # The server's time is ours to know.
    assert "_get_new_msg_id()" in inspect.getsource(MTProtoState)
    assert "correct_msg_id=" in inspect.getsource(MTProtoSender._handle_bad_notification)
    assert "message is None" in inspect.getsource(MTProtoSender._recv_loop)
    assert set(inspect.signature(MTProtoState.update_time_offset).parameters) == {"self", "correct_msg_id"}


async def test_every_pushed_object_reaches_us_and_messagebox_sees_none(
    tg: TelegramServer, me: Account, source: Chat, other: Account, tmp_path: Path
) -> None:
    log_in(tg, me, tmp_path / "session")
    client = Client(settings_for(tg, tmp_path / "session"), StoredSession.load(tmp_path / "session"))
    await client.open(tries=1)
    seen = []
    for n in range(50):
        tg.world.chats.post(source, other, f"burst {n}")
    # A gap: Telethon's MessageBox would dispatch nothing from here on.
    source.box.pts += 5
    tg.world.chats.post(source, other, "beyond a gap")
    async with asyncio.timeout(HANG):
        while "beyond a gap" not in seen:
            update = await client.next_update()
            seen += [u.message.message for u in getattr(update, "updates", ()) if hasattr(u, "message")]
    assert seen == [*(f"burst {n}" for n in range(50)), "beyond a gap"]
    assert client._message_box.is_empty()
    assert tg.log.count("updates.getDifference") == tg.log.count("updates.getChannelDifference") == 0
    await client.close()


async def test_a_request_is_packed_as_it_is() -> None:
    class Buffer(bytearray):
        def write(self, data: bytes) -> None:
            self.extend(data)

    client = TelegramClient(None, 1, "x")
    wire = Wire(None, loggers=client._log, timeout=1)
    part = bytes(functions.upload.SaveFilePartRequest(1, 0, bytes(524288)))
    buffer = Buffer()
    wire._state.write_data_as_message(buffer, part, True)
    # A gzip attempt would have shrunk these zeros to nothing.
    assert bytes(buffer[16:]) == part
    assert wire._send_queue._state is wire._state
