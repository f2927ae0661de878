"""The log of one test, whole: from before anything of it runs.

The fixture `logs` (in conftest.py) gives it to a test. Whoever begins to listen later depends on which task
had run by then.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger


class Logs(list[dict[str, Any]]):
    """The entries in their order: what was logged with each, and its `log_level`."""

    def of(self, event: str) -> list[dict[str, Any]]:
        """Those that say this."""
        return [entry for entry in self if entry["event"] == event]

    def told(self, logger: WrappedLogger, method: str, entry: EventDict) -> EventDict:
        """Structlog's processor that listens."""
        self.append({**entry, "log_level": "error" if method == "exception" else method})
        return entry


@contextlib.contextmanager
def listening() -> Iterator[Logs]:
    """The log as structlog sets it up, with somebody listening; afterwards it is as it was.

    A program that sets up its own (a verb, in this process) leaves nothing of it to the next test.
    """
    logs, before = Logs(), structlog.get_config()
    levels = {logger: logger.level for logger in (logging.getLogger(), logging.getLogger("telethon"))}
    handlers = logging.getLogger().handlers[:]
    structlog.reset_defaults()
    structlog.configure(processors=[logs.told, *structlog.get_config()["processors"]])
    try:
        yield logs
    finally:
        structlog.configure(**before)
        logging.getLogger().handlers = handlers
        for logger, level in levels.items():
            logger.setLevel(level)
