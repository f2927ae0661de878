"""`tgstreamd init`: by flags, on a terminal, over an old file, and with a session that knows the chats."""

from __future__ import annotations

import asyncio
import os
import pty
import stat
import tomllib
from pathlib import Path

from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account

from .program import HANG, Home

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


async def test_on_a_terminal_with_a_session(
    home: Home, tg: TelegramServer, me: Account, other: Account, source: Chat, target: Chat
) -> None:
    for number in range(20):
        tg.world.chats.post(source, other, f"post {number}")
    home.write("")
    home.log_in(me)
    terminal, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        home.python, "-m", "tgstreamd", "init", "--force", "--config", str(home.file),
        stdin=theirs, stdout=theirs, stderr=theirs, env=home.environ, cwd=home.folder,
    )  # fmt: skip
    os.close(theirs)
    # A wrong answer, and an empty one, are asked again; choices go by number or by name.
    answers = [
        "what?",
        "",
        str(source.marked_id),
        str(target.marked_id),
        "90d",
        "live-first",
        "7",
        "1",
        "stream",
        "",
    ]
    os.write(terminal, "".join(f"{answer}\n" for answer in answers).encode())
    said = await asyncio.to_thread(read_all, terminal)
    async with asyncio.timeout(HANG):
        assert await process.wait() == 0, said
    os.close(terminal)
    written = tomllib.loads(home.file.read_text())
    (mirror,) = written["mirror"]
    assert (mirror["source"], mirror["target"]) == (source.marked_id, target.marked_id)
    assert (mirror["history"], mirror["transfer"]) == ("90d", "stream")
    assert mirror["attribution"] == "author"  # proposed, since the source is a group
    assert '"what?" names no chat' in said
    assert "Source  (supergroup" in said
    assert "the whole history: 21 messages since" in said
    assert "# On this chat: 21 messages since" in home.file.read_text()


def read_all(terminal: int) -> str:
    heard = b""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # the other side is closed
            return heard.decode()
        heard += chunk
