"""Connects to the ledger: one connection in a thread of its own, one plain function per transaction or query.

A query repeated before anything was written is answered from memory: whoever has a ledger open for writing is
its only writer (`system.lock`).

Transactions never await; a cancelled caller may miss the result but cannot leave half a write, so every write
must be safe to repeat. Failures of SQLite become `StoreError` with a hint. Besides `migration`, no other
module imports sqlite3.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from collections.abc import Callable, Coroutine, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, Self

from ..domain.errors import StoreError
from .migration import ANEW, OURS, Schema

#: Channels and supergroups have marked ids below this.
CHANNELS_BELOW = -1_000_000_000_000
#: The chats of a mirror in which an id is looked up: the one that is named, or for chat 0 (Telegram does not
#: say which) every basic group. Without a chat, a whole mirror would be read.
CHATS = (
    "(SELECT feed.chat FROM feed WHERE feed.mirror = :mirror "
    f"AND (feed.chat = :chat OR (:chat = 0 AND feed.chat > {CHANNELS_BELOW})))"
)

Db = sqlite3.Connection
Row = sqlite3.Row


#: Maximum number of kept answers: some questions include the time, so they never repeat.
ANSWERS = 500


class NoLedger(StoreError):
    """There is no ledger yet, or its first transaction has not ended."""


class Engine:
    """An open ledger, opened by `open` or `open_read_only`; call `close` when done."""

    def __init__(self, thread: ThreadPoolExecutor, db: Db, path: Path, *, read_only: bool) -> None:
        self._thread = thread
        self._db = db
        self._read_only = read_only
        #: Answers since the last write. A write replaces the dict, so that a query in progress meanwhile
        #: stores its answer in the discarded one.
        self._answers: dict[Hashable, Any] = {}
        self.path = path

    @classmethod
    async def open(cls, path: Path, schema: Schema = OURS) -> Self:
        """Open or create the ledger at `path` (mode 0600) and migrate its schema."""
        return await cls._open(path, partial(_connect, schema=schema), read_only=False)

    @classmethod
    async def open_read_only(cls, path: Path, schema: Schema = OURS) -> Self:
        """Open an existing ledger beside its writer, or while none runs, without changing a byte of it.

        One of an older schema is shown as one of the current schema.
        """
        return await cls._open(path, partial(_connect_read_only, schema=schema), read_only=True)

    @classmethod
    async def _open(cls, path: Path, connect: Callable[[Path], Db], *, read_only: bool) -> Self:
        thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            db = await asyncio.get_running_loop().run_in_executor(thread, _raise_store_errors, connect, path)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(thread, db, path, read_only=read_only)

    async def run[R](self, transaction: Callable[[Db], R]) -> R:
        """Run `transaction` between BEGIN IMMEDIATE and COMMIT, in the store's thread."""
        before = self._answers
        since = self._answers = {}
        done: _Done[R] = await self._in_thread(_transact, self._db, transaction, self._read_only)
        if not done.written and self._answers is since:
            self._answers = before
        return done.result

    async def ask[R](self, question: Hashable, read: Callable[[Db], R]) -> R:
        """Return the result of `read`, or an earlier result of the same question if nothing was written
        since.

        `read` must not write, and callers must not modify its result.
        """
        answers = self._answers
        if question in answers:
            known: R = answers[question]
            # Let other tasks run, as a call in the thread would.
            await asyncio.sleep(0)
            return known
        done: _Done[R] = await self._in_thread(_transact, self._db, read, True)
        if not self._read_only:
            if len(answers) >= ANSWERS:
                answers.clear()
            answers[question] = done.result
        return done.result

    async def copy_to(self, path: Path) -> None:
        """Write a consistent copy of the ledger to a new file (mode 0600), beside any writer."""
        await self._in_thread(_copy, self._db, path)

    async def _in_thread[R](self, function: Callable[..., R], *args: Any) -> R:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(_raise_store_errors, function, *args))

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
        self._thread.shutdown(wait=False)


