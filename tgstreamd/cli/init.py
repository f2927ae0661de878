"""`tgstreamd init`: asks or takes flags, logs in if wanted, and writes a commented configuration file.

Never overwrites without `--force`; the file is written atomically, at the end. A consequential choice is
asked or given, never silently defaulted. Ends with the next command to type.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from .. import config as configuration
from ..config import DEFAULT_FILE, Config, rules
from ..control import chats
from ..domain.errors import ConfigError, NotAuthorised, TelegramError, TgstreamdError
from ..system import log_setup
from . import context
from .output.format import Usage, clean
from .output.terminal import say
from .prompts.atomic_write import put, refuse_closed
from .prompts.config_file import Answers, render
from .prompts.prompt import Keyboard

WHERE_FROM = """\
tgstreamd needs an api_id and an api_hash of your own; they are free:
  1. open https://my.telegram.org and log in with your phone number
  2. choose "API development tools" and give any title and short name
  3. copy api_id (a number) and api_hash (32 letters and digits) from the page"""
EXAMPLE = """\
examples:
  tgstreamd init                                  asks everything
  tgstreamd init --api-id 12345 --api-hash HASH --source -1001234567890 --target @copy \\
      --history all --order source --deletes keep --transfer stream --attribution none
                                                  asks nothing"""


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "init",
        help="write a commented configuration file",
        description="Asks what is needed, or takes it from flags, and writes a commented configuration file. "
        "On a terminal it can log in, and lets chats and topics be picked from a list.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--api-id", type=int, metavar="ID", help="from https://my.telegram.org")
    parser.add_argument("--api-hash", metavar="HASH", help="from the same page (or TG_API_HASH)")
    parser.add_argument("--login", choices=("phone", "qr", "later"), help="log in now, and how")
    parser.add_argument("--name", help="label of the mirror (default: main)")
    parser.add_argument("--source", metavar="CHAT", help="what is copied: id, @username or t.me link")
    parser.add_argument("--target", metavar="CHAT", help="what is written: id, @username or t.me link")
    parser.add_argument("--source-topic", type=int, metavar="ID", help="one topic of the source")
    parser.add_argument("--target-topic", type=int, metavar="ID", help="one topic of the target")
    parser.add_argument("--history", help="all, none, a message id, a date, or an age like 90d")
    parser.add_argument("--order", choices=("live-first", "source"), help="of history and new posts")
    parser.add_argument("--deletes", choices=("keep", "mirror"), help="what the source's deletions do")
    parser.add_argument(
        "--transfer", choices=("stream", "reference", "reference-only"), help="how files are copied"
    )
    parser.add_argument(
        "--attribution", choices=("none", "author", "author-link"), help="a line with who wrote a message"
    )
    parser.add_argument("--state-directory", default="", metavar="DIR", help="where ledger and session lie")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    file: Path = arguments.config or DEFAULT_FILE
    _refuse_old(arguments, file)
    refuse_closed(file)
    _check_flags(arguments)
    from .prompts.picker import drawable  # imports prompt_toolkit, which scripts do not need

    keyboard = Keyboard() if drawable(os.environ) else None
    if keyboard is None:
        _all_given(arguments)
    answers = asyncio.run(_ask(arguments, file, keyboard))
    text = render(answers)
    # Check that the file can be loaded: a flag may have had an invalid value.
    configuration.build(tomllib.loads(text), _environment(), where=file, place_of=file)
    _refuse_old(arguments, file)
    put(file, text)
    option = "" if file == DEFAULT_FILE else f" --config {file}"
    config = _provisional({**msgspec.structs.asdict(answers)}, file)
    logged_in = config.telegram.session_string or config.paths.session.exists()
    say(f"wrote {file}")
    say(f"next: tgstreamd {'check' if logged_in else 'login'}{option}")
    return 0


SERVER_KEYS = ("dc_id", "address", "port", "public_key")
#: Flags required without a terminal.
NEEDED = ("api_id", "api_hash", "source", "target", "history", "order", "deletes", "transfer", "attribution")


def _refuse_old(arguments: Namespace, file: Path) -> None:
    if (file.exists() or file.is_symlink()) and not arguments.force:
        raise TgstreamdError(f"{file} exists", hint="--force replaces it, or name another with --config")


def _check_flags(arguments: Namespace) -> None:
    """Refuse invalid flags before the first prompt. Raises ConfigError."""
    for side in ("source", "target"):
        if given := getattr(arguments, side):
            rules.chat(f"--{side}", given)
    if arguments.history:
        rules.history("--history", arguments.history)


def _all_given(arguments: Namespace) -> None:
    given = {**_from_environment(), **{k: v for k, v in vars(arguments).items() if v is not None}}
    missing = [f"--{name.replace('_', '-')}" for name in NEEDED if given.get(name) is None]
    if missing:
        hint = "or run it on a terminal, where it asks"
        raise Usage(f"init: nobody to ask, so it needs {', '.join(missing)}", hint=hint)


def _from_environment() -> dict[str, str]:
    names = {"api_id": "TG_API_ID", "api_hash": "TG_API_HASH"}
    return {key: os.environ[name] for key, name in names.items() if os.environ.get(name)}


def _environment() -> dict[str, str]:
    """Return the environment without the mirror that it may describe."""
    return {name: value for name, value in os.environ.items() if name not in configuration.MIRROR_VARIABLES}


async def _ask(arguments: Namespace, file: Path, keyboard: Keyboard | None) -> Answers:
    """Collect all content of the file."""
    # Also for root: telegram and its libraries are imported before root's rights are given up.
    from .prompts.wizard import Interview

    while True:
        account = await _account(arguments, file, keyboard)
        config = _provisional(account, file)
        try:
            async with _account_chats(arguments, config, keyboard) as (reach, listed):
                return Answers(**account, **await Interview(arguments, keyboard, listed, reach).hold())
        except _WrongPair as error:
            if _known_pair(arguments, _read_old(file) if arguments.force else {}):
                raise  # it was not typed, so it cannot be typed again
            say(f"  {error.line()}")


class _WrongPair(ConfigError):
    """Telegram does not accept the api_id and api_hash that were typed."""


async def _account(arguments: Namespace, file: Path, keyboard: Keyboard | None) -> dict[str, Any]:
    """Collect the api_id, the api_hash and the connection's settings from flags, environment, the old file,
    or prompts."""
    old = _read_old(file) if arguments.force else {}
    own_server = old.get("server") is not None
    pair = _known_pair(arguments, old)
    if keyboard and len(pair) < 2:
        say(*WHERE_FROM.split("\n"))
        for key, valid in (
            ("api_id", _api_id),
            ("api_hash", lambda text: rules.api_hash(text, own_server=own_server)),
        ):
            pair[key] = pair.get(key) or await keyboard.answer(key, valid=valid)
    return {
        **old,
        "api_id": _api_id(str(pair["api_id"])),
        "api_hash": str(pair["api_hash"]),
        "directory": arguments.state_directory or old.get("directory", ""),
        "name": arguments.name or "main",
    }


def _known_pair(arguments: Namespace, old: dict[str, Any]) -> dict[str, Any]:
    """Return those of api_id and api_hash that need no prompt."""
    flags = {"api_id": arguments.api_id, "api_hash": arguments.api_hash}
    known = {**old, **_from_environment(), **{key: value for key, value in flags.items() if value}}
    return {key: known[key] for key in flags if known.get(key)}


def _api_id(text: str) -> int:
    number = rules.whole("api_id", text)
    if not 1 <= number < 2**31:
        raise ConfigError(f"api_id: {number} is none", hint="https://my.telegram.org shows yours")
    return number


def _read_old(file: Path) -> dict[str, Any]:
    """Return what is kept of a replaced file: account, proxy, server, state directory."""
    try:
        tree = tomllib.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    telegram, state = tree.get("telegram"), tree.get("state")
    kept = {}
    if isinstance(telegram, dict):
        kept = {key: telegram[key] for key in ("api_id", "api_hash", "proxy") if telegram.get(key)}
        if isinstance(server := telegram.get("server"), dict):
            kept["server"] = {key: server[key] for key in SERVER_KEYS if server.get(key)}
            if key := kept["server"].get("public_key"):
                kept["server"]["public_key"] = str((file.parent / str(key)).absolute())
    return kept | (
        {"directory": state["directory"]} if isinstance(state, dict) and "directory" in state else {}
    )


def _provisional(answers: dict[str, Any], file: Path) -> Config:
    """Return a configuration of the account alone. Raises ConfigError."""
    only = {key: answers[key] for key in ("api_id", "api_hash", "proxy", "server") if answers.get(key)}
    tree: dict[str, Any] = {"telegram": only}
    if answers["directory"]:
        tree["state"] = {"directory": answers["directory"]}
    return configuration.build(tree, _environment(), where=file, place_of=file, need_mirror=False)


# Connecting to the account.


@contextlib.asynccontextmanager
async def _account_chats(
    arguments: Namespace, config: Config, keyboard: Keyboard | None
) -> AsyncIterator[tuple[Any, list[dict[str, Any]]]]:
    """Provide a connection and the account's chats; without a login or a network, neither."""
    log_setup.configure("warning", "console", secrets=context.secrets(config))
    if listed := _from_daemon(config):
        say("the daemon runs and has the session: these are its chats; what a choice costs is not known")
        yield None, listed
        return
    # Telethon: slow to import, and to be imported before root's rights are given up.
    from . import remote as reach
    from .prompts import login as signing

    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(context.as_owner(config.paths))
        connection = None
        if reach.has_session(config) or await _log_in(signing, arguments, config, keyboard):
            try:
                connection = await _connected(stack, config)
            except NotAuthorised as error:
                # TG_SESSION takes precedence over any login made here, so print what to do about it instead.
                given = bool(config.telegram.session_string)
                say(f"note: {error.line() if given else error.what}")
                if not given and await _log_in(signing, arguments, config, keyboard):
                    connection = await _connected(stack, config)
            except TelegramError as error:
                say(f"note: without Telegram ({error.line()}): chats cannot be looked at")
        if connection is None:
            yield None, []
            return
        account = await connection.account()
        say(f"logged in as {clean(account.name, 40)} (id {account.id}); looking at its chats …")
        needed = keyboard and not (arguments.source and arguments.target)
        yield connection, (await chats.chats(connection))["chats"] if needed else []


