"""mtcute, a third and unrelated client, on the wire: framings, key exchange, sessions, salts, logins.

An unmodified client of an older layer, over its own MTProto in JavaScript. `make third-client` runs these.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from telethon.tl import functions

from tests.fakes import HANG
from tests.telegram.faults import Fault
from tests.telegram.mtproto.session import Session
from tests.telegram.mtproto.tl import GZIP_PACKED, read_bytes
from tests.telegram.server import TelegramServer
from tests.telegram.world import World
from tests.telegram.world.peers import Account

from . import mtcute
from .conftest import Make
from .speakers import Refused

pytestmark = pytest.mark.third_client


def me() -> Any:
    return {"id": [mtcute.thing("class", "inputUserSelf")()]}


def session_of(tg: TelegramServer) -> Session:
    """The one session of the one key."""
    (session,) = (session for key in tg.keys for session in key.sessions.values())
    return session


# Framing and key exchange


@pytest.mark.parametrize(
    "framing",
    [
        "intermediate",
        "padded intermediate",
        "obfuscated intermediate",
        "obfuscated padded intermediate",
    ],
)
@pytest.mark.parametrize("dc_id", [2, 4])
async def test_it_exchanges_a_key_and_asks(
    tg: TelegramServer, mtcute_client: Make, framing: str, dc_id: int
) -> None:
    client = await mtcute_client(tg, framing=framing, dc_id=dc_id)
    config = await client.call("help.GetConfig")
    assert config.this_dc == dc_id
    assert {(option.id, option.port) for option in config.dc_options} == {
        (option.id, option.port) for option in tg.dc_options()
    }
    with pytest.raises(Refused, match="AUTH_KEY_UNREGISTERED"):
        await client.call("users.GetUsers", **me())
    (connection,) = tg.connections
    assert (connection.stream.name, connection.dc_id) == (framing, dc_id)
    # Once it exchanged, and the layer it named is its own, not the server's.
    assert [(key.dc_id, key.layer) for key in tg.keys] == [(dc_id, mtcute.layer())]


async def test_a_large_answer_in_every_framing(tg: TelegramServer, mtcute_client: Make) -> None:
    alice = tg.world.peers.add_account("Alice")
    chat = tg.world.chats.add_supergroup("Group", alice)
    texts = [f"{number} " + tg.world.random.randbytes(1500).hex() for number in range(100)]
    for text in texts:
        tg.world.chats.post(chat, alice, text)
    for framing in ("intermediate", "padded intermediate", "obfuscated padded intermediate"):
        client = await mtcute_client(tg, alice, framing=framing)
        await client.ask("iterate", method="iterDialogs", args=[{}])
        page = await client.ask("iterate", method="iterHistory", args=[chat.marked_id, {"limit": 100}])
        assert [message.message for message in page] == texts[::-1]
        await client.ask("close")


async def test_with_a_ready_key(tg: TelegramServer, account: Account, mtcute_client: Make) -> None:
    client = await mtcute_client(tg, account)
    seen = await client.run("getMe")
    assert (seen.id, seen.username, seen.phone) == (account.id, "alice", account.phone)
    assert len(tg.keys.of_account(account.id)) == 1


# Sessions


class Watching(TelegramServer):
    """The server, remembering how its requests were packed."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        #: The first byte of each packed request: 0x1f begins a gzip stream, 0x78 one of zlib.
        self.packed: list[int] = []

    def serve(self, session: Session, msg_id: int, body: memoryview) -> None:
        if int.from_bytes(body[:4], "little") == GZIP_PACKED:
            self.packed.append(read_bytes(body, 4)[0][0])
        super().serve(session, msg_id, body)


@pytest.fixture
async def watching() -> AsyncIterator[Watching]:
    async with Watching(World()) as server:
        yield server
    assert not server.bugs


async def test_its_packed_requests_are_zlib_and_its_answers_gzip(
    watching: Watching, mtcute_client: Make
) -> None:
    tg = watching
    alice = tg.world.peers.add_account("Alice")
    chat = tg.world.chats.add_supergroup("Group", alice)
    client = await mtcute_client(tg, alice)
    await client.ask("iterate", method="iterDialogs", args=[{}])
    sent = await client.run("sendText", chat.marked_id, "x" * 4096)
    assert chat.box.messages[sent.id].text == "x" * 4096
    # Not the first thing it says, so nothing but the request itself is in the packet.
    assert watching.packed == [0x78]
    (seen,) = await client.run("getMessages", chat.marked_id, [sent.id])
    assert seen.message == "x" * 4096


