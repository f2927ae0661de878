"""Wrong set-ups: each gets one line, what and what to do, the right exit status, and no traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account

from .program import Home, mirror
from .screen import on_terminal

pytestmark = pytest.mark.thorough

GOOD = mirror(-1001, -1002)


@pytest.mark.parametrize(
    ("mirrors", "more", "telegram", "line"),
    [
        (GOOD + "sorce = 1", "", "", 'mirror "main".sorce is not a key (did you mean source?)'),
        (GOOD + "edits = 1", "", "", 'mirror "main".edits: expected true or false, found a whole number'),
        (GOOD + "delay = -5", "", "", 'mirror "main".delay: must be at least 0'),
        (mirror(-1, -2, name="a") + mirror(-2, -1, name="b"), "", "", "in a circle: a → b → a"),
        (GOOD + mirror(-1001, -1002, name="b"), "", "", '"main" and "b" are the same pair of chats'),
        (mirror(-1001, -1001), "", "", 'mirror "main" copies a chat into itself'),
        ("", "", "", "no mirror is configured (add a [[mirror]] table"),
        (GOOD, "", 'proxy = "socks5://host:port"', "telegram.proxy: cannot be understood (socks5://"),
        (GOOD, "[stream]\nbuffer_parts = 5000", "", "stream.buffer_parts: must be at most 1000"),
        (GOOD, "[log", "", "not valid TOML"),
        (GOOD + 'history = "yesterday"', "", "", '\'yesterday\' is not a beginning ("all", "none"'),
        (mirror("what?", -2), "", "", '"what?" names no chat (write an id like'),
    ],
)
@pytest.mark.parametrize("verb", ["run", pytest.param("check", marks=pytest.mark.slow)])
async def test_what_the_file_proves(
    tmp_path: Path, verb: str, mirrors: str, more: str, telegram: str, line: str
) -> None:
    home = Home(tmp_path)
    home.write(mirrors, more=more, telegram=telegram)
    result = await home.tgstreamd(verb)
    assert (result.status, result.out) == (78, "")
    assert result.line.startswith(f"tgstreamd: {home.file}: ")
    assert line in result.line


async def test_no_file(tmp_path: Path) -> None:
    result = await Home(tmp_path).tgstreamd("run")
    assert (result.status, result.line) == (
        78,
        f"tgstreamd: {tmp_path}/config.toml: no such file (`tgstreamd init` writes one)",
    )


async def test_a_key_file_that_is_missing(home: Home) -> None:
    home.write(GOOD)
    (home.folder / "server.pem").unlink()
    result = await home.tgstreamd("run")
    assert result.status == 78
    assert result.line.endswith("server.pem cannot be read: No such file or directory")


async def test_a_variable_that_is_wrong(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write(GOOD)
    home.environ["TG_SESSION"] = "1abc"
    result = await home.tgstreamd("run")
    assert (result.status, "TG_SESSION is not a Telethon string session" in result.line) == (78, True)


@pytest.mark.parametrize("verb", ["run", "check", "chats"])
async def test_nobody_is_logged_in(home: Home, verb: str) -> None:
    home.write(GOOD)
    result = await home.tgstreamd(verb)
    assert result.status == 77
    assert "nobody is logged in yet (" in result.line
    assert "tgstreamd login" in result.line
    # The doctor looks at the rest all the same.
    assert ("disk: " in result.out) == (verb == "check")


async def test_a_session_that_was_revoked(home: Home, tg: TelegramServer, me: Account) -> None:
    home.write(GOOD)
    home.log_in(me)
    tg.revoke(me)
    for verb in ("run", "check"):
        result = await home.tgstreamd(verb)
        assert result.status == 77
        assert "log in" in result.line or "login" in result.line


async def test_a_session_that_is_none(home: Home) -> None:
    home.write(GOOD)
    (home.state / "session").write_text("hello")
    result = await home.tgstreamd("run")
    assert result.status == 77
    assert "is not a session of tgstreamd" in result.line


@pytest.mark.parametrize("verb", ["run", "check"])
async def test_a_state_directory_that_is_a_file(home: Home, me: Account, verb: str) -> None:
    home.write(GOOD)
    home.state.rmdir()
    home.state.write_text("")
    result = await home.tgstreamd(verb)
    assert result.status != 0
    assert str(home.state) in result.line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory that is not its own")
async def test_a_state_directory_of_another_user(home: Home, me: Account) -> None:
    home.write(GOOD)
    home.log_in(me)
    os.chown(home.state, 65534, 65534)
    home.folder.chmod(0o755)
    # As root the verb becomes that user, who cannot look into the test's folder: one line, no traceback.
    result = await home.tgstreamd("check")
    assert result.status != 0
    assert result.line.startswith("tgstreamd: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_init_is_root_again_after_it_has_asked(home_for_all: Home, me: Account, source: Chat) -> None:
    home = home_for_all
    home.write("")
    home.log_in(me)
    for file in (home.state, home.state / "session"):
        os.chown(file, 65534, 65534)
    choices = ["--order", "source", "--deletes", "keep", "--transfer", "stream", "--attribution", "none"]
    chats = ["--source", str(source.marked_id), "--target", "-1002", "--history", "all"]
    account = ["--api-id", "12345", "--api-hash", "0123456789abcdef0123456789abcdef"]
    result = await home.tgstreamd("init", "--force", *account, *chats, *choices)
    assert result.status == 0, result
    assert "history: all (1 message since" in result.out
    assert home.file.stat().st_uid == 0
    owners = {file.name: file.stat().st_uid for file in home.state.iterdir()}
    assert owners == {"session": 65534, "lock": 65534}
    # Tables need more of a library, which is read before root's rights are given up.
    async with on_terminal(home, "check") as screen:
        assert await screen.ended() == 1
    assert "error    main: target: " in screen.text
    assert "would be paused" in screen.text
    async with on_terminal(home, "chats", "--search", "source") as screen:
        assert await screen.ended() == 0
    assert [line.split()[:3] for line in screen.text.splitlines()] == [
        ["id", "title", "kind"],
        [str(source.marked_id), "Source", "supergroup"],
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["mirror"],
        ["pause"],
        ["parked", "retry"],
        ["parked", "retry", "--all", "3"],
        ["parked", "skip", "--all"],
        ["parked", "3"],
        ["login", "--bot-token", "1:x"],
        ["init"],
        ["status", "--colour"],
    ],
)
async def test_usage(tmp_path: Path, arguments: list[str]) -> None:
    result = await Home(tmp_path).tgstreamd(*arguments)
    assert result.status == 2
    assert "Traceback" not in result.err
    assert result.err.splitlines()[-1].startswith("tgstreamd")


async def test_version_and_help(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert (await home.tgstreamd("--version")).out.startswith("tgstreamd 0.")
    for verb in ("run", "init", "login", "logout", "chats", "check", "status", "parked", "pause", "resume"):
        result = await home.tgstreamd(verb, "--help")
        assert result.status == 0
        assert "--config FILE" in result.out


async def test_one_lost_chat_stops_no_other(
    home: Home, tg: TelegramServer, me: Account, other: Account, source: Chat, target: Chat
) -> None:
    chats = tg.world.chats
    protected = chats.add_supergroup("Protected", other, [me], noforwards=True)
    mute = chats.add_channel("Mute", other, [me])
    gone = chats.add_supergroup("Gone", other, [me])
    chats.ban(gone, me)
    chats.post(source, other, "hello")
    home.write(
        mirror(gone.marked_id, target.marked_id, name="gone")
        + mirror("@nobody_at_all", target.marked_id, name="nobody")
        + mirror(protected.marked_id, target.marked_id, name="protected")
        + mirror(source.marked_id, mute.marked_id, name="mute")
        + mirror(source.marked_id, target.marked_id, name="good"),
        more="[pace]\ninterval = 0.1\naccount_interval = 0",
    )
    home.log_in(me)
    checked = await home.tgstreamd("check")
    assert checked.status == 1
    failed = [line.split()[1] for line in checked.out.splitlines() if line.startswith("error")]
    assert failed == ["gone:", "nobody:", "protected:", "mute:"]
    async with home.daemon():
        status = await home.status()
    states = {mirror["name"]: (mirror["state"], bool(mirror["last_error"])) for mirror in status["mirrors"]}
    assert states.pop("good") == ("running", False)
    assert states == dict.fromkeys(["gone", "nobody", "protected", "mute"], ("paused", True))
