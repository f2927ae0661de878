"""The configuration as frozen structs: a TOML file, overridden by the environment and systemd credentials.

`load()` returns a `Config` whose every value is valid, or raises one `ConfigError` that names the key and the
reason. Judges only what the file alone proves: makes no requests, creates nothing, and puts no secret into an
error or a `repr`.

`locate()` finds the state of a configuration that may be incomplete, for verbs that only read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ..domain import log_in
from ..domain.errors import ConfigError
from ..domain.mirrors import Filter, TopicId
from . import alerts, errors, filter_rules, rules
from . import metrics as listening
from .alerts import Alerts
from .loader import MIRROR_VARIABLES, NotToml, read, variables
from .metrics import Metrics
from .paths import DEFAULT_FILE, Paths, option, place

__all__ = [
    "DEFAULT_FILE",
    "MIRROR_VARIABLES",
    "Alerts",
    "Config",
    "Metrics",
    "MirrorConfig",
    "Paths",
    "build",
    "load",
    "locate",
]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; unknown keys are refused."""


class Server(Table, frozen=True, kw_only=True):
    """A server instead of Telegram's. `public_key` is the path of its RSA key, `key` its text."""

    dc_id: Annotated[int, Meta(ge=1, le=999)]
    address: str
    port: Annotated[int, Meta(ge=1, le=65535)]
    public_key: str = ""
    key: str = ""


class Telegram(Table, frozen=True, kw_only=True):
    """The account. `session` is a path; `session_string` a session given by `TG_SESSION` instead."""

    api_id: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    api_hash: str
    session: str = ""
    session_string: str = ""
    proxy: str = ""
    server: Server | None = None

    def __repr__(self) -> str:
        return f"Telegram(api_id={self.api_id}, session={self.session!r}, server={self.server!r}, …)"


class MirrorConfig(Table, frozen=True, kw_only=True):
    """One mirror as written; `source` and `target` are ids, @usernames or t.me links."""

    name: str
    source: int | str
    target: int | str
    source_topic: TopicId | None = None
    target_topic: TopicId | None = None
    #: `all`, `none`, a message id, a date (2024-01-31) or an age in days (90d).
    history: str = "all"
    order: Literal["live-first", "source"] = "live-first"
    delay: Annotated[float, Meta(ge=0, le=30 * 86400)] = 0.0
    attribution: Literal["none", "author", "author-link"] = "none"
    dates: Literal["never", "backlog", "always"] = "never"
    edits: bool = True
    deletes: Literal["keep", "mirror"] = "keep"
    pins: bool = True
    transfer: Literal["stream", "reference", "reference-only"] = "stream"
    unsupported: Literal["note", "skip"] = "note"
    #: From a forum into a chat without topics: a line with the topic's name.
    topic_names: bool = True
    #: Title, photo and description of the target follow the source's.
    chat: bool = False
    #: Conditions for the posts that are copied.
    filter: tuple[Filter, ...] = ()
    #: Transforms of every copy.
    replace: dict[str, str] = {}
    header: str = ""
    footer: str = ""
    drop_captions: bool = False


class Pace(Table, frozen=True, kw_only=True):
    """Seconds between messages: to one target, and of the whole account."""

    interval: Annotated[float, Meta(ge=0, le=86400)] = rules.LEAST_INTERVAL
    account_interval: Annotated[float, Meta(ge=0, le=86400)] = 1.0


class Stream(Table, frozen=True, kw_only=True):
    """The limits of transfers: buffered parts of 512 KiB, parallel uploads, connections per side.

    `connections` 0 means as many as Telegram's own clients make: 2 down and 4 up, 8 and 8 with Premium.
    """

    buffer_parts: Annotated[int, Meta(ge=1, le=1000)] = 20
    parallel_uploads: Annotated[int, Meta(ge=1, le=100)] = 10
    connections: Annotated[int, Meta(ge=0, le=32)] = 0


class State(Table, frozen=True, kw_only=True):
    directory: str = ""


class Log(Table, frozen=True, kw_only=True):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "journal", "console", "json"] = "auto"


