"""`tgstreamd init`: asks or takes flags, and writes a commented configuration file.

Never overwrites without `--force`. A consequential choice is asked or given, never silently defaulted;
where a session exists, chats are picked from the account's own and each choice says what it costs there.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import sys
import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from .. import config as configuration
from ..clock import SystemClock
from ..config import DEFAULT_FILE, Config, MirrorConfig, rules
from ..configured import mirror_of
from ..desk import checks
from ..desk.checks import Reach
from ..errors import ConfigError, NotAuthorised, StoreError, TgstreamdError
from ..model import Chat
from . import compose
from .template import Answers, render
from .terminal import Usage, ask, choose, clean

GROUP = "tgstreamd"
WHERE_FROM = (
    "tgstreamd needs an api_id and api_hash of your own: log in at https://my.telegram.org,\n"
    'choose "API development tools", give any name, and copy the two values.'
)
STREAM = "an independent copy; slower, counts against upload limits"


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser("init", help="write a commented configuration file")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--api-id", type=int)
    parser.add_argument("--api-hash")
    parser.add_argument("--name", help="label of the mirror (default: main)")
    parser.add_argument("--source", metavar="CHAT", help="id, @username or t.me link")
    parser.add_argument("--target", metavar="CHAT", help="id, @username or t.me link")
    parser.add_argument("--source-topic", type=int, metavar="ID")
    parser.add_argument("--target-topic", type=int, metavar="ID")
    parser.add_argument("--history", help="all, none, a message id, a date, or an age like 90d")
    parser.add_argument("--order", choices=("live-first", "source"))
    parser.add_argument("--deletes", choices=("keep", "mirror"))
    parser.add_argument("--transfer", choices=("stream", "reference", "reference-only"))
    parser.add_argument("--attribution", choices=("none", "author", "author-link"))
    parser.add_argument("--state-directory", default="", metavar="DIR")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    file: Path = arguments.config or DEFAULT_FILE
    if (file.exists() or file.is_symlink()) and not arguments.force:
        raise TgstreamdError(f"{file} exists", hint="--force replaces it, or name another with --config")
    if not compose.interactive():
        _all_given(arguments)
    answers = _account(arguments, file)
    text = render(asyncio.run(_answers(arguments, answers, file)))
    _prove(text, file)
    write(file, text)
    print(f"wrote {file}")
    option = "" if file == DEFAULT_FILE else f" --config {file}"
    print(f"next: `tgstreamd login{option}`, then `tgstreamd check{option}`")
    return 0


SERVER_KEYS = ("dc_id", "address", "port", "public_key")
#: Flags that must be there where nobody can be asked.
NEEDED = ("api_id", "api_hash", "source", "target", "history", "order", "deletes", "transfer", "attribution")


def _all_given(arguments: Namespace) -> None:
    given = {**_from_environment(), **{k: v for k, v in vars(arguments).items() if v is not None}}
    missing = [f"--{name.replace('_', '-')}" for name in NEEDED if given.get(name) is None]
    if missing:
        hint = "or run it on a terminal, where it asks"
        raise Usage(f"init: nobody to ask, so it needs {', '.join(missing)}", hint=hint)


def _from_environment() -> dict[str, str]:
    names = {"api_id": "TG_API_ID", "api_hash": "TG_API_HASH"}
    return {key: os.environ[name] for key, name in names.items() if os.environ.get(name)}


def _account(arguments: Namespace, file: Path) -> dict[str, Any]:
    """Who the program is and how it reaches Telegram: from flags, environment, the old file, or asked."""
    old: dict[str, Any] = {}
    if arguments.force and file.exists():
        old = _old(file)
    known = {**old, **_from_environment()}
    api_id = arguments.api_id or known.get("api_id")
    api_hash = arguments.api_hash or known.get("api_hash")
    if not (api_id and api_hash):
        print(WHERE_FROM)
    api_id = api_id or ask("api_id", valid=lambda text: rules.whole("api_id", text))
    own_server = old.get("server") is not None
    api_hash = api_hash or ask("api_hash", valid=lambda text: rules.api_hash(text, own_server=own_server))
    return {**old, "api_id": rules.whole("api_id", str(api_id)), "api_hash": str(api_hash)}


def _old(file: Path) -> dict[str, Any]:
    """What is kept of a file that is replaced: the account, its proxy and server."""
    try:
        config = configuration.load(file, {"HOME": os.environ.get("HOME", "/")}, need_mirror=False)
    except ConfigError:
        return {}
    telegram = config.telegram
    kept: dict[str, Any] = {"api_id": telegram.api_id, "api_hash": telegram.api_hash, "proxy": telegram.proxy}
    if telegram.server:
        values = msgspec.structs.asdict(telegram.server)
        kept["server"] = {key: values[key] for key in SERVER_KEYS if values[key]}
    return kept | ({"directory": config.state.directory} if config.state.directory else {})


async def _answers(arguments: Namespace, account: dict[str, Any], file: Path) -> Answers:
    directory = arguments.state_directory or account.get("directory", "")
    answers = {**account, "directory": directory, "name": arguments.name or "main"}
    provisional = _provisional(answers, file)
    if provisional is None:
        return await _choices(arguments, answers, None)
    from . import reach  # Telethon: slow to import, and to be read while we are still root

    try:
        with compose.as_owner(provisional.paths):
            async with (
                compose.holding(provisional.paths, "init"),
                reach.connected(provisional) as connection,
            ):
                return await _choices(arguments, answers, connection)
    except NotAuthorised:
        return await _choices(arguments, answers, None)


def _provisional(answers: dict[str, Any], file: Path) -> Config | None:
    """A configuration of the account alone, if a session lies where it says; else None."""
    only = {key: answers[key] for key in ("api_id", "api_hash", "proxy", "server") if answers.get(key)}
    tree: dict[str, Any] = {"telegram": only}
    if answers["directory"]:
        tree["state"] = {"directory": answers["directory"]}
    config = configuration.build(tree, _alone(), where=file, place_of=file, need_mirror=False)
    try:
        if not config.paths.session.exists() and not config.telegram.session_string:
            return None
        if compose.daemon(config.paths, {"verb": "status"}) is not None:
            print(
                "the daemon runs and has the session, so chats cannot be listed here: `tgstreamd chats` can"
            )
            return None
    except (TgstreamdError, OSError):
        return None
    return config


def _alone() -> dict[str, str]:
    """The environment without the mirror that it may describe."""
    return {name: value for name, value in os.environ.items() if name not in configuration.MIRROR_VARIABLES}


async def _choices(arguments: Namespace, answers: dict[str, Any], connection: Reach | None) -> Answers:
    chats = [c for c in await connection.dialogs() if c.kind != "user"] if connection else []
    titles = {chat.id: chat.title for chat in chats}
    source = _chat(arguments.source, "source: the chat that is copied", chats, lambda c: not c.protected)
    target = _chat(arguments.target, "target: the chat that is written", chats, lambda c: not c.write_refusal)
    costs: dict[str, str] = {}
    kind = ""
    if connection:
        mirror, kind, costs["history"] = await _look(connection, source, target, arguments.source_topic)
        if mirror:
            print(f"the whole history: {costs['history']}")
    history = arguments.history or ask(
        'history: "all", "none", a message id, a date, or an age like "90d"',
        "all",
        valid=lambda text: rules.history("history", text),
    )
    order = arguments.order or choose(
        "order of history and new posts",
        [
            ("live-first", "new posts overtake a history that takes more than 15 minutes"),
            ("source", "strictly in order: new posts wait for the whole history"),
        ],
    )
    deletes = arguments.deletes or choose(
        "when the source deletes a message",
        [("keep", "the copy stays"), ("mirror", "the copy is deleted too")],
    )
    transfer = arguments.transfer or choose(
        "how files are copied",
        [
            ("reference", "Telegram copies by itself where it allows it (one account reads and writes)"),
            ("stream", STREAM),
            ("reference-only", "no byte is moved; what cannot be copied so is noted"),
        ],
    )
    attribution = arguments.attribution or choose(
        "a line with who wrote a message",
        [("none", "no line"), ("author", "the name"), ("author-link", "the name, with a link")],
        default=1 if kind in ("supergroup", "group") else 0,
    )
    return Answers(
        **answers,
        source=source,
        target=target,
        source_topic=arguments.source_topic,
        target_topic=arguments.target_topic,
        source_title=titles.get(source, "") if isinstance(source, int) else "",
        target_title=titles.get(target, "") if isinstance(target, int) else "",
        history=rules.history("history", history),
        order=order,
        deletes=deletes,
        transfer=transfer,
        attribution=attribution,
        costs=costs,
    )


def _chat(given: str | None, question: str, chats: Sequence[Chat], fits: Any) -> int | str:
    """A chat from the flag, by its number in the account's list, or as written."""
    if given:
        return rules.chat(question.partition(":")[0], given)
    fitting = [chat for chat in chats if fits(chat)]
    if fitting:
        print(question)
        for number, chat in enumerate(fitting, 1):
            print(f"  {number:>3}  {clean(chat.title, 40)}  ({chat.kind}, {chat.id})")

    def meant(text: str) -> int | str:
        if text.isdigit() and 1 <= int(text) <= len(fitting):
            return fitting[int(text) - 1].id
        return rules.chat("chat", text)

    return meant(ask("number, id, @username or link" if fitting else question, valid=meant))


