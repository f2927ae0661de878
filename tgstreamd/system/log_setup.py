"""Configures logging: structlog events, rendered for the journal, a terminal or a machine.

Under systemd events go to the journal with their fields; where journald does not listen, each line has its
priority (`<N>`, https://www.freedesktop.org/software/systemd/man/latest/sd-daemon.html). Records of Telethon
and asyncio are included, from WARNING up.

Promises that no secret is logged and that a log which cannot be written stops nothing. `Repeated` logs a
continuing failure at intervals, and its end once, with the count.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, TextIO, cast

# structlog imports rich wherever it is installed, to draw tracebacks. Only the verbs that draw tables need
# rich; it would cost the daemon time and memory. `__main__` imports this module first.
if "structlog" not in sys.modules:
    sys.modules.setdefault("rich", cast(Any, None))
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

if sys.modules.get("rich", ...) is None:
    del sys.modules["rich"]

from ..domain.clock import Clock
from ..domain.escaping import TEXT_MAX, escape_text
from .journald import Journal, datagram

Format = Literal["auto", "journal", "console", "json"]

#: Syslog priorities (`man 3 syslog`).
PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
#: Keys whose values are never logged.
SECRET_KEYS = frozenset({"api_hash", "phone", "code", "password", "session", "token", "proxy"})
HIDDEN = "[hidden]"


def configure(
    level: str = "info",
    format: Format = "auto",
    *,
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
    secrets: Collection[str] = (),
    journal: Callable[[], Journal | None] = Journal.open,
) -> None:
    """Set up the log for the whole process; `secrets` are texts that are hidden wherever they occur.

    `journal` connects to journald, called where the stream leads to the journal.
    """
    out = stream if stream is not None else sys.stderr
    chosen = choose(format, out, environ)
    to: Any = _Lines(out)
    native = journal() if chosen == "journal" and choose("auto", out, environ) == "journal" else None
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _Hide(secrets),
    ]
    if chosen == "json":
        processors += [
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _Hide(secrets),
            _Visible(one_line=False),
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    elif native is not None:
        to = _Entries(native)
        processors += [
            structlog.processors.format_exc_info,
            _Hide(secrets),
            _Visible(one_line=False),
            _native,
        ]
    elif chosen == "journal":
        processors += [
            structlog.processors.format_exc_info,
            _Hide(secrets),
            _Visible(one_line=False),
            _journal,
        ]
    else:
        processors += [
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            structlog.processors.format_exc_info,
            _Hide(secrets),
            _Visible(one_line=True),
            structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=0),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: to,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Route()]
    root.setLevel(logging.WARNING)
    logging.getLogger("telethon").setLevel(logging.WARNING)


def choose(format: Format, stream: TextIO, environ: Mapping[str, str]) -> Format:
    """Return the format that `auto` means for this stream: the journal where it leads there, else the
    console.
    """
    if format != "auto":
        return format
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return "console"
    # https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#%24JOURNAL_STREAM
    return "journal" if environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}" else "console"


class Repeated:
    """Logs a failure of one kind when it begins, at most every `every` seconds, and once when it ends."""

    def __init__(self, clock: Clock, *, every: float = 600.0, logger: Any = None) -> None:
        self._clock = clock
        self._every = every
        self._logger = logger if logger is not None else structlog.get_logger()
        #: By kind: count, beginning, and time of the last log message (monotonic seconds).
        self._known: dict[str, tuple[int, float, float]] = {}

    def trouble(self, kind: str, event: str, **keys: Any) -> None:
        """Record a failure: log `event` as a warning, with the count where it repeats."""
        now = self._clock.monotonic()
        count, since, said = self._known.get(kind, (0, now, now - self._every))
        count += 1
        if count == 1 or now - said >= self._every:
            said = now
            more = {"times": count, "for_seconds": round(now - since)} if count > 1 else {}
            self._logger.warning(event, **keys, **more)
        self._known[kind] = (count, since, said)

    def recovered(self, kind: str, event: str, **keys: Any) -> None:
        """Record the end: log it once, and only if there was a failure."""
        if kind in self._known:
            count, since, _ = self._known.pop(kind)
            seconds = round(self._clock.monotonic() - since)
            self._logger.info(event, **keys, times=count, after_seconds=seconds)


class _Lines:
    """Writes structlog's lines to the stream, flushed, and never raises the stream's errors."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, message: str) -> None:
        try:
            self._stream.write(message + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass  # a closed pipe or terminal: a mirror must not stop for its log

    debug = info = warning = error = critical = exception = msg


class _Entries:
    """Writes events with fields to journald."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def msg(self, entry: bytes) -> None:
        self._journal.send(entry)

    debug = info = warning = error = critical = exception = msg


class _Route(logging.Handler):
    """Turns records of the standard library into structlog events."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower() if record.levelname.lower() in PRIORITY else "warning"
        say: Callable[..., Any] = getattr(structlog.get_logger(), level)
        say(record.getMessage(), logger=record.name, exc_info=record.exc_info or None)


class _Hide:
    """Replaces secrets: the values of secret keys, and known texts anywhere."""

    def __init__(self, secrets: Collection[str]) -> None:
        # Longest first, so that a secret inside another leaves no rest of it; short ones would hide words.
        self._secrets = sorted((text for text in secrets if len(text) >= 4), key=len, reverse=True)

    def __call__(self, logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
        for key, value in event_dict.items():
            if key in SECRET_KEYS:
                event_dict[key] = HIDDEN
            elif self._secrets and key not in ("level", "exc_info"):
                event_dict[key] = self._clean(value)
        return event_dict

    def _clean(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        text = value if isinstance(value, str) else str(value)
        if not any(secret in text for secret in self._secrets):
            return value
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


class _Visible:
    """Escapes other people's texts, for a terminal as for the journal.

    `one_line`: escapes line ends as well, for output that does not quote them.
    """

    def __init__(self, *, one_line: bool) -> None:
        self._one_line = one_line

    def __call__(self, logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
        for key, value in event_dict.items():
            event_dict[key] = self._escape_value(value, one_line=self._one_line and key != "exception")
        return event_dict

    def _escape_value(self, value: Any, *, one_line: bool) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, list | tuple):
            return [self._escape_value(each, one_line=one_line) for each in value]
        if isinstance(value, dict):
            return {key: self._escape_value(each, one_line=one_line) for key, each in value.items()}
        if not isinstance(value, str) and len(text := str(value)) <= TEXT_MAX and text.isprintable():
            return value
        return "\n".join(map(escape_text, [str(value)] if one_line else str(value).split("\n")))


def _journal(logger: WrappedLogger, method: str, event_dict: EventDict) -> str:
    """Return `<6>event key=value …`; the lines of a traceback follow, each with the priority."""
    priority, _, lines = _split_event(event_dict)
    return "\n".join(f"<{priority}>{line}" for line in lines)


def _native(logger: WrappedLogger, method: str, event_dict: EventDict) -> bytes:
    """Return the same text as one entry, with its keys as fields."""
    priority, event, lines = _split_event(event_dict)
    return datagram("\n".join(lines), priority, event, event_dict)


def _split_event(event_dict: EventDict) -> tuple[int, str, list[str]]:
    """Return priority, event and the lines for people; leave only the facts in `event_dict`."""
    priority = PRIORITY.get(event_dict.pop("level", "info"), 6)
    traceback = str(event_dict.pop("exception", ""))
    event = " ".join(str(event_dict.pop("event", "")).split())
    event_dict.pop("exc_info", None)
    for key in [key for key, value in event_dict.items() if value is None]:
        del event_dict[key]
    facts = [f"{key}={_plain(value)}" for key, value in event_dict.items()]
    return priority, event, [" ".join([event, *facts]), *traceback.splitlines()]


def _plain(value: Any) -> str:
    """Return a value on one line, quoted where it would otherwise be ambiguous."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    plain = bool(text) and text.isprintable() and not any(sign in text for sign in ' ="')
    return text if plain else json.dumps(text, ensure_ascii=False)
