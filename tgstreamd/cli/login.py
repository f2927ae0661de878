"""`tgstreamd login` and `logout`: phone, code and password, or a QR code drawn in the terminal.

The session is stored in one file, mode 0600. Neither touches the session of a running daemon.
"""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from typing import Any

from ..domain.errors import TgstreamdError
from ..domain.messages import Account
from . import context
from .output.format import Usage, clean
from .output.terminal import say

LOGIN = """\
examples:
  tgstreamd login --qr                  scan the code with a phone that is logged in
  tgstreamd login --phone +4915112345678"""
LOGOUT = """\
example:
  tgstreamd logout"""


def add(verbs_of: Any) -> list[ArgumentParser]:
    login: ArgumentParser = verbs_of.add_parser(
        "login",
        help="log the account in; stores the session",
        description="Logs the account in, by phone, code and password, or by a QR code, and stores the "
        "session in one file: whoever has that file is logged in.",
        epilog=LOGIN,
    )
    login.add_argument("--qr", action="store_true", help="by a QR code that a logged-in phone scans")
    login.add_argument("--phone", metavar="NUMBER", help="with the country's code; asked for otherwise")
    login.add_argument("--again", action="store_true", help="a new login in place of the one that is there")
    login.add_argument("--bot-token", metavar="TOKEN", help="not possible yet: a bot cannot read histories")
    login.set_defaults(act=act_login)
    logout: ArgumentParser = verbs_of.add_parser(
        "logout",
        help="end the session, here and at Telegram's",
        description="Ends the login at Telegram's and removes the session's file.",
        epilog=LOGOUT,
    )
    logout.set_defaults(act=act_logout)
    return [login, logout]


def act_login(arguments: Namespace) -> int:
    # Telethon: slow to import, and to be imported before root's rights are given up.
    from . import remote
    from .prompts import login as signing

    if arguments.bot_token:
        hint = "it is for a second account that writes, which cannot be configured yet"
        raise Usage("login: a bot cannot read histories", hint=hint)
    config = context.load(arguments, need_mirror=False)
    if config.telegram.session_string:
        raise TgstreamdError("TG_SESSION is set, so it is the session", hint="unset it to log in here")
    context.refuse_beside_daemon(config.paths, "login")
    context.become_owner(config.paths)
    option = remote.option(config)
    if not arguments.again and (there := asyncio.run(signing.present(config))):
        say(f"already logged in as {_named(there)}")
        say(f"to log in anew:     tgstreamd login --again{option}")
        say(f"to end this login:  tgstreamd logout{option}")
        return 0
    account = asyncio.run(signing.login(arguments, config))
    say(f"logged in as {_named(account)}")
    say(f"the session is in {config.paths.session}")
    say("keep it to yourself: whoever has that file is logged in")
    say(f"next: tgstreamd {'check' if config.mirrors else 'chats'}{option}")
    return 0


def _named(account: Account) -> str:
    return f"{clean(account.name, 40)} (id {account.id}{', premium' if account.premium else ''})"


def act_logout(arguments: Namespace) -> int:
    from .prompts import login as signing  # Telethon: slow to import, and to be read while we are still root

    config = context.load(arguments, need_mirror=False)
    context.refuse_beside_daemon(config.paths, "logout")
    context.become_owner(config.paths)
    say("logged out" if asyncio.run(signing.logout(config)) else "nobody was logged in")
    return 0
