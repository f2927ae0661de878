"""Provides what the commands need: configuration, ledger, daemon, and the state's lock and owner.

The only module of the command line that opens a ledger; `remote` is the one that connects. A command asks the
running daemon; if it is stopped, the command holds its lock while it works.
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
#: Seconds that a command waits for another one to finish.
PATIENCE = 5.0


def load(arguments: Namespace, *, need_mirror: bool = True) -> Config:
    """Return the configuration, and set up the log for a command: warnings only."""
    config = configuration.load(arguments.config, os.environ, need_mirror=need_mirror)
    log_setup.configure("warning", "console", secrets=secrets(config))
    return config


def locate(arguments: Namespace) -> Paths:
    return configuration.locate(arguments.config, os.environ)


def secrets(config: Config) -> list[str]:
    """Return the texts that must not reach a log."""
    telegram, heartbeat = config.telegram, config.alerts.heartbeat_url
    given = (telegram.api_hash, telegram.session_string, telegram.proxy, heartbeat)
    return [text for text in given if text]


def become_owner(paths: Paths) -> None:
    """If root, become the owner of the state, so that no file is left that the daemon cannot read."""
    owner = _owner(paths)
    if owner is None:
        return
    os.setgroups(_groups(owner))
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


@contextlib.contextmanager
def as_owner(paths: Paths) -> Iterator[None]:
    """Become the owner of the state for the block, for a command that needs root again afterwards."""
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
    """Return the owner of the state if we are root and the owner is another user."""
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
    """Create the installed state directory as systemd would, if the daemon never ran yet."""
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
    """Return the running daemon's answer; None if none runs."""
    try:
        return ask(paths.socket, request)
    except NoDaemon:
        return None


def refuse_beside_daemon(paths: Paths, verb: str) -> None:
    """Raise if a daemon runs, since only one process may use the session."""
    if daemon(paths, {"verb": "status"}) is not None:
        hint = "stop it first: `sudo systemctl stop tgstreamd`, or end `tgstreamd run`"
        raise TgstreamdError(f"{verb}: the daemon runs, and the session is in its hands", hint=hint)


@contextlib.asynccontextmanager
async def holding(paths: Paths, verb: str) -> AsyncIterator[Lock]:
    """Hold the state's lock for the block."""
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
    """Open the ledger for writing."""
    store = await Store.open(paths.ledger)
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def look_into(paths: Paths) -> AsyncIterator[Store | None]:
    """Open the ledger read-only, which needs no lock; None if there is none yet."""
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
    """Return whether there is a ledger. Raises StoreError if that cannot be seen."""
    try:
        paths.ledger.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        raise StoreError(f"{paths.state_dir}: not allowed to look into it", hint="use sudo") from None
    return True


def need_ledger(paths: Paths) -> None:
    """Raise if there is no ledger."""
    if not has_ledger(paths):
        hint = "nothing was mirrored from here yet: `tgstreamd run` begins"
        raise StoreError(f"there is no ledger in {paths.state_dir}", hint=hint)


def on_ledger(
    arguments: Namespace,
    verb: str,
    request: dict[str, Any],
    work: Callable[[Store], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    """Return the running daemon's answer to `request`; if it is stopped, do `work` on the ledger."""
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
    """Return the configuration if it is valid, for commands that can do without."""
    try:
        return load(arguments, need_mirror=False)
    except ConfigError:
        return None


def mirror_names(arguments: Namespace) -> list[str]:
    """Return the mirrors of the configuration, if it is valid."""
    config = config_or_none(arguments)
    return [mirror.name for mirror in config.mirrors] if config else []


def name_config(error: TgstreamdError, config: Config) -> None:
    """Add the option for this configuration to the command that the error's hint suggests."""
    error.hint = config.login_remedy(error.hint)


def option(config: Config) -> str:
    """Return the `--config` that a command for this configuration needs."""
    return option_for(config.file)