async def test_many_at_once_are_answered_and_acknowledged(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    """In containers, whose messages and whose acknowledgements it numbers as content."""
    client = await mtcute_client(tg, account)
    answers = await asyncio.gather(*(client.call("users.GetUsers", **me()) for _ in range(200)))
    assert [user.id for (user,) in answers] == [account.id] * 200
    assert tg.log.count("users.getUsers") == 200
    await client.call("users.GetUsers", **me())
    # Before it asks again, it acknowledges what it got; only numbers that are taken count.
    assert session_of(tg).acknowledged >= 200


async def test_what_is_sent_in_a_chain_is_executed_in_order(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    chat = tg.world.chats.add_supergroup("Group", account)
    client = await mtcute_client(tg, account)
    await client.ask("iterate", method="iterDialogs", args=[{}])
    # Each says after whom it comes; where that one fails, those behind it are refused and sent again.
    tg.faults.add(Fault("messages.sendMessage", code=400, message="TEST_ERROR", skip=1))
    chained, texts = {"chainId": "one"}, [str(number) for number in range(6)]
    sends = (client.run("sendText", chat.marked_id, text, chained) for text in texts)
    said = await asyncio.gather(*sends, return_exceptions=True)
    assert [str(answer) for answer in said if isinstance(answer, Refused)] == ["400 TEST_ERROR"]
    assert [chat.box.messages[i].text for i in chat.box.ids[1:]] == ["0", "2", "3", "4", "5"]
    assert tg.log.errors["MSG_WAIT_FAILED"] == 4


async def test_old_salts_are_replaced(tg: TelegramServer, account: Account, mtcute_client: Make) -> None:
    client = await mtcute_client(tg, account)
    await client.call("users.GetUsers", **me())
    (key,) = tg.keys
    for _ in range(3):
        before = key.salt
        tg.rotate_salts()
        assert key.salt != before
        ((user,),) = await asyncio.gather(client.call("users.GetUsers", **me()))
        assert user.id == account.id
    # What was refused for its salt was not executed.
    assert tg.log.count("users.getUsers") == 4


async def test_a_salt_that_is_none_of_ours(tg: TelegramServer, account: Account, mtcute_client: Make) -> None:
    """All salts at once are new, those to come included: every request is refused once and sent again."""
    client = await mtcute_client(tg, account)
    await client.call("users.GetUsers", **me())
    for _ in range(70):
        tg.rotate_salts()
    asked = [client.call("users.GetUsers", **me()) for _ in range(20)]
    assert [user.id for (user,) in await asyncio.gather(*asked)] == [account.id] * 20
    assert tg.log.count("users.getUsers") == 21


@pytest.mark.parametrize("action", ["apply-cut", "apply-half"])
async def test_an_applied_request_whose_answer_is_lost(
    tg: TelegramServer, account: Account, mtcute_client: Make, action: str
) -> None:
    chat = tg.world.chats.add_supergroup("Group", account)
    client = await mtcute_client(tg, account)
    await client.ask("iterate", method="iterDialogs", args=[{}])
    fault = tg.faults.add(Fault("messages.sendMessage", action))
    sent = await client.run("sendText", chat.marked_id, "once")
    assert fault.hits == 1
    # It connected anew and asked again; the random id made it one message.
    assert chat.box.ids == [1, sent.id]
    assert chat.box.messages[sent.id].text == "once"


async def test_a_request_cut_before_it_was_executed(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    client = await mtcute_client(tg, account)
    fault = tg.faults.add(Fault("users.getUsers", "cut"))
    (user,) = await client.call("users.GetUsers", **me())
    assert (user.id, fault.hits, tg.log.count("users.getUsers")) == (account.id, 1, 1)


async def test_a_restart_keeps_keys_and_logins(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    client = await mtcute_client(tg, account)
    await client.call("users.GetUsers", **me())
    before = [key.id for key in tg.keys]
    await tg.stop()
    await tg.start()
    (user,) = await client.call("users.GetUsers", **me())
    assert user.id == account.id
    assert [key.id for key in tg.keys] == before


async def test_a_lost_key_is_replaced_by_a_new_exchange(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    client = await mtcute_client(tg, account)
    await client.call("users.GetUsers", **me())
    (old,) = tg.keys
    tg.forget_keys()
    # -404 twice, then it makes a key, which nobody is logged in with.
    with pytest.raises(Refused, match="AUTH_KEY_UNREGISTERED"):
        await client.call("users.GetUsers", **me())
    (new,) = tg.keys
    assert new.id != old.id
    assert new.account_id is None


async def test_a_flood_is_waited_out(tg: TelegramServer, account: Account, mtcute_client: Make) -> None:
    client = await mtcute_client(tg, account)
    flood = tg.faults.add(Fault("users.getUsers", "flood", seconds=1))
    (user,) = await client.call("users.GetUsers", **me())
    assert (user.id, flood.hits) == (account.id, 1)
    # It came back when it had been told to, no earlier.
    assert tg.faults.violations == []
    tg.faults.add(Fault("users.getUsers", "flood", seconds=3600))
    with pytest.raises(Refused, match="FLOOD_WAIT_3600"):
        await client.call("users.GetUsers", **me())


async def test_a_method_that_nobody_wrote_is_an_error(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    client = await mtcute_client(tg, account)
    with pytest.raises(Refused, match="INPUT_METHOD_INVALID"):
        await client.call("stories.GetAllStories")
    assert tg.dispatcher.unknown[-1] == functions.stories.GetAllStoriesRequest.__name__


# Logins


def somebody(tg: TelegramServer, **fields: Any) -> Account:
    return tg.world.peers.add_account("Bob", **({"phone": "+10000000002", "code": "12345"} | fields))


@pytest.mark.parametrize("home_dc", [2, 4])
@pytest.mark.parametrize("password", [None, "пароль"])
async def test_it_logs_in_by_code_and_password(
    tg: TelegramServer, mtcute_client: Make, home_dc: int, password: str | None
) -> None:
    bob = somebody(tg, home_dc=home_dc, password=password)
    client = await mtcute_client(tg)
    sent = await client.run("sendCode", {"phone": "+10000000002"})

    def given(code: str) -> dict[str, str]:
        return {"phone": "+10000000002", "phoneCodeHash": sent.phone_code_hash, "phoneCode": code}

    with pytest.raises(Refused, match="PHONE_CODE_INVALID"):
        await client.run("signIn", given("54321"))
    if password is None:
        user = await client.run("signIn", given("12345"))
    else:
        with pytest.raises(Refused, match="SESSION_PASSWORD_NEEDED"):
            await client.run("signIn", given("12345"))
        assert tg.keys.of_account(bob.id) == []
        with pytest.raises(Refused, match="PASSWORD_HASH_INVALID"):
            await client.run("checkPassword", "parol")
        user = await client.run("checkPassword", password)
    assert user.id == bob.id
    assert [key.dc_id for key in tg.keys.of_account(bob.id)] == [home_dc]
    assert (await client.run("getMe")).id == bob.id


@pytest.mark.parametrize("home_dc", [2, 4])
async def test_it_shows_a_code_that_is_scanned(tg: TelegramServer, mtcute_client: Make, home_dc: int) -> None:
    bob = somebody(tg, home_dc=home_dc)
    client = await mtcute_client(tg)
    shown = asyncio.create_task(client.ask("show"))
    url = (await client.updates.get())["url"]
    assert url.startswith("tg://login?token=")
    tg.logins.accept(tg.logins.newest_token(), bob)
    assert (await shown).id == bob.id
    assert [key.dc_id for key in tg.keys.of_account(bob.id)] == [home_dc]


@pytest.mark.parametrize("home_dc", [2, 4])
async def test_it_logs_in_as_a_bot(tg: TelegramServer, mtcute_client: Make, home_dc: int) -> None:
    robot = tg.world.peers.add_account("Robot", bot=True, home_dc=home_dc)
    client = await mtcute_client(tg)
    with pytest.raises(Refused, match="ACCESS_TOKEN_INVALID"):
        await client.run("signInBot", "1:nonsense")
    user = await client.run("signInBot", robot.bot_token)
    assert (user.id, user.bot) == (robot.id, True)


async def test_logging_out_ends_the_key(tg: TelegramServer, account: Account, mtcute_client: Make) -> None:
    client = await mtcute_client(tg, account)
    await client.run("logOut")
    assert tg.keys.of_account(account.id) == []
    with pytest.raises(Refused, match="AUTH_KEY_UNREGISTERED"):
        await client.call("users.GetUsers", **me())


async def test_logging_out_destroys_the_keys_of_the_other_centres(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    stored = tg.world.files.add_document(tg.world.files.generated(4096, seed=1), dc_id=4)
    shown = tg.world.files.document(stored, account.id)
    client = await mtcute_client(tg, account)
    location = mtcute.thing("class", "inputDocumentFileLocation")(
        id=shown.id, access_hash=shown.access_hash, file_reference=shown.file_reference, thumb_size=""
    )
    await client.ask("download", location=location, options={"fileSize": 4096, "dcId": 4})
    assert sorted(key.dc_id for key in tg.keys.of_account(account.id)) == [2, 4]
    await client.run("logOut")
    # It says so to each of them and does not wait for the answer, nor for a key where it was at home.
    async with asyncio.timeout(HANG):
        while any(key.dc_id == 4 for key in tg.keys):
            with pytest.raises(Refused, match="AUTH_KEY_UNREGISTERED"):
                await client.call("users.GetUsers", **me())
    assert tg.keys.of_account(account.id) == []
    assert tg.dispatcher.unknown == []


async def test_it_meets_a_revoked_session(tg: TelegramServer, account: Account, mtcute_client: Make) -> None:
    client = await mtcute_client(tg, account)
    tg.revoke(account)
    with pytest.raises(Refused, match="SESSION_REVOKED"):
        await client.call("users.GetUsers", **me())
