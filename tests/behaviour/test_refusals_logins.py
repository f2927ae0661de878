"""Every error of the calls of a login, walked through `tgstreamd login` and `logout`.

Whatever Telegram answers, the person reads one line that says what and what to do; the status is 77 where a
wrong answer was given three times or the login itself is no good, 78 for the configuration, else 1.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import tomli_w

from tests.contract.conftest import log_in
from tests.harness import API
from tests.refusals import Refusal, on, unheard
from tests.telegram.codes import Sent
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world import World
from tgstreamd import config as configuration
from tgstreamd.__main__ import _report
from tgstreamd.app.settings import settings
from tgstreamd.cli.prompts import login as verb
from tgstreamd.cli.prompts.prompt import Keyboard
from tgstreamd.domain.errors import TgstreamdError
from tgstreamd.telegram import login as flow

pytestmark = pytest.mark.thorough

SEND, AGAIN, SIGN_IN = "auth.sendCode", "auth.resendCode", "auth.signIn"
CHALLENGE, CHECK = "account.getPassword", "auth.checkPassword"
TOKEN, TAKE, OUT = "auth.exportLoginToken", "auth.importLoginToken", "auth.logOut"
METHODS = (SEND, AGAIN, SIGN_IN, CHALLENGE, CHECK, TOKEN, TAKE)
WALKED = {*METHODS, OUT}
PHONE, PASSWORD = "10000000009", "correct horse"
#: What a person gets wrong is asked for again; after the third time the login ends with 77.
ASKED_AGAIN = {
    (SEND, "PHONE_NUMBER_INVALID"), (SIGN_IN, "PHONE_CODE_INVALID"), (SIGN_IN, "PHONE_CODE_EMPTY"),
    (AGAIN, "SEND_CODE_UNAVAILABLE"), (AGAIN, "PHONE_CODE_EMPTY"), (CHECK, "PASSWORD_HASH_INVALID"),
    (CHECK, "SRP_ID_INVALID"),
}  # fmt: skip
#: With the code 401: the login is no good.
ENDED = re.compile(r"AUTH_KEY_UNREGISTERED|NEVER_HEARD_OF_IT")
#: The login lives elsewhere, Telegram says.
MOVED = re.compile(r"(USER|PHONE|NETWORK)_MIGRATE_7")
#: Requests of one method that a login may cost: five tries of a fault of Telegram's, three of a person.
TRIES = 6


def configured(folder: Path, tg: TelegramServer) -> configuration.Config:
    folder.mkdir()
    (folder / "server.pem").write_text(tg.public_key_pem)
    host, port = tg.address(2)
    server = {"dc_id": 2, "address": host, "port": port, "public_key": "server.pem"}
    tree = {"telegram": {**API, "server": server}, "state": {"directory": str(folder)}}
    file = folder / "config.toml"
    file.write_text(tomli_w.dumps(tree))
    return configuration.load(file, {}, need_mirror=False)


@contextmanager
def typing(*lines: str) -> Iterator[Keyboard]:
    """A keyboard on which these lines are typed."""
    here, there = os.pipe()
    os.write(there, "".join(f"{line}\n" for line in lines).encode())
    os.close(there)
    try:
        yield Keyboard(here)
    finally:
        os.close(here)


async def log_in_by(tg: TelegramServer, folder: Path, method: str) -> None:
    """`tgstreamd login` in the way that asks this of Telegram."""
    guarded = method in (CHALLENGE, CHECK)
    home = 4 if method == TAKE else 2
    bob = tg.world.peers.add_account(
        "Bob", phone=f"+{PHONE}", code="12345", home_dc=home, password=PASSWORD if guarded else None
    )
    config = configured(folder, tg)
    if method in (TOKEN, TAKE):

        def scan(url: str) -> None:
            token = url.removeprefix("tg://login?token=")
            tg.logins.accept(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), bob)

        async with flow.begin(settings(config)) as login:
            await login.by_qr(scan, never)
        return
    answers = ["12345", *[PASSWORD] * 5] if guarded else ["12345"] * 5
    if method == AGAIN:
        tg.logins.ways[PHONE] = [Sent("app"), Sent("sms", then="")]
        answers = [""] * 5
    with typing(*answers) as keyboard:
        await verb.login(Namespace(phone=f"+{PHONE}", qr=False), config, keyboard)


async def never(why: str, told: str) -> str:
    raise AssertionError("nobody is asked")


async def refused(folder: Path, refusal: Refusal, times: int | None) -> tuple[TgstreamdError | None, int]:
    """How a login ends that meets this; and how often Telegram was asked."""
    async with TelegramServer(World()) as tg:
        fault = tg.faults.add(Fault(refusal.method, code=refusal.code, message=refusal.name, times=times))
        try:
            await log_in_by(tg, folder, refusal.method)
        except TgstreamdError as error:
            return error, fault.hits
        assert tg.bugs == []
        return None, fault.hits


def status(refusal: Refusal) -> int:
    """What the program ends with."""
    name = refusal.name
    if refusal.method == AGAIN and refusal.code == 420:
        return 77  # asked for another way too early, three times
    if name.startswith("API_ID_"):
        return 78
    if refusal.method in ("help.getConfig", "users.getUsers") and MOVED.fullmatch(name):
        return 77  # of a login that is there: it may have moved, or Telegram has a fault
    ended = ENDED.fullmatch(name) and refusal.code == 401
    return 77 if ended or (refusal.method, name) in ASKED_AGAIN else 1


def complaint(refusal: Refusal, error: TgstreamdError | None, asked: int, said: str, ended: int) -> str:
    """What is wrong with how it ended; empty where nothing is."""
    who = f"{refusal} ({refusal.code})"
    if error is None:
        return f"{who}: logged in"
    if not 1 <= asked <= TRIES:
        return f"{who}: asked {asked} times"
    if ended != status(refusal):
        return f"{who}: ends with {ended}: {said}"
    words = re.sub(rf"tgstreamd: |[a-z]+\.[A-Za-z]+: |\(?{re.escape(refusal.name)}\)?", "", said)
    plain = said.count("\n") == 1 and len(re.findall(r"\b[a-z]{2,}\b", words)) >= 5
    if not plain or "Error" in said or not error.hint:
        return f"{who}: reads {said!r}"
    return ""


async def walk(
    folder: Path, refusals: Sequence[Refusal], times: int | None = None
) -> list[tuple[Refusal, TgstreamdError | None, int]]:
    """All at once: Telethon sleeps by the machine's clock before it asks again."""
    places = [folder / str(number) for number, _ in enumerate(refusals)]
    each = [refused(place, refusal, times) for place, refusal in zip(places, refusals, strict=True)]
    ended = await asyncio.gather(*each)
    return [(refusal, *end) for refusal, end in zip(refusals, ended, strict=True)]


