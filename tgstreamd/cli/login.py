"""`tgstreamd login` and `logout`: phone, code and password, or a QR code drawn in the terminal.

The session lands in one file, mode 0600. Neither touches the session of a running daemon, and neither
prints or logs what a person typed.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

import segno

from ..config import Config
from ..errors import TgstreamdError
from ..model import Account
from . import compose
from .keyboard import Keyboard
from .terminal import Usage


def add(verbs_of: Any) -> list[ArgumentParser]:
    login: ArgumentParser = verbs_of.add_parser("login", help="log the account in; stores the session")
    login.add_argument("--qr", action="store_true", help="by a QR code that a logged-in phone scans")
    login.add_argument("--phone", metavar="NUMBER", help="with the country's code; asked for otherwise")
    login.add_argument("--bot-token", metavar="TOKEN", help="not possible yet: a bot cannot read histories")
    login.set_defaults(act=act_login)
    logout: ArgumentParser = verbs_of.add_parser("logout", help="end the session, here and at Telegram's")
    logout.set_defaults(act=act_logout)
    return [login, logout]


def act_login(arguments: Namespace) -> int:
    if arguments.bot_token:
        hint = "it is for a second account that writes, which cannot be configured yet"
        raise Usage("login: a bot cannot read histories", hint=hint)
    config = compose.load(arguments, need_mirror=False)
    if config.telegram.session_string:
        raise TgstreamdError("TG_SESSION is set, so it is the session", hint="unset it to log in here")
    compose.refuse_beside_daemon(config.paths, "login")
    compose.become_owner(config.paths)
    account = asyncio.run(_login(arguments, config))
    print(f"logged in as {account.name} (id {account.id}{', premium' if account.premium else ''})")
    print(f"the session is in {config.paths.session}: whoever has that file is logged in")
    return 0


async def _login(arguments: Namespace, config: Config) -> Account:
    from ..telegram import login  # with Telethon, which takes its time
    from .reach import settings

    keyboard = Keyboard()
    given = [arguments.phone] if arguments.phone else []

    async def phone(why: str) -> str:
        number = (
            given.pop() if given else await keyboard.line(_question(why, "phone number, like +4915112345678"))
        )
        return "+" + re.sub(r"\D", "", number)

    async def code(why: str) -> str:
        if not why:
            print("Telegram has sent a code to the account's other devices (or by SMS).")
        return await keyboard.line(_question(why, "code"))

    async def password(why: str) -> str:
        return await keyboard.line(_question(why, "two-step verification password"), hidden=True)

    async with compose.holding(config.paths, "login"), login.begin(settings(config)) as under_way:
        if arguments.qr:
            print("On a phone that is logged in: Settings → Devices → Link Desktop Device, and scan this.")
            return await under_way.by_qr(Picture().show, password)
        return await under_way.by_code(phone, code, password)


def _question(why: str, what: str) -> str:
    return f"{why}; {what}: " if why else f"{what}: "


class Picture:
    """The QR code on a terminal; a new one is drawn over the old."""

    def __init__(self) -> None:
        self._drawn = 0

    def show(self, url: str) -> None:
        out = io.StringIO()
        segno.make(url, error="l", micro=False).terminal(out, compact=True, border=2)
        text = out.getvalue()
        if sys.stdout.isatty():
            # White on black whatever the terminal's colours are: phones do not read negatives.
            lines = [f"\x1b[97;40m{line}\x1b[0m\n" for line in text.splitlines()]
            back = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
            text = back + "".join(lines)
        print(text, end="", flush=True)
        self._drawn = text.count("\n")


def act_logout(arguments: Namespace) -> int:
    config = compose.load(arguments, need_mirror=False)
    compose.refuse_beside_daemon(config.paths, "logout")
    compose.become_owner(config.paths)
    print("logged out" if asyncio.run(_logout(config)) else "nobody was logged in")
    return 0


async def _logout(config: Config) -> bool:
    from ..telegram import login  # with Telethon, which takes its time
    from .reach import settings

    async with compose.holding(config.paths, "logout"):
        return await login.logout(settings(config))