class File(Table, frozen=True, kw_only=True):
    """The whole file."""

    telegram: Telegram
    mirror: tuple[MirrorConfig, ...] = ()
    pace: Pace = Pace()
    stream: Stream = Stream()
    state: State = State()
    log: Log = Log()
    metrics: Metrics = Metrics()
    alerts: Alerts = Alerts()


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration that a verb or the daemon runs with."""

    telegram: Telegram
    mirrors: tuple[MirrorConfig, ...]
    pace: Pace
    stream: Stream
    state: State
    log: Log
    metrics: Metrics
    alerts: Alerts
    paths: Paths
    #: The file that it was read from; None where there was only the environment.
    file: Path | None

    def login_remedy(self, hint: str) -> str:
        """Return a hint that advises to log in, worded so that it works for this configuration."""
        by_variable = bool(self.telegram.session_string)
        return log_in.remedy(hint, by_variable=by_variable, option=option(self.file))


def load(path: Path | None, environ: Mapping[str, str], *, need_mirror: bool = True) -> Config:
    """Read the file at `path` (None: the default one, if it exists), overridden by the environment.

    `need_mirror=False` is for verbs that come before there is a mirror: login, chats. Raises ConfigError.
    """
    where, tree = read(path)
    return build(tree, environ, where=where, place_of=path or DEFAULT_FILE, need_mirror=need_mirror)


def build(
    tree: dict[str, Any],
    environ: Mapping[str, str],
    *,
    where: Path | None,
    place_of: Path,
    need_mirror: bool = True,
) -> Config:
    """Build a Config from the tables of a file and the environment; modifies `tree`.

    `where` is the file, for errors and for paths relative to it; `place_of` determines the state's place.
    """
    try:
        rules.known_keys(tree, File, unwritten=("session_string", "key"))
        _overlay(tree, variables(environ))
        _normalise(tree)
        file = errors.convert(tree, File)
        telegram = _read_telegram(file.telegram, where)
        rules.intervals(file.pace.interval, own_server=telegram.server is not None)
        rules.names([mirror.name for mirror in file.mirror])
        if need_mirror and not file.mirror:
            raise ConfigError(
                "no mirror is configured", hint="add a [[mirror]] table, or set SOURCE_CHAT and TARGET_CHAT"
            )
        listening.judge(file.metrics)
        alerts.judge(file.alerts, file.mirror)
        rules.loops(file.mirror)
        for mirror in file.mirror:
            of = f'mirror "{mirror.name}"'
            filter_rules.filters(of, mirror.filter)
            filter_rules.replacements(of, mirror.replace)
            filter_rules.line(f"{of}.header", mirror.header)
            filter_rules.line(f"{of}.footer", mirror.footer)
        paths = place(place_of, environ, directory=file.state.directory, session=telegram.session)
    except ConfigError as error:
        prefix = f"{where}: " if where else ""
        raise ConfigError(prefix + error.what, hint=error.hint) from None
    return Config(
        telegram=telegram,
        mirrors=file.mirror,
        pace=file.pace,
        stream=file.stream,
        state=file.state,
        log=file.log,
        metrics=file.metrics,
        alerts=file.alerts,
        paths=paths,
        file=where,
    )


def locate(path: Path | None, environ: Mapping[str, str]) -> Paths:
    """Return the paths of the state, even where secrets are kept elsewhere or a value is wrong.

    For a file that is not TOML, returns the default places.
    """
    try:
        _, tree = read(path)
    except NotToml:
        tree = {}
    found = [tree.get("state"), tree.get("telegram")]
    state, telegram = (part if isinstance(part, dict) else {} for part in found)
    directory, session = state.get("directory"), telegram.get("session")
    return place(
        path or DEFAULT_FILE,
        environ,
        directory=directory if isinstance(directory, str) else "",
        session=session if isinstance(session, str) else "",
    )


def _overlay(tree: dict[str, Any], variables: Mapping[str, str]) -> None:
    """Override the tables of the file with the variables, in place."""
    telegram = tree.setdefault("telegram", {})
    if isinstance(telegram, dict):
        if "TG_API_ID" in variables:
            telegram["api_id"] = rules.whole("TG_API_ID", variables["TG_API_ID"])
        if "TG_API_HASH" in variables:
            telegram["api_hash"] = variables["TG_API_HASH"]
        if "TG_SESSION" in variables:
            telegram["session_string"] = rules.session_string(variables["TG_SESSION"])
    named = [name for name in MIRROR_VARIABLES if name in variables]
    mirrors = tree.setdefault("mirror", [])
    if not named or not isinstance(mirrors, list):
        return
    if len(mirrors) > 1:
        what = f"{named[0]} is set, but the file has {len(mirrors)} mirrors"
        raise ConfigError(what, hint="the environment can describe one; unset it, or keep one in the file")
    if not mirrors:
        for name in ("SOURCE_CHAT", "TARGET_CHAT"):
            if name not in variables:
                raise ConfigError(f"{named[0]} is set, but {name} is not", hint="one mirror needs both")
        mirrors.append({"name": "main"})
    if not isinstance(mirrors[0], dict):
        return
    for name in named:
        key = {"SOURCE_CHAT": "source", "TARGET_CHAT": "target"}.get(name)
        if key:
            mirrors[0][key] = rules.chat(name, variables[name])
        else:
            mirrors[0][name.lower()] = rules.whole(name, variables[name])


def _normalise(tree: dict[str, Any]) -> None:
    """Normalise values with several notations: chats and `history`."""
    alerts.normalise(tree)
    mirrors = tree.get("mirror")
    for index, mirror in enumerate(mirrors if isinstance(mirrors, list) else ()):
        if not isinstance(mirror, dict):
            continue
        of = rules.mirror_path(tree, index)
        for side in ("source", "target"):
            if isinstance(mirror.get(side), int | str) and not isinstance(mirror[side], bool):
                mirror[side] = rules.chat(f"{of}.{side}", mirror[side])
        if "history" in mirror:
            mirror["history"] = rules.history(f"{of}.history", mirror["history"])
        filter_rules.normalise(mirror, of)


def _read_telegram(telegram: Telegram, where: Path | None) -> Telegram:
    """Return the account's table with its files read and its values checked."""
    server = telegram.server
    if server and server.public_key:
        file = (where.parent if where else Path()) / server.public_key
        server = msgspec.structs.replace(server, public_key=str(file), key=rules.public_key(file))
    if server:
        server = msgspec.structs.replace(server, address=rules.server_address(server.address))
    rules.api_hash(telegram.api_hash, own_server=server is not None)
    if telegram.proxy:
        rules.proxy(telegram.proxy)
    return msgspec.structs.replace(telegram, server=server)