def refusals_of(method: str) -> list[Refusal]:
    """Those known, and for one method of each way to log in those that nobody has heard of."""
    return on(method) + (unheard(method) if method in (SIGN_IN, TOKEN) else [])


def complaints(
    ended: Sequence[tuple[Refusal, TgstreamdError | None, int]], capsys: pytest.CaptureFixture[str]
) -> list[str]:
    found = []
    capsys.readouterr()
    for refusal, error, asked in ended:
        status_ = _report([error]) if error is not None else 0
        found.append(complaint(refusal, error, asked, capsys.readouterr().err, status_))
    return [one for one in found if one]


@pytest.mark.parametrize("method", METHODS)
async def test_what_a_person_reads(tmp_path: Path, method: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert complaints(await walk(tmp_path, refusals_of(method)), capsys) == []


async def test_a_fault_that_passes_costs_a_moment(tmp_path: Path) -> None:
    """What Telegram calls its own fault, once: the login goes on by itself."""
    faults = [refusal for method in METHODS for refusal in on(method) if refusal.code == 500]
    ended = await walk(tmp_path, faults, times=1)
    assert [(str(refusal), error) for refusal, error, _ in ended if error is not None] == []


async def test_what_a_person_reads_who_logs_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The login stays where it is, unless Telegram does not know it anyway."""
    async with TelegramServer(World()) as tg:
        bob = tg.world.peers.add_account("Bob", phone=f"+{PHONE}", code="12345")
        config = configured(tmp_path / "state", tg)
        ended: list[tuple[Refusal, TgstreamdError | None, int]] = []
        for refusal in [*on(OUT), *unheard(OUT)]:
            log_in(tg, bob, config.paths.session)
            fault = tg.faults.add(Fault(OUT, code=refusal.code, message=refusal.name, times=None))
            try:
                assert await verb.logout(config) is False
                assert (str(refusal), refusal.code in (303, 401)) == (str(refusal), True)
                assert not config.paths.session.exists()
            except TgstreamdError as error:
                ended.append((refusal, error, fault.hits))
                assert config.paths.session.exists()
            tg.faults.remove(fault)
        assert complaints(ended, capsys) == []
