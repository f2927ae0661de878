"""Each way in which Telegram sends a code, or none; and what becomes of a login that cannot be kept."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.telegram.codes import Sent
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import FloodWait, NotAuthorised, Rejected, StoreError, TgstreamdError
from tgstreamd.telegram.login import begin
from tgstreamd.telegram.session import StoredSession, write_file
from tgstreamd.telegram.session_place import try_place

from .conftest import log_in, settings_for
from .test_login import says, somebody

pytestmark = pytest.mark.thorough

PHONE = "10000000009"
Ask = Callable[[str, str], Awaitable[str]]


def hears(*answers: str) -> tuple[Ask, list[tuple[str, str]]]:
    """A person who gives these answers in turn, and what was said each time: the reason, and what helps."""
    said: list[tuple[str, str]] = []

    async def ask(why: str, told: str) -> str:
        said.append((why, told))
        return answers[len(said) - 1]

    return ask, said


async def try_login(
    tg: TelegramServer, path: Path, *codes: str, password: str = ""
) -> tuple[Any, list[tuple[str, str]]]:
    """The account, or the error that a person is told; and what was said with each question for a code."""
    code, said = hears(*codes)
    try:
        async with begin(settings_for(tg, path)) as login:
            return await login.by_code(says(f"+{PHONE}")[0], code, says(password)[0]), said
    except TgstreamdError as error:
        return error, said


KINDS = [
    (Sent("app"), "12345", "12 345", "to the apps where this account is logged in"),
    (Sent("sms"), "12345", "123-45", "sent a code by SMS"),
    (Sent("firebase"), "12345", "12345", "sent a code by SMS"),
    (Sent("call"), "12345", "1 2 3 4 5", "calls that number and tells the code"),
    (
        Sent("flashcall", hint="+4915*"),
        "4915112",
        "+49 15 112",
        "from one like +4915*: the code is the number",
    ),
    (Sent("missed", hint="+49151"), "12345", "12345", "begins with +49151: the code is its last 5 digits"),
    (Sent("email", hint="m**@e.org"), "12345", " 12 345\t", "by e-mail to m**@e.org"),
    (Sent("fragment"), "12345", "12345", "the code is at https://fragment.com/login"),
    (Sent("word", hint="B"), "Blüte-7", "  Blüte-7 ", 'sent a word by SMS, beginning with "B"'),
    (Sent("word"), "Blüte", "Blüte", "sent a word by SMS"),
    (Sent("phrase", hint="Two"), "Two  Red-ish Foxes", "Two  Red-ish Foxes\n", 'are, beginning with "Two"'),
]


@pytest.mark.parametrize(("sent", "code", "typed", "told"), KINDS, ids=[row[0].kind for row in KINDS])
async def test_each_kind_of_code(
    tg: TelegramServer, tmp_path: Path, sent: Sent, code: str, typed: str, told: str
) -> None:
    """Digits lose what people put between them, words nothing; an e-mailed code goes by its own field."""
    bob = somebody(tg)
    tg.logins.ways[PHONE] = [Sent(sent.kind, code=code, hint=sent.hint, then="")]
    account, said = await try_login(tg, tmp_path / "session", typed)
    assert account.id == bob.id, account
    assert told in said[0][1]
    # TDLib asks for an SMS where an app's own way says nothing of the next.
    assert ("Enter" in said[0][1]) is (sent.kind == "firebase")


WITHOUT = [
    ("payment", "to be paid for"),
    ("email-setup", "before this account has an e-mail address"),
]


@pytest.mark.parametrize(("kind", "words"), WITHOUT)
async def test_where_no_code_comes_the_qr_code_is_the_way(
    tg: TelegramServer, tmp_path: Path, kind: str, words: str
) -> None:
    somebody(tg)
    tg.logins.ways[PHONE] = [Sent(kind)]
    error, said = await try_login(tg, tmp_path / "session")
    assert isinstance(error, Rejected)
    assert words in error.what
    assert "tgstreamd login --qr" in error.hint
    assert said == []
    assert not (tmp_path / "session").exists()


async def test_a_login_that_telegram_makes_without_a_code(tg: TelegramServer, tmp_path: Path) -> None:
    bob = somebody(tg)
    tg.logins.ways[PHONE] = [Sent("success")]
    account, said = await try_login(tg, tmp_path / "session")
    assert (account.id, said) == (bob.id, [])
    assert StoredSession.load(tmp_path / "session").has_key


async def test_a_number_without_an_account_and_without_a_code(tg: TelegramServer, tmp_path: Path) -> None:
    tg.logins.ways[PHONE] = [Sent("success")]
    error, _ = await try_login(tg, tmp_path / "session")
    assert "no Telegram account" in error.what


async def test_a_password_that_is_wanted_before_any_code(tg: TelegramServer, tmp_path: Path) -> None:
    bob = somebody(tg, password="correct horse", password_hint="a battery")
    tg.logins.ways[PHONE] = [Sent("password")]
    password, said = hears("correct horse")
    async with begin(settings_for(tg, tmp_path / "session")) as login:
        account = await login.by_code(says(PHONE)[0], says()[0], password)
    assert account.id == bob.id
    [(why, told)] = said
    assert "before any code" in why
    assert "tgstreamd login --qr" in why
    assert told == "a battery"


# Another way.


async def test_a_code_that_does_not_come_is_sent_another_way(tg: TelegramServer, tmp_path: Path) -> None:
    bob = somebody(tg)
    tg.logins.ways[PHONE] = [
        Sent("app", code="11111", then="sms"),
        Sent("word", code="Two", then="call", timeout=None),
        Sent("call", code="33333", then=""),
    ]
    account, said = await try_login(tg, tmp_path / "session", "", "Tow", "", "", "33333")
    assert account.id == bob.id
    assert [why for why, _ in said] == ["", "", "that is not the code", "", "no code was given"]
    told = [told for _, told in said]
    assert told[0].endswith("\nNo code within 60 s: press Enter alone, and Telegram sends it by SMS.")
    assert told[1].endswith("\nNo code: press Enter alone, and Telegram calls that number and tells it.")
    assert told[3] == "Telegram calls that number and tells the code."
    assert tg.log.count("auth.resendCode") == 2


@pytest.mark.parametrize(
    ("code", "name", "why"),
    [
        (420, "FLOOD_WAIT_57", "in 57 s at the earliest"),
        (406, "SEND_CODE_UNAVAILABLE", "`tgstreamd login --qr` needs no code"),
    ],
)
async def test_another_way_that_telegram_does_not_go(
    tg: TelegramServer, tmp_path: Path, code: int, name: str, why: str
) -> None:
    """The code that was sent is still good."""
    bob = somebody(tg)
    tg.faults.add(Fault("auth.resendCode", code=code, message=name))
    account, said = await try_login(tg, tmp_path / "session", "", "12345")
    assert account.id == bob.id
    assert why in said[1][0]


async def test_somebody_who_only_presses_enter(tg: TelegramServer, tmp_path: Path) -> None:
    somebody(tg)
    tg.faults.add(Fault("auth.resendCode", code=406, message="SEND_CODE_UNAVAILABLE", times=None))
    error, _ = await try_login(tg, tmp_path / "session", *[""] * 9)
    assert isinstance(error, NotAuthorised)
    assert tg.log.count("auth.resendCode") == 3


async def test_another_way_that_wants_to_be_paid(tg: TelegramServer, tmp_path: Path) -> None:
    somebody(tg)
    tg.logins.ways[PHONE] = [Sent("app"), Sent("payment")]
    error, _ = await try_login(tg, tmp_path / "session", "")
    assert isinstance(error, Rejected)
    assert "--qr" in error.hint


NAMED: list[tuple[str, int, str, type[TgstreamdError], str]] = [
    ("auth.sendCode", 400, "PHONE_NUMBER_BANNED", Rejected, "recover@telegram.org"),
    ("auth.sendCode", 400, "PHONE_NUMBER_FLOOD", Rejected, "--qr"),
    ("auth.sendCode", 406, "PHONE_PASSWORD_FLOOD", Rejected, "tomorrow"),
    ("auth.sendCode", 400, "PHONE_PASSWORD_PROTECTED", Rejected, "--qr"),
    ("auth.sendCode", 400, "PHONE_NUMBER_APP_SIGNUP_FORBIDDEN", Rejected, "Telegram app"),
    ("auth.sendCode", 406, "SEND_CODE_UNAVAILABLE", Rejected, "--qr"),
    ("auth.sendCode", 406, "UPDATE_APP_TO_LOGIN", Rejected, "newer tgstreamd"),
    ("auth.sendCode", 400, "SMS_CODE_CREATE_FAILED", Rejected, "--qr"),
    ("auth.sendCode", 400, "EMAIL_INSTALL_MISSING", Rejected, "--qr"),
    ("auth.sendCode", 420, "FLOOD_WAIT_300", FloodWait, "wait 300 s"),
    ("auth.signIn", 400, "PHONE_CODE_EXPIRED", Rejected, "asks for a new one"),
    ("auth.signIn", 400, "EMAIL_VERIFY_EXPIRED", Rejected, "asks for a new one"),
    ("auth.signIn", 401, "USER_DEACTIVATED_BAN", NotAuthorised, "recover@telegram.org"),
    ("auth.signIn", 401, "USER_DEACTIVATED", NotAuthorised, "recover@telegram.org"),
    ("auth.signIn", 420, "FLOOD_WAIT_60", FloodWait, "wait 60 s"),
]


@pytest.mark.parametrize(("method", "code", "name", "kind", "words"), NAMED, ids=[row[2] for row in NAMED])
async def test_what_telegram_refuses_is_said_with_what_to_do(
    tg: TelegramServer,
    tmp_path: Path,
    method: str,
    code: int,
    name: str,
    kind: type[TgstreamdError],
    words: str,
) -> None:
    somebody(tg)
    tg.faults.add(Fault(method, code=code, message=name, times=None))
    error, _ = await try_login(tg, tmp_path / "session", "12345")
    assert type(error) is kind
    assert words in error.line()
    # In words, and not by the name alone.
    assert kind is FloodWait or error.what != f"{method}: {name}"


# A place to keep it.


async def test_there_must_be_a_place_before_a_code_is_spent(tg: TelegramServer, tmp_path: Path) -> None:
    somebody(tg)
    (tmp_path / "taken").mkdir()
    (tmp_path / "file").touch()
    for path, words in (
        (tmp_path / "no" / "session", f"install -d -m 700 {tmp_path}/no"),
        (tmp_path / "taken", "it is a directory"),
        (tmp_path / "file" / "session", "Not a directory"),
        (Path("/proc/session"), "a login cannot be kept there"),
    ):
        error, _ = await try_login(tg, path, "12345")
        assert isinstance(error, StoreError), (path, error)
        assert words in error.line()
    assert tg.log.count("auth.sendCode") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]


def odd_modes(path: Path, content: bytes) -> None:
    write_file(path, content)
    path.chmod(0o755)  # as a file system without modes shows every file


def forgetful(path: Path, content: bytes) -> None:
    write_file(path, content[:4096])


def unsynced(path: Path, content: bytes) -> None:
    write_file(path, content)
    raise OSError(errno.EINVAL, "Invalid argument")  # fsync of the folder


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (odd_modes, "others could read it"),
        (forgetful, "what is written is not read back"),
        (unsynced, "Invalid argument"),
    ],
)
def test_an_odd_file_system_is_no_place(
    tmp_path: Path, write: Callable[[Path, bytes], None], words: str
) -> None:
    with pytest.raises(StoreError, match=words) as error:
        try_place(tmp_path / "session", write)
    assert "telegram.session" in error.value.hint
    assert list(tmp_path.iterdir()) == []


async def test_a_trial_touches_no_login_that_is_there(
    tg: TelegramServer, me: Account, tmp_path: Path
) -> None:
    path = tmp_path / "session"
    log_in(tg, me, path)
    before = path.read_bytes()
    async with begin(settings_for(tg, path)):
        assert path.read_bytes() == before
        assert [file.name for file in tmp_path.iterdir()] == ["session"]


@pytest.mark.parametrize("cut", [False, True], ids=["ended", "cannot be ended"])
async def test_a_login_that_cannot_be_kept_is_ended_again(
    tg: TelegramServer, tmp_path: Path, cut: bool
) -> None:
    """The place was there when it began, and is gone when the code comes."""
    bob = somebody(tg)
    path = tmp_path / "session"

    async def code(why: str, told: str) -> str:
        await asyncio.to_thread(path.mkdir)
        return "12345"

    if cut:
        tg.faults.add(Fault("auth.logOut", code=500, message="INTERNAL", times=None))
    with pytest.raises(StoreError, match="cannot be kept") as error:
        async with begin(settings_for(tg, path)) as login:
            await login.by_code(says(PHONE)[0], code, says()[0])
    assert ("it was ended again" in error.value.what) is not cut
    assert ("Settings → Devices" in error.value.what) is cut
    assert (tg.keys.of_account(bob.id) == []) is not cut