async def _connected(stack: contextlib.AsyncExitStack, config: Config) -> Any:
    from . import remote as reach

    await stack.enter_async_context(context.holding(config.paths, "init"))
    return await stack.enter_async_context(reach.connected(config))


def _from_daemon(config: Config) -> list[dict[str, Any]]:
    """Return the chats from the running daemon, which has the session; none if none runs."""
    try:
        answer = context.daemon(config.paths, {"verb": "chats"})
    except (TgstreamdError, OSError):
        return []
    return list(answer["chats"]) if answer else []


async def _log_in(signing: Any, arguments: Namespace, config: Config, keyboard: Keyboard | None) -> bool:
    """Log in if wanted; repeat until it succeeds or is put off."""
    from .prompts.picker import Row, pick

    how = arguments.login
    while True:
        if how is None and keyboard is not None:
            rows = [
                Row(value="phone", title="by phone", marks=("a code that Telegram sends you",)),
                Row(value="qr", title="by QR code", marks=("scanned with a phone that is logged in",)),
                Row(value="later", title="later", marks=("ids of chats have to be typed, then",)),
            ]
            how = await pick("log the account in now? then its chats can be picked from a list", rows)
        if how in (None, "later"):
            return False
        wanted = Namespace(qr=how == "qr", phone=None)
        try:
            await signing.login(wanted, config, keyboard)
        except (NotAuthorised, TelegramError, ConfigError) as error:
            if keyboard is None:
                raise
            if isinstance(error, ConfigError):
                raise _WrongPair(error.what, hint=error.hint) from None
            say(f"  {error.line()}")
            how = None
            continue
        return True
