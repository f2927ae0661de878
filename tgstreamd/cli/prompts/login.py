"""Conducts a login with the user: prompts, and the QR code on the terminal.

Separate from the command, since Telethon takes a second to import. Prints and logs nothing that was typed.
"""

from __future__ import annotations

import io
import re
from argparse import Namespace

import segno

from ...config import Config
from ...domain.errors import LoginUnknown, NotAuthorised, TelegramError
from ...domain.messages import Account
from ...telegram import login as flow
from .. import context
from ..output.format import clean
from ..output.terminal import complain, draw, say
from ..remote import connected, has_session, settings
from .prompt import Keyboard


async def login(arguments: Namespace, config: Config, keyboard: Keyboard | None = None) -> Account:
    keyboard = keyboard or Keyboard()
    given = [arguments.phone] if arguments.phone else []

    async def phone(why: str, told: str) -> str:
        number = (
            given.pop() if given else await keyboard.line(_question(why, "phone number, like +4915112345678"))
        )
        return "+" + re.sub(r"\D", "", number)

    async def code(why: str, told: str) -> str:
        if not why:
            say(*told.split("\n"))
        return await keyboard.line(_question(why, "code"))

    async def password(why: str, told: str) -> str:
        hint = f' (hint: "{clean(told)}")' if told else ""
        return await keyboard.line(_question(why, f"two-step verification password{hint}"), hidden=True)

    wanted = settings(config)
    async with context.holding(config.paths, "login"):
        old = flow.stored(wanted)
        async with flow.begin(wanted) as under_way:
            if arguments.qr:
                say("On a phone that is logged in: Settings → Devices → Link Desktop Device.")
                account = await under_way.by_qr(Picture().show, password)
            else:
                account = await under_way.by_code(phone, code, password)
        if old is not None:
            # Its key is no longer stored anywhere: end it, so that it does not stay in the account's list of
            # devices.
            try:
                await flow.end(wanted, old)
            except LoginUnknown:
                pass  # most likely ended already, as was printed
            except TelegramError as error:
                complain(f"note: the login before this one was not ended: {error.line()}")
        return account


async def present(config: Config) -> Account | None:
    """Return the account that is logged in; None if none is. Raises TelegramError if that cannot be
    determined.

    Prints a note if the login has ended or Telegram does not know it now.
    """
    if not has_session(config):
        return None
    try:
        async with context.holding(config.paths, "login"), connected(config) as connection:
            return await connection.account()
    except NotAuthorised as error:
        say(f"note: {error.what}")
        return None


def _question(why: str, what: str) -> str:
    """Print why the prompt is repeated, and return the prompt."""
    if why:
        say(why)
    return f"{what}: "


class Picture:
    """The QR code on a terminal; a new one is drawn over the old."""

    def __init__(self) -> None:
        self._drawn = 0

    def show(self, url: str) -> None:
        out = io.StringIO()
        segno.make(url, error="l", micro=False).terminal(out, compact=True, border=2)
        lines = out.getvalue().splitlines()
        draw(lines, over=self._drawn)
        self._drawn = len(lines)


async def logout(config: Config) -> bool:
    """End the login. Return false if nobody was logged in, or if Telegram does not know the login (then with
    a note)."""
    async with context.holding(config.paths, "logout"):
        try:
            return await flow.logout(settings(config))
        except LoginUnknown as error:
            say(f"note: {error.what}")
            say("note: if a phone still lists this login (Settings → Devices), end it there")
            return False
