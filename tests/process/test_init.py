"""`tgstreamd init`: by flags, on a terminal, over an old file, and with a session that knows the chats."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest

from tests.contract.conftest import API_HASH, API_ID
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account

from .program import Home
from .screen import DOWN, ENTER, ESCAPE, INTERRUPT, on_terminal

pytestmark = pytest.mark.thorough

CHOICES = [
    "--history", "90d", "--order", "source", "--deletes", "keep", "--transfer", "stream",
    "--attribution", "author",
]  # fmt: skip
ACCOUNT = ["--api-id", "12345", "--api-hash", "0123456789abcdef0123456789abcdef"]
CHATS = ["--source", "-1001", "--target", "https://t.me/c/1002"]


async def test_by_flags(tmp_path: Path) -> None:
    home = Home(tmp_path)
    result = await home.tgstreamd("init", *ACCOUNT, *CHATS, *CHOICES, "--state-directory", str(home.state))
    assert (result.status, result.err) == (0, "")
    assert stat.S_IMODE(home.file.stat().st_mode) == 0o600
    written = tomllib.loads(home.file.read_text())
    assert written["mirror"] == [
        {
            "name": "main",
            "source": -1001,
            "target": -1001002,
            "history": "90d",
            "order": "source",
            "deletes": "keep",
            "transfer": "stream",
            "attribution": "author",
        }
    ]
    assert written["telegram"] == {"api_id": 12345, "api_hash": ACCOUNT[3]}
    # It is whole: the next verb finds nothing wrong with it but that nobody is logged in.
    assert (await home.tgstreamd("check")).status == 77


async def test_it_never_overwrites(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.file.write_text("mine")
    result = await home.tgstreamd("init", *ACCOUNT, *CHATS, *CHOICES)
    assert (result.status, home.file.read_text()) == (1, "mine")
    assert (
        result.line == f"tgstreamd: {home.file} exists (--force replaces it, or name another with --config)"
    )
    assert (await home.tgstreamd("init", "--force", *ACCOUNT, *CHATS, *CHOICES)).status == 0
    assert "mine" not in home.file.read_text()


async def test_what_is_not_said_is_not_guessed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.environ["TG_API_ID"], home.environ["TG_API_HASH"] = ACCOUNT[1], ACCOUNT[3]
    result = await home.tgstreamd("init", *CHATS, *CHOICES[:4])
    assert result.status == 2
    assert "it needs --deletes, --transfer, --attribution" in result.line
    assert not home.file.exists()


async def test_a_flag_that_cannot_be(tmp_path: Path) -> None:
    home = Home(tmp_path)
    result = await home.tgstreamd("init", *ACCOUNT, *CHATS, "--history", "soon", *CHOICES[2:])
    assert (result.status, home.file.exists()) == (78, False)
    assert "'soon' is not a beginning" in result.line
    result = await home.tgstreamd("init", *ACCOUNT, "--source", "-1001", "--target", "-1001", *CHOICES)
    assert (result.status, home.file.exists()) == (78, False)


async def test_a_new_file_keeps_the_account_of_the_old(home: Home, me: Account, source: Chat) -> None:
    home.write("", telegram='proxy = "http://127.0.0.1:9"')
    result = await home.tgstreamd("init", "--force", *CHATS, *CHOICES, *ACCOUNT)
    assert result.status == 0, result
    written = tomllib.loads(home.file.read_text())
    assert written["telegram"]["proxy"] == "http://127.0.0.1:9"
    assert written["telegram"]["server"]["public_key"] == str(home.folder / "server.pem")
    assert written["state"]["directory"] == str(home.state)


async def test_on_a_terminal_nothing_is_typed_but_a_search(
    home: Home, tg: TelegramServer, me: Account, other: Account, source: Chat, target: Chat
) -> None:
    chats = tg.world.chats
    for number in range(20):
        chats.post(source, other, f"post {number}")
    chats.add_channel("Protected", other, [me], noforwards=True)
    chats.add_channel("São Paulo", other, [me])
    home.write("")
    home.log_in(me)
    async with on_terminal(home, "init", "--force") as screen:
        await screen.answer("4 of 4", "prot")
        await screen.answer("cannot be the source: its content is protected", ENTER)
        await screen.answer("cannot be the source: its content is protected", ESCAPE)
        await screen.answer("4 of 4", "SOURCE")
        await screen.answer("1 of 4", ENTER)
        await screen.until(f"source: Source ({source.marked_id})")
        await screen.answer("target: the chat that is written", "sao p")
        await screen.answer("cannot be the target: only administrators", ESCAPE)
        await screen.answer("4 of 4", str(target.marked_id))
        await screen.answer("1 of 4", ENTER)
        await screen.answer("3  other", "3")
        await screen.answer("history (", "soon\n90d\n")
        await screen.until("history: 90d (21 messages since")
        await screen.answer("strictly in order: new posts wait 74 s", DOWN + ENTER)
        await screen.until("order: source")
        await screen.answer("the copy is deleted too", ENTER)
        await screen.answer("counts against upload limits", "2")
        await screen.until("transfer: stream")
        await screen.answer("with a link", ENTER)
        await screen.until("attribution: author")  # proposed, since the source is a group
        assert await screen.ended() == 0
    assert f"wrote {home.file}" in screen.text.replace("\n", "")
    assert f"next: tgstreamd check --config {home.file}" in screen.text.replace("\n", "")
    text = home.file.read_text()
    (mirror,) = tomllib.loads(text)["mirror"]
    assert mirror == {
        "name": "main", "source": source.marked_id, "target": target.marked_id, "history": "90d",
        "order": "source", "deletes": "keep", "transfer": "stream", "attribution": "author",
    }  # fmt: skip
    assert f"source = {source.marked_id}        # Source" in text
    assert "# On this chat: 21 messages since" in text
    assert (await home.tgstreamd("check")).status == 0


async def test_from_nothing_with_a_login_and_topics(
    home_for_all: Home, tg: TelegramServer, me: Account, other: Account, target: Chat
) -> None:
    home = home_for_all
    chats = tg.world.chats
    forum = chats.add_supergroup("Forum", other, [me], forum=True)
    topic = chats.add_topic(forum, other, "Second topic")
    tg.faults.add(Fault("auth.sendCode", code=400, message="API_ID_INVALID", times=1))
    home.write("")
    lines = home.file.read_text().splitlines(keepends=True)
    home.file.write_text("".join(line for line in lines if not line.startswith("api_")))
    if os.geteuid() == 0:
        # As by sudo: the state is the service's, and nothing may be imported that only root can read.
        os.chown(home.state, 65534, 65534)
    async with on_terminal(home, "init", "--force") as screen:
        await screen.answer("my.telegram.org", "")
        await screen.answer("api_id:", f"nothing\n{API_ID}\n")
        await screen.answer("api_hash:", f"{API_HASH}\n")
        await screen.answer("log the account in now?", "1")
        await screen.answer("phone number, like", f"{me.phone}\n")
        # The hash was copied wrong: both are asked once more, and the login begins anew.
        await screen.answer("(API_ID_INVALID)", f"{API_ID}\n{API_HASH}\n")
        await screen.until("log the account in now?")
        screen.press("1")
        await screen.answer("phone number, like", f"{me.phone}\n", times=2)
        await screen.answer("code:", f"{me.code}\n")
        await screen.answer("2 topics", "forum")
        await screen.answer("1 of 2", ENTER)
        await screen.answer("which topic", "second")
        await screen.answer("1 of 3", ENTER)
        await screen.until("source topic: Second topic")
        await screen.answer("target: the chat", "targ")
        await screen.answer("1 of 2", ENTER)
        for question in ("how far back", "history and new", "deletes a message", "files are", "who wrote"):
            await screen.answer(question, ENTER)
        assert await screen.ended() == 0
    (mirror,) = tomllib.loads(home.file.read_text())["mirror"]
    assert (mirror["source"], mirror["source_topic"]) == (forum.marked_id, topic)
    session = (home.state / "session").stat()
    assert (stat.S_IMODE(session.st_mode), session.st_uid) == (0o600, home.state.stat().st_uid)


async def test_interrupted_it_leaves_nothing_half_written(home: Home, me: Account, source: Chat) -> None:
    home.write("")
    before = home.file.read_text()
    home.log_in(me)
    async with on_terminal(home, "init", "--force") as screen:
        await screen.answer("source: the chat that is copied", INTERRUPT)
        assert await screen.ended() == 130
        assert "Traceback" not in screen.text
    assert home.file.read_text() == before
    assert {file.name for file in home.folder.iterdir()} == {"config.toml", "server.pem", "state"}