async def _look(
    connection: Reach, source: int | str, target: int | str, topic: int | None
) -> tuple[bool, str, str]:
    """Whether the source can be looked at, its kind, and what its whole history costs."""
    try:
        chat = await connection.resolve(source)
        seen = await connection.source.chat(chat)
        wanted = MirrorConfig(name="main", source=chat, target=target, source_topic=topic)
        mirror = mirror_of(wanted, chat, chat)
        now = SystemClock().now()
        return True, seen.kind, await checks.cost("all", mirror, connection.source, rules.LEAST_INTERVAL, now)
    except TgstreamdError as error:
        print(f"note: {error.line()}", file=sys.stderr)
        return False, "", ""


def _prove(text: str, file: Path) -> None:
    """What is written must load: a flag may have had an impossible value. Raises ConfigError."""
    configuration.build(tomllib.loads(text), _alone(), where=file, place_of=file)


def write(file: Path, text: str) -> None:
    """Put the file in place whole: 0640 root:tgstreamd where it is installed, else for its owner alone."""
    mode, group = 0o600, -1
    if file.absolute().parent == DEFAULT_FILE.parent and os.geteuid() == 0:
        with contextlib.suppress(KeyError):  # no such group: not installed by the package
            mode, group = 0o640, grp.getgrnam(GROUP).gr_gid
    draft = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as out:
            os.fchown(out.fileno(), -1, group)
            os.fchmod(out.fileno(), mode)
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, file)
    except OSError as error:
        raise StoreError(f"{file}: cannot be written: {error.strerror}", hint="sudo, or --config") from None
