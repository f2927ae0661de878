"""What the verbs are composed of: the configuration, the ledger, the daemon, the state's lock and owner.

The only place of the command line that opens a ledger; `reach.py` is the one that connects. A verb
beside a running daemon asks it; on a stopped one it holds the daemon's lock while it works.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from .. import config as configuration
from ..config import Config, Paths
from ..config.paths import STATE_ROOT
from ..config.paths import option as option_for
from ..control.control_socket import NoDaemon, ask
from ..domain.clock import SystemClock
from ..domain.errors import ConfigError, StoreError, TgstreamdError
from ..ledger import NoLedger, Store
from ..system import log_setup
from ..system.lock import Lock, Locked, take

#: The user of the packaged daemon.
USER = "tgstreamd"
#: Seconds that a verb waits for another one to be done.
PATIENCE = 5.0


def load(arguments: Namespace, *, need_mirror: bool = True) -> Config:
    """The configuration, with the log set up quietly for a verb."""
    config = configuration.load(arguments.config, os.environ, need_mirror=need_mirror)
    log_setup.configure("warning", "console", secrets=secrets(config))
    return config


def locate(arguments: Namespace) -> Paths:
    return configuration.locate(arguments.config, os.environ)


def secrets(config: Config) -> list[str]:
    """Texts that must not reach a log."""
    telegram, heartbeat = config.telegram, config.alerts.heartbeat_url
    given = (telegram.api_hash, telegram.session_string, telegram.proxy, heartbeat)
    return [text for text in given if text]


def become_owner(paths: Paths) -> None:
    """As root, become whom the state belongs to, so that nothing is left that the daemon cannot read."""
    owner = _owner(paths)
    if owner is None:
        return
    os.setgroups(_groups(owner))
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


@contextlib.contextmanager
def as_owner(paths: Paths) -> Iterator[None]:
    """The same for a while, for a verb that is root again afterwards."""
    owner = _owner(paths)
    if owner is None:
        yield
        return
    before = os.getgroups(), os.getegid()
    os.setgroups(_groups(owner))
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(before[1])
        os.setgroups(before[0])


def _owner(paths: Paths) -> os.stat_result | None:
    """Whom the state belongs to, where we are root and that is somebody else."""
    if os.geteuid() != 0:
        return None
    try:
        if not paths.state_dir.exists():
            _make_for_daemon(paths.state_dir)
        owner = paths.state_dir.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{paths.state_dir}: {error.strerror}") from None
    return owner if owner.st_uid != 0 else None


def _groups(owner: os.stat_result) -> list[int]:
    try:
        name = pwd.getpwuid(owner.st_uid).pw_name
    except KeyError:
        return []
    return os.getgrouplist(name, owner.st_gid)


def _make_for_daemon(directory: Path) -> None:
    """The installed state directory, as systemd would make it, where the daemon never ran yet."""
    if not directory.is_relative_to(STATE_ROOT):
        return
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        return
    for folder in (STATE_ROOT, directory):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            os.chown(folder, user.pw_uid, user.pw_gid)


def daemon(paths: Paths, request: dict[str, Any]) -> dict[str, Any] | None:
    """The running daemon's answer; None where none runs."""
    try:
        return ask(paths.socket, request)
    except NoDaemon:
        return None


def refuse_beside_daemon(paths: Paths, verb: str) -> None:
    """Raise where a daemon runs: its session must have one user only."""
    if daemon(paths, {"verb": "status"}) is not None:
        hint = "stop it first: `sudo systemctl stop tgstreamd`, or end `tgstreamd run`"
        raise TgstreamdError(f"{verb}: the daemon runs, and the session is in its hands", hint=hint)


@contextlib.asynccontextmanager
async def holding(paths: Paths, verb: str) -> AsyncIterator[Lock]:
    """The state's lock for as long as a verb works on it."""
    try:
        lock = await take(paths.lock, f"tgstreamd {verb}", SystemClock(), patience=PATIENCE)
    except Locked as error:
        raise TgstreamdError(error.what, hint="wait for it, or ask the daemon that runs") from None
    try:
        yield lock
    finally:
        lock.release()


@contextlib.asynccontextmanager
async def open_store(paths: Paths) -> AsyncIterator[Store]:
    """The ledger, to be changed."""
    store = await Store.open(paths.ledger)
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def look_into(paths: Paths) -> AsyncIterator[Store | None]:
    """The ledger, read-only and beside whoever writes it; None where there is none yet."""
    try:
        store = await Store.open_read_only(paths.ledger) if has_ledger(paths) else None
    except NoLedger:
        store = None
    try:
        yield store
    finally:
        if store:
            await store.close()


def has_ledger(paths: Paths) -> bool:
    """Whether there is a ledger. Raises StoreError where that cannot be seen."""
    try:
        paths.ledger.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        raise StoreError(f"{paths.state_dir}: not allowed to look into it", hint="use sudo") from None
    return True


def need_ledger(paths: Paths) -> None:
    """Raise where there is none."""
    if not has_ledger(paths):
        hint = "nothing was mirrored from here yet: `tgstreamd run` begins"
        raise StoreError(f"there is no ledger in {paths.state_dir}", hint=hint)


def on_ledger(
    arguments: Namespace,
    verb: str,
    request: dict[str, Any],
    work: Callable[[Store], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    """Let the running daemon answer `request`; beside a stopped one do `work` on the ledger."""
    paths = locate(arguments)
    if (answer := daemon(paths, request)) is not None:
        return answer
    become_owner(paths)
    need_ledger(paths)

    async def do() -> dict[str, Any]:
        async with holding(paths, verb), open_store(paths) as store:
            return await work(store)

    return asyncio.run(do())


def interactive() -> bool:
    return sys.stdin.isatty()


def config_or_none(arguments: Namespace) -> Config | None:
    """The configuration if it is whole, for verbs that can do without."""
    try:
        return load(arguments, need_mirror=False)
    except ConfigError:
        return None


def mirror_names(arguments: Namespace) -> list[str]:
    """The mirrors of the configuration, if it is whole."""
    config = config_or_none(arguments)
    return [mirror.name for mirror in config.mirrors] if config else []


def name_config(error: TgstreamdError, config: Config) -> None:
    """Let the command that the error advises be one for this configuration."""
    error.hint = config.login_remedy(error.hint)


def option(config: Config) -> str:
    """The `--config` that a command for this configuration needs."""
    return option_for(config.file)
