"""`tgstreamd login` and `logout`: phone, code and password, or a QR code drawn in the terminal.

The session lands in one file, mode 0600. Neither touches the session of a running daemon.
"""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from typing import Any

from ..errors import TgstreamdError
from . import compose
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
    from . import signing  # Telethon: slow to import, and to be read while we are still root

    if arguments.bot_token:
        hint = "it is for a second account that writes, which cannot be configured yet"
        raise Usage("login: a bot cannot read histories", hint=hint)
    config = compose.load(arguments, need_mirror=False)
    if config.telegram.session_string:
        raise TgstreamdError("TG_SESSION is set, so it is the session", hint="unset it to log in here")
    compose.refuse_beside_daemon(config.paths, "login")
    compose.become_owner(config.paths)
    account = asyncio.run(signing.login(arguments, config))
    print(f"logged in as {account.name} (id {account.id}{', premium' if account.premium else ''})")
    print(f"the session is in {config.paths.session}: whoever has that file is logged in")
    return 0


def act_logout(arguments: Namespace) -> int:
    from . import signing  # Telethon: slow to import, and to be read while we are still root

    config = compose.load(arguments, need_mirror=False)
    compose.refuse_beside_daemon(config.paths, "logout")
    compose.become_owner(config.paths)
    print("logged out" if asyncio.run(signing.logout(config)) else "nobody was logged in")
    return 0
