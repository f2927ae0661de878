"""`tgstreamd login` and `logout`, as a person at the keyboard meets them."""

from __future__ import annotations

import asyncio
import base64
import io
import stat

import pytest
import segno

from tests.fakes import HANG
from tests.telegram.codes import Sent
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account

from .disk import CAN, SmallDisk
from .program import Home
from .screen import on_terminal

pytestmark = pytest.mark.thorough

PASSWORD = "correct horse"


@pytest.fixture
def guarded(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account(
        "Gus", phone="+10000000007", code="12345", password=PASSWORD, home_dc=4, premium=True
    )


async def test_by_code(home: Home, me: Account) -> None:
    home.write("")
    result = await home.tgstreamd("login", "--phone", "+1 (000) 000-0001", typed=f"00000\n{me.code}\n")
    assert result.status == 0, result
    assert f"logged in as Mia Mirror (id {me.id})" in result.out
    assert "that is not the code\ncode: " in result.out
    session = home.state / "session"
    assert stat.S_IMODE(session.stat().st_mode) == 0o600
    assert (await home.tgstreamd("chats")).status == 0
    out = await home.tgstreamd("logout")
    assert (out.status, out.out) == (0, "logged out\n")
    assert not session.exists()
    assert (await home.tgstreamd("logout")).out == "nobody was logged in\n"
    assert (await home.tgstreamd("chats")).status == 77


async def test_with_a_password_in_another_data_centre(home: Home, guarded: Account) -> None:
    home.write("")
    result = await home.tgstreamd("login", typed=f"+10000000007\n12345\nwrong\n{PASSWORD}\n")
    assert result.status == 0, result
    assert f"logged in as Gus (id {guarded.id}, premium)" in result.out
    assert PASSWORD not in result.out + result.err


async def test_a_code_that_does_not_come_is_asked_for_another_way(
    home: Home, tg: TelegramServer, me: Account
) -> None:
    """Over a pipe; a word keeps its letters, and an e-mailed code goes the way of e-mailed codes."""
    home.write("")
    tg.logins.ways["10000000001"] = [
        Sent("app"),
        Sent("word", code="Blüte", hint="B"),
        Sent("email", code="54321", then=""),
    ]
    typed = "\nblute\n\n543 21\n"
    result = await home.tgstreamd("login", "--phone", "+10000000001", typed=typed)
    assert result.status == 0, result
    assert result.out.splitlines()[:6] == [
        "Telegram sent a code to the apps where this account is logged in.",
        "No code within 60 s: press Enter alone, and Telegram sends it by SMS.",
        'code: Telegram sent a word by SMS, beginning with "B".',
        "No code within 60 s: press Enter alone, and Telegram sends it by SMS.",
        "code: that is not the code",
        "code: Telegram sent a code by e-mail to m**@e***.org.",
    ]
    assert "logged in as Mia Mirror" in result.out


@pytest.mark.parametrize("kind", ["payment", "email-setup"])
async def test_where_no_code_comes_the_qr_code_is_named(
    home: Home, tg: TelegramServer, me: Account, kind: str
) -> None:
    home.write("")
    tg.logins.ways["10000000001"] = [Sent(kind)]
    result = await home.tgstreamd("login", "--phone", "+10000000001")
    assert result.status == 1
    assert "`tgstreamd login --qr` needs no code" in result.line


async def test_a_banned_account(home: Home, tg: TelegramServer, me: Account) -> None:
    home.write("")
    tg.faults.add(Fault("auth.signIn", code=401, message="USER_DEACTIVATED_BAN"))
    result = await home.tgstreamd("login", "--phone", "+10000000001", typed=f"{me.code}\n")
    assert result.status == 77
    assert "the account was banned" in result.line
    assert "recover@telegram.org" in result.line


async def test_a_proxy_that_refuses_is_what_is_said(home: Home, me: Account) -> None:
    home.write("", telegram='proxy = "socks5://127.0.0.1:1"')
    result = await home.tgstreamd("login", "--phone", "+10000000001")
    assert result.status == 1
    assert result.line.startswith(
        "tgstreamd: Telegram cannot be reached: the proxy 127.0.0.1:1 cannot be reached: the connection was "
        "refused (is it up?"
    )
    assert "set telegram.proxy" not in result.line


@pytest.mark.skipif(not CAN, reason="only root may mount a small file system")
async def test_without_a_place_for_the_login_no_code_is_spent(
    home: Home, tg: TelegramServer, me: Account
) -> None:
    home.write("")

    async def login(disk: SmallDisk) -> tuple[int | None, str]:
        verb = ("-m", "tgstreamd", "login", "--phone", "+10000000001", "--config", str(home.file))
        done = await asyncio.create_subprocess_exec(
            *disk.inside, home.python, *verb,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=home.environ, cwd=home.folder,
        )  # fmt: skip
        _, err = await done.communicate()
        return done.returncode, err.decode()

    async with SmallDisk(home.state, "1m") as disk:
        disk.fill()
        status, said = await login(disk)
        assert (status, said.count("\n")) == (1, 1), said
        assert "a login cannot be kept there: No space left on device (make room there" in said
        disk.make_room()
        await disk.remount("ro")
        status, said = await login(disk)
        assert (status, said.count("\n")) == (1, 1), said
        assert "mount it for writing" in said
    assert tg.log.count("auth.sendCode") == 0


async def test_three_wrong_codes(home: Home, me: Account) -> None:
    home.write("")
    result = await home.tgstreamd("login", "--phone", "+10000000001", typed="1\n2\n3\n4\n")
    assert result.status == 77
    assert "that is not the code, 3 times" in result.line
    assert not (home.state / "session").exists()


async def test_the_input_ends(home: Home, me: Account) -> None:
    home.write("")
    result = await home.tgstreamd("login", "--phone", "+10000000001", typed="")
    assert (result.status, "the input ended" in result.line) == (2, True)


async def test_the_password_is_not_shown_but_its_hint_is(
    home: Home, tg: TelegramServer, guarded: Account
) -> None:
    home.write("")
    guarded.password_hint = "what kind of horse?"
    async with on_terminal(home, "login") as screen:
        await screen.answer("phone number", "+10000000007\n")
        await screen.answer("Telegram sent a code to the apps", "")
        await screen.answer("code:", "99999\n")
        await screen.answer("that is not the code", "12345\n")
        await screen.answer('password (hint: "what kind of horse?"):', f"{PASSWORD}\n")
        await screen.until("logged in as Gus")
        assert await screen.ended() == 0
    assert PASSWORD not in screen.raw
    assert tg.log.counts["auth.sendCode"] == 2  # once more in the account's own DC, not for the code


async def test_a_login_that_is_there_is_named_and_kept(home: Home, tg: TelegramServer, me: Account) -> None:
    home.write("")
    home.log_in(me)
    result = await home.tgstreamd("login", "--phone", "+10000000001")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(f"already logged in as Mia Mirror (id {me.id})\n")
    assert f"tgstreamd login --again --config {home.file}\n" in result.out
    (key,) = tg.keys.of_account(me.id)
    again = await home.tgstreamd("login", "--again", "--phone", "+10000000001", typed=f"{me.code}\n")
    assert again.status == 0, again
    # The login before it has ended at Telegram's as well.
    (newer,) = tg.keys.of_account(me.id)
    assert newer.id != key.id
    tg.revoke(me)
    assert (await home.tgstreamd("login", typed="")).status == 2  # it asks, since that one is over


async def test_an_interrupted_login(home: Home, me: Account) -> None:
    home.write("")
    process = await home.start("login", stdin=asyncio.subprocess.PIPE)
    assert process.stdout
    async with asyncio.timeout(HANG):
        await process.stdout.readuntil(b"4915112345678: ")
        process.send_signal(2)
        _, err = await process.communicate()
    assert (process.returncode, err.strip()) == (130, b"")


async def test_by_qr(home: Home, tg: TelegramServer, me: Account) -> None:
    home.write("")
    process = await home.start("login", "--qr")
    assert process.stdout
    async with asyncio.timeout(HANG):
        drawn = ""
        while not drawn.endswith("▀▀▀▀▀▀▀▀\n"):  # the border below the picture
            drawn += (await process.stdout.readline()).decode()
        # The picture that the phone scans holds the token that the server knows.
        (token,) = tg.logins._tokens
        picture = io.StringIO()
        text = base64.urlsafe_b64encode(token).decode().rstrip("=")
        segno.make(f"tg://login?token={text}", error="l", micro=False).terminal(
            picture, compact=True, border=2
        )
        assert picture.getvalue() in drawn
        tg.logins.accept(token, me)
        out, err = await process.communicate()
    assert process.returncode == 0, err
    assert f"logged in as Mia Mirror (id {me.id})" in out.decode()