def transaction[**P, R](
    function: Callable[Concatenate[Db, P], R],
) -> Callable[Concatenate[Engine, P], Coroutine[Any, Any, R]]:
    """Turn a plain function over the database into an async method of the store."""

    async def method(self: Engine, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.run(lambda db: function(db, *args, **kwargs))

    method.__name__ = function.__name__
    method.__doc__ = function.__doc__
    return method


def query[**P, R](
    function: Callable[Concatenate[Db, P], R],
) -> Callable[Concatenate[Engine, P], Coroutine[Any, Any, R]]:
    """Turn a plain function that reads a small amount into an async method of the store."""

    async def method(self: Engine, /, *args: P.args, **kwargs: P.kwargs) -> R:
        question = (function, args, tuple(kwargs.items()))
        return await self.ask(question, lambda db: function(db, *args, **kwargs))

    method.__name__ = function.__name__
    method.__doc__ = function.__doc__
    return method


class _Done[R](NamedTuple):
    result: R
    written: bool


def _transact[R](db: Db, function: Callable[[Db], R], reads: bool) -> _Done[R]:
    before = db.total_changes
    db.execute("BEGIN" if reads else "BEGIN IMMEDIATE")
    try:
        result = function(db)
        written = db.total_changes != before
        if written and reads:
            raise AssertionError(f"{function} writes: it is no question")
        db.execute("COMMIT")
    except BaseException:
        # Whatever happened, the next transaction must not publish half of this one.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return _Done(result, written)


def _copy(db: Db, path: Path) -> None:
    # Created before SQLite opens it, so that it is never readable by others.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    copy = sqlite3.connect(path, isolation_level=None)
    try:
        # In one step: in WAL mode a concurrent writer is not blocked, and cannot make the copy start again.
        db.backup(copy)
        # A single file, complete without WAL files.
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()


def _connect(path: Path, schema: Schema) -> Db:
    try:
        # Created before SQLite opens it, so that it is never readable by others.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(
            f"cannot open the ledger {path}: {error.strerror}", hint=_open_hint(error)
        ) from error
    db = sqlite3.connect(path, isolation_level=None, timeout=30)
    try:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        schema.migrate(db, path)
        db.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        db.close()
        raise
    return db


def _connect_read_only(path: Path, schema: Schema) -> Db:
    if not path.exists():
        raise NoLedger(f"there is no ledger at {path}", hint="nothing was mirrored from here yet")
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, timeout=5)
    try:
        db.row_factory = sqlite3.Row
        # The views of an older schema are not stored in a file.
        db.execute("PRAGMA temp_store = MEMORY")
        if not schema.show(db, path):
            raise NoLedger(f"the ledger at {path} is only being made", hint="ask again in a moment")
        db.execute("PRAGMA query_only = ON")
    except BaseException:
        db.close()
        raise
    return db


_HINTS = {
    "SQLITE_FULL": "the disk is full: make room and start again",
    "SQLITE_CORRUPT": ANEW,
    "SQLITE_NOTADB": ANEW,
    "SQLITE_READONLY": "the state directory must be writable for the user of the daemon",
    "SQLITE_CANTOPEN": "the state directory must exist and be readable for this user",
    "SQLITE_BUSY": "another program holds the ledger",
    "SQLITE_IOERR": "look at the disk: dmesg, df",
}


def _open_hint(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _HINTS["SQLITE_FULL"]
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return _HINTS["SQLITE_READONLY"]
    if error.errno == errno.EISDIR:
        return "a directory is in its place: move it away"
    return ""


def _raise_store_errors[R](function: Callable[..., R], *args: Any) -> R:
    try:
        return function(*args)
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        hint = next((text for key, text in _HINTS.items() if name.startswith(key)), "")
        raise StoreError(f"the ledger failed: {error}", hint=hint) from error
